#!/usr/bin/env bash
# Speaker diarization by deep embedded clustering (DEC): the whole experiment.
#
# Usage: ./run.sh [options]          bare ./run.sh makes and runs the corpus 'mini'
#
#   --stage N, --stop-stage N     first and last stage to run             (default 0, 6)
#       0 data  1 VAD  2 x-vectors  3 autoencoder  4 DEC  5 scores  6 baselines
#   --corpus NAME                 reads the options of conf/NAME.conf     (default mini)
#   --vad silero|oracle|energy    how speech is found                     (default silero)
#   --extractor NAME              campplus, ecapa, onnx, resemblyzer      (default campplus);
#                                 onnx: --xvector.options.path model.onnx, a model of your own
#   --dec-config "FILE ..."       conf/dec.yaml, conf/dec_paper.yaml; dec_X.yaml goes with
#                                 xvector_X.yaml and autoencoder_X.yaml where there are such
#   --num-spk N|oracle            number of speakers, results in exp/*_N or exp/*_oracle;
#                                 unset: estimated
#   --min-spk N, --max-spk N      bounds of the estimate                  (default 1, as configured)
#   --train-set NAME, --dev-set NAME, --test-sets "NAME ..."   directories below --data
#   --data DIR, --exp DIR         data directories, products              (default data, exp)
#   --nj N                        parallel jobs                           (default: all cores)
#   --seed N                      of the simulated corpus, and of DEC and baselines (default 0)
#   --config FILE                 more options, as name=value lines
#   --vad.KEY, --xvector.KEY, --ae.KEY, --dec.KEY, --baseline.KEY VALUE
#                                 overrides one value of a configuration: --dec.refine.niter 80;
#                                 the published configurations (_paper) stay as they are, but
#                                 for --xvector.options, which go with the extractor
#   --help
#
# Options given here win over those of the corpus. Exit status 0: all well; 1: an error, or some
# recordings failed (they are listed at the end, the others are done).

. "$(dirname "$0")/steps/common.sh"
stage=0
stop_stage=6
corpus=$(option corpus mini "$@")
chosen=$corpus
vad=silero
extractor=campplus
dec_config="conf/dec.yaml conf/dec_paper.yaml"
num_spk=
min_spk=1
max_spk=
train_set=train
dev_set=dev
test_sets=test
data=data
exp=exp
nj=$(cores)
seed=0
overrides=
need "conf/$corpus.conf" "the options of corpus '$corpus'"
set -- --config "conf/$corpus.conf" "$@"
. steps/parse_options.sh
. steps/experiment.sh
[ "$corpus" = "$chosen" ] || die "--corpus is given on the command line, not in an options file"
[ $# -eq 0 ] || die "unexpected argument '$1', see --help"

if starts 0 "data: recordings and references of the corpus $corpus"; then
  steps/prepare_"$corpus".sh --nj "$nj" --seed "$seed" "$data"
fi

if starts 1 "VAD: where there is speech"; then
  for set in $sets; do
    steps/make_vad.sh --vad "$vad" --set "$(overrides_of vad)" --nj "$nj" "$data/$set" "$exp/vad_$vad/$set"
    if [ -e "$data/$set/ref.rttm" ]; then
      steps/score_vad.sh "$data/$set" "$exp/vad_$vad/$set" "$exp/vad_$vad/$set/score"
    fi
  done
fi

if starts 2 "x-vectors: an embedding for each window of speech"; then
  for name in $extractions; do
    for set in $(sets_of "$name"); do
      steps/extract_xvectors.sh --xvector-config "$(config_of xvector "$name")" --extractor "$extractor" \
        --set "$(overrides_of xvector "$name")" --nj "$nj" \
        "$data/$set" "$exp/vad_$vad/$set" "$(xvectors_of "$name")/$set"
    done
  done
fi

if starts 3 "autoencoder: pretrained by reconstruction on the training set"; then
  for name in $autoencoders; do
    # Trained on closely spaced windows, whatever the spacing of those that are clustered.
    steps/train_autoencoder.sh --ae-config "$(config_of autoencoder "$name")" --set "$(overrides_of ae "$name")" \
      "$(xvectors_of default)/$train_set" "$(xvectors_of default)/$dev_set" "$exp/ae_$name"
  done
fi

if starts 4 "DEC: each recording counted, clustered, refined, decoded"; then
  for name in $names; do
    for set in $eval_sets; do
      speakers=$(speakers_of "$set")
      steps/fit_dec.sh --dec-config "$(config_of dec "$name")" --set "$(overrides_of dec "$name")" \
        $speakers --seed "$seed" --nj "$nj" \
        "$(xvectors_of "$name")/$set" "$exp/ae_$(ae_of "$name")" "$exp/dec_$name$told/$set"
    done
  done
fi

if starts 5 "scores: DER and JER under every protocol"; then
  for name in $names; do
    for set in $eval_sets; do score "$set" "$exp/dec_$name$told/$set"; done
  done
fi

if starts 6 "baselines: the same from the same x-vectors"; then
  for system in ahc$told nme_sc$told spectral$told spectral_oracle kmeans_oracle; do
    for set in $eval_sets; do
      speakers=$(speakers_of "$set")
      case "$system" in *_oracle) # the number of speakers is known
        [ -e "$data/$set/reco2num_spk" ] || continue
        speakers="--reco2num-spk $data/$set/reco2num_spk" ;;
      esac
      method=${system%_oracle}
      steps/cluster.sh --method "${method%"$told"}" --set "$(overrides_of baseline)" $speakers \
        --seed "$seed" --nj "$nj" "$(xvectors_of default)/$set" "$exp/$system/$set"
      score "$set" "$exp/$system/$set"
    done
  done
  # What the autoencoders lose: AHC with the known count on latents, against on x-vectors.
  set="${test_sets%% *}"
  for name in $autoencoders; do
    [ -e "$data/$set/ref.rttm" ] && [ -e "$data/$set/reco2num_spk" ] || continue
    steps/probe_latents.sh "$data/$set" "$(xvectors_of default)/$set" "$exp/ae_$name" "$exp/ae_$name/probe"
  done
fi

conclude
