#!/usr/bin/env bash
# Style and tests. Extra arguments go to pytest:  tests/run.sh -k rttm
set -euo pipefail
cd "$(dirname "$0")/.."
. ./path.sh
ruff check .
ruff format --check .
pytest -n 2 "$@"
