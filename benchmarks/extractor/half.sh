#!/usr/bin/env bash
# What does it cost to compute both networks in bfloat16?
#
# Usage: benchmarks/extractor/half.sh [options] <data-dir> ...
#
#   --ae DIR     autoencoder                       (default $ae)
#   --work DIR   products                          (default $work)
#   --nj N       parallel jobs                     (default: all cores, $nj)
#
# Diarizes data directories with a reference twice, by conf/dec.yaml: with the segmentation and the x-vectors in
# float32, then in bfloat16 wherever the recipe can. Seconds are those of CPU of both networks. Prints a table and writes
# it to <work>/half.md.
#
# Example: benchmarks/extractor/half.sh data/dev

. "$(dirname "$0")/../../steps/lib/common.sh"
ae=exp/ae_default
work=exp/half
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -ge 1 ] || die "expected data directories, see --help"
need "$ae/model.safetensors" "./run.sh --stop-stage 3 makes it"

timed() { # out command ...: its seconds of CPU are added to those in out/cpu
  local out=$1
  shift
  mkdir -p "$out"
  (
    TIMEFORMAT='%U %S'
    { time "$@" >"$out/said" 2>&1; } 2>>"$out/cpu"
  ) || die "failed: $*: $(tail -3 "$out/said")"
}

for data in "$@"; do
  for precision in float32 bfloat16; do
    out=$work/$(basename "$data")/$precision
    rm -rf "$out"
    timed "$out" steps/find_local_speakers.sh --nj "$nj" --set precision=$precision "$data" "$out/local"
    steps/make_vad.sh --nj "$nj" --vad combined --local-speakers "$out/local" "$data" "$out/vad" >&2
    timed "$out" steps/extract_xvectors.sh --nj "$nj" --set options.precision=$precision "$data" "$out/vad" "$out/xvectors"
    steps/fit_dec.sh --nj "$nj" --local-speakers "$out/local" "$out/xvectors" "$ae" "$out/dec" >&2
    steps/score.sh "$data/ref.rttm" "$out/dec/rttm" "$out/score" >/dev/null
  done
done

python - "$work" "$@" <<'PYTHON' | tee "$work/half.md"
import json
import sys
from pathlib import Path

work, *sets = sys.argv[1:]
print("| set | recordings | precision | CPU, s | confusion, forgiving | full | DER, forgiving | full | count right |")
print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
for name in (Path(data).name for data in sets):
    for precision in ("float32", "bfloat16"):
        out = Path(work, name, precision)
        cpu = sum(map(float, (out / "cpu").read_text().split()))
        score = json.loads((out / "score/summary.json").read_text())
        forgiving, full = (score["protocols"][p] for p in ("forgiving", "full"))
        print(
            f"| {name} | {score['recordings']} | {precision} | {cpu:.0f} | {forgiving['conf_%']:.2f} | {full['conf_%']:.2f} |"
            f" {forgiving['der_%']:.2f} | {full['der_%']:.2f} | {score['speakers']['exact_%']:.0f} % |"
        )
PYTHON
