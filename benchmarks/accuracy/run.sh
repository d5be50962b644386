#!/usr/bin/env bash
# How well do the systems do on conversations with the turn structure of VoxConverse?
#
# Usage: benchmarks/accuracy/run.sh [options] <rttm-dir>
#
#   --parts "dev test"    of the published split (conf/voxconverse_split.tsv)   (default test)
#   --vad silero|oracle                                                       (default silero)
#   --exp DIR             products; one for each VAD                          (default exp/accuracy)
#   --nj N                                                                    (default: all cores)
#
# Protocol. <rttm-dir> holds the RTTMs of VoxConverse dev. Their turns, cut at 5 minutes, are spoken
# again by the test voices of 'mini', in simulated rooms; the reference is the activity of the clean
# sources. revox_test has the 50 recordings that the method was published on, revox_dev the other 166,
# less those with more speakers than there are voices. Whatever is tuned is tuned on revox_dev and
# mini/dev; revox_test is run once for each claim. All systems share x-vectors and decoding.
#
# Prints and writes <exp>/RESULTS.md: every system under every protocol, and the default DEC compared
# with each of the others. What is done already is not done again.
cd "$(dirname "$0")/../.."
. steps/common.sh
parts=test
vad=silero
exp=exp/accuracy
nj=$(cores)
. steps/parse_options.sh
[ $# -eq 1 ] || die "expected the directory of the RTTMs of VoxConverse dev, see --help"
rttms=$(realpath "$1")

need exp/ae_default/model.safetensors "./run.sh --stop-stage 3 makes it"
need exp/ae_paper/model.safetensors "./run.sh --stop-stage 3 makes it"
for part in $parts; do
  case "$part" in dev) name=train ;; test) name=test ;; *) die "--parts: no part '$part'" ;; esac
  set=revox_$part data=data/revox_$part turns=$exp/turns_$part
  mkdir -p "$turns"
  awk -v name="$name" '$2 == name { print $1 }' conf/voxconverse_split.tsv |
    while read -r recording; do ln -sf "$rttms/$recording.rttm" "$turns/"; done
  steps/revoice.sh --nj "$nj" "$turns" "$data"
  steps/make_vad.sh --vad "$vad" --nj "$nj" "$data" "$exp/vad_$vad/$set"
  steps/score_vad.sh "$data" "$exp/vad_$vad/$set" "$exp/vad_$vad/$set/score"
  x=$exp/xvectors/$set xpaper=$exp/xvectors_paper/$set
  steps/extract_xvectors.sh --nj "$nj" "$data" "$exp/vad_$vad/$set" "$x"
  steps/extract_xvectors.sh --nj "$nj" --xvector-config conf/xvector_paper.yaml \
    "$data" "$exp/vad_$vad/$set" "$xpaper"
  counts="--reco2num-spk $data/reco2num_spk"
  steps/fit_dec.sh --nj "$nj" "$x" exp/ae_default "$exp/dec_default/$set"
  # shellcheck disable=SC2086
  steps/fit_dec.sh --nj "$nj" $counts "$x" exp/ae_default "$exp/dec_default_oracle/$set"
  steps/fit_dec.sh --nj "$nj" --dec-config conf/dec_paper.yaml "$xpaper" exp/ae_paper "$exp/dec_paper/$set"
  for method in ahc nme_sc spectral; do
    steps/cluster.sh --nj "$nj" --method "$method" "$x" "$exp/$method/$set"
  done
  for method in ahc spectral; do
    # shellcheck disable=SC2086
    steps/cluster.sh --nj "$nj" --method "$method" $counts "$x" "$exp/${method}_oracle/$set"
  done
  for system in dec_default dec_default_oracle dec_paper ahc nme_sc spectral ahc_oracle spectral_oracle; do
    steps/score.sh "$data/ref.rttm" "$exp/$system/$set/rttm" "$exp/$system/$set/score" >/dev/null
  done
done
python local/make_results.py "$exp" "$exp/RESULTS.md"
