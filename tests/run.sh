#!/usr/bin/env bash
# Style and tests.
#
# Usage: tests/run.sh [pytest's arguments]
#
# Without arguments all tests run, two at a time.
#
# Examples:
#   tests/run.sh
#   tests/run.sh -k rttm             # those with 'rttm' in their names
#   tests/run.sh tests/steps/test_cli.py
#
# Exit status: 0 all well; 1 a fault of style, or a test that failed; 2 to 5 pytest's own; 130 interrupted.

. "$(dirname "$0")/../steps/common.sh"
case "${1-}" in --help | -h | --version) . steps/parse_options.sh ;; esac
ruff check .
ruff format --check .
pytest -n 2 --dist worksteal "$@"
