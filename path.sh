# shellcheck shell=bash
# The environment of the recipe. Source it with bash, from any directory:  . /some/where/path.sh
#
# First use makes .venv from pyproject.toml (versions from conf/constraints.txt) and installs into
# it; later uses take milliseconds. PYTHON=python3.12 selects the interpreter, PIP_* variables
# configure pip as usual. DIAR_EXTRA=test adds the extra for tests, as tests/run.sh does; likewise
# the other extras of pyproject.toml. DIAR_TORCH_INDEX=ADDRESS selects the index for PyTorch: that of its
# wheels without CUDA, for example. DIAR_BUNDLE=DIR installs from a bundle of steps/make_bundle.sh, without
# network. See docs/install.md. diar_deactivate restores the former environment.

[ -n "${BASH_VERSION-}" ] || { # zsh, dash and others do not know the path of the file that they source
  echo "path.sh: this shell is not bash: type 'bash', and source path.sh there" >&2
  return 1
}

diar_works() { # root: this user can run the Python of its .venv, and it finds the packages
  "$1/.venv/bin/python" -I -c 'import importlib.util as u; raise SystemExit(not u.find_spec("numpy"))' 2>/dev/null
}

diar_has() { # root wanted extra: its environment is up to date, and has the extra's packages, if any
  [ "$(cat "$1/.venv/.installed" 2>/dev/null)" = "$2" ] && diar_works "$1" &&
    { [ -z "$3" ] || [ "$(cat "$1/.venv/.installed_$3" 2>/dev/null)" = "$2" ]; }
}

diar_tell_size() { # root python [pip's options]: report the size of PyTorch, the largest part, unless installed
  local size="1.5 GB of disk"
  ! "$2" -I -c 'import importlib.util as u; raise SystemExit(not u.find_spec("torch"))' || return 0
  if "$2" -m pip install --quiet --dry-run --no-deps --use-feature fast-deps --report - "${@:3}" \
    -c "$1/conf/constraints.txt" torch 2>/dev/null | grep '"nvidia-' >/dev/null; then
    size="3 GB to fetch and 5.3 GB of disk"
    compgen -G "/dev/nvidia[0-9]*" >/dev/null || command -v nvidia-smi >/dev/null ||
      echo "path.sh: pip finds PyTorch with CUDA, but there is no NVIDIA GPU here. The build without CUDA needs 1.3 GB of" \
        "disk: Ctrl-C, then DIAR_TORCH_INDEX=<index of PyTorch's CPU wheels, see its installation page> . path.sh" >&2
  fi
  echo "path.sh: this needs $size, and a few minutes" >&2
}

diar_install() ( # root wanted extra: bring the environment of that recipe up to date
  fail() { echo "path.sh: $*" >&2; exit 1; }
  closed="this user can neither use nor create $1/.venv: ask someone who can write there to source path.sh, with
    PYTHON=/a/python3 that everyone can run; or use your own copy of the recipe"
  closed="${closed//$'\n'   /}"
  # If two shells start at once, the second waits here, then finds the work done.
  { exec 9>"$1/.venv.lock"; } 2>/dev/null || fail "$closed"
  flock 9
  installed="$(cat "$1/.venv/.installed" 2>/dev/null)"
  ! diar_has "$@" || exit 0
  python="${PYTHON:-python3}"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is not Python 3.11 or newer: install it, or set PYTHON=/path/to/python3"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module: apt-get install python3-venv"
  pip_from=()
  if [ -n "${DIAR_BUNDLE-}" ]; then
    [ -d "$DIAR_BUNDLE/wheels" ] || fail "DIAR_BUNDLE=$DIAR_BUNDLE: not a bundle of steps/make_bundle.sh: wheels/ is missing"
    pip_from=(--no-index --find-links "$DIAR_BUNDLE/wheels")
  elif [ -n "${DIAR_TORCH_INDEX-}" ]; then
    pip_from=(--extra-index-url "$DIAR_TORCH_INDEX")
  fi
  set -o pipefail
  # A working virtual environment is updated, any other is made again, including that of a moved or
  # copied recipe, whose modules and programs are those of the former place.
  if [ "${installed##*  }" != "$1" ] || ! "$1/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$1/.venv" 2>/dev/null || fail "$closed"
  fi
  [ -d "$1/.venv" ] || "$python" -m venv "$1/.venv" || exit 1
  python="$1/.venv/bin/python"
  echo "path.sh: first use${3:+ of the extra $3}: installing into $1/.venv (log: .venv/install.log)" >&2
  diar_tell_size "$1" "$python" "${pip_from[@]}"
  # The networks run faster in bfloat16, if the processor has it: benchmarks/extractor.
  extras="$3"
  ! grep -qsE '^flags.* (amx_bf16|avx512_bf16)' /proc/cpuinfo || extras="bfloat16${3:+,$3}"
  # Bytecode of all modules would take 0.3 GB; the check below compiles the modules that are used.
  "$python" -m pip install --disable-pip-version-check --progress-bar off --no-compile "${pip_from[@]}" -c "$1/conf/constraints.txt" \
    -e "$1${extras:+[$extras]}" 2>&1 |
    tee "$1/.venv/install.log" |
    awk -v tty="$([ ! -t 2 ] || echo 1)" '
      function say(text) { printf (tty ? "\r%-79s\r%s" : "%s%s\n"), "", text; fflush() }
      /^(Collecting|Processing) / { count++; if (tty) say("path.sh: package " count) }
      /^ *Downloading .*\([0-9.]+ [MG]B\)/ && (/ GB\)/ || 0 + substr($(NF - 1), 2) >= 50) {
        sub(/.*\//, "", $2); sub(/-cp.*|-py.*/, "", $2)
        say("path.sh: downloading " $2 " " $(NF - 1) " " $NF)
      }
      /^Installing collected/ { say("path.sh: installing " count + 0 " packages"); if (tty) printf "\n" }
    ' >&2 || {
    grep -E "^(ERROR|error)" "$1/.venv/install.log" | head -5 >&2
    fail "the installation failed: see $1/.venv/install.log, fix the cause, and source path.sh again"
  }
  # The largest tests that packages include.
  rm -rf "$1"/.venv/lib/python*/site-packages/{torch/test,torch/bin/test_*,pandas/tests}
  "$python" -c 'import importlib, pkgutil, diar
