# shellcheck shell=bash disable=SC2034 # variables of this are used elsewhere
# Options of the steps that work in parallel jobs, with their defaults. Sourced before parse_options.sh.

set=
nj=$(cores)
cmd=local
