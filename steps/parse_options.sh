# Command-line options for bash scripts. Source it after the defaults are set:
#
#   nj=2                      # each variable set before this line is an option:
#   . steps/parse_options.sh  # --nj 4, --nj=4; --num-spk sets num_spk
#
# --config FILE sources a file of 'name=value' lines, in its place among the options; --help prints
# the comment block at the head of the script. Variables that hold true or false accept nothing
# else. Where the script has set overrides="", an option with a dot, --dec.niter 80, is collected
# there as 'dec.niter=80'. What is left are the positional arguments.

_opt_fail() { echo "$(basename "$0"): $* (try --help)" >&2; exit 1; }

_opt_set() { # name value: the variable must be one that the script has set
  local name="${1//-/_}"
  case "$name" in *.*)
    [ -n "${overrides+set}" ] || _opt_fail "unknown option --$1"
    overrides="${overrides:+$overrides }${1//-/_}=$2"
    return ;;
  esac
  [[ "$name" =~ ^[a-z][a-z0-9_]*$ && " $_opt_known " == *" $name "* ]] ||
    _opt_fail "unknown option --$1"
  case "${!name}" in true | false)
    case "$2" in true | false) ;; *) _opt_fail "--$1 is true or false, not '$2'" ;; esac ;;
  esac
  printf -v "$name" %s "$2"
}

_opt_config() { # file of name=value lines
  [ -f "$1" ] || _opt_fail "no such options file: $1"
  local line number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line="${line%%#*}"
    line="${line%"${line##*[![:space:]]}"}"
    [ -n "$line" ] || continue
    [[ "$line" == *=* ]] || _opt_fail "$1:$number: expected name=value, found '$line'"
    local value="${line#*=}"
    value="${value#\"}"
    _opt_set "${line%%=*}" "${value%\"}"
  done <"$1"
}

# Shell variables in lower case that exist now are the options.
_opt_known="$(compgen -v | grep '^[a-z][a-z0-9_]*$' | tr '\n' ' ')"

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h)
      awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
      exit 0 ;;
    --config) [ $# -ge 2 ] || _opt_fail "--config needs a file"
      _opt_config "$2"; shift 2 ;;
    --config=*) _opt_config "${1#*=}"; shift ;;
    --) shift; break ;;
    --*=*) _opt_name="${1%%=*}"; _opt_set "${_opt_name#--}" "${1#*=}"; shift ;;
    --*) [ $# -ge 2 ] || _opt_fail "$1 needs a value"
      _opt_set "${1#--}" "$2"; shift 2 ;;
    -?*) _opt_fail "unknown option $1" ;;
    *) break ;;
  esac
done
