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
. steps/lib/job_options.sh
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <data-dir> <out-dir>, see --help"
data=$1 out=$2

reads "$segmentation_config" "the configuration"
reads "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
may_read "$data/reco2file_and_channel"
model=$(tr ' ' '\n' <<<"$set" | sed -n 's/^model[:=] *\([^ #]*\).*/\1/p' "$segmentation_config" - | tail -n 1)
[ ! -f "$model" ] || may_read "$model" # a file of the user's own

program=(python local/find_local_speakers.py --config "$segmentation_config" --set "$set" "$data" "$out")
begin "$out" local/find_local_speakers.py "$set" || exit 0
echo "$_name: local speakers of $data"
# The model is fetched and exported before the jobs start, or each of them would.
"${program[@]}" --prepare
run_jobs "$nj" "$out/log/find_local_speakers.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" segments activity.scp failed
finish "$out"
