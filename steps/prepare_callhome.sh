#!/usr/bin/env bash
# Make the data directories of CALLHOME (NIST SRE 2000, disk 8): telephone calls, 2 to 7 speakers.
#
# Usage: steps/prepare_callhome.sh --audio-dir <LDC2001S97> [options] <data-dir>
#
#   --audio-dir DIR           the release of the LDC, LDC2001S97 (*.sph; *.wav of the same names go first)
#   --sets "NAME ..."         callhome1, callhome2: the folds of Kaldi's recipe; callhome: both
#                                                         (default "$sets")
#   --download true|false     references (OpenSLR 10) and folds, 100 kB       (default false)
#   --mirror "URL ..."        addresses to ask first, for sre2000-key.tar.gz and
#                             CALLHOME_sublists/part1/num_speakers.txt
#   --reference FILE          fullref.rttm, instead of that of OpenSLR 10
#
# Whoever has neither fullref.rttm nor the folds in DIR allows --download true.
#
# Example: steps/prepare_callhome.sh --audio-dir /corpora/LDC2001S97 --download true data/callhome

. "$(dirname "$0")/lib/common.sh"
sets="callhome1 callhome2"
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
[ -n "$audio_dir" ] || die "--audio-dir <LDC2001S97> is needed: the LDC gives it to those who have signed"
prepare_corpus callhome "" "$@"
