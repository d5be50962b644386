#!/usr/bin/env bash
# Take a Kaldi data directory as it is, and make of it one that every stage can use.
#
# Usage: steps/import_data.sh [options] <kaldi-data-dir> <data-dir>
#
#   --wav-pipes true|false   run the commands of wav.scp (lines that end in '|') and keep their output;
#                            otherwise a directory with commands is refused          (default $wav_pipes)
#   --reference-from-segments true|false  the reference is segments and utt2spk: where the corpus is
#                            cut at the turns of its speakers                         (default $reference_from_segments)
#   --nj N                   parallel jobs                                  (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  how jobs run: ./run.sh --help       (default $cmd)
#
# What a command reads is not known here: after a change of that, remove <data-dir> and run again.
#
# Reads   wav.scp; and where they are: segments utt2spk spk2utt vad.scp reco2dur reco2num_spk
#         reco2file_and_channel, the reference (ref.rttm, rttm or stm), all.uem or uem, ctm. Nothing in
#         <kaldi-data-dir> is changed. Relative paths count from here, from the directory, or from one
#         above it.
# Writes  the same, sorted, of the ids that all files have; log/faults (what was left out, and why);
#         failed (recordings whose audio cannot be had)
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
  "$(realpath "$source")"/*) die "$out lies in $source, which is only read: name another --data" ;;
esac
may_read "$source"/{ref.rttm,rttm,stm,uem}/ # those that are directories
program=(python local/import_data.py --wav-pipes "$wav_pipes"
  --reference-from-segments "$reference_from_segments" "$source" "$out")
begin "$out" local/import_data.py "$wav_pipes $reference_from_segments" || exit 0
echo "$_name: $source becomes $out"
rm -rf "$out"/wav/.command.* # of jobs that were killed
run_jobs "$nj" "$out/log/import.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" wav.scp reco2dur failed
"${program[@]}" --tables
finish "$out"
