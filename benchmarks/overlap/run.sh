#!/usr/bin/env bash
# What is gained where several speak at the same time, and where speech is hard to hear?
#
# Usage: benchmarks/overlap/run.sh [options] <data-dir> ...
#
#   --exp DIR        products                                            (default $exp)
#   --ablation true  more systems: each ingredient left out              (default $ablation)
#   --baselines true the other clusterings, with the same speech and overlap (default $baselines)
#   --telephone true DEC with conf/dec_telephone.yaml, too               (default $telephone)
#   --nj N           parallel jobs                                       (default: all cores, $nj)
#
# Any data directories with a reference. README.md beside this says which ones the pages are of, which of
# them were chosen on, and how often the others were looked at. Systems:
#   dec_before      Silero, one speaker at a time, no links: the recipe before there was a segmentation
#   dec_default     the default: combined VAD, overlap, links
#   dec_no_vad      as the default, but speech as Silero finds it
#   dec_no_overlap  one speaker at a time, but links and speech as the default
#   dec_no_links    DEC does not hear the local speakers, but overlap is decoded
#   dec_telephone   the default with conf/dec_telephone.yaml
#
# Prints and writes <exp>/RESULTS.md. What is done already is not done again.
#
# Example: benchmarks/overlap/run.sh data/dev data/real_sample

. "$(dirname "$0")/../../steps/lib/common.sh"
exp=exp/overlap
ablation=false
baselines=false
telephone=false
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -ge 1 ] || die "expected data directories, see --help"
need exp/ae_default/model.safetensors "./run.sh --stop-stage 3 makes it"

dec() { # system x-vectors "options" ["overrides"]
  # shellcheck disable=SC2086
  steps/fit_dec.sh --nj "$nj" $3 --set "${4-}" "$2" exp/ae_default "$exp/$1/$set"
}

for data in "$@"; do
  set=$(basename "$data") local=$exp/local_speakers/$(basename "$data")
  need "$data/ref.rttm" "a reference to score by"
  steps/find_local_speakers.sh --nj "$nj" "$data" "$local"
  for vad in combined segmentation silero energy; do
    case "$vad" in combined | silero) ;; *) [ "$ablation" = true ] || continue ;; esac
    steps/make_vad.sh --vad "$vad" --local-speakers "$local" --nj "$nj" "$data" "$exp/vad_$vad/$set"
    steps/score_vad.sh "$data" "$exp/vad_$vad/$set" "$exp/vad_$vad/$set/score"
  done
  for vad in combined silero; do
    steps/extract_xvectors.sh --nj "$nj" "$data" "$exp/vad_$vad/$set" "$exp/xvectors_$vad/$set"
  done
  x=$exp/xvectors_combined/$set
  dec dec_before "$exp/xvectors_silero/$set" ""
  dec dec_default "$x" "--local-speakers $local"
  if [ "$ablation" = true ]; then
    dec dec_no_vad "$exp/xvectors_silero/$set" "--local-speakers $local"
    dec dec_no_overlap "$x" "--local-speakers $local" decoding.overlap.second=1
    dec dec_no_links "$x" "--local-speakers $local" sequence.links=0
  fi
  if [ "$telephone" = true ]; then
    dec dec_telephone "$x" "--local-speakers $local --dec-config conf/dec_telephone.yaml"
  fi
  if [ "$baselines" = true ]; then
    steps/extract_xvectors.sh --nj "$nj" --xvector-config conf/xvector_close.yaml \
      "$data" "$exp/vad_combined/$set" "$exp/xvectors_close/$set"
    for method in ahc nme_sc spectral; do
      steps/cluster.sh --nj "$nj" --method $method --local-speakers "$local" \
        "$exp/xvectors_close/$set" "$exp/$method/$set"
    done
  fi
  for out in "$exp"/*/"$set"/rttm; do
    steps/score.sh "$data/ref.rttm" "$out" "$(dirname "$out")/score" >/dev/null
  done
done
python local/make_results.py "$exp" "$exp/RESULTS.md"
