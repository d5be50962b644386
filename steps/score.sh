#!/usr/bin/env bash
# Score hypotheses against references: DER, JER and speaker counts under several protocols.
#
# Usage: steps/score.sh [options] <ref.rttm|dir> <hyp.rttm|dir> <out-dir>
#
#   --scoring-config FILE      the protocols: collar, overlap scored or not (default $scoring_config)
#   --uem FILE                 regions to evaluate; default: all.uem beside the reference, if there is
#                              one, otherwise each recording from 0 to its last turn
#   --allow-extra true|false   exclude recordings that have no reference instead of failing
#                              (default $allow_extra)
#   --across true|false        names are global: map speakers once for all recordings, as in
#                              cross-show diarization                   (default $across)
#   --show true|false          print the totals                         (default $show)
#
# Writes  <out-dir>/per_recording.tsv, summary.json, results.md
#
# Example: steps/score.sh data/test/ref.rttm exp/dec_default/test/rttm exp/my_score

. "$(dirname "$0")/lib/common.sh"
scoring_config=conf/scoring.yaml
uem=
allow_extra=false
across=false
show=true
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <ref.rttm|dir> <hyp.rttm|dir> <out-dir>, see --help"
ref=$1 hyp=$2 out=$3

reads "$ref" "the reference, an RTTM file or a directory of them"
reads "$hyp" "the hypothesis, an RTTM file or a directory of them"
reads "$scoring_config" "the protocols"
if [ -z "$uem" ]; then
  beside="$ref"
  [ -d "$ref" ] || beside="$(dirname "$ref")"
  [ ! -e "$beside/all.uem" ] || uem="$beside/all.uem"
fi
[ -z "$uem" ] || reads "$uem" "the regions to evaluate"

if begin "$out" local/score.py "$* $uem $allow_extra $across"; then
  options=(--config "$scoring_config" ${uem:+--uem "$uem"})
  [ "$allow_extra" = false ] || options+=(--allow-extra)
  [ "$across" = false ] || options+=(--across)
  python local/score.py "${options[@]}" "$ref" "$hyp" "$out" >/dev/null
  finish "$out"
fi
if [ "$show" = true ] && ! planning; then # also if they are up to date: they are what the user wants to see
  sed '/^Made by/,$d' "$out/results.md"
fi
