# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with other files
# Check the options of run.sh and derive the sets and the directories of each variant of DEC from them.
# Sourced after the options are parsed, before anything is installed.

stages=${#_seconds[@]}
[[ "$stage" =~ ^[0-9]+$ && "$stop_stage" =~ ^[0-9]+$ ]] || die "--stage and --stop-stage must be numbers"
for number in "$stage" "$stop_stage"; do
  [ "$number" -lt "$stages" ] || die "there is no stage $number: stages are 0 to $((stages - 1)), see --help"
done
[ "$corpus" = "$_chosen" ] || die "--corpus must be given on the command line, not in an options file"
[ $# -eq 0 ] || die "unexpected argument '$1', see --help"
positive nj
[[ "$seed" =~ ^[0-9]+$ ]] || die "--seed must be a whole number of at least 0, not '$seed'"
check_speakers oracle
[[ "$vad" =~ ^(combined|segmentation|silero|energy|oracle|segments|vad_scp)$ ]] ||
  die "--vad must be combined, segmentation, silero, energy, oracle, segments or vad_scp, not '$vad'"
[[ " $baselines " != *" kmeans "* ]] || [ -n "$num_spk" ] || [ "$min_spk" = "$max_spk" ] ||
  die "the baseline kmeans needs the number of speakers: give --num-spk, or use kmeans_oracle"
for override in $overrides; do
  [[ "$override" =~ ^(segmentation|vad|xvector|ae|dec|baseline|report)\. ]] ||
    die "unknown option --${override%%=*}: it must begin with segmentation, vad, xvector, ae, dec, baseline or report"
done
[[ "$data$exp" =~ ^[^[:space:],]*$ ]] || die "--data and --exp cannot contain blanks or commas: '$data', '$exp'"

# The sets. With --corpus kaldi, they are named after the directories.

set_of() { # directory: the name of its set
  local name
  name="$(basename "$(realpath -ms "$1")")"
  [[ "$name" =~ ^[^[:space:],=]+$ ]] || die "'$name' is not a valid set name (blank, ',' or '='): link $1 under another name"
  echo "${name#xvectors_}"
}

paired() { # "names" "directories" option: 'name=directory' of each
  local name dirs
  read -ra dirs <<<"$2"
  [ "$(wc -w <<<"$1")" = "${#dirs[@]}" ] || die "$3: got ${#dirs[@]} directories for the sets '$1'"
  for name in $1; do
    [ -d "${dirs[0]}" ] || die "$3: no such directory: ${dirs[0]} (blanks separate directories)"
    echo "$name=${dirs[0]}"
    dirs=("${dirs[@]:1}")
  done
}

data_sources='' xvector_sources='' # 'name=directory' of each given set
if [ "$corpus" = kaldi ]; then
  [[ "$test_data$xvector_dir" =~ [^[:space:]] ]] || die "--corpus kaldi needs --test-data or --xvector-dir, see --help"
  test_sets='' dev_set='' train_set=''
  for dir in ${test_data:-$xvector_dir}; do test_sets+=" $(set_of "$dir")"; done
  [ -z "$dev_data$dev_xvector_dir" ] || dev_set="$(set_of "${dev_data:-$dev_xvector_dir}")"
  [ -z "$train_data$train_xvector_dir" ] || train_set="$(set_of "${train_data:-$train_xvector_dir}")"
  [ -z "$test_data" ] || data_sources+=" $(paired "$test_sets" "$test_data" --test-data)"
  [ -z "$dev_data" ] || data_sources+=" $(paired "$dev_set" "$dev_data" --dev-data)"
  [ -z "$train_data" ] || data_sources+=" $(paired "$train_set" "$train_data" --train-data)"
  if [ -n "$xvector_dir" ]; then
    xvector_sources="$(paired "$test_sets" "$xvector_dir" --xvector-dir)"
    [ -z "$dev_xvector_dir" ] || xvector_sources+=" $(paired "$dev_set" "$dev_xvector_dir" --dev-xvector-dir)"
    [ -z "$train_xvector_dir" ] || xvector_sources+=" $(paired "$train_set" "$train_xvector_dir" --train-xvector-dir)"
  fi
  for set in $data_sources; do # fail before anything is done
    case "$vad" in
      segments) given "${set#*=}/segments" "--vad segments takes speech from it" ;;
      vad_scp) given "${set#*=}/vad.scp" "--vad vad_scp takes speech from it" ;;
    esac
    [ "$inside_segments" = false ] || given "${set#*=}/segments" "--inside-segments true needs it"
  done
  twice="$(tr ' ' '\n' <<<"$test_sets $dev_set $train_set" | grep . | sort | uniq -d)"
  [ -z "$twice" ] || die "two sets have the name '$twice': link one directory under another name"
