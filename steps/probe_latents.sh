#!/usr/bin/env bash
# Measure what an autoencoder loses: compare AHC with the known count on its latents and on the x-vectors.
#
# Usage: steps/probe_latents.sh [options] <data-dir> <xvector-dir> <ae-dir> <out-dir>
#
#   --baseline-config FILE  AHC and decoding                         (default $baseline_config)
#
# Reads   <data-dir>/ref.rttm, reco2num_spk, optionally all.uem; <ae-dir>/model.safetensors
# Writes  <out-dir>/probe.json, and prints it
#
# Example: steps/probe_latents.sh data/test exp/xvectors_campplus_close/test exp/ae_default exp/my_probe

. "$(dirname "$0")/lib/common.sh"
baseline_config=conf/baselines.yaml
. steps/lib/parse_options.sh
[ $# -eq 4 ] || die "expected <data-dir> <xvector-dir> <ae-dir> <out-dir>, see --help"
data=$1 xvectors=$2 ae=$3 out=$4

reads "$baseline_config" "the configuration"
reads "$xvectors/xvector.scp" "steps/extract_xvectors.sh makes it" "$xvectors"
reads "$ae/model.safetensors" "steps/train_autoencoder.sh makes it"
may_read "$data/all.uem"
reads "$data/ref.rttm" "the reference"
reads "$data/reco2num_spk" "the known numbers of speakers"
begin "$out" local/probe_latents.py "" || exit 0
python local/probe_latents.py --config "$baseline_config" "$data" "$xvectors" "$ae" "$out"
finish "$out"
