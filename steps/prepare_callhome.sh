#!/usr/bin/env bash
# Make the data directories of CALLHOME (NIST SRE 2000, disk 8): telephone calls, 2 to 7 speakers.
#
# Usage: steps/prepare_callhome.sh --audio-dir <LDC2001S97> [options] <data-dir>
#
#   --audio-dir DIR           the LDC release LDC2001S97 (*.sph; *.wav files of the same names are preferred)
#   --sets "NAME ..."         callhome1, callhome2: the folds of Kaldi's recipe; callhome: both
#                                                         (default "$sets")
#   --download true|false     references (OpenSLR 10) and folds, 100 kB       (default false)
#   --mirror "URL ..."        URLs to try first, for sre2000-key.tar.gz and
#                             CALLHOME_sublists/part1/num_speakers.txt
#   --reference FILE          fullref.rttm, instead of the one from OpenSLR 10
#
# If DIR has neither fullref.rttm nor the folds, give --download true.
#
# Example: steps/prepare_callhome.sh --audio-dir /corpora/LDC2001S97 --download true data/callhome

. "$(dirname "$0")/lib/common.sh"
sets="callhome1 callhome2"
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
[ -n "$audio_dir" ] || die "--audio-dir <LDC2001S97> is needed: the LDC provides it to its licensees"
prepare_corpus callhome "" "$@"
