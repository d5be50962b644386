#!/usr/bin/env bash
# Make the conversations that benchmarks/voices and benchmarks/confidence measure, beside mini/dev and mini/test.
#
# Usage: benchmarks/voices/make_sets.sh [options] <rttm-dir>
#
#   --nj N   parallel jobs                                           (default: all cores, $nj)
#
# <rttm-dir> holds the RTTMs of VoxConverse dev. The turns of every ninth of the training part of conf/voxconverse_split.tsv
# are spoken again by the voices of mini/dev (revox_dev), those of every third of the test part by the voices of
# mini/test (revox_test), the first two minutes of each; then they are diarized. Needs ./run.sh --stop-stage 3 first.
#
# Example: benchmarks/voices/make_sets.sh voxconverse/dev

. "$(dirname "$0")/../../steps/lib/common.sh"
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 1 ] || die "expected the directory of the RTTMs of VoxConverse dev, see --help"
rttms=$(realpath "$1")
need exp/ae_default/model.safetensors "./run.sh --stop-stage 3 makes it"

for part in "dev train 9" "test test 3"; do
  read -r voices split every <<<"$part"
  set=revox_$voices turns=exp/turns_revox_$voices
  mkdir -p "$turns"
  awk -v name="$split" -v every="$every" '$2 == name && n++ % every == 0 { print $1 }' conf/voxconverse_split.tsv |
    while read -r recording; do ln -sf "$rttms/$recording.rttm" "$turns/"; done
  steps/revoice.sh --nj "$nj" --split "$voices" --max-duration 120 "$turns" "data/$set"
  local=exp/local_speakers/$set vad=exp/vad_combined/$set xvectors=exp/xvectors_campplus/$set
  steps/find_local_speakers.sh --nj "$nj" "data/$set" "$local"
  steps/make_vad.sh --nj "$nj" --vad combined --local-speakers "$local" "data/$set" "$vad"
  steps/extract_xvectors.sh --nj "$nj" "data/$set" "$vad" "$xvectors"
  steps/fit_dec.sh --nj "$nj" --local-speakers "$local" "$xvectors" exp/ae_default "exp/dec_default/$set"
done
