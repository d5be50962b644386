#!/usr/bin/env bash
# Turn any Kaldi data directory into one that every stage can use.
#
# Usage: steps/import_data.sh [options] <kaldi-data-dir> <data-dir>
#
#   --wav-pipes true|false   run the commands in wav.scp (lines that end in '|') and keep their output;
#                            if false, a directory with commands is refused          (default $wav_pipes)
#   --reference-from-segments true|false  make the reference from segments and utt2spk, for a corpus
#                            segmented at its speaker turns                           (default $reference_from_segments)
#   --nj N                   parallel jobs                                  (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help       (default $cmd)
#
# This step does not know what a command reads: if that changes, remove <data-dir> and run again.
#
# Reads   wav.scp; optionally segments utt2spk spk2utt vad.scp reco2dur reco2num_spk
#         reco2file_and_channel, the reference (ref.rttm, rttm or stm), all.uem or uem, and ctm. Nothing in
#         <kaldi-data-dir> is changed. Relative paths are resolved from here, from the directory, or from
#         one above it.
# Writes  the same files, sorted, with the ids that all of them share; log/faults (what was left out, and
#         why); failed (recordings whose audio is not available)
#
# Example: steps/import_data.sh data/test data/imported/test

. "$(dirname "$0")/lib/common.sh"
wav_pipes=false
reference_from_segments=false
nj=$(cores)
cmd=local
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <kaldi-data-dir> <data-dir>, see --help"
source=$1 out=$2

reads "$source/wav.scp" "a Kaldi data directory is needed" "$source"
case "$(realpath -m "$out")/" in
  "$(realpath "$source")"/*) die "$out is inside $source, which must not be written to: choose another --data" ;;
esac
may_read "$source"/{ref.rttm,rttm,stm,uem}/ # if they are directories
program=(python local/import_data.py --wav-pipes "$wav_pipes"
  --reference-from-segments "$reference_from_segments" "$source" "$out")
begin "$out" local/import_data.py "$wav_pipes $reference_from_segments" || exit 0
echo "$_name: importing $source into $out"
rm -rf "$out"/wav/.command.* # left by killed jobs
run_jobs "$nj" "$out/log/import.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" wav.scp reco2dur failed
"${program[@]}" --tables
finish "$out"