elif [ -n "$test_data$train_data$dev_data$xvector_dir$train_xvector_dir$dev_xvector_dir" ]; then
  die "--test-data, --xvector-dir and the like need --corpus kaldi"
fi
unique() { tr ' ' '\n' <<<"$*" | awk 'NF && !seen[$0]++' | paste -sd ' '; } # word...: each word once
eval_sets="$(unique "$dev_set $test_sets")"
sets="$(unique "$train_set $eval_sets")"
heard_sets="$sets" heard_eval_sets="$eval_sets" heard_train_set="$train_set" # those without given x-vectors
[ -z "$xvector_sources" ] || heard_sets='' heard_eval_sets='' heard_train_set=''

# Local speakers: to find speech, and overlapping speakers. With given speech regions or x-vectors there
# is one speaker at a time.
overlap_sets='' local_sets='' overlap_said=''
if [ "$overlap" = true ]; then
  case "$vad" in
    segments | vad_scp) overlap_said="--vad $vad" ;;
    *) overlap_sets=$heard_eval_sets overlap_said=${xvector_sources:+"--xvector-dir"} ;;
  esac
fi
case "$vad" in combined | segmentation) local_sets=$heard_sets ;; *) local_sets=$overlap_sets ;; esac

local_of() { # "sets" set: its local speakers, if it is among the sets
  case " $1 " in *" $2 "*) echo "$local_dir/$2" ;; esac
}

# The variants of DEC: 'default' is conf/dec.yaml, 'paper' is conf/dec_paper.yaml. A variant has windows
# and an autoencoder of its own only if there is a configuration for them.

declare -A folders=() # name: where its configurations are, if not in conf

own() { # arrow name: '_name', if it has a configuration of its own for this arrow
  [ ! -e "${folders[$2]-conf}/$1_$2.yaml" ] || echo "_$2"
}

# If all x-vectors to diarize come with the same plda, it is their speaker space, and conf/dec_plda.yaml
# is the default.

same_plda() { # directory...: all have the same plda
  local dir
  for dir in "$@"; do
    [ -e "$dir/plda" ] && cmp -s "$1/plda" "$dir/plda" || return 1
  done
}

with_plda=false plda_said=''
if [ "$plda" = true ] && [ -n "$xvector_sources" ]; then
  read -ra dirs <<<"$dev_xvector_dir $xvector_dir"
  if same_plda "${dirs[@]}"; then
    with_plda=true
    plda_said="the plda is the speaker space (conf/dec_plda.yaml); --plda false learns one instead"
  elif [ -n "$(find -L "${dirs[@]}" -maxdepth 1 -name plda)" ]; then
    plda_said="plda is not used because it is not the same in all of ${dirs[*]}: run each separately"
  fi
fi

config_of() { # arrow name: its own configuration, or the default of the arrow
  local name=$2
  [ "$with_plda" = false ] || [ "$name" != default ] || name=plda
  if [ -n "$(own "$1" "$name")" ]; then echo "${folders[$name]-conf}/$1_$name.yaml"; else echo "conf/$1.yaml"; fi
}

ae_of() { # name: the name of its autoencoder, after $exp/ae_
  if [ -n "$(own autoencoder "$1")" ]; then echo "$1"; else echo default; fi
}

