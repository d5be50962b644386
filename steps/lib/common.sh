# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with other files
# Shared by all scripts: the working directory, failing early, and tracking which directories are done.
#
# A step creates .begun in its directory first and .done last. .done holds a key: the hash of the
# program (with every module that it imports), its options and its inputs. If the key is unchanged,
# there is nothing to do; otherwise the directory is made again. If a directory was begun with the same
# key and the same number of jobs but not finished, the finished jobs are kept (each job writes
# jobs/J/finished last), unless an input was written since: jobs/.key also has the times of the inputs.
# All this is checked again at the end, and .made records the parts of the key, from which
# local/step_state.py tells what is out of date, and why.
#
# Names that begin with '_' are not options; parse_options.sh takes all other lower-case names as options.

set -euo pipefail
export LC_ALL=C.UTF-8 # one sorting order everywhere, even without the environment
_root="$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)"
_script="$(realpath "$0")" # before any cd: --help prints its head
_given=("$@")
_name="${0##*/}"

die() { echo "$_name: $*" >&2; exit 1; }

case "$_script $* " in "$_root"/benchmarks/* | "$_root"/tests/* | *" --help "* | *" -h "* | *" --version "*)
  cd "$_root" ;;
esac
[ "$PWD" -ef "$_root" ] || die "run it from the recipe's directory: cd $_root" # as in Kaldi: all paths are relative to it

unset plan program # may be inherited
planning() { # ./run.sh --plan: run.sh and its steps show what they would do, and do nothing
  [ -n "${DIAR_PLAN-}" ] || [ "${plan-}" = true ]
}

environment() { # parse_options.sh calls it last: neither --help nor a wrong option should wait for an installation
  if planning; then # nor should a plan, which needs no packages
    export PATH="$_root/.venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
  elif [ "${DIAR_RUN-}" != "$_root" ]; then # run.sh has already set it up for its steps
    . ./path.sh
  fi
}

cores() { env -u OMP_NUM_THREADS nproc; } # nproc honours OMP_NUM_THREADS, which is 1

positive() { # option [or]: its value is a whole number of at least 1
  [[ "${!1}" =~ ^[1-9][0-9]{0,8}$ ]] || die "--${1//_/-} must be a whole number of at least 1${2-}, not '${!1}'"
}

check_speakers() { # [word]: check the options num_spk (which may be the word), min_spk, max_spk
  [ -z "$num_spk" ] || [ "$num_spk" = "${1-}" ] || positive num_spk "${1:+, or $1}"
  positive min_spk
  [ -z "$max_spk" ] || positive max_spk
  [ "$min_spk" -le "${max_spk:-$min_spk}" ] || die "--min-spk $min_spk is more than --max-spk $max_spk"
  case "$num_spk" in "" | "${1-}") return ;; esac
  [ "$num_spk" -ge "$min_spk" ] || die "--num-spk $num_spk is less than --min-spk $min_spk"
  [ "$num_spk" -le "${max_spk:-$num_spk}" ] || die "--num-spk $num_spk is more than --max-spk $max_spk"
}

resolve_device() { # check the device and resolve 'auto', because it is part of the key of a step
  [ "${cmd-local}" = local ] || return 0 # the jobs do it
  [ -x .venv/bin/python ] || return 0    # a plan, before anything is installed
  [ "$device" = cpu ] || device="$(python local/find_device.py "$device")" || exit 1
}

given() { # file, what it is for
  [ -e "$1" ] || die "no such file: $1 ($2)"
}

need() { # file, what makes it: a plan goes on without it
  planning || given "$@"
}

_inputs=() # of the step; part of its key

reads() { # file, what makes it [, the directory to record as the input instead]
  need "$1" "$2"
  _inputs+=("${3-$1}")
}

may_read() { # file...: optional inputs
  local file
  for file in "$@"; do [ ! -e "$file" ] || _inputs+=("$file"); done
}

expected() { # file: it exists or, in a plan, its directory is yet to be made
  [ -e "$1" ] || { planning && [ ! -e "${1%/*}" ]; }
}

choose_launcher() { # from --cmd; fails if it cannot start jobs
  local words
  read -ra words <<<"${cmd-local}"
  case "${words-}" in
    local) launcher=(python local/run_jobs.py) ;;
    slurm) launcher=(python local/slurm_jobs.py "${words[@]:1}")
      "${launcher[@]}" --check || exit 1 ;;
    *) launcher=(python local/kaldi_jobs.py --script "$cmd")
      command -v "${words-}" >/dev/null ||
        die "--cmd must be local, slurm, or a script in Kaldi's convention; no such program: '${words-}'" ;;
  esac
}

run_jobs() { # n log command...: run n jobs; JOB in log and command becomes the job number
  "${launcher[@]}" --step "$_name" "JOB=1:$1" "${@:2}"
}

holds() { # file text: its first line is the text
  local line=
  [ -e "$1" ] && IFS= read -r line <"$1" && [ "$line" = "$2" ]
}

key_of() { # program "options" [input...]
  python3 -I -S local/step_key.py "$@"
}

states_of() { # program "options" [input...]: states of the input files, which also reveal an edit that was undone
  local name paths=()
  for name in "${@:3}"; do
    case "$name" in *.py) ;; /*) paths+=("$name") ;; *) paths+=("./$name") ;; esac # code is compared by its syntax tree
  done
  [ ${#paths[@]} -eq 0 ] || find -L "${paths[@]}" -maxdepth 1 -type f ! -name ".*" -printf '%p %i %s %T@ %C@\n' | sort -u
}

command_line() { # the command of this run, without options that do not affect its outputs
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

is_done() { # out-dir key: nothing to do
  holds "$1/.done" "$2" && echo "$_name: $1 is up to date"
}

to_disk() { # directory: wait until its files and their names would survive a power loss
  find "$1" -type f -exec sync {} + || die "cannot write to $1"
  find "$1" -type d -exec sync {} + 2>/dev/null || true # some network file systems cannot
}

killed() { # lockfile: the run that wrote it was on this machine and is gone
  local pid host
  read -r _ pid _ host <"$1" && [ "$host" = "$(uname -n)" ] &&
    ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status"
}

await() { # lockfile: wait for the leftovers of a killed run; launchers end by themselves, with their jobs
  killed "$1" && flock -w 15 "$lock"
}

holder() { # lockfile: who holds the lock; in a subshell
  local pid
  exec {lock}>&- # not we
  pid="$(find /proc/[0-9]*/fd -lname "$(realpath "$1")" -printf '%h\n' 2>/dev/null | cut -d / -f 3 | grep -vxF "$$")" || true
  if killed "$1" && [ -n "$pid" ]; then
    echo "process $(paste -sd ' ' <<<"$pid") (left by a killed run: 'kill -9' ends it)"
  else
    cat "$1"
  fi
}

