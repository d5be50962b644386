# What run.sh needs to read as a list of stages: names and paths, timing, and the end of a run.
# Sourced after the options are parsed.

[[ "$stage" =~ ^[0-9]+$ && "$stop_stage" =~ ^[0-9]+$ ]] || die "--stage and --stop-stage are numbers"
[[ "$nj" =~ ^[1-9][0-9]*$ ]] || die "--nj must be a whole number of at least 1, not '$nj'"
[[ "$seed" =~ ^[0-9]+$ ]] || die "--seed must be a whole number of at least 0, not '$seed'"
[[ "$min_spk" =~ ^[1-9][0-9]*$ && "$max_spk" =~ ^([1-9][0-9]*)?$ ]] ||
  die "--min-spk and --max-spk must be whole numbers of at least 1, not '$min_spk' and '$max_spk'"
[ "$min_spk" -le "${max_spk:-$min_spk}" ] || die "--min-spk $min_spk is more than --max-spk $max_spk"
[[ "$num_spk" =~ ^([1-9][0-9]*|oracle)?$ ]] ||
  die "--num-spk must be 'oracle' or a whole number of at least 1, not '$num_spk'"
case "$vad" in
  silero | energy | oracle | segments | vad_scp) ;;
  *) die "--vad is silero, energy, oracle, segments or vad_scp, not '$vad'" ;;
esac
resolve_device
for override in $overrides; do
  case "$override" in
    vad.* | xvector.* | ae.* | dec.* | baseline.* | report.*) ;;
    *) die "unknown option --${override%%=*}: it begins with vad, xvector, ae, dec, baseline or report" ;;
  esac
done

[[ "$data$exp" =~ ^[^[:space:],]*$ ]] || die "--data and --exp cannot hold blanks or commas: '$data', '$exp'"

export DIAR_RUN=1 # recordings that fail are listed at the end, and do not stop the stages

set_of() { # directory: the name of the set that it becomes
  local name
  name="$(basename "$(realpath -ms "$1")")"
  [[ "$name" =~ ^[^[:space:],=]+$ ]] || die "'$name' cannot name a set (blank, ',' or '='): link $1 under another name"
  echo "${name#xvectors_}"
}

data_sources= xvector_sources= # of --corpus kaldi: 'name=directory' of each set
if [ "$corpus" = kaldi ]; then
  [[ "$test_data$xvector_dir" =~ [^[:space:]] ]] || die "--corpus kaldi needs --test-data or --xvector-dir, see --help"
  test_sets= dev_set= train_set=
  for dir in $test_data; do test_sets+=" $(set_of "$dir")"; done
  [ -n "$test_data" ] || for dir in $xvector_dir; do test_sets+=" $(set_of "$dir")"; done
  [ -z "$dev_data$dev_xvector_dir" ] || dev_set="$(set_of "${dev_data:-$dev_xvector_dir}")"
  [ -z "$train_data$train_xvector_dir" ] || train_set="$(set_of "${train_data:-$train_xvector_dir}")"
  paired() { # "names" "directories" option
    local name dirs
    read -ra dirs <<<"$2"
    [ "$(wc -w <<<"$1")" = "${#dirs[@]}" ] || die "$3: ${#dirs[@]} directories for the sets '$1'"
    for name in $1; do
      [ -d "${dirs[0]}" ] || die "$3: no such directory: ${dirs[0]} (blanks separate directories)"
      echo "$name=${dirs[0]}"
      dirs=("${dirs[@]:1}")
    done
  }
  [ -z "$test_data" ] || data_sources+=" $(paired "$test_sets" "$test_data" --test-data)"
  [ -z "$dev_data" ] || data_sources+=" $(paired "$dev_set" "$dev_data" --dev-data)"
  [ -z "$train_data" ] || data_sources+=" $(paired "$train_set" "$train_data" --train-data)"
  if [ -n "$xvector_dir" ]; then
    xvector_sources="$(paired "$test_sets" "$xvector_dir" --xvector-dir)"
    [ -z "$dev_xvector_dir" ] || xvector_sources+=" $(paired "$dev_set" "$dev_xvector_dir" --dev-xvector-dir)"
    [ -z "$train_xvector_dir" ] || xvector_sources+=" $(paired "$train_set" "$train_xvector_dir" --train-xvector-dir)"
  fi
  for set in $data_sources; do # said before anything is done
    case "$vad" in
      segments) need "${set#*=}/segments" "--vad segments takes speech from it" ;;
      vad_scp) need "${set#*=}/vad.scp" "--vad vad_scp takes speech from it" ;;
    esac
    [ "$inside_segments" = false ] || need "${set#*=}/segments" "--inside-segments true needs it"
  done
  twice="$(printf '%s\n' $test_sets $dev_set $train_set | sort | uniq -d)"
  [ -z "$twice" ] || die "two sets would be named '$twice': link one directory under another name"
elif [ -n "$test_data$train_data$dev_data$xvector_dir$train_xvector_dir$dev_xvector_dir" ]; then
  die "--test-data, --xvector-dir and the like go with --corpus kaldi"
fi

