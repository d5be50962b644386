#!/usr/bin/env bash
# Style, types and tests.
#
# Usage: tests/run.sh [--fast] [pytest's arguments]
#
# Without arguments all tests run, two at a time. --fast leaves out those that take long, which start
# steps or a browser: with two cores, less than two minutes.
#
# Examples:
#   tests/run.sh --fast
#   tests/run.sh -k rttm             # those with 'rttm' in their names
#   tests/run.sh -m "steps and not slurm"
#   tests/run.sh tests/steps/test_cli.py
#
# Exit status: 0 all well; 1 a fault of style or of types, or a test that failed; 2 to 5 pytest's own;
# 130 interrupted.

. "$(dirname "$0")/../steps/lib/common.sh"
chosen=()
while :; do
  case "${1-}" in
    --fast) chosen=(-m "unit or documents" --deselect tests/documents/test_docs.py::test_commands_run) ;;
    --help | -h | --version) . steps/lib/parse_options.sh ;;
    *) break ;;
  esac
  shift
done
export DIAR_EXTRA=test
environment
trap 'echo "$(basename "$0"): $SECONDS s in all"' EXIT
shellcheck run.sh path.sh steps/*.sh steps/lib/*.sh local/*.sh local/completion.bash tests/*.sh tests/*/*.sh \
  benchmarks/*/*.sh .ci/run
ruff check .
ruff format --check .
mypy
pytest -n 2 --dist worksteal "${chosen[@]}" "$@"
