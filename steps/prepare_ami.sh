#!/usr/bin/env bash
# Make the data directories of the AMI corpus: meetings of three to five people, about 100 hours.
#
# Usage: steps/prepare_ami.sh [options] <data-dir>
#
#   --mic mix-headset|array1-01   the mixed headsets, or one distant microphone (default $mic)
#   --sets "NAME ..."             train, dev, test: 136, 18 and 16 meetings; only their audio is downloaded
#                                                          (default "$sets")
#   --audio-dir DIR               the corpus, or part of it, in any layout: nothing is downloaded
#   --download true|false         missing files      (default: true, with --audio-dir false)
#   --mirror "URL ..."            URLs to try first, for amicorpus/<meeting>/audio/<file>
#   --reference DIR               a clone of BUT's AMI-diarization-setup, instead of its download
#
# Audio comes from the mirror of the University of Edinburgh (11 GB per microphone); references,
# UEMs and lists come from BUT's AMI-diarization-setup (only_words). Downloads are kept in the cache.
#
# Examples:
#   steps/prepare_ami.sh --sets test data/ami
#   steps/prepare_ami.sh --audio-dir /corpora/ami data/ami

. "$(dirname "$0")/lib/common.sh"
sets="train dev test"
mic=mix-headset
. steps/lib/corpus.sh
. steps/lib/parse_options.sh
prepare_corpus ami "$mic" "$@"
