#!/usr/bin/env bash
# Make the page that shows an experiment: scores, recordings with their errors and audio, latents.
#
# Usage: steps/make_report.sh [options] <data-root> <exp-dir> "<set> ..." <report-dir>
#
#   --report-config FILE    what is shown                            (default $report_config)
#   --set "key=value ..."   overrides of the configuration
#   --nj N                  parallel jobs                            (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help  (default $cmd)
#
# Reads   <exp-dir>/*/<set>/rttm of each system; optionally score, and the other outputs of DEC;
#         optionally <data-root>/<set>/wav.scp and its audio, reco2file_and_channel, reco2dur, ref.rttm,
#         all.uem, and ctm, the words of a recogniser
# Writes  <report-dir>/index.html, config.yaml; index_files/ if the page would be too large;
#         failed (recordings that cannot be shown, and why)
#
# Example: steps/make_report.sh data exp "test dev" exp/my_report

. "$(dirname "$0")/lib/common.sh"
report_config=conf/report.yaml
. steps/lib/job_options.sh
. steps/lib/parse_options.sh
[ $# -eq 4 ] || die "expected <data-root> <exp-dir> \"<set> ...\" <report-dir>, see --help"
data=$1 exp=$2 sets=$3 out=$4

reads "$report_config" "the configuration"
may_read local/view_recordings.py local/diar/report/assets
read -ra names <<<"$sets"
scores=()
[ ${#names[@]} -gt 0 ] || die "name at least one set"
for name in "${names[@]}"; do
  turns=("$exp"/*/"$name"/rttm)
  [ -e "${turns[0]}" ] || planning ||
    die "$exp has no turns of $name: ./run.sh --stage 4 makes them"
  for dir in "$exp"/*/"$name"; do
    [ -e "$dir/rttm" ] || continue
    may_read "$dir" "$dir/score" "$dir"/seed*/score
    scores+=("$dir/score" "$dir"/seed*/score)
  done
  may_read "$data/$name/"{wav.scp,reco2file_and_channel,reco2dur,ref.rttm,all.uem,ctm}
done
if planning; then _inputs+=("${names[@]/#/$exp/*/}"); fi # whatever the run will make
sets="$(IFS=,; echo "${names[*]}")"

options=(--config "$report_config" --set "$set" "$data" "$exp" "$sets" "$out")
program=(python local/view_recordings.py "${options[@]}")
states="$(python3 -B -I -S local/step_state.py "${scores[@]}")" # the page marks outdated scores
begin "$out" local/make_report.py "$data $exp $sets $set $states" || {
  planning || echo "$_name: open $out/index.html in a browser"
  exit 0
}
echo "$_name: report of $exp: ${names[*]}"
run_jobs "$nj" "$out/log/view_recordings.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" failed
python local/make_report.py "${options[@]}"
echo "$_name: open $out/index.html in a browser"
finish "$out"
