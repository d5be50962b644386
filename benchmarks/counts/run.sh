#!/usr/bin/env bash
# How many people speak, from twenty seconds to whole meetings, and who says what?
#
# Usage: benchmarks/counts/run.sh [options] <data-dir> ...
#
#   --exp DIR              products                                       (default $exp)
#   --speech "KIND ..."    combined (as detected), oracle (as given)      (default $speech)
#   --baselines false      DEC alone                                      (default $baselines)
#   --stop-after xvectors  stop before any system runs
#   --nj N                 parallel jobs                                  (default: all cores, $nj)
#
# Any data directories with a reference. README.md beside this says which ones the pages are of, which of
# them were chosen on, and how often the others were looked at. All systems have the same speech, the same
# x-vectors (the baselines: every 0.25 s) and the same overlap.
#
# Prints and writes <exp>/results.md, of tables.py. What is done already is not done again.
#
# Example: benchmarks/counts/run.sh data/dev

. "$(dirname "$0")/../../steps/lib/common.sh"
exp=exp/counts
speech="combined oracle"
baselines=true
stop_after=
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -ge 1 ] || die "expected data directories, see --help"
need exp/ae_default/model.safetensors "./run.sh --stop-stage 3 makes it"

for data in "$@"; do
  set=$(basename "$data") local=$exp/local_speakers/$(basename "$data")
  need "$data/ref.rttm" "a reference to score by"
  steps/find_local_speakers.sh --nj "$nj" "$data" "$local"
  for kind in $speech; do
    vad=$exp/vad_$kind/$set x=$exp/xvectors_$kind/$set xclose=$exp/xvectors_close_$kind/$set
    steps/make_vad.sh --vad "$kind" --local-speakers "$local" --nj "$nj" "$data" "$vad"
    steps/extract_xvectors.sh --nj "$nj" "$data" "$vad" "$x"
    [ "$baselines" = false ] ||
      steps/extract_xvectors.sh --nj "$nj" --xvector-config conf/xvector_close.yaml "$data" "$vad" "$xclose"
    [ "$stop_after" != xvectors ] || continue
    steps/fit_dec.sh --nj "$nj" --local-speakers "$local" "$x" exp/ae_default "$exp/$kind/dec_default/$set"
    for method in ahc nme_sc spectral; do
      [ "$baselines" = true ] || break
      steps/cluster.sh --nj "$nj" --method $method --local-speakers "$local" "$xclose" "$exp/$kind/$method/$set"
    done
    for out in "$exp/$kind"/*/"$set"/rttm; do
      steps/score.sh "$data/ref.rttm" "$out" "$(dirname "$out")/score" >/dev/null
    done
  done
done
[ "$stop_after" = xvectors ] || python benchmarks/counts/tables.py "$exp" "$exp/results.md"
