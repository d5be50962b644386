#!/usr/bin/env bash
# What do parallel jobs gain, and do results depend on them?
#
# Usage: benchmarks/jobs/run.sh [options] <data-dir> <ae-dir> <work-dir>
#
#   --jobs "N ..."   numbers of jobs                       (default "$jobs")
#   --repeats N      of which the median is taken          (default $repeats)
#
# Runs VAD, x-vectors and DEC of <data-dir> with so many jobs, as often as --repeats says, and compares the
# turns. Prints a table of the seconds of each stage (medians) and of their ratios to the first, and
# writes it to <work-dir>/results.md.
#
# Example: benchmarks/jobs/run.sh --repeats 1 data/dev exp/ae_default exp/jobs

. "$(dirname "$0")/../../steps/lib/common.sh"
jobs="1 2"
repeats=3
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <data-dir> <ae-dir> <work-dir>, see --help"
data=$1 ae=$2 work=$3
mkdir -p "$work"
times=$work/times
: >"$times"

timed() { # jobs stage command...
  local began
  began=$(date +%s.%N)
  "${@:3}" >/dev/null
  echo "$1 $2 $(date +%s.%N) $began" >>"$times"
}

for _ in $(seq "$repeats"); do
  for nj in $jobs; do
    out=$work/nj$nj
    rm -rf "$out"
    timed "$nj" VAD steps/make_vad.sh --nj "$nj" "$data" "$out/vad"
    timed "$nj" x-vectors steps/extract_xvectors.sh --nj "$nj" "$data" "$out/vad" "$out/xvectors"
    timed "$nj" DEC steps/fit_dec.sh --nj "$nj" "$out/xvectors" "$ae" "$out/dec"
    cmp "$work/nj${jobs%% *}/dec/rttm" "$out/dec/rttm" || die "turns depend on the number of jobs"
  done
done

python - "$times" "$(cores)" <<'PYTHON' | tee "$work/results.md"
import statistics
import sys
from collections import defaultdict

spent = defaultdict(list)
for line in open(sys.argv[1]):
    jobs, stage, ended, began = line.split()
    spent[int(jobs), stage].append(float(ended) - float(began))
jobs = sorted({key[0] for key in spent})
print(f"{len(next(iter(spent.values())))} runs, {sys.argv[2]} cores; the turns are the same, byte for byte.\n")
print("| stage |" + "".join(f" {n} job(s), s | ratio |" for n in jobs))
print("|---|" + "---:|---:|" * len(jobs))
for stage in ("VAD", "x-vectors", "DEC"):
    medians = [statistics.median(spent[n, stage]) for n in jobs]
    print(f"| {stage} |" + "".join(f" {m:.1f} | {m / medians[0]:.2f} |" for m in medians))
PYTHON
