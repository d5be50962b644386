# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with other files
# Options shared by steps/fit_dec.sh and steps/cluster.sh: defaults, and the function that checks
# them, registers the files that they name, and builds the array 'options' for the program.

. steps/lib/job_options.sh
local_speakers=
num_spk=
reco2num_spk=
min_spk=1
max_spk=
seed=0

xvector_options() {
  check_speakers
  [ -z "$num_spk" ] || [ -z "$reco2num_spk" ] || die "give --num-spk or --reco2num-spk, not both"
  [ -z "$reco2num_spk" ] || reads "$reco2num_spk" "the known numbers of speakers"
  [ -z "$local_speakers" ] ||
    reads "$local_speakers/activity.scp" "steps/find_local_speakers.sh makes it" "$local_speakers"
  options=(--min-spk "$min_spk" --seed "$seed" ${max_spk:+--max-spk "$max_spk"} ${num_spk:+--num-spk "$num_spk"}
    ${reco2num_spk:+--reco2num-spk "$reco2num_spk"} ${local_speakers:+--local-speakers "$local_speakers"})
}

say_remarks() { # out-dir: print deviations from the configuration; later seeds repeat those of the first
  if [ -e "$1/remarks" ] && ! cmp -s "$1/remarks" "$1/../remarks"; then
    sed "s/^/$_name: /" "$1/remarks"
  fi
}

say_unreached() { # out-dir: print the recordings with fewer speakers than requested
  if [ -s "$1/unreached" ]; then
    echo "$_name: not reached: $(paste -sd, "$1/unreached" | sed 's/,/, /g')" >&2
  else
    rm -f "$1/unreached"
  fi
}
