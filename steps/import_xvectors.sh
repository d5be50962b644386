#!/usr/bin/env bash
# Take x-vectors that Kaldi has extracted, as its diarization recipes leave them.
#
# Usage: steps/import_xvectors.sh [options] <kaldi-xvector-dir> <xvector-dir>
#
#   --cmd local|slurm|"SCRIPT ..."  how the job runs: ./run.sh --help  (default $cmd)
#
# Reads   segments (or subsegments_data/segments, or *.seg), xvector.scp (or the arks themselves, *.ark): any
#         dimension, text or binary, float or double; where there are, mean.vec and transform.mat are
#         applied and lengths normalised; plda
# Writes  segments, utt2spk, spk2utt, xvector.scp and its ark; plda, where there is one, for
#         steps/train_autoencoder.sh; failed (recordings whose x-vectors cannot be read, and why)
#
# Example: steps/import_xvectors.sh exp/xvectors_campplus/test exp/imported/test

. "$(dirname "$0")/lib/common.sh"
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <kaldi-xvector-dir> <xvector-dir>, see --help"
source=$1 out=$2

compgen -G "$source/*.ark" >/dev/null ||
  need "$source/xvector.scp" "a Kaldi x-vector directory is needed, or arks in its place"
may_read "$source" "$source/subsegments_data/segments"
begin "$out" local/import_xvectors.py "" || exit 0
echo "$_name: $source becomes $out"
run_jobs 1 "$out/log/import.log" python local/import_xvectors.py "$source" "$out"
grep "^import_xvectors.py: " "$out/log/import.log" || true
join "$out" segments utt2spk spk2utt xvector.scp reco2dur failed
[ -s "$out/reco2dur" ] || rm -f "$out/reco2dur"
finish "$out"
