# shellcheck shell=bash disable=SC2034 # variables are used in other files
# Options of steps that run parallel jobs, with their defaults. Sourced before parse_options.sh.

set=
nj=$(cores)
cmd=local
