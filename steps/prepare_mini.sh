#!/usr/bin/env bash
# Make the data directories of the corpus 'mini' and check them.
#
# Usage: steps/prepare_mini.sh [options] <data-dir>
#
#   --sets "NAME ..."   which sets to make                 (default "$sets")
#   --seed N            for the conversations              (default $seed)
#   --nj N              processes                          (default: all cores, $nj)
#
# train, dev and test are simulated conversations of real voices; real_sample has three real conversations.
# The voices come from Debian packages and are kept in the cache. The corpus check is printed when a set
# is made, and kept in <data-dir>/<set>/log/check.
#
# Example: steps/prepare_mini.sh --sets "dev test" data

. "$(dirname "$0")/lib/common.sh"
nj=$(cores)
seed=0
sets="train dev test real_sample"
. steps/lib/parse_options.sh
[ $# -eq 1 ] || die "expected one argument, the data directory (try --help)"
data=$1

for set in $sets; do
  inputs=(conf/mini_corpus.yaml conf/voices.yaml conf/turn_taking.yaml conf/simulation.yaml)
  [ "$set" != real_sample ] || inputs=()
  begin "$data/$set" local/prepare_mini.py "$set --seed $seed" "${inputs[@]}" || continue
  echo "$_name: making $data/$set"
  run_jobs 1 "$data/$set/log/prepare.log" \
    python local/prepare_mini.py --seed "$seed" --nj "$nj" --sets "$set" "$data"
  {
    python local/describe_corpus.py --recordings "$data/$set"
    [ ! -e "$data/$set/log/voices.tsv" ] || expand -t 16 "$data/$set/log/voices.tsv"
    [ ! -s "$data/$set/log/undecoded" ] || sed 's/^/not decoded: /' "$data/$set/log/undecoded"
  } | tee "$data/$set/log/check"
  finish "$data/$set"
done
