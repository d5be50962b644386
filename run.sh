#!/usr/bin/env bash
# Speaker diarization by deep embedded clustering (DEC): the whole experiment.
#
# Usage: ./run.sh [options]
#
# Without options it makes the corpus 'mini' and runs all stages on it:
#   0 data  1 VAD  2 x-vectors  3 autoencoder  4 DEC  5 scores  6 baselines  7 report
#
# Time: $_expected;
# the stages take $_seconds s.
#
# What is run:
#   --stage N                   first stage                               (default $stage)
#   --stop-stage N              last stage                                (default $stop_stage)
#   --plan                      say what each step reads and writes, and whether that is up to date, to be
#                               made anew, or not there yet; nothing is run or written
#   --data DIR                  data directories                          (default $data)
#   --exp DIR                   products                                  (default $exp)
#   --nj N                      parallel jobs                             (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  how jobs run: here; on a Slurm cluster (conf/slurm.yaml); or by a
#                               script of Kaldi's, "queue.pl --mem 4G"    (default $cmd)
#   --device cpu|cuda|auto      of stages 2 and 3; auto: a GPU where there is one (default $device)
#   --config FILE               more options, as name=value lines
#
# Corpus:
#   --corpus NAME               $_corpora: options of
#                               conf/NAME.conf                            (default $corpus)
#   --train-set NAME            to train on, below --data                 (default $train_set)
#   --dev-set NAME              to watch training, and to tune on         (default $dev_set)
#   --test-sets "NAME ..."      to test on                                (default "$test_sets")
#   --audio-dir DIR             of a corpus: a copy of it; this and the next four as
#                               steps/prepare_NAME.sh --help says
#   --download true|false       of a corpus: what is missing
#   --mirror "URL ..."          of a corpus: addresses to ask first
#   --mic NAME                  of AMI: the microphone
#   --reference PATH            of a corpus: references that lie elsewhere
#
# With --corpus kaldi, data of your own:
#   --test-data "DIR ..."       Kaldi data directories; their names are those of the sets
#   --train-data DIR            without it, the autoencoder that ships is taken, or trained on the test
#                               data themselves (no labels)
#   --dev-data DIR              likewise
#   --wav-pipes true|false      run the commands in their wav.scp, otherwise refused (default $wav_pipes)
#   --xvector-dir "DIR ..."     Kaldi x-vector directories, taken by stage 3 instead of stages 1 and 2;
#                               one for each --test-data, if any
#   --train-xvector-dir DIR     likewise, for training
#   --dev-xvector-dir DIR       likewise, for development
#   --plda true|false           where the --xvector-dir have a plda, it is the speaker space (default $plda)
#   --reference-from-segments true|false  the reference is segments and utt2spk
#                                                                         (default $reference_from_segments)
#   --allow-extra true|false    recordings without reference are left out of the scores, and listed;
#                               otherwise scoring refuses them            (default $allow_extra, as the corpus says)
#
# Method:
#   --vad combined|segmentation|silero|energy|oracle|segments|vad_scp  how speech is found; the last three:
#                               what the data say                         (default $vad)
#   --overlap true|false        whether several may speak at the same time; never with --vad segments or
#                               vad_scp, or with --xvector-dir            (default $overlap)
#   --inside-segments true|false  only where the data have segments       (default $inside_segments)
#   --extractor campplus|ecapa|onnx|resemblyzer  what makes x-vectors; onnx is a model of yours:
#                               --xvector.options.path model.onnx         (default $extractor)
#   --dec-config "FILE ..."     dec_X.yaml goes with xvector_X.yaml and autoencoder_X.yaml, where there
#                               are such           (default "$dec_config")
#   --num-spk N|oracle          number of speakers, results in exp/*_N or exp/*_oracle (default: estimated)
#   --min-spk N                 lower bound of the estimate               (default $min_spk)
#   --max-spk N                 upper bound of the estimate               (default: as configured)
#   --baselines "NAME ..."      clusterings of stage 6; NAME_oracle is told the number of speakers
#                               (default "$baselines")
#   --seed N                    of DEC and of baselines                   (default $seed)
#   --seeds "NAME=N ..."        variants of DEC (paper is that of conf/dec_paper.yaml) that are fitted N times, with --seed and
#                               the N - 1 seeds after it, which also draw the last bit of each x-vector, into
#                               exp/dec_NAME/*/seed*: tables have mean, deviation, range (default "$seeds", others 1)
#   --sweep "dec.KEY=VALUE,VALUE ..."  DEC also with each of these values of a configuration, of several keys
#                               with each combination; behind a ';', another such list
#   --segmentation.KEY VALUE, --vad.KEY VALUE, --xvector.KEY VALUE, --ae.KEY VALUE, --dec.KEY VALUE, --baseline.KEY VALUE,
#   --report.KEY VALUE          one value of a configuration; what is published (_paper) stays as it is, but
#                               for --xvector.options, which go with the extractor, --ae.seed, and
#                               --ae.init scratch, which trains its autoencoder instead of taking what ships
#
# Variants: what the command line says otherwise than the defaults stands in the names of the directories
# that depend on it, exp/dec_default+refine.niter=80, and so in every table. Nothing takes the place of
# what it varies. An options file that has a line exp=... is an experiment of its own: it has its defaults.
#
# Help:
#   --help, --version           . local/completion.bash completes options and values in bash and zsh
#
# Options given here win over those of the corpus.
#
# Examples:
#   ./run.sh                                        # everything; what is done already is skipped
#   ./run.sh --plan                                 # what would that be?
#   ./run.sh --stage 4 --dec.refine.niter 80        # from DEC on, with one value changed
#   ./run.sh --vad oracle                           # speech from the reference
#   ./run.sh --stage 4 --stop-stage 5 --sweep "dec.refine.niter=0,40,80 dec.sequence.drift=0,0.2"
#   ./run.sh --corpus ami --nj 100 --cmd slurm      # a public corpus, on a cluster
#   ./run.sh --corpus kaldi --test-data /path/to/data/meetings
#
# Exit status: 0 all well; 1 wrong options, an error, or recordings that failed (they are listed at the
# end, the others are done); 130 interrupted.