names='' autoencoders='' windows=default
for file in $dec_config; do
  [ -e "$file" ] || die "no such file: $file (--dec-config)"
  name="$(basename "$file" .yaml | sed 's/^dec_*//; s/^$/default/')"
  [[ "$(basename "$file")" =~ ^dec(_[A-Za-z0-9._-]+)?\.yaml$ ]] ||
    die "--dec-config $file: the file of a variant NAME must be called dec_NAME.yaml"
  if [ ! "$(dirname "$file")" -ef conf ]; then
    [ ! -e "conf/$(basename "$file")" ] ||
      die "--dec-config $file would replace conf/$(basename "$file") in $exp/dec_$name: rename it"
    folders[$name]="$(dirname "$file")"
  fi
  case " $names " in *" $name "*) die "--dec-config: two files for $exp/dec_$name: rename one" ;; esac
  names+=" $name"
  case " $autoencoders " in *" $(ae_of "$name") "*) ;; *) autoencoders+=" $(ae_of "$name")" ;; esac
  [ -z "$(own xvector "$name")" ] || windows+=" $name"
done

for item in $seeds; do
  [[ "$item" =~ ^[^=]+=[1-9][0-9]{0,2}$ ]] || die "--seeds: expected NAME=N, as in paper=5, not '$item'"
  case " $names default " in
    *" ${item%=*} "*) ;;
    *) given "conf/dec_${item%=*}.yaml" "--seeds $item: not a variant of DEC" ;;
  esac
done

seeds_of() { # name set: the seeds of a variant; of sets that are no test sets, one
  local item number=1
  case " $test_sets " in
    *" $2 "*) for item in $seeds; do [ "${item%=*}" != "$1" ] || number=${item##*=}; done ;;
  esac
  echo "$seed"
  seq $((10#$seed + 1)) $((10#$seed + number - 1))
}

overrides_of() { # arrow [name]: 'dec.a=1 ae.b=2' -> 'a=1'; the published configuration does not change
  local item
  for item in $overrides; do
    case "${2-} $item" in
      "paper xvector.options."*) ;; # options of the extractor, which --extractor chooses for all
      "paper ae.init=scratch" | "paper ae.init=shipped" | "paper ae.seed="*) ;; # whether it is trained, and from where
      "paper "* | "close xvector.coarse_step="*) continue ;;
    esac
    case "$item" in "$1".*) printf '%s ' "${item#"$1".}" ;; esac
  done
}

told="${num_spk:+_$num_spk}" # a run with a given number of speakers has its own results

# A variant gets its own directory: options that differ from the defaults and affect its content are
# appended to its name: dec_default+refine.niter=0.

chosen() { # option...: 'option=value' of those that differ from the defaults
  local option
  for option in "$@"; do
    [ "${!option}" = "${_opt_default[$option]}" ] || echo "$option=${!option}"
  done
}

overridden() { # arrow [name]: 'arrow.key=value' of what the command line overrides
  local item
  for item in $(overrides_of "$@"); do
    case " ${_opt_default[overrides]} " in *" $1.$item "*) ;; *) echo "$1.$item" ;; esac
  done
}

variant() { # arrow "changes": '+key=value' of each, the last one per key; other arrows are named before the key
  local item value made=''
  [[ "$2" == *=* ]] || return 0 # the usual case
  for item in $(tr -s '[:space:]' '\n' <<<"$2" | sed "s/^$1\.//; /^$/d" | tac | sort -s -u -t = -k 1,1); do
    value=${item#*=} value=${value##*/} value=${value//[^A-Za-z0-9._-]/_}
    [ "$value" = "${item#*=}" ] || value+=-$(cksum <<<"${item#*=}" | cut -d ' ' -f 1)
    made+=+${item%%=*}=$value
  done
  [ ${#made} -le 150 ] || made=${made:0:120}-$(cksum <<<"$made" | cut -d ' ' -f 1) # a file name has at most 255 bytes
  echo "$made"
}

if [ -z "$xvector_sources" ]; then
  speech_changes="$(chosen inside_segments; overridden vad)"
  case "$vad" in combined | segmentation) speech_changes+=" $(overridden segmentation)" ;; esac
  local_dir="$exp/local_speakers$(variant segmentation "$(overridden segmentation)")"
  vad_dir="$exp/vad_$vad$(variant vad "$speech_changes")"
  speech_changes+=" $(chosen vad)"
else
  speech_changes='' local_dir='' vad_dir=''
fi

xvector_changes() { # name: changes that affect its x-vectors
  [ -n "$xvector_sources" ] || echo "$speech_changes $(overridden xvector "$1")"
}

ae_changes() { # name: changes that affect its autoencoder
  [ -n "$xvector_sources" ] || chosen extractor
  [ "$1" != default ] || chosen plda
  echo "$(xvector_changes close) $(chosen train_set) $(overridden ae "$1")"
}

system_changes() { # name: changes that affect DEC and the baselines themselves
  chosen seed
  case "$num_spk $1" in " "*_oracle) ;; " "*) chosen min_spk max_spk ;; esac # bounds do not apply to a given number
  [ -n "$xvector_sources" ] || chosen overlap
  [ -z "$overlap_sets" ] || overridden segmentation
}

