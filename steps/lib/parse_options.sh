# shellcheck shell=bash
# Command-line options for bash scripts. Source it after the defaults are set:
#
#   nj=2                          # each variable set before this line is an option:
#   . steps/lib/parse_options.sh  # --nj 4, --nj=4; --num-spk sets num_spk
#
# --config FILE reads a file of 'name=value' lines, in its place among the options. --help prints the
# comment block at the head of the script, with the default of an option where it has '$nj' (likewise of a
# variable '$_name'), and what all scripts have in common unless that block has a paragraph 'Exit status' of
# its own. --version prints the version of the recipe. Variables that hold true or false accept nothing
# else; for '--fast true', '--fast' will do where nothing follows, or another option. Where the script has
# set overrides="", an option with a dot, --dec.niter 80, is collected there as 'dec.niter=80'. Where it has
# set _defaults=FILE, the lines of that options file are defaults, too. What is left are the positional
# arguments. Last, 'environment' is called, if there is such a function.

_opt_where= # file:line of the options file that is being read

_opt_fail() { echo "${0##*/}: $_opt_where$* (try --help)" >&2; exit 1; }

_opt_set() { # name value: the variable must be one that the script has set
  local _opt_key="${1//-/_}" # no local may bear the name of an option
  case "$_opt_key" in *.*)
    [ -n "${overrides+set}" ] || _opt_fail "unknown option --$1"
    overrides="${overrides:+$overrides }$_opt_key=$2"
    return ;;
  esac
  [[ "$_opt_key" =~ ^[a-z][a-z0-9_]*$ && " $_opt_known " == *" $_opt_key "* ]] ||
    _opt_fail "unknown option --$1"
  case "${!_opt_key}" in true | false)
    case "$2" in true | false) ;; *) _opt_fail "--$1 is true or false, not '$2'" ;; esac ;;
  esac
  printf -v "$_opt_key" %s "$2"
}

_opt_is_bare() { # name [next word]: an option that is true or false, without its value
  local _opt_key="${1//-/_}"
  [[ "$_opt_key" =~ ^[a-z][a-z0-9_]*$ && " $_opt_known " == *" $_opt_key "* ]] || return 1
  [ $# -eq 1 ] || [[ "$2" == -* ]] || return 1
  case "${!_opt_key}" in true | false) ;; *) return 1 ;; esac
}

_opt_config() { # file of name=value lines
  [ -f "$1" ] || _opt_fail "no such options file: $1"
  local _opt_line _opt_number=0 _opt_value
  while IFS= read -r _opt_line || [ -n "$_opt_line" ]; do
    _opt_number=$((_opt_number + 1))
    _opt_where="$1:$_opt_number: "
    _opt_line="${_opt_line%%#*}"
    _opt_line="${_opt_line#"${_opt_line%%[![:space:]]*}"}"
    _opt_line="${_opt_line%"${_opt_line##*[![:space:]]}"}"
    [ -n "$_opt_line" ] || continue
    [[ "$_opt_line" == *=* ]] || _opt_fail "expected name=value, found '$_opt_line'"
    _opt_value="${_opt_line#*=}"
    _opt_value="${_opt_value#\"}"
    _opt_set "${_opt_line%%=*}" "${_opt_value%\"}"
  done <"$1"
  _opt_where=
}

_opt_help() {
  local _opt_head _opt_shown='' _opt_name _opt_value
  _opt_head="$(awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "${_script:-$0}")"
  while [[ "$_opt_head" =~ \$(_?[a-z][a-z0-9_]*) ]]; do
    _opt_name="${BASH_REMATCH[1]}"
    _opt_shown+="${_opt_head%%"\$$_opt_name"*}"
    _opt_head="${_opt_head#*"\$$_opt_name"}"
    if [[ -v _opt_default["$_opt_name"] ]]; then
      _opt_shown+="${_opt_default["$_opt_name"]}"
    elif [[ "$_opt_name" == _* && -v "$_opt_name" ]]; then
      _opt_value="${_opt_name}[*]"
      _opt_shown+="${!_opt_value}"
    else
      _opt_shown+="\$$_opt_name"
    fi
  done
  echo "$_opt_shown$_opt_head"
  case "$_opt_shown$_opt_head" in *"Exit status"*) ;; *)
    echo "
Every script takes --config FILE (more options, as name=value lines), --help and --version, too.

Exit status: 0 all well; 1 wrong options, or an error: one line on standard error says which; or
recordings that failed: they are listed in <out-dir>/failed, the others are done; 130 interrupted." ;;
  esac
}

# Shell variables in lower case that exist now are the options (also what the environment holds in
# lower case, such as http_proxy: setting that by an option does no harm).
_opt_known=
for _opt_name in $(compgen -v); do
  [[ ! "$_opt_name" =~ ^[a-z][a-z0-9_]*$ ]] || [ "$_opt_name" = overrides ] || _opt_known+="$_opt_name "
done
[ -z "${_defaults-}" ] || _opt_config "$_defaults"
declare -A _opt_default=()
for _opt_name in $_opt_known; do
  _opt_default["$_opt_name"]="${!_opt_name-}"
done

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) _opt_help; exit 0 ;;
    --version)
      if declare -F environment >/dev/null; then environment; fi
      python "${BASH_SOURCE[0]%/*}/../../local/version.py" "${0##*/}"
      exit ;;
    --config) [ $# -ge 2 ] || _opt_fail "--config needs a file"
      _opt_config "$2"; shift 2 ;;
    --config=*) _opt_config "${1#*=}"; shift ;;
    --) shift; break ;;
    --*=*) _opt_name="${1%%=*}"; _opt_set "${_opt_name#--}" "${1#*=}"; shift ;;
    --*)
      if _opt_is_bare "${1#--}" "${@:2:1}"; then
        _opt_set "${1#--}" true
        shift
        continue
      fi
      [ $# -ge 2 ] || _opt_fail "$1 needs a value"
      _opt_set "${1#--}" "$2"; shift 2 ;;
    -?*) _opt_fail "unknown option $1" ;;
    *) break ;;
  esac
done
if declare -F environment >/dev/null; then environment; fi
