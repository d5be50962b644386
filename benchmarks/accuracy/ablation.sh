#!/usr/bin/env bash
# What each ingredient of the default DEC is worth, and how it depends on its settings.
#
# Usage: benchmarks/accuracy/ablation.sh [options]
#
#   --set NAME   a set of benchmarks/accuracy/run.sh, its x-vectors made     (default $set)
#   --from DIR   where run.sh left them                                (default $from)
#   --exp DIR    products                                                    (default $exp)
#   --nj N       parallel jobs                                          (default: all cores, $nj)
#
# Every row of the table is the default DEC with the overrides that name the row. Prints and writes
# <exp>/RESULTS.md, with the difference to the default, its interval and its test.
#
# Example: benchmarks/accuracy/ablation.sh --set revox_dev_a

. "$(dirname "$0")/../../steps/lib/common.sh"
set=revox_dev_a
from=exp/accuracy_silero
exp=exp/ablation
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 0 ] || die "expected no argument, see --help"

x=$from/xvectors/$set
need "$x/xvector.scp" "benchmarks/accuracy/run.sh --stop-after xvectors makes it"

variants=(
  # an ingredient left out
  "rounds=0,sequence.iterations=0,refine.niter=0" # the start alone
  sequence.iterations=0                           # DEC's own target, no model of time
  rounds=0                                        # the model of time, no refinement
  sequence.drift=0                                # no merging
  refine.speaker_scale=0                          # distances of latents, not in the speaker space
  refine.mse_weight=0                             # no reconstruction
  start_on=latents
  finetune_iters=100                              # as published: reconstruction first
  fit_step=0                                      # all windows, overlapping by 1.25 s
  decoding.switch_penalty=0                       # a change of speaker is free
  decoding.second=0.45                            # second speakers
  # a setting changed
  ahc_ratio=0.55 ahc_ratio=0.65 ahc_ratio=0.85 ahc_ratio=0.95
  sequence.complexity=1 sequence.complexity=4
  sequence.drift=0.1 sequence.drift=0.3
  sequence.evidence=0.3 sequence.evidence=0.5
)
for variant in dec_default "${variants[@]}"; do
  overrides=${variant//,/ }
  out=$exp/$variant/$set
  steps/fit_dec.sh --nj "$nj" --set "${overrides#dec_default}" "$x" exp/ae_default "$out"
  steps/score.sh "data/$set/ref.rttm" "$out/rttm" "$out/score" >/dev/null
done
python local/make_results.py "$exp" "$exp/RESULTS.md"
