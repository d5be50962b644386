# shellcheck shell=bash disable=SC2034,SC2154 # variables of this are used elsewhere, and the other way round
# What every script shares: where we are, early failure, and directories that are done or are not.
#
# A step's directory has .begun from its first moment and .done as the last thing written; .done
# holds a key, the hash of the program (with every module that it imports), its options and its
# inputs. The same key means nothing to do; any other means that the directory is made again. Of a
# directory that was begun with the same key and the same number of jobs, but never done, those jobs
# are kept that have finished (jobs/J/finished, the last thing that a job writes), unless an input was
# written since: jobs/.key has the times of the inputs, too. At the end all this is looked at again, and
# .made records what the key is made of: local/step_state.py tells by it what is old, and why.
#
# Names that begin with '_' are no options: parse_options.sh takes all others in lower case for such.

set -euo pipefail
export LC_ALL=C.UTF-8 # one sorting order everywhere; also where the environment is not needed
_root="$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)"
_script="$(realpath "$0")" # before we go anywhere: --help prints its head
_given=("$@")
_name="${0##*/}"

die() { echo "$_name: $*" >&2; exit 1; }

case "$_script $* " in "$_root"/benchmarks/* | "$_root"/tests/* | *" --help "* | *" -h "* | *" --version "*)
  cd "$_root" ;;
esac
[ "$PWD" -ef "$_root" ] || die "run it from the recipe's directory: cd $_root" # as in Kaldi: all paths count from here

unset plan program # may come from elsewhere
planning() { # ./run.sh --plan: it and its steps say what they would do, and do nothing
  [ -n "${DIAR_PLAN-}" ] || [ "${plan-}" = true ]
}

environment() { # parse_options.sh calls it last: neither help nor a wrong option waits for an installation
  if planning; then # nor does a plan, which needs no package
    export PATH="$_root/.venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
  elif [ "${DIAR_RUN-}" != "$_root" ]; then # run.sh has entered it for its steps
    . ./path.sh
  fi
}

cores() { env -u OMP_NUM_THREADS nproc; } # nproc alone would count threads, of which there is one

positive() { # option [or]: its value is a whole number of at least 1
  [[ "${!1}" =~ ^[1-9][0-9]{0,8}$ ]] || die "--${1//_/-} must be a whole number of at least 1${2-}, not '${!1}'"
}

check_speakers() { # [word]: the options num_spk (which may be the word), min_spk, max_spk
  [ -z "$num_spk" ] || [ "$num_spk" = "${1-}" ] || positive num_spk "${1:+, or $1}"
  positive min_spk
  [ -z "$max_spk" ] || positive max_spk
  [ "$min_spk" -le "${max_spk:-$min_spk}" ] || die "--min-spk $min_spk is more than --max-spk $max_spk"
  case "$num_spk" in "" | "${1-}") return ;; esac
  [ "$num_spk" -ge "$min_spk" ] || die "--num-spk $num_spk is less than --min-spk $min_spk"
  [ "$num_spk" -le "${max_spk:-$num_spk}" ] || die "--num-spk $num_spk is more than --max-spk $max_spk"
}

resolve_device() { # is it there? And what is 'auto' here: the key of a step says what it was made on
  [ "${cmd-local}" = local ] || return 0 # the jobs will see
  [ -x .venv/bin/python ] || return 0    # a plan, before there is anything
  [ "$device" = cpu ] || device="$(python local/find_device.py "$device")" || exit 1
}

given() { # file, and what it is for
  [ -e "$1" ] || die "no such file: $1 ($2)"
}

need() { # file, and what makes it: a plan goes on without
  planning || given "$@"
}

_inputs=() # of the step; its key knows them

reads() { # file, what makes it [, the directory that is the input because of it]
  need "$1" "$2"
  _inputs+=("${3-$1}")
}

may_read() { # file...: inputs, where there are such
  local file
  for file in "$@"; do [ ! -e "$file" ] || _inputs+=("$file"); done
}

expected() { # file: it is there; or in a plan, its directory is still to be made
  [ -e "$1" ] || { planning && [ ! -e "${1%/*}" ]; }
}

choose_launcher() { # by --cmd; fails where jobs cannot be started that way
  local words
  read -ra words <<<"${cmd-local}"
  case "${words-}" in
    local) launcher=(python local/run_jobs.py) ;;
    slurm) launcher=(python local/slurm_jobs.py "${words[@]:1}")
      "${launcher[@]}" --check || exit 1 ;;
    *) launcher=(python local/kaldi_jobs.py --script "$cmd")
      command -v "${words-}" >/dev/null ||
        die "--cmd is local, slurm, or a script in Kaldi's convention; there is no program '${words-}'" ;;
  esac
}

run_jobs() { # number log command...: so many jobs; JOB in log and command is the number of each
  "${launcher[@]}" --step "$_name" "JOB=1:$1" "${@:2}"
}

holds() { # file text: it has this one line
  local line=
  [ -e "$1" ] && IFS= read -r line <"$1" && [ "$line" = "$2" ]
}

key_of() { # program "options" [input...]
  python3 -I -S local/step_key.py "$@"
}

states_of() { # program "options" [input...]: of the files among the inputs, which tell what was edited and put back
  local name paths=()
  for name in "${@:3}"; do
    case "$name" in *.py) ;; /*) paths+=("$name") ;; *) paths+=("./$name") ;; esac # code counts by its meaning
  done
  [ ${#paths[@]} -eq 0 ] || find -L "${paths[@]}" -maxdepth 1 -type f ! -name ".*" -printf '%p %i %s %T@ %C@\n' | sort -u
}

command_line() { # the command of this run, without what its products do not depend on
  local word line=${_script#"$_root"/}
  [[ "$line" == */* ]] || line=./$line
  set -- "${_given[@]}"
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case "$word" in
      --stage | --stop-stage | --nj | --cmd) [ $# -eq 0 ] || shift ;;
      --stage=* | --stop-stage=* | --nj=* | --cmd=*) ;;
      *) printf -v word %q "$word"
        line+=" $word" ;;
    esac
  done
  echo "$line"
}

