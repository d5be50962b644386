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
#   --device cpu|cuda|auto   auto: a GPU if there is one             (default $device)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help       (default $cmd)
#
# Reads   <data-dir>/wav.scp, <vad-dir>/segments, optionally <vad-dir>/reco2dur
# Writes  <xvector-dir>/segments, utt2spk, spk2utt, xvector.scp and its arks, reco2dur; config.yaml
#         (the configuration used); failed (recordings without x-vectors, and why)
#
# The extractor's weights are downloaded into the cache once.
#
# Example: steps/extract_xvectors.sh data/real_sample exp/vad_combined/real_sample exp/my_xvectors/real_sample

. "$(dirname "$0")/lib/common.sh"
xvector_config=conf/xvector.yaml
extractor=
device=cpu
. steps/lib/job_options.sh
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <data-dir> <vad-dir> <xvector-dir>, see --help"
data=$1 vad=$2 out=$3
set="$set${extractor:+ extractor=$extractor}"
resolve_device

reads "$xvector_config" "the configuration"
reads "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
reads "$vad/segments" "speech regions: steps/make_vad.sh makes them: ./run.sh --stage 1"
may_read "$vad/reco2dur" "$data/reco2file_and_channel"
# The user's own files that the extractor reads are inputs, too. Only its options can name them.
if [[ "$set" == *options* ]] || sed 's/#.*//' "$xvector_config" | grep options | grep -qv '^options: *{} *$'; then
  models=$(python local/list_extractors.py --files --config "$xvector_config" --set "$set") || exit 1
  while IFS= read -r model; do may_read "$model"; done <<<"$models"
fi

program=(python local/extract_xvectors.py --config "$xvector_config" --set "$set" "$data" "$vad" "$out")
begin "$out" local/extract_xvectors.py "$set --device $device" || exit 0
echo "$_name: x-vectors of $data ($xvector_config${set:+ $set})"
# Fetch and export the model before the jobs start, or each of them would do so.
"${program[@]}" --device "$device" --prepare
run_jobs "$nj" "$out/log/extract.JOB.log" "${program[@]}" --device "$device" --job "JOB/$nj"
join "$out" segments utt2spk spk2utt xvector.scp reco2dur failed
finish "$out"
