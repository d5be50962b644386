#!/usr/bin/env bash
# Speaker diarization by deep embedded clustering (DEC): the whole experiment.
#
# Usage: ./run.sh [options]          bare ./run.sh makes and runs the corpus 'mini'
#
#   --stage N, --stop-stage N     first and last stage to run             (default 0, 6)
#       0 data  1 VAD  2 x-vectors  3 autoencoder  4 DEC  5 scores  6 baselines
#   --corpus NAME                 mini, kaldi, ami, voxconverse, callhome, dihard3: reads the options of
#                                 conf/NAME.conf                          (default mini)
#   --audio-dir DIR, --download true|false, --mirror "URL ...", --mic NAME, --reference PATH
#                                 of a corpus: see steps/prepare_NAME.sh --help
#   --test-data "DIR ..."         with --corpus kaldi: Kaldi data directories; their names are those of
#                                 the sets. --train-data DIR, --dev-data DIR: without, the autoencoder
#                                 that ships is taken, or trained on the test data itself (no labels)
#   --wav-pipes true              run the commands in their wav.scp       (default: refused)
#   --xvector-dir "DIR ..."       Kaldi x-vector directories, taken by stage 3 instead of stages 1 and 2; one
#                                 for each --test-data, if any; --train-xvector-dir, --dev-xvector-dir
#   --vad KIND                    how speech is found: silero, energy; or taken from the data: oracle,
#                                 segments, vad_scp                       (default silero)
#   --inside-segments true        only where the data have segments       (default false)
#   --reference-from-segments true  with --corpus kaldi: the reference is segments and utt2spk
#   --allow-extra true            recordings without reference are left out of the scores, and listed;
#                                 otherwise scoring refuses them          (default false; kaldi: true)
#   --extractor NAME              campplus, ecapa, onnx, resemblyzer      (default campplus);
#                                 onnx: --xvector.options.path model.onnx, a model of your own
#   --dec-config "FILE ..."       conf/dec.yaml, conf/dec_paper.yaml; dec_X.yaml goes with
#                                 xvector_X.yaml and autoencoder_X.yaml where there are such
#   --num-spk N|oracle            number of speakers, results in exp/*_N or exp/*_oracle;
#                                 unset: estimated
#   --min-spk N, --max-spk N      bounds of the estimate                  (default 1, as configured)
#   --baselines "NAME ..."        clusterings of stage 6; NAME_oracle is told the number of speakers
#                                 (default "ahc nme_sc spectral spectral_oracle kmeans_oracle")
#   --train-set NAME, --dev-set NAME, --test-sets "NAME ..."   directories below --data
#   --data DIR, --exp DIR         data directories, products              (default data, exp)
#   --nj N                        parallel jobs                           (default: all cores)
#   --device NAME                 of stages 2 to 4: cpu, cuda; auto: a GPU where there is one (default cpu)
#   --cmd local|slurm|"SCRIPT ..." how jobs run: here; on a Slurm cluster (conf/slurm.yaml); or by a script
#                                 of Kaldi's, "queue.pl --mem 4G"         (default local)
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
test_data=
train_data=
dev_data=
wav_pipes=false
reference_from_segments=false
inside_segments=false
allow_extra=false
xvector_dir=
train_xvector_dir=
dev_xvector_dir=
num_spk=
min_spk=1
max_spk=
baselines="ahc nme_sc spectral spectral_oracle kmeans_oracle"
train_set=train
dev_set=dev
test_sets=test
data=data
exp=exp
nj=$(cores)
device=cpu
cmd=local
seed=0
audio_dir=
download=
mirror=
mic=
reference=
overrides=
need "conf/$corpus.conf" "the options of corpus '$corpus'"
set -- --config "conf/$corpus.conf" "$@"
. steps/parse_options.sh
. steps/experiment.sh
[ "$corpus" = "$chosen" ] || die "--corpus is given on the command line, not in an options file"
[ $# -eq 0 ] || die "unexpected argument '$1', see --help"

if starts 0 "data: recordings and references of the corpus $corpus"; then
  if [ "$corpus" = kaldi ]; then
    for set in $data_sources; do
      steps/import_data.sh --wav-pipes "$wav_pipes" --reference-from-segments "$reference_from_segments" \
        --cmd "$cmd" --nj "$nj" "${set#*=}" "$data/${set%%=*}"
    done
  else
    options=(--sets "$sets" --nj "$nj" --seed "$seed")
    for name in audio_dir download mirror mic reference; do # each known to some corpora only
      [ -z "${!name}" ] || options+=("--${name//_/-}" "${!name}")
    done
    step=steps/prepare_"$corpus".sh
    [ -e "$step" ] || step=steps/prepare_corpus.sh options+=(--corpus "$corpus")
    "$step" "${options[@]}" "$data"
  fi
fi

if starts 1 "VAD: where there is speech"; then
  for set in $heard_sets; do
    steps/make_vad.sh --vad "$vad" --inside-segments "$inside_segments" --set "$(overrides_of vad)" \
      --cmd "$cmd" --nj "$nj" "$data/$set" "$exp/vad_$vad/$set"
    if [ -e "$data/$set/ref.rttm" ]; then
      steps/score_vad.sh "$data/$set" "$exp/vad_$vad/$set" "$exp/vad_$vad/$set/score"
    fi
  done
fi

if starts 2 "x-vectors: an embedding for each window of speech"; then
  for name in $extractions; do
    for set in $(sets_of "$name"); do extract "$name" "$set"; done
  done
fi

if starts 3 "autoencoder: pretrained by reconstruction on the training set"; then
  for set in $xvector_sources; do
    steps/import_xvectors.sh --cmd "$cmd" "${set#*=}" "$(xvectors_of default)/${set%%=*}"
  done
  for name in $autoencoders; do
    steps/train_autoencoder.sh --ae-config "$(config_of autoencoder "$name")" --set "$(overrides_of ae "$name")" \
      --device "$device" --cmd "$cmd" "$(training_xvectors)" "$(validation_xvectors)" "$exp/ae_$name"
  done
fi

if starts 4 "DEC: each recording counted, clustered, refined, decoded"; then
  for name in $names; do
    for set in $eval_sets; do
      speakers=$(speakers_of "$set")
      steps/fit_dec.sh --dec-config "$(config_of dec "$name")" --set "$(overrides_of dec "$name")" \
        $speakers --seed "$seed" --device "$device" --cmd "$cmd" --nj "$nj" \
        "$(xvectors_of "$name")/$set" "$exp/ae_$(ae_of "$name")" "$exp/dec_$name$told/$set"
    done
  done
fi

if starts 5 "scores: DER and JER under every protocol"; then
  for name in $names; do
    for set in $eval_sets; do score "$set" "$exp/dec_$name$told/$set"; done
  done
fi

if starts 6 "baselines: the same by other clusterings"; then
  for set in $eval_sets; do extract close "$set"; done
  for system in $baselines; do
    case "$system" in *_oracle) ;; *) system=$system$told ;; esac
    for set in $eval_sets; do
      speakers=$(speakers_of "$set")
      case "$system" in *_oracle) # the number of speakers is known
        [ -e "$data/$set/reco2num_spk" ] || continue
        speakers="--reco2num-spk $data/$set/reco2num_spk" ;;
      esac
      method=${system%_oracle}
      steps/cluster.sh --method "${method%"$told"}" --set "$(overrides_of baseline)" $speakers \
        --seed "$seed" --cmd "$cmd" --nj "$nj" "$(xvectors_of close)/$set" "$exp/$system/$set"
      score "$set" "$exp/$system/$set"
    done
  done
  # What the autoencoders lose: AHC with the known count on latents, against on x-vectors.
  set="${test_sets%% *}"
  for name in $autoencoders; do
    [ -e "$data/$set/ref.rttm" ] && [ -e "$data/$set/reco2num_spk" ] || continue
    steps/probe_latents.sh "$data/$set" "$(xvectors_of close)/$set" "$exp/ae_$name" "$exp/ae_$name/probe"
  done
fi

conclude