. "$(dirname "$0")/steps/lib/common.sh"
_seconds=(24 42 112 5 237 11 108 34) # what each stage takes, on mini with two cores
_minutes=$(IFS=+; echo $(((${_seconds[*]} + 30) / 60)))
_expected="mini takes about $_minutes minutes on two cores, with all downloads in the cache"
_corpora=$(cd conf && echo *.conf | sed 's/paper_[^ ]*//g; s/\.conf */, /g; s/, $//')
stage=0
stop_stage=$((${#_seconds[@]} - 1))
plan=false
corpus=mini
if [[ " $*" =~ .*[[:space:]]--corpus[[:space:]=]([^[:space:]]+) ]]; then # before all others: it has defaults
  corpus=${BASH_REMATCH[1]}
fi
_chosen=$corpus # what bears a lower-case name is an option
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
seeds="paper=5"
sweep=
audio_dir=
download=
mirror=
mic=
reference=
overrides=
_defaults="conf/$corpus.conf" # what the corpus says is a default, too
[ -e "$_defaults" ] || die "--corpus $corpus: there is no $_defaults; corpora are $_corpora"
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
    # The last five are each known to some corpora only.
    options=(--sets "$sets" ${audio_dir:+--audio-dir "$audio_dir"} ${download:+--download "$download"}
      ${mirror:+--mirror "$mirror"} ${mic:+--mic "$mic"} ${reference:+--reference "$reference"})
    [ "$corpus" != mini ] || options+=(--nj "$nj")
    step=steps/prepare_"$corpus".sh
    [ -e "$step" ] || step=steps/prepare_corpus.sh options+=(--corpus "$corpus")
    "$step" "${options[@]}" "$data" # makes $data/<set> of each set
  fi
fi

if starts 1 "VAD: where there is speech, and who speak at the same time"; then
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

extract() { # name set: x-vectors of the windows that a variant of DEC has
  steps/extract_xvectors.sh --xvector-config "$(config_of xvector "$1")" --extractor "$extractor" \
    --set "$(overrides_of xvector "$1")" --device "$device" --cmd "$cmd" --nj "$nj" \
    "$data/$2" "$vad_dir/$2" "$(xvectors_of "$1")/$2"
}

if starts 2 "x-vectors: an embedding for each window of speech"; then
  for name in $windows; do
    for set in $heard_eval_sets; do extract "$name" "$set"; done
  done
  for set in $heard_train_set; do extract close "$set"; done # windows that are close everywhere
fi

if starts 3 "autoencoder: pretrained by reconstruction on the training set"; then
  for set in $xvector_sources; do
    steps/import_xvectors.sh --cmd "$cmd" "${set#*=}" "$exp/xvectors_kaldi/${set%%=*}"
  done
  train=$(xvectors_of close)/$train_set valid=$(xvectors_of default)/$dev_set
  if [ -z "$train_set" ]; then # then the test sets: no label is needed
    train=
    for set in $test_sets; do train+=,$(xvectors_of default)/$set; done
    train=${train#,}
  fi
  [ -n "$dev_set" ] || valid=${train%%,*} # a part of them
  [ -z "$plda_said" ] || echo "run.sh: $plda_said"
  for name in $autoencoders; do
    config=$(config_of autoencoder "$name") from=$train
    if [ "$config" = conf/autoencoder_plda.yaml ]; then # it takes the plda of these, and learns nothing
      from=
      for set in $eval_sets; do from+=,$(xvectors_of default)/$set; done
    fi
    steps/train_autoencoder.sh --ae-config "$config" --set "$(overrides_of ae "$name")" \
      --device "$device" --cmd "$cmd" "${from#,}" "$valid" "$(ae_dir "$name")"
  done
fi

if starts 4 "DEC: each recording counted, clustered, refined, decoded"; then
  [ -z "$overlap_said" ] || echo "run.sh: one speaker at a time, because of $overlap_said"
  for system in "${systems[@]}"; do
    take "$system"
    for set in $eval_sets; do
      speakers_of "$set" "$num_spk"
      for each in $(seeds_of "$name"); do
        jitter= # the first seed is the algorithm as it is, the others have other rounding, too
        [ "$each" = "$seed" ] || jitter="jitter=1e-7"
        steps/fit_dec.sh --dec-config "$(config_of dec "$name")" --set "$(overrides_of dec "$name")$jitter" \
          "${speakers[@]}" --seed "$each" --cmd "$cmd" --nj "$nj" \
          "$(xvectors_of "$name")/$set" "$(ae_dir "$(ae_of "$name")")" "$(dec_dir "$name" "$set" "$each")"
      done
    done
  done
fi

score() { # set out-dir: its turns, if there is a reference
  need "$2/rttm" "an earlier stage makes it"
  if expected "$data/$1/ref.rttm"; then
    steps/score.sh --allow-extra "$allow_extra" --show false "$data/$1/ref.rttm" "$2/rttm" "$2/score"
  else
    echo "run.sh: $data/$1 has no ref.rttm: $2/rttm is made, but not scored"
  fi
}

if starts 5 "scores: DER and JER under every protocol"; then
  for system in "${systems[@]}"; do
    take "$system"
    for set in $eval_sets; do
      for each in $(seeds_of "$name"); do score "$set" "$(dec_dir "$name" "$set" "$each")"; done
    done
  done
fi

if starts 6 "baselines: the same by other clusterings"; then
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
  # What the autoencoders lose: AHC with the known count on latents, against on x-vectors.
  read -r set _ <<<"$test_sets"
  for name in $autoencoders; do
    if expected "$data/$set/ref.rttm" && expected "$data/$set/reco2num_spk"; then
      steps/probe_latents.sh "$data/$set" "$(xvectors_of close)/$set" "$(ae_dir "$name")" \
        "$(ae_dir "$name")/probe"
    fi
  done
fi

if starts 7 "report: one page to look at and to listen to"; then
  steps/make_report.sh --set "$(overrides_of report)" --cmd "$cmd" --nj "$nj" \
    "$data" "$exp" "$test_sets $dev_set" "$exp/report"
fi

conclude # $exp/RESULTS.md: all scores on one page
