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
case "$vad" in silero | energy | oracle) ;; *) die "--vad is silero, energy or oracle, not '$vad'" ;; esac
for override in $overrides; do
  case "$override" in
    vad.* | xvector.* | ae.* | dec.* | baseline.*) ;;
    *) die "unknown option --${override%%=*}: it begins with vad, xvector, ae, dec or baseline" ;;
  esac
done

export DIAR_RUN=1 # recordings that fail are listed at the end, and do not stop the stages
eval_sets="$dev_set $test_sets"
sets="$train_set $eval_sets"
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
  if [ -e "conf/xvector_$1.yaml" ]; then echo "$exp/xvectors_${extractor}_$1"; else echo "$exp/xvectors_$extractor"; fi
}

extractions=default # training takes the default x-vectors; others only where configured
for name in $names; do
  [ ! -e "conf/xvector_$name.yaml" ] || extractions="$extractions $name"
done

sets_of() { # name: nothing is trained on x-vectors other than the default ones
  if [ "$1" = default ]; then echo "$sets"; else echo "$eval_sets"; fi
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
      "paper "*) continue ;;
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
    steps/score.sh "$data/$1/ref.rttm" "$2/rttm" "$2/score" >"$2/.score.log" || {
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
  if [ "$stop_stage" -ge 5 ]; then
    python local/make_results.py "$exp" "$exp/RESULTS.md"
  fi
  echo "run.sh: ${stage_times}in all $SECONDS s"
  local list failed=
  for set in $sets; do
    for list in "$exp"/*/"$set"/failed; do
      [ -s "$list" ] || continue
      failed=yes
      sed "s|^|run.sh: failed: $(dirname "$list"): |" "$list" >&2
    done
  done
  [ -z "$failed" ] || die "the recordings above failed; all others are done"
}
