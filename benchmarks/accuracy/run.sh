#!/usr/bin/env bash
# How well do the systems do on conversations with the turn structure of VoxConverse?
#
# Usage: benchmarks/accuracy/run.sh [options] <rttm-dir>
#
#   --parts "PART ..."    test, test_channels, dev_a, dev_b: sets, see below   (default $parts)
#   --vad silero|oracle   how speech is found                                 (default $vad)
#   --exp DIR             products                                   (default exp/accuracy_<vad>)
#   --stop-after xvectors stop before any system runs
#   --nj N                parallel jobs                                       (default: all cores, $nj)
#
# Protocol. <rttm-dir> holds the RTTMs of VoxConverse dev. Their turns, cut at 5 minutes, are spoken
# again by the test voices of 'mini', in simulated rooms; the reference is the activity of the clean
# sources. Recordings with more speakers than there are voices are left out, and listed.
#   revox_test            the 50 recordings that the method was published on; run once for each claim
#   revox_test_channels   the same, but every turn passes a codec and a band of its own (channels.yaml)
#   revox_dev_a           every third of the other 166: tuned here and on mini/dev
#   revox_dev_b           the rest of them: what was tuned is checked here
# All systems share extractor and decoding; the baselines have windows every 0.25 s everywhere. DEC as published has its own grid and decoding. 'start' is
# the clustering that DEC begins with. 'bounded': DEC is told that there are 2 to 10 speakers. DEC as
# published is run on revox_test only.
#
# Prints and writes <exp>/RESULTS.md: every system under every protocol, and the default DEC compared
# with each of the others; <exp>/start_<set>.md lists where it gains and loses most against its start.
# What is done already is not done again.
#
# Example: benchmarks/accuracy/run.sh --parts dev_a voxconverse/dev

. "$(dirname "$0")/../../steps/lib/common.sh"
parts="test"
vad=silero
exp=
stop_after=
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 1 ] || die "expected the directory of the RTTMs of VoxConverse dev, see --help"
rttms=$(realpath "$1")
exp=${exp:-exp/accuracy_$vad}

need exp/ae_default/model.safetensors "./run.sh --stop-stage 3 makes it"
need exp/ae_paper/model.safetensors "./run.sh --stop-stage 3 makes it"

dec() { # system "options" "overrides"
  # shellcheck disable=SC2086
  steps/fit_dec.sh --nj "$nj" $2 --set "${3-}" "$x" exp/ae_default "$exp/$1/$set"
}

baseline() { # system method "options"
  # shellcheck disable=SC2086
  steps/cluster.sh --nj "$nj" --method "$2" ${3-} "$xclose" "$exp/$1/$set"
}

for part in $parts; do
  split="test" rows=1 simulation=conf/simulation.yaml # rows: of the split's list, an awk condition
  case "$part" in
    test) ;;
    test_channels) simulation=benchmarks/accuracy/channels.yaml ;;
    dev_a) split=train rows="n % 3 == 1" ;;
    dev_b) split=train rows="n % 3 != 1" ;;
    *) die "--parts: no part '$part'" ;;
  esac
  set=revox_$part data=data/revox_$part turns=$exp/turns_$part
  x=$exp/xvectors/$set xclose=$exp/xvectors_close/$set xpaper=$exp/xvectors_paper/$set
  mkdir -p "$turns"
  awk -v name="$split" "\$2 == name { n++; if ($rows) print \$1 }" conf/voxconverse_split.tsv |
    while read -r recording; do ln -sf "$rttms/$recording.rttm" "$turns/"; done
  steps/revoice.sh --nj "$nj" --simulation-config "$simulation" "$turns" "$data"
  steps/make_vad.sh --vad "$vad" --nj "$nj" "$data" "$exp/vad_$vad/$set"
  steps/score_vad.sh "$data" "$exp/vad_$vad/$set" "$exp/vad_$vad/$set/score"
  steps/extract_xvectors.sh --nj "$nj" "$data" "$exp/vad_$vad/$set" "$x"
  [ "$stop_after" != xvectors ] || continue

  known="--reco2num-spk $data/reco2num_spk"
  dec dec_default ""
  dec dec_default_oracle "$known"
  dec dec_bounded "--min-spk 2 --max-spk 10"
  dec start "" "sequence.iterations=0 refine.niter=0"
  if [ "$part" = test ]; then
    steps/extract_xvectors.sh --nj "$nj" --xvector-config conf/xvector_paper.yaml \
      "$data" "$exp/vad_$vad/$set" "$xpaper"
    steps/fit_dec.sh --nj "$nj" --dec-config conf/dec_paper.yaml "$xpaper" exp/ae_paper "$exp/dec_paper/$set"
  fi
  steps/extract_xvectors.sh --nj "$nj" --xvector-config conf/xvector_close.yaml \
    "$data" "$exp/vad_$vad/$set" "$xclose"
  for method in ahc nme_sc spectral; do baseline $method $method; done
  for method in ahc nme_sc spectral kmeans; do baseline ${method}_oracle $method "$known"; done
  for out in "$exp"/*/"$set"/rttm; do
    steps/score.sh "$data/ref.rttm" "$out" "$(dirname "$out")/score" >/dev/null
  done
  python local/compare.py "$exp/dec_default/$set/score" "$exp/start/$set/score" >"$exp/start_$set.md"
done
[ "$stop_after" = xvectors ] || python local/make_results.py "$exp" "$exp/RESULTS.md"
