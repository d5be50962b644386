#!/usr/bin/env bash
# How far does DER move with the seed, with the processor, and with the training of the autoencoder?
#
# Usage: benchmarks/seeds/run.sh [options]
#
#   --sets "SET ..."       of the corpus mini                                     (default "$sets")
#   --systems "NAME ..."   variants of DEC: default, paper                        (default "$systems")
#   --seeds N              fits of each                                           (default $seeds)
#   --kernels "NAME ..."   sse, avx2, avx512: instructions of older and newer processors, with which sums have
#                          another order, on this one                             (default "$kernels")
#   --trainings N          of the published autoencoder on mini/train, each with a seed of its own and one fit
#                          (default $trainings; about four minutes each)
#   --exp DIR              products of ./run.sh --stop-stage 3, and of this       (default $exp)
#   --nj N                 parallel jobs                                          (default: all cores, $nj)
#
# Seeds after the first also draw the last bit of each x-vector. They lie where ./run.sh --seeds has them: what is there is not made again. The rest is in <exp>/seeds.
# Prints and writes <exp>/seeds/results.md: mean, standard deviation and range of DER, and of how often the
# number of speakers is right; and how many of the fits are unlike each other at all, in latents and in turns.
#
# Example: benchmarks/seeds/run.sh --trainings 5

. "$(dirname "$0")/../../steps/lib/common.sh"
sets="test dev"
systems="default paper"
seeds=5
kernels="sse avx2 avx512"
trainings=0
exp=exp
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 0 ] || die "expected no argument, see --help"
positive seeds
work=$exp/seeds
mkdir -p "$work"

declare -A instructions=( # of numpy's OpenBLAS, of PyTorch itself, and of MKL and oneDNN in it
  [sse]="OPENBLAS_CORETYPE=Nehalem ATEN_CPU_CAPABILITY=default MKL_ENABLE_INSTRUCTIONS=SSE4_2 DNNL_MAX_CPU_ISA=SSE41"
  [avx2]="OPENBLAS_CORETYPE=Haswell ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 DNNL_MAX_CPU_ISA=AVX2"
  [avx512]="OPENBLAS_CORETYPE=SkylakeX ATEN_CPU_CAPABILITY=avx512 MKL_ENABLE_INSTRUCTIONS=AVX512 DNNL_MAX_CPU_ISA=AVX512_CORE"
)

fit() { # system set seed ae-dir out-dir [variable=value...]: turns and scores
  local config=conf/dec_$1.yaml x=$exp/xvectors_campplus_$1/$2 jitter=
  [ "$1" != default ] || config=conf/dec.yaml x=$exp/xvectors_campplus/$2
  [ "$3" = 0 ] || jitter="jitter=1e-7"
  env "${@:6}" steps/fit_dec.sh --dec-config "$config" --set "$jitter" --seed "$3" --nj "$nj" \
    --local-speakers "$exp/local_speakers/$2" "$x" "$4" "$5"
  steps/score.sh --show false "data/$2/ref.rttm" "$5/rttm" "$5/score"
}

rows=() # 'system/set/what differs=score-dir,score-dir ...' for the table
for system in $systems; do
  for set in $sets; do
    out=$exp/dec_$system/$set ae=$exp/ae_$system
    scores=$out/score
    fit "$system" "$set" 0 "$ae" "$out"
    for seed in $(seq 1 $((seeds - 1))); do
      fit "$system" "$set" "$seed" "$ae" "$out/seed$seed"
      scores+=,$out/seed$seed/score
    done
    rows+=("$system/$set/seeds=$scores")
    scores=
    for kernel in $kernels; do
      [ -n "${instructions[$kernel]-}" ] || die "--kernels: no instructions '$kernel', see --help"
      # shellcheck disable=SC2086
      fit "$system" "$set" 0 "$ae" "$work/$kernel/dec_$system/$set" ${instructions[$kernel]}
      scores+=,$work/$kernel/dec_$system/$set/score
    done
    [ -z "$scores" ] || rows+=("$system/$set/kernels=${scores#,}")
  done
done
for set in $sets; do
  scores=
  for seed in $(seq 1 "$trainings"); do
    steps/train_autoencoder.sh --ae-config conf/autoencoder_paper.yaml --set "init=scratch seed=$seed" \
      "$exp/xvectors_campplus_close/train" "$exp/xvectors_campplus/dev" "$work/ae_paper_$seed"
    fit paper "$set" 0 "$work/ae_paper_$seed" "$work/training_$seed/dec_paper/$set"
    scores+=,$work/training_$seed/dec_paper/$set/score
  done
  [ -z "$scores" ] || rows+=("paper/$set/trainings=${scores#,}")
done
python benchmarks/seeds/tabulate.py "${rows[@]}" | tee "$work/.results.tmp"
mv "$work/.results.tmp" "$work/results.md"
