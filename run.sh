#!/usr/bin/env bash
# Speaker diarization by deep embedded clustering (DEC): the whole experiment.
#
# Usage: ./run.sh [options]
#
# Without options, make the corpus 'mini' and run all stages on it:
#   0 data  1 VAD  2 x-vectors  3 autoencoder  4 DEC  5 scores  6 baselines  7 report
#
# Time: $_expected;
# the stages take $_seconds s.
#
# What is run:
#   --stage N                   first stage                               (default $stage)
#   --stop-stage N              last stage                                (default $stop_stage)
#   --plan                      show what each step reads and writes, and whether that is up to date, out
#                               of date or missing; runs and writes nothing
#   --data DIR                  data directories                          (default $data)
#   --exp DIR                   outputs                                   (default $exp)
#   --nj N                      parallel jobs                             (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: here; on a Slurm cluster (conf/slurm.yaml); or through one
#                               of Kaldi's scripts, "queue.pl --mem 4G"   (default $cmd)
#   --device cpu|cuda|auto      for stages 2 and 3; auto: a GPU if there is one (default $device)
#   --config FILE               more options, as name=value lines
#
# Corpus:
#   --corpus NAME               $_corpora: options of
#                               conf/NAME.conf                            (default $corpus)
#   --train-set NAME            training set, below --data                (default $train_set)
#   --dev-set NAME              to monitor training and to tune on        (default $dev_set)
#   --test-sets "NAME ..."      test sets                                 (default "$test_sets")
#   --audio-dir DIR             a copy of the corpus; see steps/prepare_NAME.sh --help for this and the
#                               next four
#   --download true|false       download missing files of the corpus
#   --mirror "URL ..."          URLs to try first
#   --mic NAME                  microphone (AMI)
#   --reference PATH            where the references are, if not with the corpus
#
# Your own data, with --corpus kaldi:
#   --test-data "DIR ..."       Kaldi data directories; each set takes the name of its directory
#   --train-data DIR            without it, the shipped autoencoder is used, or one is trained on the test
#                               data (without labels)
#   --dev-data DIR              development data
#   --wav-pipes true|false      run the commands in wav.scp instead of refusing them (default $wav_pipes)
#   --xvector-dir "DIR ..."     Kaldi x-vector directories, which replace stages 1 and 2; one for each
#                               --test-data, if given
#   --train-xvector-dir DIR     the same for training
#   --dev-xvector-dir DIR       the same for development
#   --plda true|false           use the plda in --xvector-dir, if any, as the speaker space (default $plda)
#   --reference-from-segments true|false  make the reference from segments and utt2spk
#                                                                         (default $reference_from_segments)
#   --allow-extra true|false    exclude recordings without a reference from scoring, and list them, instead
#                               of failing                                (default $allow_extra, set by the corpus)
#
# Method:
#   --vad combined|segmentation|silero|energy|oracle|segments|vad_scp  how to find speech; the last three
#                               read it from the data                     (default $vad)
#   --overlap true|false        allow overlapping speakers; always false with --vad segments or vad_scp and
#                               with --xvector-dir                        (default $overlap)
#   --inside-segments true|false  keep only speech inside the data's segments (default $inside_segments)
#   --extractor campplus|ecapa|onnx|resemblyzer  x-vector extractor; onnx is your own model:
#                               --xvector.options.path model.onnx         (default $extractor)
#   --dec-config "FILE ..."     dec_X.yaml is used with xvector_X.yaml and autoencoder_X.yaml, if they
#                               exist              (default "$dec_config")
#   --num-spk N|oracle          number of speakers, results in exp/*_N or exp/*_oracle (default: estimated)
#   --min-spk N                 lower bound of the estimate               (default $min_spk)
#   --max-spk N                 upper bound of the estimate               (default: as configured)
#   --baselines "NAME ..."      clustering methods of stage 6; NAME_oracle is given the number of speakers
#                               (default "$baselines")
#   --seed N                    for DEC and the baselines                 (default $seed)
#   --seeds "NAME=N ..."        fit a variant of DEC (paper: conf/dec_paper.yaml) N times to each test set, with
#                               --seed and the next N - 1 seeds, which also perturb the last bit of each x-vector,
#                               into exp/dec_NAME/*/seed*; tables show mean, deviation, range; without it, once
#   --sweep "dec.KEY=VALUE,VALUE ..."  also run DEC with each of these values; for several keys, with each
#                               combination; ';' separates lists
#   --segmentation.KEY VALUE, --vad.KEY VALUE, --xvector.KEY VALUE, --ae.KEY VALUE, --dec.KEY VALUE, --baseline.KEY VALUE,
#   --report.KEY VALUE          override one configuration value; the published configuration (_paper) does not
#                               change, except for --xvector.options, which belong to the extractor, --ae.seed,
#                               and --ae.init scratch, which trains its autoencoder instead of using the shipped one
#
# Variants: options that differ from the defaults become part of the names of the directories that depend
# on them, exp/dec_default+refine.niter=80, and so of every table. A variant never overwrites the default.
# An options file with a line exp=... is an experiment of its own: its options are the defaults.
#
# Help:
#   --help, --version           . local/completion.bash completes options and values in bash and zsh
#
# Options on the command line override those of the corpus.
#
# Examples:
#   ./run.sh                                        # everything; finished steps are skipped
#   ./run.sh --plan                                 # what would that do?
#   ./run.sh --stage 4 --dec.refine.niter 80        # from DEC on, with one value changed
#   ./run.sh --vad oracle                           # speech from the reference
#   ./run.sh --stage 4 --stop-stage 5 --sweep "dec.refine.niter=0,40,80 dec.sequence.drift=0,0.2"
#   ./run.sh --corpus ami --nj 100 --cmd slurm      # a public corpus, on a cluster
#   ./run.sh --corpus kaldi --test-data /path/to/data/meetings
#
# Exit status: 0 success; 1 wrong options, an error, or failed recordings (listed at the end; the others
# are done); 130 interrupted.

