#!/usr/bin/env bash
# Make the data directories of VoxConverse, release 0.3: broadcast and web video, one to 21 speakers.
#
# Usage: steps/prepare_voxconverse.sh [options] <data-dir>
#
#   --sets "NAME ..."         from the dev part: train (166) and test (50), the published split; dev (34,
#                             every fifth recording of train: not held out); full (216); and
#                             voxconverse_test (232), the test part
#                                                (default "$sets")
#   --audio-dir DIR           the corpus, or part of it, in any layout: nothing is downloaded
#   --download true|false     missing files       (default: true, with --audio-dir false)
#   --mirror "URL ..."        URLs to try first, for voxconverse_{dev,test}_wav.zip
#   --reference DIR           a clone of github.com/joonson/voxconverse, instead of its download
#
# Audio comes from the University of Oxford (2 GB for the dev part, about twice that for the test part,
# slightly more when unpacked), references from github.com/joonson/voxconverse. Downloads are kept in the
# cache.
#
# Examples:
#   steps/prepare_voxconverse.sh --sets "dev test" data/voxconverse
#   steps/prepare_voxconverse.sh --audio-dir /corpora/voxconverse data/voxconverse

. "$(dirname "$0")/lib/common.sh"
sets="train dev test voxconverse_test full"
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
prepare_corpus voxconverse "" "$@"
