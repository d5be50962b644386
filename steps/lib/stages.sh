# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with other files
# The frame of run.sh: which stages run, their headings, and the end of a run. Sourced after
# run_options.sh.

export DIAR_RUN="$_root" # failed recordings are listed at the end and do not stop the stages
DIAR_COMMAND="$(command_line)" # makes the outputs of the steps again
export DIAR_COMMAND
stage_times=
stage_began=

if [ "$plan" = true ]; then # everything runs as usual, but steps only show what they would do
  export DIAR_PLAN=1
  exec > >(python3 -B -I -S local/step_plan.py)
  trap 'exec >&-; wait '$! EXIT
elif [ "$corpus" = mini ]; then
  echo "run.sh: $_expected; finished steps are skipped"
fi

starts() { # number text: whether to run this stage
  ends_stage
  [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ] || return 1
  stage_times+="stage $1: "
  stage_began=$SECONDS
  local now='' expected=''
  planning || printf -v now ', %(%H:%M:%S)T'
  [ "$corpus" != mini ] || expected=" (mini on two cores: ${_seconds[$1]} s)"
  printf '\n=== stage %s%s: %s%s\n' "$1" "$now" "$2" "$expected"
}

ends_stage() {
  [ -z "$stage_began" ] || stage_times+="$((SECONDS - stage_began)) s; "
  stage_began=
}

results() { # write all scores to one page and print its main tables; made again only if a score has changed
  local said="$exp/.results.$$" key dir left states scores=() # two runs may end at the same time
  for dir in "$exp"/*/*/score "$exp"/*/*/seed*/score "$exp"/*/*/remarks "$exp"/ae_*/probe; do
    [ ! -e "$dir" ] || scores+=("$dir")
  done
  for left in "$exp"/.results.*; do # by runs that were killed
    kill -0 "${left##*.}" 2>/dev/null || rm -f "$left"
  done
  states="$(python3 -I -S local/step_state.py "${scores[@]}")"
  key="$(key_of local/make_results.py "$states" "${scores[@]}")" || exit 1
  if [ ! -e "$exp/RESULTS.md" ] || ! holds "$exp/.results" "$key"; then
    { echo "$key" && python local/make_results.py "$exp" "$exp/RESULTS.md"; } >"$said"
    mv "$said" "$exp/.results"
  fi
  tail -n +2 "$exp/.results"
}

conclude() { # print the times, the main tables of all scores, and the failed recordings
  ends_stage
  if planning; then return; fi
  echo
  local scores=("$exp"/*/*/score/summary.json)
  if [ "$stop_stage" -ge 5 ] && [ -e "${scores[0]}" ]; then
    results
  fi
  printf 'run.sh: %sin all %s s, since %(%H:%M:%S)T\n' "$stage_times" "$SECONDS" -2 # when the shell was started
  local failed lists=("$exp/report/failed")
  for set in $sets; do lists+=("$data/$set/failed" "$exp"/*/"$set"/{,seed*/}failed); done
  # Failures of the local speakers are left out: the VAD reports them, too.
  failed="$(grep -aHs . "${lists[@]}" | grep -avF "$exp/local_speakers" | sed 's|/failed:|: |; s|^|run.sh: failed: |')" || true
  [ -n "$failed" ] || return 0
  echo "$failed" >&2
  die "the recordings above failed; all others are done"
}