eval_sets="$dev_set $test_sets"
sets="$train_set $eval_sets"
heard_sets="$sets" # those whose x-vectors are extracted here
[ -z "$xvector_sources" ] || heard_sets=
names=            # one per --dec-config: 'default' for dec.yaml, 'paper' for dec_paper.yaml
for file in $dec_config; do
  [ -e "$file" ] || die "no such file: $file (--dec-config)"
  name="$(basename "$file" .yaml)"
  name="${name#dec}"
  name="${name#_}"
  names="$names ${name:-default}"
done

config_of() { # arrow name: its own configuration, or else the arrow's default
  if [ -e "conf/$1_$2.yaml" ]; then echo "conf/$1_$2.yaml"; else echo "conf/$1.yaml"; fi
}

xvectors_of() { # name: its x-vectors are its own only where it has a configuration for them
  if [ -n "$xvector_sources" ]; then echo "$exp/xvectors_kaldi"; elif [ -e "conf/xvector_$1.yaml" ]; then echo "$exp/xvectors_${extractor}_$1"; else echo "$exp/xvectors_$extractor"; fi
}

extractions="default close" # others only where configured
for name in $names; do
  [ ! -e "conf/xvector_$name.yaml" ] || extractions="$extractions $name"
done
[ -z "$xvector_sources" ] || extractions=

training_xvectors() { # without a training set, the test sets: no label is needed
  local set dirs=
  if [ -n "$train_set" ]; then
    echo "$(xvectors_of close)/$train_set"
  else
    for set in $test_sets; do dirs+=",$(xvectors_of default)/$set"; done
    echo "${dirs#,}"
  fi
}

validation_xvectors() { # without a development set, a part of the training set
  local training
  training="$(training_xvectors)"
  if [ -n "$dev_set" ]; then echo "$(xvectors_of default)/$dev_set"; else echo "${training%%,*}"; fi
}

sets_of() { # name: what stage 2 extracts of these x-vectors; those of the baselines come with them
  if [ "$1" = close ]; then echo "$train_set"; else echo "$eval_sets"; fi
}

extract() { # name set: x-vectors, unless they are given
  [ -z "$xvector_sources" ] || return 0
  steps/extract_xvectors.sh --xvector-config "$(config_of xvector "$1")" --extractor "$extractor" \
    --set "$(overrides_of xvector "$1")" --device "$device" --cmd "$cmd" --nj "$nj" \
    "$data/$2" "$exp/vad_$vad/$2" "$(xvectors_of "$1")/$2"
}

ae_of() { # name: the name of its autoencoder, its own only where it has a configuration for it
  if [ -e "conf/autoencoder_$1.yaml" ]; then echo "$1"; else echo default; fi
}

autoencoders=
for name in $names; do
  case " $autoencoders " in *" $(ae_of "$name") "*) ;; *) autoencoders="$autoencoders $(ae_of "$name")" ;; esac
done

told="${num_spk:+_$num_spk}" # results of a run that was told the number of speakers stand apart

overrides_of() { # arrow [name]: 'dec.a=1 ae.b=2' -> 'a=1'; what was published stays as published
  local item
  for item in $overrides; do
    case "${2-} $item" in
      "paper xvector.options."*) ;; # of the extractor, which --extractor chooses for all
      "paper "* | "close xvector.coarse_step="*) continue ;;
    esac
    case "$item" in "$1".*) printf '%s ' "${item#"$1".}" ;; esac
  done
}

speakers_of() { # set: what is known of the number of speakers, as options of a step
  case "$num_spk" in
    oracle) need "$data/$1/reco2num_spk" "--num-spk oracle takes the counts from it"
      echo "--reco2num-spk $data/$1/reco2num_spk" ;;
    "") echo "--min-spk $min_spk ${max_spk:+--max-spk $max_spk}" ;;
    *) echo "--num-spk $num_spk" ;;
  esac
}

score() { # set dir: score its rttm, where there is a reference
  need "$2/rttm" "stage 4 or 6 makes it"
  if [ -e "$data/$1/ref.rttm" ]; then
    steps/score.sh --allow-extra "$allow_extra" "$data/$1/ref.rttm" "$2/rttm" "$2/score" >"$2/.score.log" || {
      cat "$2/.score.log"
      die "scoring of $2 failed"
    }
    rm "$2/.score.log"
  else
    echo "run.sh: $data/$1 has no ref.rttm: $2/rttm is made, but not scored"
  fi
}

stage_times=
stage_began=
ends_stage() {
  [ -z "$stage_began" ] || stage_times+="stage $stage_now: $((SECONDS - stage_began)) s; "
  stage_began=
}

starts() { # number text: whether this stage is to be run
  ends_stage
  [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ] || return 1
  stage_now=$1
  stage_began=$SECONDS
  echo
  echo "=== stage $1: $2"
}

conclude() { # times, results, and the recordings that failed
  ends_stage
  echo
  if [ "$stop_stage" -ge 5 ] && compgen -G "$exp/*/*/score/summary.json" >/dev/null; then
    python local/make_results.py "$exp" "$exp/RESULTS.md"
  fi
  echo "run.sh: ${stage_times}in all $SECONDS s"
  local list failed=
  local lists=("$exp/report/failed")
  for set in $sets; do lists+=("$data/$set/failed" "$exp"/*/"$set"/failed); done
  for list in "${lists[@]}"; do
    [ -s "$list" ] || continue
    failed=yes
    sed "s|^|run.sh: failed: $(dirname "$list"): |" "$list" >&2
  done
  [ -z "$failed" ] || die "the recordings above failed; all others are done"
}
