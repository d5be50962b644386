# What every step shares: where we are, early failure, and directories that are done or are not.
#
# A step's directory has .begun from its first moment and .done as the last thing written; .done
# holds a key, the hash of the program (with every module that it imports), its options and its
# inputs. The same key means nothing to do; any other means that the directory is made again. Of a
# directory that was begun with the same key and the same number of jobs, but never done, those jobs
# are kept that have finished (jobs/J/finished, the last thing that a job writes).

set -euo pipefail
_root="$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")"
_script="$(realpath "$0")" # before we go anywhere: --help prints its head
case "$_script $* " in "$_root"/benchmarks/* | "$_root"/tests/* | *" --help "* | *" -h "* | *" --version "*)
  cd "$_root" ;;
esac
if ! [ "$PWD" -ef "$_root" ]; then # as in Kaldi: all paths count from here
  echo "$(basename "$0"): run it from the recipe's directory: cd $_root" >&2
  exit 1
fi
. ./path.sh

cores() { env -u OMP_NUM_THREADS nproc; } # nproc alone would count threads, of which there is one

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

option() { # name default argument...: the value that the arguments give an option, or the default
  local name="$1" value="$2"
  shift 2
  while [ $# -gt 0 ]; do
    case "$1" in
      --"$name") value="${2-}" ;;
      --"$name"=*) value="${1#*=}" ;;
    esac
    shift
  done
  echo "$value"
}

resolve_device() { # is it there? And what is 'auto' here: the key of a step says what it was made on
  [ "${cmd-local}" = local ] || return 0 # the jobs will see
  [ "$device" = cpu ] || device="$(python local/find_device.py "$device")" || exit 1
}

need() { # file, and what makes it
  [ -e "$1" ] || die "no such file: $1 ($2)"
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
  "${launcher[@]}" --step "$(basename "$0")" "JOB=1:$1" "${@:2}"
}

begin() { # out-dir program "options" input...: fails when there is nothing to do
  local out="$1" key input
  shift
  [[ "${nj:-1}" =~ ^[1-9][0-9]*$ ]] || die "--nj must be a whole number of at least 1, not '$nj'"
  case "$out" in *JOB*) die "$out: JOB in a path stands for the number of a job: use another name" ;; esac
  for input in "${@:3}"; do
    if [ "$input" -ef "$out" ] || [ "$(dirname "$input")" -ef "$out" ]; then
      die "$out is input and output: name another directory for the output"
    fi
  done
  local lockfile
  lockfile="$(dirname "$out")/.$(basename "$out").lock"
  mkdir -p "$(dirname "$out")" && exec {lock}>>"$lockfile" || die "cannot write to $(dirname "$out")"
  flock -n "$lock" || die "$(cat "$lockfile") is writing to $out: wait for it, or take another --exp"
  echo "process $$ on $(uname -n)" >"$lockfile"
  key="$(python local/step_key.py "$@")" || exit 1
  if [ "$(cat "$out/.done" 2>/dev/null)" = "$key" ]; then
    echo "$(basename "$0"): $out is up to date"
    return 1
  fi
  if [ -n "$(ls -A "$out" 2>/dev/null)" ] && [ ! -e "$out/.begun" ]; then
    die "$out holds files that this recipe did not make: remove it, or name another directory"
  fi
  # A mistake in the options must not cost what was made before: a step's own check comes first.
  choose_launcher
  if declare -F check >/dev/null; then check || exit 1; fi
  local dir
  for dir in "$out"/log/.*.slurm; do # killed with kill -9, a run may have left jobs that write here
    [ ! -e "$dir" ] || python local/slurm_jobs.py --cancel "$dir" || exit 1
  done
  if [ "$(cat "$out/jobs/.key" 2>/dev/null)" = "$key ${nj-}" ]; then
    for dir in "$out"/jobs/*/; do
      [ -e "${dir}finished" ] || rm -rf "$dir"
    done
    find "$out/" -mindepth 1 -maxdepth 1 -name ".*" ! -name .begun -exec rm -rf {} + # half-written
    return 0
  fi
  # .done and .key go first and .begun stays: killed at any moment, this is a directory of ours,
  # unfinished, of which nothing is kept. Called before '||', where bash stops at no error by itself.
  rm -f "$out/.done" "$out/jobs/.key" && mkdir -p "$out" && echo "$key" >"$out/.begun" &&
    find "$out/" -mindepth 1 -maxdepth 1 ! -name .begun -exec rm -rf {} + &&
    mkdir "$out/log" "$out/jobs" && echo "$key ${nj-}" >"$out/jobs/.key" ||
    die "cannot write to $out"
}

join() { # out-dir name...: name.1 name.2 ... of the jobs become one sorted file
  local out="$1" name keys
  shift
  for name in "$@"; do
    keys=()
    case "$name" in
      rttm) keys=(-k2,2 -k4,4n) ;; # turns in the order of time
      history) keys=(-k1,1 -k2,2n) ;;
    esac
    cat "$out/jobs"/*/"$name" | LC_ALL=C sort "${keys[@]}" >"$out/.$name.tmp"
    mv "$out/.$name.tmp" "$out/$name"
  done
}

spk2utt() { # dir: the inverse of its utt2spk
  awk '{ utts[$2] = utts[$2] " " $1 } END { for (spk in utts) print spk utts[spk] }' "$1/utt2spk" |
    LC_ALL=C sort >"$1/.spk2utt.tmp"
  mv "$1/.spk2utt.tmp" "$1/spk2utt"
}

finish() { # out-dir: mark it done; what failed is reported, and is the exit status of a step run alone
  [ -s "$1/failed" ] || rm -f "$1/failed"
  rm -f "$1/jobs/.key" # first: killed from here on, nothing of half a directory is kept
  rm -rf "$1/jobs"
  cp "$1/.begun" "$1/.done.tmp"
  mv "$1/.done.tmp" "$1/.done"
  if [ -e "$1/failed" ]; then
    echo "$(basename "$0"): $(wc -l <"$1/failed") recording(s) failed, the others are done; see $1/failed" >&2
    [ -n "${DIAR_RUN-}" ] || exit 1
  fi
}
