#!/usr/bin/env bash
# Assign the words of a recogniser to the speakers of a diarization.
#
# Usage: steps/assign_words.sh [options] <data-dir> <dec-dir> <ctm> <out-dir>
#
#   --distance S       for words in silence: maximum distance to the nearest turn, seconds (default $distance)
#   --exclusive true|false  in overlapping speech, assign the word to the speaker of <dec-dir>/rttm_exclusive
#                      (default $exclusive)
#   --names-file FILE  names of speakers, lines '<recording> <speaker> <name>'
#
# The first field of <ctm> is the recording, or the file, with its channel in the second field, as in
# reco2file_and_channel of <data-dir>. STM and SegLST (.json) are accepted, too.
#
# Reads   <data-dir>/wav.scp, optionally reco2file_and_channel; <dec-dir>/rttm, rttm_exclusive
# Writes  <out-dir>/words.ctm, words.stm, words.seglst.json; failed (recordings whose words cannot be used, and why)
#
# Example: steps/assign_words.sh data/test exp/dec_default/test exp/test.ctm exp/words/test

. "$(dirname "$0")/lib/common.sh"
distance=1
exclusive=true
names_file=
. steps/lib/parse_options.sh
[ $# -eq 4 ] || die "expected <data-dir> <dec-dir> <ctm> <out-dir>, see --help"
[[ "$distance" =~ ^[0-9]+([.][0-9]+)?$ ]] || die "--distance must be a number of seconds, not '$distance'"
data=$1 dec=$2 ctm=$3 out=$4

reads "$data/wav.scp" "a Kaldi data directory is needed"
reads "$dec/rttm" "steps/fit_dec.sh makes it"
reads "$ctm" "the words of a recogniser"
may_read "$data/reco2file_and_channel"
[ -z "$names_file" ] || reads "$names_file" "names of speakers"
options=(--distance "$distance" ${names_file:+--names-file "$names_file"})
if [ "$exclusive" = true ]; then
  may_read "$dec/rttm_exclusive"
else
  options+=(--exclusive none)
fi
begin "$out" local/assign_words.py "${options[*]}" || exit 0
python local/assign_words.py "${options[@]}" --data-dir "$data" --failed "$out/failed" \
  --format ctm --format stm --format seglst --out "$out" "$dec/rttm" "$ctm" 2>&1 |
  tee "$out/log/assign_words.log"
finish "$out"
