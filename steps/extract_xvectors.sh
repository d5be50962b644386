#!/usr/bin/env bash
# Cut speech into windows and extract an x-vector (speaker embedding) from each.
#
# Usage: steps/extract_xvectors.sh [options] <data-dir> <vad-dir> <xvector-dir>
#
#   --xvector-config FILE    extractor and windows                   (default $xvector_config)
#   --extractor campplus|ecapa|onnx|resemblyzer                      (default: as configured);
#                            local/list_extractors.py describes them
#   --set "key=value ..."    overrides of the configuration, such as options.path=model.onnx
#   --nj N                   parallel jobs                           (default: all cores, $nj)
#   --device cpu|cuda|auto   auto: a GPU where there is one          (default $device)
#   --cmd local|slurm|"SCRIPT ..."  how jobs run: ./run.sh --help       (default $cmd)
#
# Reads   <data-dir>/wav.scp, <vad-dir>/segments, and <vad-dir>/reco2dur where there is one
# Writes  <xvector-dir>/segments, utt2spk, spk2utt, xvector.scp and its arks, reco2dur; config.yaml
#         (what it ran with); failed (recordings without x-vectors, and why)
#
# The extractor's weights are fetched into the cache, once.
#
# Example: steps/extract_xvectors.sh data/real_sample exp/vad_combined/real_sample exp/my_xvectors/real_sample

. "$(dirname "$0")/lib/common.sh"
xvector_config=conf/xvector.yaml
extractor=
set=
nj=$(cores)
device=cpu
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <data-dir> <vad-dir> <xvector-dir>, see --help"
data=$1 vad=$2 out=$3
set="$set${extractor:+ extractor=$extractor}"
resolve_device

need "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
need "$vad/segments" "speech regions: steps/make_vad.sh makes them: ./run.sh --stage 1"
need "$xvector_config" "the configuration"
inputs=("$xvector_config" "$data/wav.scp" "$vad/segments")
for input in "$vad/reco2dur" "$data/reco2file_and_channel"; do
  [ ! -e "$input" ] || inputs+=("$input")
done
# Files of the user that the extractor reads are inputs, too. Only its options can name some.
if [[ "$set" == *options* ]] || sed 's/#.*//' "$xvector_config" | grep options | grep -qv '^options: *{} *$'; then
  models=$(python local/list_extractors.py --files --config "$xvector_config" --set "$set") || exit 1
  [ -z "$models" ] || mapfile -t -O "${#inputs[@]}" inputs <<<"$models"
fi

check() {
  python local/extract_xvectors.py --check --config "$xvector_config" --set "$set" "$data" "$vad" "$out"
}
begin "$out" local/extract_xvectors.py "$set --device $device" "${inputs[@]}" || exit 0
echo "$_name: x-vectors of $data ($xvector_config${set:+ $set})"
options=(--config "$xvector_config" --set "$set" --device "$device" "$data" "$vad" "$out")
# The model is fetched and exported before the jobs start, or each of them would.
python local/extract_xvectors.py --prepare "${options[@]}"
run_jobs "$nj" "$out/log/extract.JOB.log" \
  python local/extract_xvectors.py --job "JOB/$nj" "${options[@]}"
join "$out" segments utt2spk spk2utt xvector.scp reco2dur failed
finish "$out"
