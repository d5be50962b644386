#!/usr/bin/env bash
# Pretrain the autoencoder by layer-wise reconstruction.
#
# Usage: steps/train_autoencoder.sh [options] <train-xvector-dir>[,<another> ...] <valid-xvector-dir> <ae-dir>
#
#   --ae-config FILE       architecture and schedule      (default conf/autoencoder.yaml)
#   --set "key=value ..."  overrides of the configuration
#   --device cpu|cuda|auto  auto: a GPU where there is one (default cpu)
#   --cmd local|slurm|"SCRIPT ..."  where it runs: ./run.sh --help (default local)
#
# Writes  <ae-dir>/model.safetensors, config.yaml, loss.tsv (epoch, rate, training and validation loss)
#
# Example: steps/train_autoencoder.sh exp/xvectors_campplus_close/train exp/xvectors_campplus/dev exp/my_ae

. "$(dirname "$0")/common.sh"
ae_config=conf/autoencoder.yaml
set=
device=cpu
cmd=local
. steps/parse_options.sh
[ $# -eq 3 ] || die "expected <train-xvector-dir> <valid-xvector-dir> <ae-dir>, see --help"
train=$1 valid=$2 out=$3

for dir in ${train//,/ } "$valid"; do
  need "$dir/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2"
done
need "$ae_config" "the configuration"

shipped=local/diar/autoencoder/pretrained/default.safetensors # what training may start from
[ -e "$shipped" ] || shipped=
resolve_device
check() {
  python local/train_autoencoder.py --check --config "$ae_config" --set "$set" "$train" "$valid" "$out"
}
# shellcheck disable=SC2086
begin "$out" local/train_autoencoder.py "$set --device $device" "$ae_config" ${train//,/ } "$valid" $shipped || exit 0
echo "$(basename "$0"): pretraining the autoencoder of $ae_config on $train"
run_jobs 1 "$out/log/train_autoencoder.JOB.log" \
  python local/train_autoencoder.py --device "$device" --config "$ae_config" --set "$set" "$train" "$valid" "$out"
finish "$out"
