#!/usr/bin/env bash
# Find local speakers: which of up to three is active when, within windows of ten seconds. The VAD uses
# them to find speech, DEC to tell windows of different speakers apart and to find overlap.
#
# Usage: steps/find_local_speakers.sh [options] <data-dir> <out-dir>
#
#   --segmentation-config FILE  the network and its windows           (default $segmentation_config)
#   --set "key=value ..."       overrides of the configuration
#   --nj N                      parallel jobs                         (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help     (default $cmd)
#
# Reads   <data-dir>/wav.scp, optionally reco2file_and_channel
# Writes  <out-dir>/segments (the windows), activity.scp and its arks (for each recording, the frames of all
#         windows x local speakers), frames (start of the first frame in a window, and the frame shift),
#         config.yaml; failed (recordings that cannot be read, and why)
#
# Example: steps/find_local_speakers.sh data/test exp/local_speakers/test

. "$(dirname "$0")/lib/common.sh"
segmentation_config=conf/segmentation.yaml
. steps/lib/job_options.sh
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <data-dir> <out-dir>, see --help"
data=$1 out=$2

reads "$segmentation_config" "the configuration"
reads "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
may_read "$data/reco2file_and_channel"
model=$(tr ' ' '\n' <<<"$set" | sed -n 's/^model[:=] *\([^ #]*\).*/\1/p' "$segmentation_config" - | tail -n 1)
[ ! -f "$model" ] || may_read "$model" # the user's own file

program=(python local/find_local_speakers.py --config "$segmentation_config" --set "$set" "$data" "$out")
begin "$out" local/find_local_speakers.py "$set" || exit 0
echo "$_name: local speakers of $data"
# Fetch and export the model before the jobs start, or each of them would do so.
"${program[@]}" --prepare
run_jobs "$nj" "$out/log/find_local_speakers.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" segments activity.scp failed
finish "$out"
