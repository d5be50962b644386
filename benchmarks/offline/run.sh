#!/usr/bin/env bash
# Does a clone install and run where there is no network, and how large is what it takes?
#
# Usage: benchmarks/offline/run.sh <audio> <work-dir>
#
# Makes a bundle, and a clone of the recipe; then, in a network namespace of its own with nothing in it, for a
# user who has nothing in the cache, installs from the bundle and diarizes <audio>. The turns must be those that
# the recipe finds here. Prints what was said, and the sizes, and writes it to <work-dir>/results.md.
#
# Example: benchmarks/offline/run.sh data/test/wav/test-01.wav exp/offline

. "$(dirname "$0")/../../steps/lib/common.sh"
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <audio> <work-dir>, see --help"
given "$1" "audio"
unshare -rn true || die "this system gives no network namespace to users"
audio="$(realpath "$1")" work=$2
[ ! -e "$work" ] || die "$work already exists: remove it, or name another folder"
mkdir -p "$work/home"
work="$(realpath "$work")"

size() { du -sh "$1" | cut -f 1; }

local/diarize.py "$audio" >"$work/here.rttm" 2>/dev/null
steps/make_bundle.sh "$work/bundle"
git clone --quiet . "$work/recipe"
script="cd recipe && ip -brief link && . ./path.sh && local/diarize.py '$audio'"
(cd "$work" && env -i HOME="$work/home" PATH=/usr/local/bin:/usr/bin:/bin DIAR_BUNDLE="$work/bundle" \
  unshare -rn bash --norc -c "$script" 2>said >there.rttm) || die "it failed: see $work/said"
cmp "$work/here.rttm" <(grep ^SPEAKER "$work/there.rttm") || die "the turns are others than here"
{
  grep -v ^SPEAKER "$work/there.rttm" | sed 's/^/network: /'
  sed "s|$work/||" "$work/said"
  echo "turns as here: $(grep -c ^SPEAKER "$work/there.rttm")"
  echo
  echo "| folder | size |"
  echo "|---|---:|"
  for name in bundle/wheels bundle/cache/models bundle/cache/voices bundle/cache recipe/.venv; do
    echo "| $name | $(size "$work/$name") |"
  done
} | tee "$work/results.md"