is_done() { # out-dir key: there is nothing to do
  holds "$1/.done" "$2" && echo "$_name: $1 is up to date"
}

to_disk() { # directory: wait until its files, and their names, are there also after a power loss
  find "$1" -type f -exec sync {} + || die "cannot write to $1"
  find "$1" -type d -exec sync {} + 2>/dev/null || true # some file systems of networks do not do that
}

killed() { # lockfile: the run that wrote it was one of this machine, and is gone
  local pid host
  read -r _ pid _ host <"$1" && [ "$host" = "$(uname -n)" ] &&
    ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status"
}

await() { # lockfile: what a killed run has left ends by itself: launchers do, with their jobs
  killed "$1" && flock -w 15 "$lock"
}

holder() { # lockfile: who holds the lock; in a subshell
  local pid
  exec {lock}>&- # not we
  pid="$(find /proc/[0-9]*/fd -lname "$(realpath "$1")" -printf '%h\n' 2>/dev/null | cut -d / -f 3 | grep -vxF "$$")" || true
  if killed "$1" && [ -n "$pid" ]; then
    echo "process $(paste -sd ' ' <<<"$pid") (of a run that was killed: 'kill -9' ends it)"
  else
    cat "$1"
  fi
}

begin() { # out-dir program "options" [input...], besides what it reads: fails when there is nothing to do
  local out="$1" key input dir parent lockfile states why
  set -- "${@:2}" "${_inputs[@]}"
  [ -z "${nj+set}" ] || positive nj
  case "$out" in *JOB*) die "$out: JOB in a path stands for the number of a job: use another name" ;; esac
  for input in "${@:3}"; do
    if [ "$input" -ef "$out" ] || [ "${input%/*}" -ef "$out" ]; then
      die "$out is input and output: name another directory for the output"
    fi
  done
  if planning; then
    printf '\x1f%s' "$_name" "$out" "${@//$'\n'/$'\x1e'}" # for local/step_plan.py, which knows the states
    echo
    return 1
  fi
  _keyed=("$@")
  states="$(states_of "$@")" # before the key: what is written in between is seen at the end
  key="$(key_of "$@")" || exit 1
  ! is_done "$out" "$key" || return 1
  parent="$(dirname "$out")"
  lockfile="$parent/.$(basename "$out").lock"
  if ! { mkdir -p "$parent" && exec {lock}>>"$lockfile"; }; then die "cannot write to $parent"; fi
  flock -n "$lock" || await "$lockfile" ||
    die "$(holder "$lockfile") is writing to $out: wait for it, or take another --exp"
  echo "process $$ on $(uname -n)" >"$lockfile"
  ! is_done "$out" "$key" || return 1 # by a run that has just ended
  [ -e "$out/.begun" ] || [ -z "$(ls -A "$out" 2>/dev/null)" ] ||
    die "$out holds files that this recipe did not make: remove it, or name another directory"
  # A mistake in the options must not cost what was made before: the check of the step's 'program' comes first.
  choose_launcher
  [ -z "${program+set}" ] || "${program[@]}" --check || exit 1
  if [ -e "$out/.done" ]; then
    why="$(python3 -I -S local/step_state.py --against "$out" "$@")"
    echo "$_name: $out is made anew${why:+: $why}"
  fi
  for dir in "$out"/log/.*.slurm; do # killed with kill -9, a run may have left jobs that write here
    [ ! -e "$dir" ] || python local/slurm_jobs.py --cancel "$dir" || exit 1
  done
  states="$key ${nj-}${states:+$'\n'$states}"
  if [ -e "$out/jobs/.key" ] && [ "$(<"$out/jobs/.key")" = "$states" ]; then
    for dir in "$out"/jobs/*/; do
      [ -e "${dir}finished" ] || rm -rf "$dir"
    done
    find "$out/" -mindepth 1 -maxdepth 1 -name ".*" ! -name .begun -exec rm -rf {} + # half-written
    return 0
  fi
  # .done and .key go first and .begun stays: killed at any moment, this is a directory of ours,
  # unfinished, of which nothing is kept.
  if ! {
    rm -f "$out/.done" "$out/jobs/.key" && mkdir -p "$out" && { sync "$out" 2>/dev/null || true; } && echo "$key" >"$out/.begun" &&
      find "$out/" -mindepth 1 -maxdepth 1 ! -name .begun -exec rm -rf {} + &&
      mkdir "$out/log" "$out/jobs" && echo "$states" >"$out/jobs/.key"
  }; then die "cannot write to $out"; fi
}

join() { # out-dir name...: name.1 name.2 ... of the jobs become one sorted file
  local out="$1" name keys
  shift
  for name in "$@"; do
    keys=()
    case "$name" in
      rttm | rttm_exclusive) keys=(-k "2,2" -k "4,4n") ;; # turns in the order of time
      history) keys=(-k "1,1" -k "2,2n") ;;
    esac
    cat "$out/jobs"/*/"$name" | sort "${keys[@]}" >"$out/.$name.tmp"
    mv "$out/.$name.tmp" "$out/$name"
  done
}

