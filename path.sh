# The environment of the recipe. Source it with bash, from any directory:  . /some/where/path.sh
#
# First use makes .venv from pyproject.toml (versions from conf/constraints.txt) and installs into
# it; later uses take milliseconds. PYTHON=python3.12 chooses the interpreter, PIP_* variables
# configure pip as always.

DIAR_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export DIAR_ROOT

diar_install() (
  # Two shells may start at once: the second waits here, then finds the work done.
  exec 9>"$DIAR_ROOT/.venv.lock"
  flock 9
  [ "$(cat "$DIAR_ROOT/.venv/.installed" 2>/dev/null)" = "$1" ] && exit 0
  python="${PYTHON:-python3}"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "path.sh: $python is not Python 3.11 or newer: install it, or set PYTHON=/path/to/python3" >&2
    exit 1
  }
  "$python" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "path.sh: $python has no venv module: apt-get install python3-venv" >&2
    exit 1
  }
  echo "path.sh: first use: installing into $DIAR_ROOT/.venv (a minute or two; log: .venv/install.log)" >&2
  set -o pipefail
  # A virtual environment that works is brought up to date, any other made again.
  "$DIAR_ROOT/.venv/bin/python" -m pip --version >/dev/null 2>&1 || rm -rf "$DIAR_ROOT/.venv"
  { [ -d "$DIAR_ROOT/.venv" ] || "$python" -m venv "$DIAR_ROOT/.venv"; } &&
    "$DIAR_ROOT/.venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check \
      -c "$DIAR_ROOT/conf/constraints.txt" -e "$DIAR_ROOT[test]" 2>&1 |
    tee "$DIAR_ROOT/.venv/install.log" |
    awk -v tty="$([ -t 2 ] && echo 1)" '
      /^Collecting/ { count++; if (tty) printf "\rpath.sh: %d packages", count }
      /^Installing collected/ { if (tty) printf "\r"; printf "path.sh: %d packages fetched, installing\n", count }
      { fflush() }' >&2 || {
    grep -E "^(ERROR|error)" "$DIAR_ROOT/.venv/install.log" | head -5 >&2
    echo "path.sh: the installation failed, see $DIAR_ROOT/.venv/install.log; run it again when mended" >&2
    exit 1
  }
  rm -rf "$DIAR_ROOT"/local/*.egg-info
  echo "$1" >"$DIAR_ROOT/.venv/.installed"
  echo "path.sh: installed" >&2
)

diar_wanted="$(cat "$DIAR_ROOT/pyproject.toml" "$DIAR_ROOT/conf/constraints.txt" | sha256sum)"
if [ "$(cat "$DIAR_ROOT/.venv/.installed" 2>/dev/null)" != "$diar_wanted" ]; then
  diar_install "$diar_wanted" || return 1
fi
unset diar_wanted

case ":$PATH:" in
  *":$DIAR_ROOT/.venv/bin:"*) ;;
  *) PATH="$DIAR_ROOT/.venv/bin:$PATH" ;;
esac
case ":${PYTHONPATH:-}:" in
  *":$DIAR_ROOT/local:"*) ;;
  *) PYTHONPATH="$DIAR_ROOT/local${PYTHONPATH:+:$PYTHONPATH}" ;;
esac
export PATH PYTHONPATH
export LC_ALL=C.UTF-8            # one sorting order everywhere
export OMP_NUM_THREADS=1         # parallel by jobs, and sums in one order: nj changes no result
export OMP_WAIT_POLICY=PASSIVE   # threads that wait do not spin: on a busy machine training takes a sixth
export CUBLAS_WORKSPACE_CONFIG=:4096:8
