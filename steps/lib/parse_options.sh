# shellcheck shell=bash disable=SC2154 # variables of common.sh
# Command-line options for bash scripts. Source it after common.sh and after setting the defaults:
#
#   nj=2                          # each variable set before this line is an option:
#   . steps/lib/parse_options.sh  # --nj 4, --nj=4; --num-spk sets num_spk
#
# --config FILE reads 'name=value' lines, at its position among the options. --help prints the comment
# block at the head of the script, replacing '$nj' by the default of the option (and '$_name' by that
# variable), and adds what is common to all scripts, unless the block has its own paragraph 'Exit status'.
# --version prints the version of the recipe. Variables that hold true or false accept nothing else;
# '--fast' means '--fast true' if it is last or another option follows. If the script has set overrides="",
# an option with a dot, --dec.niter 80, is appended to it as 'dec.niter=80'. If it has set _defaults=FILE,
# the lines of that options file are defaults, too; so are those of a --config FILE that sets exp=...,
# because it is an experiment of its own. The remaining words are the positional arguments. At the end,
# 'environment' is called, unless '_checks_follow' is set: then the caller calls it.

_opt_where= # file:line of the options file being read

_opt_fail() { echo "${0##*/}: $_opt_where$* (try --help)" >&2; exit 1; }

_opt_is_known() { # name: the script has set this variable
  [[ "$1" =~ ^[a-z][a-z0-9_-]*$ && " $_opt_known " == *" ${1//-/_} "* ]]
}

_opt_is_switch() { # name: an option that is true or false
  local _opt_key="${1//-/_}" # no local may have the name of an option
  _opt_is_known "$1" && [[ "${!_opt_key}" =~ ^(true|false)$ ]]
}

_opt_set() { # name value
  if [[ "$1" == *.* && -v overrides ]]; then
    [[ "$2" != *[[:space:]]* ]] || _opt_fail "--$1 has a blank in its value, '$2': remove it, or set the key in a copy of the configuration"
    overrides="${overrides:+$overrides }${1//-/_}=$2"
    return
  fi
  _opt_is_known "$1" || _opt_fail "unknown option --$1"
  if _opt_is_switch "$1" && ! [[ "$2" =~ ^(true|false)$ ]]; then
    _opt_fail "--$1 must be true or false, not '$2'"
  fi
  printf -v "${1//-/_}" %s "$2"
}

_opt_config() { # file of name=value lines
  [ -f "$1" ] || _opt_fail "no such options file: $1"
  local _opt_line _opt_number=0 _opt_own=false
  while read -r _opt_line || [ -n "$_opt_line" ]; do
    _opt_number=$((_opt_number + 1))
    _opt_where="$1:$_opt_number: "
    [ -n "$_opt_line" ] || continue
    [[ "$_opt_line" == *=* ]] || _opt_fail "expected name=value, found '$_opt_line'"
    _opt_set "${_opt_line%%=*}" "${_opt_line#*=}"
    [[ "$_opt_line" != exp=* ]] || _opt_own=true
  done < <(sed 's/#.*//; s/[[:space:]]*$//; s/="\(.*\)"$/=\1/' "$1")
  _opt_where=
  [ "$_opt_own" = false ] || _opt_defaults
}

_opt_defaults() { # record the current values as defaults
  local _opt_name _opt_value
  for _opt_name in $_opt_known $(compgen -v _) ${overrides+overrides}; do
    _opt_value="${_opt_name}[*]" # also of an array
    _opt_default["$_opt_name"]="${!_opt_value-}"
  done
}

_opt_help() {
  local _opt_text _opt_name
  _opt_text="$(awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$_script")"
  for _opt_name in $(printf '%s\n' "${!_opt_default[@]}" | sort -r); do # $vad_config before $vad
    _opt_text="${_opt_text//"\$$_opt_name"/"${_opt_default[$_opt_name]}"}"
  done
  echo "$_opt_text"
  [[ "$_opt_text" == *"Exit status"* ]] || echo "
Every script also takes --config FILE (more options, as name=value lines), --help and --version.

Exit status: 0 success; 1 wrong options or an error, explained in one line on standard error, or
failed recordings, listed in <out-dir>/failed while the others are done; 130 interrupted."
}

# The lower-case shell variables that exist now are the options (also those from the environment, such
# as http_proxy: setting them through an option does no harm).
_opt_known=
for _opt_name in $(compgen -v); do
  [[ ! "$_opt_name" =~ ^[a-z][a-z0-9_]*$ ]] || [ "$_opt_name" = overrides ] || _opt_known+="$_opt_name "
done
declare -A _opt_default=()
[ -z "${_defaults-}" ] || _opt_config "$_defaults"
_opt_defaults

while [[ "${1-}" == -?* ]]; do
  case "$1" in
    --?*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; # split into two words
    --) shift; break ;;
    --help | -h) _opt_help; exit 0 ;;
    --version)
      environment
      python "$_root/local/version.py" "$_name"
      exit ;;
    --config)
      [ $# -ge 2 ] || _opt_fail "--config needs a file"
      _opt_config "$2"
      shift 2 ;;
    --*)
      if _opt_is_switch "${1#--}" && [[ $# -eq 1 || "$2" == -* ]]; then set -- "$1" true "${@:2}"; fi
      [ $# -ge 2 ] || _opt_fail "$1 needs a value"
      _opt_set "${1#--}" "$2"
      shift 2 ;;
    *) _opt_fail "unknown option $1" ;;
  esac
done
[ -n "${_checks_follow-}" ] || environment
