#!/usr/bin/env bash
# Find local speakers: who of up to three is active when, within windows of ten seconds. The VAD hears
# speech by them, and DEC who is whom and who speak at the same time.
#
# Usage: steps/find_local_speakers.sh [options] <data-dir> <out-dir>
#
#   --segmentation-config FILE  the network and its windows           (default $segmentation_config)
#   --set "key=value ..."       overrides of the configuration
#   --nj N                      parallel jobs                         (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  how jobs run: ./run.sh --help     (default $cmd)
#
# Reads   <data-dir>/wav.scp, reco2file_and_channel where there is one
# Writes  <out-dir>/segments (the windows), activity.scp and its arks (for each recording, the frames of all
#         windows by local speakers), frames (of a window: where the first is, and from one to the next),
#         config.yaml; failed (recordings that cannot be read, and why)
#
# Example: steps/find_local_speakers.sh data/test exp/local_speakers/test

. "$(dirname "$0")/lib/common.sh"
segmentation_config=conf/segmentation.yaml
set=
nj=$(cores)
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <data-dir> <out-dir>, see --help"
data=$1 out=$2

need "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
need "$segmentation_config" "the configuration"
inputs=("$segmentation_config" "$data/wav.scp")
[ ! -e "$data/reco2file_and_channel" ] || inputs+=("$data/reco2file_and_channel")
model=$(sed -n 's/^model: *\([^ #]*\).*/\1/p' "$segmentation_config")
for override in $set; do
  [ "${override%%=*}" != model ] || model=${override#model=}
done
[ ! -f "$model" ] || inputs+=("$model") # a file of the user's own

options=(--config "$segmentation_config" --set "$set" "$data" "$out")
check() { python local/find_local_speakers.py --check "${options[@]}"; }
begin "$out" local/find_local_speakers.py "$set" "${inputs[@]}" || exit 0
echo "$_name: local speakers of $data"
# The model is fetched and exported before the jobs start, or each of them would.
python local/find_local_speakers.py --prepare "${options[@]}"
run_jobs "$nj" "$out/log/find_local_speakers.JOB.log" \
  python local/find_local_speakers.py --job "JOB/$nj" "${options[@]}"
join "$out" segments activity.scp failed
finish "$out"
