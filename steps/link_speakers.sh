#!/usr/bin/env bash
# Find the same people in several recordings and give them global names.
#
# Usage: steps/link_speakers.sh [options] <xvector-dir> <ae-dir> <dec-dir> <out-dir>
#
#   --identity-config FILE  how speakers are compared                (default $identity_config)
#   --set "key=value ..."   overrides of the configuration
#
# Two speakers of one recording are never linked. The result does not depend on the order of the recordings.
#
# Reads   <xvector-dir>/segments, xvector.scp; <ae-dir>/model.safetensors; <dec-dir>/rttm, of DEC or a baseline
# Writes  <out-dir>/rttm (with global names), spk2global (<recording> <speaker> <global speaker>);
#         failed (recordings whose x-vectors cannot be used, and why: their speakers are not linked)
#
# Example: steps/link_speakers.sh exp/xvectors_campplus/test exp/ae_default exp/dec_default/test exp/linked/test

. "$(dirname "$0")/lib/common.sh"
identity_config=conf/identity.yaml
set=
. steps/lib/parse_options.sh
[ $# -eq 4 ] || die "expected <xvector-dir> <ae-dir> <dec-dir> <out-dir>, see --help"
xvectors=$1 ae=$2 dec=$3 out=$4

reads "$identity_config" "the configuration"
reads "$xvectors/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2" "$xvectors"
reads "$ae/model.safetensors" "steps/train_autoencoder.sh makes it: ./run.sh --stage 3"
reads "$dec/rttm" "steps/fit_dec.sh makes it: ./run.sh --stage 4"

program=(python local/link_speakers.py --config "$identity_config" --set "$set"
  "$xvectors" "$ae/model.safetensors" "$dec/rttm" "$out")
begin "$out" local/link_speakers.py "$set" || exit 0
"${program[@]}"
finish "$out"
