#!/usr/bin/env bash
# Does a Kaldi directory with all that telephone corpora have give what plain files give?
#
# Usage: benchmarks/kaldi_directory/run.sh [options]
#
#   --data DIR   a data directory                      (default $data)
#   --vad DIR    its speech regions                    (default $vad)
#   --work DIR   products                              (default $work)
#   --nj N       parallel jobs                         (default: all cores, $nj)
#
# The test set of mini at 8 kHz, once as plain mono files, once as stereo files behind commands and
# relative paths, with reco2file_and_channel, segments and vad.scp (make.py). Diarized with Silero both
# times, and by the decisions of vad.scp (those of Silero on the plain files). Prints the totals of the three.
#
# Example: benchmarks/kaldi_directory/run.sh --data data/dev --vad exp/vad_combined/dev

. "$(dirname "$0")/../../steps/lib/common.sh"
data=data/test
vad=exp/vad_combined/test
work=exp/kaldi_directory
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 0 ] || die "expected no argument, see --help"
need "$data/ref.rttm" "./run.sh --stop-stage 1 makes it"
need "$vad/segments" "./run.sh --stop-stage 1 makes it"

python benchmarks/kaldi_directory/make.py "$data" "$vad" "$work"
diarize() { # name sets option...
  local name="$1" sets="$2"
  shift 2
  ./run.sh --corpus kaldi --test-data "$sets" --wav-pipes true --stop-stage 5 --nj "$nj" \
    --data "$work/data" --exp "$work/$name" "$@" >"$work/$name.log" 2>&1 || die "see $work/$name.log"
}
diarize silero "$work/plain $work/telephone"
python benchmarks/kaldi_directory/make.py "$data" "$work/silero/vad_silero/plain" "$work"
diarize vad_scp "$work/telephone" --vad vad_scp
for scores in silero/dec_default/plain silero/dec_default/telephone vad_scp/dec_default/telephone; do
  echo "$scores:"
  sed -n '/^|/p' "$work/$scores/score/results.md"
done
