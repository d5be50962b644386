#!/usr/bin/env bash
# Score speech regions against the reference: miss and false alarm.
#
# Usage: steps/score_vad.sh <data-dir> <vad-dir> <out-dir>
#
# Reads   <data-dir>/ref.rttm; <vad-dir>/segments, reco2dur
# Writes  <out-dir>/vad_score.json, and prints it
#
# Example: steps/score_vad.sh data/test exp/vad_combined/test exp/my_vad_score

. "$(dirname "$0")/lib/common.sh"
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <data-dir> <vad-dir> <out-dir>, see --help"
data=$1 vad=$2 out=$3

reads "$data/ref.rttm" "the reference"
reads "$vad/reco2dur" "steps/make_vad.sh makes it"
reads "$vad/segments" "steps/make_vad.sh makes it"
begin "$out" local/score_vad.py "" || exit 0
python local/score_vad.py "$data" "$vad" "$out"
finish "$out"