unchanged() { # out-dir: what it was made of is as it was; fails with a line that names what is not
  local key changed
  changed="$(states_of "${_keyed[@]}" 2>/dev/null | comm -3 --nocheck-order - <(tail -n +2 "$1/jobs/.key"))"
  changed="$(sed 's/^\t//; s/\( [0-9.]*\)\{4\}$//; s|^\./||' <<<"$changed" | sort -u | head -3 | paste -sd ' ')"
  key="$(key_of "${_keyed[@]}" 2>/dev/null)" || key=
  [ -n "$changed" ] || holds "$1/.begun" "$key" || changed="the program, or audio or arks that its inputs name,"
  [ -n "$changed" ] || return 0
  rm -f "$1/jobs/.key" # first, as in begin: nothing but the logs is kept
  find "$1/" -mindepth 1 -maxdepth 1 ! -name .begun ! -name log -exec rm -rf {} +
  echo "$_name: $changed changed while this ran: $1 is not done; run it again" >&2
  return 1
}

finish() { # out-dir: mark it done; what failed is reported, and is the exit status of a step run alone
  unchanged "$1" || exit 1
  [ -s "$1/failed" ] || rm -f "$1/failed"
  rm -f "$1/jobs/.key" # first: killed from here on, nothing of half a directory is kept
  rm -rf "$1/jobs"
  python3 -I -S local/step_state.py --record "$1" "${DIAR_COMMAND-$(command_line)}" "${_keyed[@]}" || exit 1
  cp "$1/.begun" "$1/.done.tmp"
  to_disk "$1" # before there is a .done: after a power loss it must not be there without them
  mv "$1/.done.tmp" "$1/.done"
  sync "$1" "${1%/*}" 2>/dev/null || true
  if [ -e "$1/failed" ]; then
    echo "$_name: $(wc -l <"$1/failed") recording(s) failed, the others are done; see $1/failed" >&2
    [ -n "${DIAR_RUN-}" ] || exit 1
  fi
}
