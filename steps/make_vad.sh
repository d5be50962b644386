#!/usr/bin/env bash
# Find where there is speech.
#
# Usage: steps/make_vad.sh [options] <data-dir> <vad-dir>
#
#   --vad silero|energy|oracle   how; oracle reads <data-dir>/ref.rttm    (default silero)
#   --vad-config FILE            smoothing of the scores                  (default conf/vad.yaml)
#   --set "key=value ..."        overrides of the configuration
#   --nj N                       parallel jobs                            (default: all cores)
#
# Reads   <data-dir>/wav.scp
# Writes  <vad-dir>/segments, utt2spk, spk2utt, reco2dur; no_speech (recordings without any);
#         failed (recordings that cannot be read, and why)

. "$(dirname "$0")/common.sh"
vad=silero
vad_config=conf/vad.yaml
set=
nj=$(cores)
cmd="python local/run_jobs.py"
. steps/parse_options.sh
[ $# -eq 2 ] || die "expected <data-dir> <vad-dir>, see --help"
data=$1 out=$2

need "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
need "$vad_config" "the configuration"
inputs=("$vad_config" "$data/wav.scp")
case "$vad" in
  silero | energy) ;;
  oracle) need "$data/ref.rttm" "the oracle VAD is the reference"; inputs+=("$data/ref.rttm") ;;
  *) die "--vad is silero, energy or oracle, not '$vad'" ;;
esac

begin "$out" local/make_vad.py "$vad $set" "${inputs[@]}" || exit 0
echo "$(basename "$0"): $vad VAD of $data"
$cmd JOB=1:"$nj" "$out/log/make_vad.JOB.log" \
  python local/make_vad.py --job "JOB/$nj" --config "$vad_config" --set "$set" --vad "$vad" "$data" "$out"
join "$out" segments utt2spk reco2dur no_speech failed
spk2utt "$out"
if [ -s "$out/no_speech" ]; then
  echo "$(basename "$0"): no speech found in: $(tr '\n' ' ' <"$out/no_speech")" >&2
fi
finish "$out"
