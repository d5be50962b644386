#!/usr/bin/env bash
# Make the data directories of DIHARD III: eleven difficult domains, from audio books to restaurants.
#
# Usage: steps/prepare_dihard3.sh --audio-dir <dir> [options] <data-dir>
#
#   --audio-dir DIR     a folder with the LDC releases: LDC2020E12 (or LDC2022S12) for
#                       dev, LDC2021E02 (or LDC2022S14) for eval; nothing can be downloaded
#   --sets "NAME ..."   dev, eval: the full sets; dev_core, eval_core: the core sets
#                                                         (default "$sets")
#   --reference DIR     RTTMs to use instead of data/rttm
#   --download false, --mirror ""   accepted, but have no effect
#
# Example: steps/prepare_dihard3.sh --audio-dir /corpora/dihard3 data/dihard3

. "$(dirname "$0")/lib/common.sh"
sets="dev eval"
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
[ -n "$audio_dir" ] || die "--audio-dir <dir> is needed: the LDC provides DIHARD III to its licensees"
prepare_corpus dihard3 "" "$@"
