# shellcheck shell=bash disable=SC2034,SC2154 # variables of this are used elsewhere, and the other way round
# Options that steps/fit_dec.sh and steps/cluster.sh share: defaults, and the function that checks
# them and makes of them the array 'options' for the program.

set=
local_speakers=
num_spk=
reco2num_spk=
min_spk=1
max_spk=
seed=0
nj=$(cores)
cmd=local

xvector_options() {
  check_speakers
  [ -z "$num_spk" ] || [ -z "$reco2num_spk" ] || die "give --num-spk or --reco2num-spk, not both"
  options=(--min-spk "$min_spk" --seed "$seed")
  [ -z "$max_spk" ] || options+=(--max-spk "$max_spk")
  [ -z "$num_spk" ] || options+=(--num-spk "$num_spk")
  if [ -n "$reco2num_spk" ]; then
    need "$reco2num_spk" "the known numbers of speakers"
    options+=(--reco2num-spk "$reco2num_spk")
  fi
  if [ -n "$local_speakers" ]; then
    need "$local_speakers/activity.scp" "steps/find_local_speakers.sh makes it"
    options+=(--local-speakers "$local_speakers")
  fi
}
