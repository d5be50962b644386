#!/usr/bin/env bash
# What each ingredient of the default DEC is worth, and how it depends on its settings.
#
# Usage: benchmarks/accuracy/ablation.sh [options]
#
#   --set NAME   a set of benchmarks/accuracy/run.sh below data/         (default $set)
#   --nj N       parallel jobs                                          (default: all cores, $nj)
#
# Every row of the table is the default DEC with the values that name the row: a sweep of ./run.sh. Prints
# and writes exp/ablation/RESULTS.md, with the difference to the default, its interval and its test.
#
# Example: benchmarks/accuracy/ablation.sh --set revox_dev_a

. "$(dirname "$0")/../../steps/lib/common.sh"
set=revox_dev_a
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 0 ] || die "expected no argument, see --help"
need "data/$set/wav.scp" "benchmarks/accuracy/run.sh --stop-after xvectors makes it"

sweep=(
  # an ingredient left out
  "rounds=0 sequence.iterations=0 refine.niter=0" # the start alone
  sequence.iterations=0                           # DEC's own target, no model of time
  rounds=0                                        # the model of time, no refinement
  sequence.drift=0                                # no merging
  sequence.links=0                                # what the segmentation knows of who is another
  sequence.solo=0                                 # who never speaks alone stays a speaker
  refine.speaker_scale=0                          # distances of latents, not in the speaker space
  refine.mse_weight=0                             # no reconstruction
  start_on=latents
  finetune_iters=100                              # as published: reconstruction first
  fit_step=0                                      # all windows, overlapping by 1.25 s
  decoding.switch_penalty=0                       # a change of speaker is free
  # a setting changed
  "ahc_ratio=0.55,0.65,0.85,0.95"
  "sequence.complexity=1,4"
  "sequence.drift=0.1,0.3"
  "sequence.evidence=0.3,0.5"
)
list=
for grid in "${sweep[@]}"; do
  for item in $grid; do list+=" dec.$item"; done
  list+=";"
done
./run.sh --corpus kaldi --config benchmarks/accuracy/ablation.conf --test-data "data/$set" --nj "$nj" \
  --stop-stage 5 --sweep "$list"
