#!/usr/bin/env bash
# Make the data directories of a corpus without a script of its own; docs/extending.md shows how to add one.
#
# Usage: steps/prepare_corpus.sh --corpus NAME --sets "NAME ..." [options] <data-dir>
#
#   --corpus NAME             a module of local/diar/corpora that is listed in its __init__.py
#   --sets "NAME ..."         which of its sets to make
#   --audio-dir DIR           the corpus, or part of it, in any layout: nothing is downloaded
#   --download true|false     missing files       (default: true, with --audio-dir false)
#   --mirror "URL ..."        URLs to try first
#   --mic NAME                microphone, where there is a choice
#   --reference PATH          references to use instead of those found
#
# Example: steps/prepare_corpus.sh --corpus voxconverse --sets test data/voxconverse

. "$(dirname "$0")/lib/common.sh"
corpus=
sets=
mic=
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
[ -n "$corpus" ] && [ -n "$sets" ] || die "--corpus and --sets are needed, see --help"
prepare_corpus "$corpus" "$mic" "$@"
