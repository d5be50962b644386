#!/usr/bin/env bash
# Pretrain the autoencoder by layer-wise reconstruction.
#
# Usage: steps/train_autoencoder.sh [options] <train-xvector-dir>[,<another> ...] <valid-xvector-dir> <ae-dir>
#
#   --ae-config FILE       architecture and schedule      (default $ae_config)
#   --set "key=value ..."  overrides of the configuration
#   --device cpu|cuda|auto  auto: a GPU if there is one (default $device)
#   --cmd local|slurm|"SCRIPT ..."  where it runs: ./run.sh --help (default $cmd)
#
# Writes  <ae-dir>/model.safetensors, config.yaml, loss.tsv (epoch, rate, training and validation loss)
#
# Example: steps/train_autoencoder.sh exp/xvectors_campplus_close/train exp/xvectors_campplus/dev exp/my_ae

. "$(dirname "$0")/lib/common.sh"
ae_config=conf/autoencoder.yaml
set=
device=cpu
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <train-xvector-dir> <valid-xvector-dir> <ae-dir>, see --help"
train=$1 valid=$2 out=$3

reads "$ae_config" "the configuration"
IFS=, read -ra dirs <<<"$train,$valid"
for dir in "${dirs[@]}"; do
  reads "$dir/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2" "$dir"
done
may_read local/diar/autoencoder/pretrained # training may start from it

resolve_device
program=(python local/train_autoencoder.py --config "$ae_config" --set "$set" "$train" "$valid" "$out")
begin "$out" local/train_autoencoder.py "$set --device $device" || exit 0
echo "$_name: pretraining the autoencoder of $ae_config on $train"
run_jobs 1 "$out/log/train_autoencoder.JOB.log" "${program[@]}" --device "$device"
finish "$out"