begin() { # out-dir program "options" [input...], besides what it reads: fails if there is nothing to do
  local out="$1" key input dir parent lockfile states why
  set -- "${@:2}" "${_inputs[@]}"
  [ -z "${nj+set}" ] || positive nj
  case "$out" in *JOB*) die "$out: a path cannot contain JOB, which stands for the job number: use another name" ;; esac
  for input in "${@:3}"; do
    if [ "$input" -ef "$out" ] || [ "${input%/*}" -ef "$out" ]; then
      die "$out is both input and output: choose another output directory"
    fi
  done
  if planning; then
    printf '\x1f%s' "$_name" "$out" "${@//$'\n'/$'\x1e'}" # for local/step_plan.py, which finds the states
    echo
    return 1
  fi
  _keyed=("$@")
  states="$(states_of "$@")" # before the key: a change in between is noticed at the end
  key="$(key_of "$@")" || exit 1
  ! is_done "$out" "$key" || return 1
  parent="$(dirname "$out")"
  lockfile="$parent/.$(basename "$out").lock"
  if ! { mkdir -p "$parent" && exec {lock}>>"$lockfile"; }; then die "cannot write to $parent"; fi
  flock -n "$lock" || await "$lockfile" ||
    die "$(holder "$lockfile") is writing to $out: wait for it, or choose another --exp"
  echo "process $$ on $(uname -n)" >"$lockfile"
  ! is_done "$out" "$key" || return 1 # by a run that has just ended
  [ -e "$out/.begun" ] || [ -z "$(ls -A "$out" 2>/dev/null)" ] ||
    die "$out holds files that this recipe did not make: remove it, or choose another directory"
  # A wrong option must not cost existing results: the check of the step's 'program' comes first.
  choose_launcher
  [ -z "${program+set}" ] || "${program[@]}" --check || exit 1
  if [ -e "$out/.done" ]; then
    why="$(python3 -I -S local/step_state.py --against "$out" "$@")"
    echo "$_name: making $out again${why:+: $why}"
  fi
  for dir in "$out"/log/.*.slurm; do # a run killed with kill -9 may have left jobs that write here
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
  # .done and .key go first and .begun stays: if we are killed here, the directory remains ours and
  # unfinished, and nothing in it is kept.
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
      rttm | rttm_exclusive) keys=(-k "2,2" -k "4,4n") ;; # turns in order of time
      history) keys=(-k "1,1" -k "2,2n") ;;
    esac
    cat "$out/jobs"/*/"$name" | sort "${keys[@]}" >"$out/.$name.tmp"
    mv "$out/.$name.tmp" "$out/$name"
  done
}

unchanged() { # out-dir: its inputs did not change; otherwise fails and names what changed
  local key changed
  changed="$(states_of "${_keyed[@]}" 2>/dev/null | comm -3 --nocheck-order - <(tail -n +2 "$1/jobs/.key"))"
  changed="$(sed 's/^\t//; s/\( [0-9.]*\)\{4\}$//; s|^\./||' <<<"$changed" | sort -u | head -3 | paste -sd ' ')"
  key="$(key_of "${_keyed[@]}" 2>/dev/null)" || key=
  [ -n "$changed" ] || holds "$1/.begun" "$key" || changed="the program, or audio or arks that its inputs name,"
  [ -n "$changed" ] || return 0
  rm -f "$1/jobs/.key" # first, as in begin: only the logs are kept
  find "$1/" -mindepth 1 -maxdepth 1 ! -name .begun ! -name log -exec rm -rf {} +
  echo "$_name: $changed changed while this ran: $1 is not done; run it again" >&2
  return 1
}

finish() { # out-dir: mark it done and report failures; they make a step that runs alone exit with 1
  unchanged "$1" || exit 1
  [ -s "$1/failed" ] || rm -f "$1/failed"
  rm -f "$1/jobs/.key" # first: if we are killed from here on, nothing of a half-made directory is kept
  rm -rf "$1/jobs"
  python3 -I -S local/step_state.py --record "$1" "${DIAR_COMMAND-$(command_line)}" "${_keyed[@]}" || exit 1
  cp "$1/.begun" "$1/.done.tmp"
  to_disk "$1" # before .done, which must not survive a power loss without the files
  mv "$1/.done.tmp" "$1/.done"
  sync "$1" "${1%/*}" 2>/dev/null || true
  if [ -e "$1/failed" ]; then
    echo "$_name: $(wc -l <"$1/failed") recording(s) failed, the others are done; see $1/failed" >&2
    [ -n "${DIAR_RUN-}" ] || exit 1
  fi
}