. "$(dirname "$0")/steps/lib/common.sh"
_seconds=(36 42 69 6 75 6 100 24) # what each stage takes, on mini with two cores
_minutes=$(IFS=+; echo $(((${_seconds[*]} + 30) / 60)))
_expected="mini takes about $_minutes minutes on two cores, with all downloads in the cache"
_corpora=$(cd conf && echo *.conf | sed 's/paper_[^ ]*//g; s/\.conf */, /g; s/, $//')
stage=0
stop_stage=$((${#_seconds[@]} - 1))
plan=false
corpus=mini
if [[ " $*" =~ .*[[:space:]]--corpus[[:space:]=]([^[:space:]]+) ]]; then # before all others: it sets defaults
  corpus=${BASH_REMATCH[1]}
fi
_chosen=$corpus # a lower-case name would be an option
vad=combined
overlap=true
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
plda=true
num_spk=
min_spk=1
max_spk=
baselines="ahc nme_sc spectral spectral_oracle kmeans_oracle"
train_set=
dev_set=
test_sets=
data=data
exp=exp
nj=$(cores)
device=cpu
cmd=local
seed=0
seeds=
sweep=
audio_dir=
download=
mirror=
mic=
reference=
overrides=
_defaults="conf/$corpus.conf" # options of the corpus are defaults, too
[ -e "$_defaults" ] || die "--corpus $corpus: $_defaults does not exist; choose from $_corpora"
_checks_follow=true
. steps/lib/parse_options.sh
. steps/lib/run_options.sh
environment
resolve_device
. steps/lib/stages.sh

if starts 0 "data: recordings and references of the corpus $corpus"; then
  for set in $data_sources; do # of --corpus kaldi
    steps/import_data.sh --wav-pipes "$wav_pipes" --reference-from-segments "$reference_from_segments" \
      --cmd "$cmd" --nj "$nj" "${set#*=}" "$data/${set%%=*}"
  done
  if [ "$corpus" != kaldi ]; then
    # Each of the last five is known to some corpora only.
    options=(--sets "$sets" ${audio_dir:+--audio-dir "$audio_dir"} ${download:+--download "$download"}
      ${mirror:+--mirror "$mirror"} ${mic:+--mic "$mic"} ${reference:+--reference "$reference"})
    [ "$corpus" != mini ] || options+=(--nj "$nj")
    step=steps/prepare_"$corpus".sh
    [ -e "$step" ] || step=steps/prepare_corpus.sh options+=(--corpus "$corpus")
    "$step" "${options[@]}" "$data" # makes $data/<set> of each set
  fi
fi

if starts 1 "VAD: speech regions and local speakers"; then
  for set in $local_sets; do
    steps/find_local_speakers.sh --set "$(overrides_of segmentation)" --cmd "$cmd" --nj "$nj" \
      "$data/$set" "$local_dir/$set"
  done
  for set in $heard_sets; do
    steps/make_vad.sh --vad "$vad" --inside-segments "$inside_segments" --set "$(overrides_of vad)" \
      --local-speakers "$(local_of "$local_sets" "$set")" --cmd "$cmd" --nj "$nj" \
      "$data/$set" "$vad_dir/$set"
    if expected "$data/$set/ref.rttm"; then
      steps/score_vad.sh "$data/$set" "$vad_dir/$set" "$vad_dir/$set/score"
    fi
  done
fi

extract() { # name set: x-vectors of the windows of a variant of DEC
  steps/extract_xvectors.sh --xvector-config "$(config_of xvector "$1")" --extractor "$extractor" \
    --set "$(overrides_of xvector "$1")" --device "$device" --cmd "$cmd" --nj "$nj" \
    "$data/$2" "$vad_dir/$2" "$(xvectors_of "$1")/$2"
}

if starts 2 "x-vectors: one for each window of speech"; then
  for name in $windows; do
    for set in $heard_eval_sets; do extract "$name" "$set"; done
  done
  for set in $heard_train_set; do extract close "$set"; done # dense windows everywhere
fi

if starts 3 "autoencoder: pretrained by reconstruction on the training set"; then
  for set in $xvector_sources; do
    steps/import_xvectors.sh --cmd "$cmd" "${set#*=}" "$exp/xvectors_kaldi/${set%%=*}"
  done
  train=$(xvectors_of close)/$train_set valid=$(xvectors_of default)/$dev_set
  if [ -z "$train_set" ]; then # the test sets instead: training needs no labels
    train=
    for set in $test_sets; do train+=,$(xvectors_of default)/$set; done
    train=${train#,}
  fi
  [ -n "$dev_set" ] || valid=${train%%,*} # part of the training data
  [ -z "$plda_said" ] || echo "run.sh: $plda_said"
  for name in $autoencoders; do
    config=$(config_of autoencoder "$name") from=$train
    if [ "$config" = conf/autoencoder_plda.yaml ]; then # uses their plda and learns nothing
      from=
      for set in $eval_sets; do from+=,$(xvectors_of default)/$set; done
    fi
    steps/train_autoencoder.sh --ae-config "$config" --set "$(overrides_of ae "$name")" \
      --device "$device" --cmd "$cmd" "${from#,}" "$valid" "$(ae_dir "$name")"
  done
fi

if starts 4 "DEC: count, cluster, refine and decode each recording"; then
  [ -z "$overlap_said" ] || echo "run.sh: no overlapping speakers, because of $overlap_said"
  for system in "${systems[@]}"; do
    take "$system"
    for set in $eval_sets; do
      speakers_of "$set" "$num_spk"
      for each in $(seeds_of "$name" "$set"); do
        jitter= # the first seed runs the algorithm unchanged, the others also vary the rounding
        [ "$each" = "$seed" ] || jitter="jitter=1e-7"
        steps/fit_dec.sh --dec-config "$(config_of dec "$name")" --set "$(overrides_of dec "$name")$jitter" \
          "${speakers[@]}" --seed "$each" --cmd "$cmd" --nj "$nj" \
          "$(xvectors_of "$name")/$set" "$(ae_dir "$(ae_of "$name")")" "$(dec_dir "$name" "$set" "$each")"
      done
    done
  done
fi

score() { # set out-dir: score its turns, if there is a reference
  need "$2/rttm" "an earlier stage makes it"
  if expected "$data/$1/ref.rttm"; then
    steps/score.sh --allow-extra "$allow_extra" --show false "$data/$1/ref.rttm" "$2/rttm" "$2/score"
  else
    echo "run.sh: $2/rttm is not scored: $data/$1 has no ref.rttm"
  fi
}

if starts 5 "scores: DER and JER under every protocol"; then
  for system in "${systems[@]}"; do
    take "$system"
    for set in $eval_sets; do
      for each in $(seeds_of "$name" "$set"); do score "$set" "$(dec_dir "$name" "$set" "$each")"; done
    done
  done
fi

if starts 6 "baselines: the same with other clustering methods"; then
  for set in $heard_eval_sets; do extract close "$set"; done
  for system in $baselines; do
    method=${system%_oracle} number=oracle
    [ "$method" != "$system" ] || system=$system$told number=$num_spk
    out="$(baseline_of "$system")"
    for set in $eval_sets; do
      [ "$number" = "$num_spk" ] || expected "$data/$set/reco2num_spk" || continue
      speakers_of "$set" "$number"
      steps/cluster.sh --method "$method" --set "$(overrides_of baseline)" "${speakers[@]}" \
        --seed "$seed" --cmd "$cmd" --nj "$nj" "$(xvectors_of close)/$set" "$out/$set"
      score "$set" "$out/$set"
    done
  done
  # What the autoencoders lose: AHC with the known count on latents and on x-vectors.
  read -r set _ <<<"$test_sets"
  for name in $autoencoders; do
    if expected "$data/$set/ref.rttm" && expected "$data/$set/reco2num_spk"; then
      steps/probe_latents.sh "$data/$set" "$(xvectors_of close)/$set" "$(ae_dir "$name")" \
        "$(ae_dir "$name")/probe"
    fi
  done
fi

if starts 7 "report: one page with scores, recordings and audio"; then
  steps/make_report.sh --set "$(overrides_of report)" --cmd "$cmd" --nj "$nj" \
    "$data" "$exp" "$(unique "$test_sets $dev_set")" "$exp/report"
fi

conclude # $exp/RESULTS.md: all scores on one page
