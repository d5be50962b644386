#!/usr/bin/env bash
# Train the autoencoders that ship with the recipe (local/diar/autoencoder/pretrained/).
#
# Usage: steps/train_shipped.sh [options] <LibriSpeech>/train-clean-100
#
#   --utterances N   utterances per speaker                          (default $utterances)
#   --data DIR       data directories                                (default $data)
#   --exp DIR        outputs                                         (default $exp)
#   --nj N           parallel jobs                                   (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help  (default $cmd)
#
# Training data: LibriSpeech (Panayotov et al., ICASSP 2015; CC BY 4.0) and the training set of the corpus
# mini, whose development set decides when to stop. Run ./run.sh --stop-stage 2 first.
#
# Example: steps/train_shipped.sh /corpora/LibriSpeech/train-clean-100

. "$(dirname "$0")/lib/common.sh"
utterances=1
data=data
exp=exp
nj=$(cores)
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 1 ] || die "expected <LibriSpeech>/train-clean-100, see --help"
need "$1" "LibriSpeech as it is distributed"

xvectors="$exp/xvectors_campplus_close" # as for all training
valid="$exp/xvectors_campplus/dev"
need "$xvectors/train/.done" "./run.sh --stop-stage 2 makes it"
need "$valid/.done" "./run.sh --stop-stage 2 makes it"
python local/prepare_librispeech.py --utterances "$utterances" "$1" "$data/librispeech"
steps/make_vad.sh --cmd "$cmd" --nj "$nj" "$data/librispeech" "$exp/vad_silero/librispeech"
steps/extract_xvectors.sh --cmd "$cmd" --nj "$nj" --xvector-config conf/xvector_close.yaml \
  "$data/librispeech" "$exp/vad_silero/librispeech" "$xvectors/librispeech"
for name in default paper; do
  config=conf/autoencoder.yaml
  [ "$name" = default ] || config="conf/autoencoder_$name.yaml"
  steps/train_autoencoder.sh --cmd "$cmd" --ae-config "$config" --set "init=scratch" \
    "$xvectors/train,$xvectors/librispeech" "$valid" "$exp/ae_shipped_$name"
  python local/halve_model.py "$exp/ae_shipped_$name/model.safetensors" "local/diar/autoencoder/pretrained/$name.safetensors"
done