for module in pkgutil.walk_packages(diar.__path__, "diar."):
    importlib.import_module(module.name)' >>"$1/.venv/install.log" 2>&1 ||
    fail "a package does not work here: $(tail -1 "$1/.venv/install.log")"
  [ ! -d "${DIAR_BUNDLE-}/cache" ] || "$python" "$1/local/fetch.py" --bundle "$DIAR_BUNDLE" >/dev/null || exit 1
  [ -z "$3" ] || echo "$2" >"$1/.venv/.installed_$3"
  echo "$2" >"$1/.venv/.installed"
  echo "path.sh: installed, $(du -sh "$1/.venv" | cut -f 1)" >&2
)

diar_activate() { # root: install what is missing, and set the variables
  local wanted name path
  wanted="$(cat "$1/pyproject.toml" "$1/setup.py" "$1/conf/constraints.txt" | sha256sum)  $1" # each place has its own
  diar_has "$1" "$wanted" "${DIAR_EXTRA-}" || diar_install "$1" "$wanted" "${DIAR_EXTRA-}" || return 1
  path=":$PATH:"
  path="${path//":${DIAR_ROOT-}/.venv/bin:"/:}" # of another recipe
  path="${path//":$1/.venv/bin:"/:}"            # of this one, sourced again
  if ! declare -p _diar_before >/dev/null 2>&1; then
    declare -gA _diar_before
    for name in PATH DIAR_ROOT LC_ALL OMP_NUM_THREADS OMP_WAIT_POLICY MALLOC_ARENA_MAX CUBLAS_WORKSPACE_CONFIG; do
      _diar_before[$name]="$(declare -p "$name" 2>/dev/null)" || true
    done
  fi
  export PATH="$1/.venv/bin${path%:}"
  export DIAR_ROOT="$1"
  export LC_ALL=C.UTF-8          # one sorting order everywhere
  export OMP_NUM_THREADS=1       # jobs run in parallel, sums in one order: nj changes no result
  export OMP_WAIT_POLICY=PASSIVE # waiting threads do not spin: on a busy machine training takes a sixth
  export MALLOC_ARENA_MAX=1      # threads share one heap, which saves a fifth of the memory
  export CUBLAS_WORKSPACE_CONFIG=:4096:8
}

diar_activate "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" || {
  unset -f diar_works diar_has diar_tell_size diar_install diar_activate
  return 1
}
unset -f diar_works diar_has diar_tell_size diar_install diar_activate

diar_deactivate() { # restore the former variables, and unset the new ones
  local name
  for name in "${!_diar_before[@]}"; do
    unset "$name"
    eval "${_diar_before[$name]/#declare /declare -g }" # bash wrote this declaration
  done
  unset _diar_before
  unset -f diar_deactivate
}
