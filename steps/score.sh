#!/usr/bin/env bash
# Score hypotheses against references: DER, JER and speaker counts under several protocols.
#
# Usage: steps/score.sh [options] <ref.rttm|dir> <hyp.rttm|dir> <out-dir>
#
#   --scoring-config FILE      the protocols: collar, overlap in or out (default conf/scoring.yaml)
#   --uem FILE                 regions to evaluate; default: all.uem beside the reference if there is
#                              one, or else each recording from 0 to its last turn
#   --allow-extra true|false   leave out recordings that have no reference, instead of refusing them
#
# Writes  <out-dir>/per_recording.tsv, summary.json, results.md; and prints the totals
#
# Example: steps/score.sh data/test/ref.rttm exp/dec_default/test/rttm exp/my_score

. "$(dirname "$0")/common.sh"
scoring_config=conf/scoring.yaml
uem=
allow_extra=false
. steps/parse_options.sh
[ $# -eq 3 ] || die "expected <ref.rttm|dir> <hyp.rttm|dir> <out-dir>, see --help"
ref=$1 hyp=$2 out=$3

need "$ref" "the reference, an RTTM file or a directory of them"
need "$hyp" "the hypothesis, an RTTM file or a directory of them"
need "$scoring_config" "the protocols"
if [ -z "$uem" ]; then
  beside="$([ -d "$ref" ] && echo "$ref" || dirname "$ref")/all.uem"
  [ ! -e "$beside" ] || uem="$beside"
else
  need "$uem" "the regions to evaluate"
fi

begin "$out" local/score.py "$* $uem $allow_extra" "$ref" "$hyp" "$scoring_config" ${uem:+"$uem"} || {
  sed '/^Made by/,$d' "$out/results.md" # the totals again: they are what one comes for
  exit 0
}
options=(--config "$scoring_config")
[ -z "$uem" ] || options+=(--uem "$uem")
[ "$allow_extra" = false ] || options+=(--allow-extra)
python local/score.py "${options[@]}" "$ref" "$hyp" "$out"
finish "$out"
