#!/usr/bin/env bash
# What does it cost to have fewer windows?
#
# Usage: benchmarks/extractor/spacing.sh [options] <data-dir> <vad-dir> <ae-dir> <work-dir>
#
#   --nj N   parallel jobs                             (default: all cores, $nj)
#
# Extracts x-vectors at several spacings, fits the default DEC to each and scores it under 'forgiving'.
# Prints a table and writes it to <work-dir>/spacing.md.
#
# Example: benchmarks/extractor/spacing.sh data/dev exp/vad_combined/dev exp/ae_default exp/spacing

. "$(dirname "$0")/../../steps/lib/common.sh"
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 4 ] || die "expected <data-dir> <vad-dir> <ae-dir> <work-dir>, see --help"
data=$1 vad=$2 ae=$3 work=$4
mkdir -p "$work"

row() { # name "overrides of x-vectors" "overrides of DEC"
  local out=$work/${1// /_}
  steps/extract_xvectors.sh --nj "$nj" --set "$2" "$data" "$vad" "$out/xvectors" >&2
  steps/fit_dec.sh --nj "$nj" --set "${3-}" "$out/xvectors" "$ae" "$out/dec" >&2
  steps/score.sh "$data/ref.rttm" "$out/dec/rttm" "$out/score" >/dev/null
  python - "$1" "$out" <<'PYTHON'
import json
import sys

name, out = sys.argv[1:]
windows = sum(1 for _ in open(f"{out}/xvectors/segments"))
score = json.load(open(f"{out}/score/summary.json"))["protocols"]["forgiving"]
print(f"| {name} | {windows} | {score['conf_%']:.2f} | {score['der_%']:.2f} |")
PYTHON
}

{
  echo "| windows every | windows | confusion | DER, forgiving |"
  echo "|---|---:|---:|---:|"
  row "0.25 s" coarse_step=0
  row "0.5 s" "coarse_step=0 step=0.5" fit_step=0.5
  row "0.75 s" "coarse_step=0 step=0.75"
  for change in 0.6 0.75 0.85 0.9 1.0; do
    row "0.75 s and 0.25 s at changes under $change" "change=$change"
  done
} | tee "$work/spacing.md"
