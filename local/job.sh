#!/usr/bin/env bash
# Run a command in the recipe's directory and environment, whatever it is started with: on a node of a
# cluster, nothing need be inherited.  Usage: local/job.sh <command> [argument ...]
cd "$(dirname "$0")/.." && . ./path.sh && exec "$@"