xvectors_of() { # name: the directory of its x-vectors
  if [ -n "$xvector_sources" ]; then echo "$exp/xvectors_kaldi"; else
    echo "$exp/xvectors_$extractor$(own xvector "$1")$(variant xvector "$(xvector_changes "$1")")"
  fi
}

ae_dir() { # name: the directory of its autoencoder
  echo "$exp/ae_$1$(variant ae "$(ae_changes "$1")")"
}

dec_of() { # name: the directory of a variant of DEC
  local changes
  changes="$(ae_changes "$(ae_of "$1")") $(xvector_changes "$1") $(overridden dec "$1") $(system_changes "$1")"
  echo "$exp/dec_$1$told$(variant dec "$changes")"
}

dec_dir() { # name set seed: later seeds are inside the directory of the first, and are removed when it is made again
  local out
  out="$(dec_of "$1")/$2"
  if [ "$3" = "$seed" ]; then echo "$out"; else echo "$out/seed$3"; fi
}

baseline_of() { # name: the directory of a baseline
  local changes
  changes="$(xvector_changes close) $(overridden baseline) $(system_changes "$1")"
  [ -n "$xvector_sources" ] || changes+=" $(chosen extractor)"
  echo "$exp/$1$(variant baseline "$changes")"
}

speakers_of() { # set, number as for --num-spk: sets 'speakers', options of a step about its speakers
  speakers=(--local-speakers "$(local_of "$overlap_sets" "$1")")
  case "$2" in
    oracle) need "$data/$1/reco2num_spk" "--num-spk oracle takes the counts from it"
      speakers+=(--reco2num-spk "$data/$1/reco2num_spk") ;;
    ?*) speakers+=(--num-spk "$2") ;;
  esac
  # Bounds on the estimate do not apply to baselines that are given the number.
  [ "$2" != "$num_spk" ] || speakers+=(--min-spk "$min_spk" ${max_spk:+--max-spk "$max_spk"})
}

# The systems to fit: each variant of DEC unchanged, 'default', and with each point of --sweep,
# 'default dec.refine.niter=0 dec.sequence.drift=0.1'.

read -ra systems <<<"$names"
swept() { # "key=value,value ..." [point]: adds each point of the grid to 'systems'
  local item=${1%% *} rest='' value name
  if [ -z "$1" ]; then
    for name in $names; do
      [ "$name" = paper ] || systems+=("$name$2") # the published configuration does not change
    done
    return
  fi
  [[ "$item" =~ ^dec\.[a-z_.]+=[^][,]+(,[^][,]+)*$ ]] ||
    die "--sweep: expected dec.KEY=VALUE,VALUE, as in dec.refine.niter=0,40, not '$item'"
  [ "$item" = "$1" ] || rest=${1#* }
  for value in $(tr ',' '\n' <<<"${item#*=}"); do swept "$rest" "${2-} ${item%%=*}=$value"; done
}
while read -ra grid; do [ ${#grid[@]} -eq 0 ] || swept "${grid[*]}"; done <<<"${sweep//;/$'\n'}"

own_overrides=$overrides
take() { # an element of 'systems': set 'name' and 'overrides'
  name=${1%% *} overrides=$own_overrides
  [ "$name" = "$1" ] || overrides+=" ${1#* }"
}
