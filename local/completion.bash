# shellcheck disable=SC2207,SC2046,SC2154 # zsh reads this, too: it has no mapfile, and sets words
# Completion of options, values and files for run.sh, steps/*.sh and local/*.py. In bash:
#
#   . local/completion.bash
#
# In zsh the same, after: autoload -Uz compinit bashcompinit && compinit && bashcompinit
#
# Nothing is listed here. Options and values of a script are read from the head of its file ('--vad
# silero|energy'), stages from the script, corpora from the files conf/<corpus>.conf; those of a program
# come from its parser, asked once at the first TAB. This runs no scripts, and only programs of this recipe.

_diar_root="$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)"

_diar_options() { # script: its options, one per line, with their placeholders
  awk 'NR > 1 && !/^#/ { exit }
    sub(/^#   --/, "--") { sub(/   *[^ ].*/, ""); gsub(/, --/, "\n--"); print }' "$1"
  printf '%s\n' "--config FILE" --help --version
}

_diar_values() { # script option: its known values, or 'DIR', or nothing
  case "$2" in
    --stage | --stop-stage) sed -n 's/^if starts \([0-9]*\) .*/\1/p' "$1"; return ;;
    --corpus) (cd "$_diar_root/conf" && printf '%s\n' *.conf | sed '/^paper_/d; s/\.conf$//'); return ;;
  esac
  _diar_options "$1" | awk -v option="${2//_/-}" '$1 == option { n = split($2, values, "|")
    for (i = 1; i <= n; i++) if (values[i] ~ /^([a-z0-9_-]+|"?DIR)$/) { sub(/"/, "", values[i]); print values[i] } }'
}

_diar_script() { # command word previous: as 'complete -F' calls it
  local file="${1/#\~/$HOME}" word="$2" previous="$3" values
  COMPREPLY=()
  [ -f "$file" ] || return 0
  [ "$previous" != = ] || previous="${COMP_WORDS[COMP_CWORD - 2]}" # --vad=silero is three words
  [ "$word" != = ] || word=
  case "$previous" in
    --help | --version | *.sh) values= ;;
    --*)
      values="$(_diar_values "$file" "$previous")"
      if _diar_options "$file" | grep -qx -e "${previous//_/-}"; then previous=; fi ;; # it takes no value
  esac
  case "$previous $word" in
    --help* | --version*) ;;
    --*) # a value
      case "$values" in
        "") _diar_files -f "$word" ;;
        DIR) _diar_files -d "$word" ;;
        *) COMPREPLY=($(compgen -W "$values" -- "$word")) ;;
      esac ;;
    *" -"*) _diar_names "$file" "$word" ;;
    *) if grep -q '^# Usage:.*<' "$file"; then _diar_files -f "$word"; else _diar_names "$file" "$word"; fi ;;
  esac
  return 0 # the status of compgen tells whether it found anything
}

_diar_names() { # script word: options that begin with the word; those that end in a dot continue
  COMPREPLY=($(compgen -W "$(_diar_options "$1" | sed 's/ .*//; s/KEY$//' | sort -u)" -- "$2"))
  case "${#COMPREPLY[@]} ${COMPREPLY[*]}" in "1 "*.) compopt -o nospace 2>/dev/null || true ;; esac
}

_diar_files() { # -f|-d word: files, or directories
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null || true
  COMPREPLY=($(compgen "$1" -- "$2"))
}

_diar_ask() { # program shell: the completion printed by its parser; only for programs of this recipe
  case "$(realpath "${1/#\~/$HOME}" 2>/dev/null)" in "$_diar_root"/local/*) ;; *) return 1 ;; esac
  "$_diar_root/.venv/bin/python" "${1/#\~/$HOME}" --print-completion "$2" 2>/dev/null
}

_diar_commands() { # pattern file ...: names of the files that match
  grep -lE "$@" | sed 's|.*/||'
}

if [ -n "${ZSH_VERSION-}" ]; then
  _diar_program() {
    local name="${words[1]##*/}"
    eval "$(_diar_ask "${words[1]}" zsh)" && "_shtab_${name//[-.]/_}" "$@"
  }
  compdef _diar_program $(_diar_commands parse_args "$_diar_root"/local/*.py)
else
  _diar_program() { # 124: retry with the function defined now
    eval "$(_diar_ask "$1" bash || echo false)" && return 124
  }
  complete -o default -F _diar_program $(_diar_commands parse_args "$_diar_root"/local/*.py)
fi
complete -F _diar_script run.sh $(_diar_commands '^#!' "$_diar_root"/steps/*.sh)
