#!/usr/bin/env bash
# Run a command in the recipe's directory and environment; on a cluster node, it needs no inherited
# environment.  Usage: local/job.sh <command> [argument ...]
cd "$(dirname "$0")/.." && . ./path.sh && exec "$@"
