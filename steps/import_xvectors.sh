#!/usr/bin/env bash
# Import x-vectors extracted by Kaldi's diarization recipes.
#
# Usage: steps/import_xvectors.sh [options] <kaldi-xvector-dir> <xvector-dir>
#
#   --cmd local|slurm|"SCRIPT ..."  where the job runs: ./run.sh --help  (default $cmd)
#
# Reads   segments (or subsegments_data/segments, or *.seg), xvector.scp (or the arks themselves, *.ark): any
#         dimension, text or binary, float or double; optionally mean.vec and transform.mat, which are
#         applied before length normalisation; optionally plda
# Writes  segments, utt2spk, spk2utt, xvector.scp and its ark; plda, if there is one, for
#         steps/train_autoencoder.sh; failed (recordings whose x-vectors cannot be read, and why)
#
# Example: steps/import_xvectors.sh exp/xvectors_campplus/test exp/imported/test

. "$(dirname "$0")/lib/common.sh"
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <kaldi-xvector-dir> <xvector-dir>, see --help"
source=$1 out=$2

compgen -G "$source/*.ark" >/dev/null ||
  need "$source/xvector.scp" "expected a Kaldi x-vector directory, or one with arks"
may_read "$source" "$source/subsegments_data/segments"
begin "$out" local/import_xvectors.py "" || exit 0
echo "$_name: importing $source into $out"
run_jobs 1 "$out/log/import.log" python local/import_xvectors.py "$source" "$out"
grep "^import_xvectors.py: " "$out/log/import.log" || true
join "$out" segments utt2spk spk2utt xvector.scp reco2dur failed
[ -s "$out/reco2dur" ] || rm -f "$out/reco2dur"
finish "$out"
