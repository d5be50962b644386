#!/usr/bin/env bash
# Re-voice the turns of any RTTMs with the voices of the corpus 'mini': the same turn structure, overlap
# included, but other speakers in another room.
#
# Usage: steps/revoice.sh [options] <rttm-dir> <data-dir>
#
#   --split train|dev|test   the split whose voices are used                 (default $split)
#   --max-duration S         cut recordings after S seconds                  (default $max_duration)
#   --simulation-config FILE acoustics                                       (default $simulation_config)
#   --seed N                                                                 (default $seed)
#   --nj N                   processes                                       (default: all cores, $nj)
#
# Writes  <data-dir>/wav.scp, ref.rttm and the rest of a data directory; log/skipped lists recordings
#         left out because they have more speakers than there are voices
#
# Example: steps/revoice.sh --max-duration 60 data/dev data/revoiced

. "$(dirname "$0")/lib/common.sh"
split="test"
max_duration=300
simulation_config=conf/simulation.yaml
seed=0
nj=$(cores)
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <rttm-dir> <data-dir>, see --help"
rttms=$1 out=$2

reads "$rttms" "a directory of RTTMs"
begin "$out" local/prepare_mini.py "$split $max_duration $seed" conf/voices.yaml "$simulation_config" || exit 0
echo "$_name: making $out"
run_jobs 1 "$out/log/prepare.log" \
  python local/prepare_mini.py --seed "$seed" --nj "$nj" --turns "$rttms" --split "$split" \
  --max-duration "$max_duration" --simulation "$simulation_config" --name "$(basename "$out")" "$(dirname "$out")"
[ ! -s "$out/log/skipped" ] || sed 's/^/not spoken again: /' "$out/log/skipped"
finish "$out"
