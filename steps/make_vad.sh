#!/usr/bin/env bash
# Find speech.
#
# Usage: steps/make_vad.sh [options] <data-dir> <vad-dir>
#
#   --vad combined|segmentation|silero|energy|oracle|segments|vad_scp  how to find speech: with the
#                                segmentation network, Silero, both, or by energy; or as given in
#                                <data-dir>: oracle (ref.rttm), segments, vad_scp (Kaldi's frame
#                                decisions)                              (default $vad)
#   --local-speakers DIR         from steps/find_local_speakers.sh: needed by combined and segmentation
#   --inside-segments true|false keep only speech inside <data-dir>/segments  (default $inside_segments)
#   --vad-config FILE            smoothing of the scores                  (default $vad_config)
#   --set "key=value ..."        overrides of the configuration
#   --nj N                       parallel jobs                            (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help       (default $cmd)
#
# Reads   <data-dir>/wav.scp, optionally reco2file_and_channel
# Writes  <vad-dir>/segments, utt2spk, spk2utt, reco2dur; no_speech (recordings without speech);
#         failed (recordings that cannot be read, and why); audio (how each was converted)
#
# Example: steps/make_vad.sh --vad energy data/test exp/vad_energy/test

. "$(dirname "$0")/lib/common.sh"
vad=silero
local_speakers=
inside_segments=false
vad_config=conf/vad.yaml
. steps/lib/job_options.sh
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <data-dir> <vad-dir>, see --help"
data=$1 out=$2

reads "$vad_config" "the configuration"
reads "$data/wav.scp" "a data directory is needed: ./run.sh --stage 0 makes those of the recipe"
may_read "$data/reco2file_and_channel"
case "$vad" in
  silero | energy | segments) ;;
  combined | segmentation)
    [ -n "$local_speakers" ] || die "--vad $vad needs --local-speakers: steps/find_local_speakers.sh makes them"
    reads "$local_speakers/activity.scp" "steps/find_local_speakers.sh makes it" "$local_speakers" ;;
  oracle) reads "$data/ref.rttm" "the oracle VAD takes speech from it" ;;
  vad_scp)
    reads "$data/vad.scp" "frame decisions of Kaldi's compute_vad_decision.sh"
    may_read "$data/segments" ;;
  *) die "--vad must be combined, segmentation, silero, energy, oracle, segments or vad_scp, not '$vad'" ;;
esac
if [ "$vad" = segments ] || [ "$inside_segments" = true ]; then
  reads "$data/segments" "Kaldi's utterances"
fi

program=(python local/make_vad.py --config "$vad_config" --set "$set" --vad "$vad"
  --inside-segments "$inside_segments" ${local_speakers:+--local-speakers "$local_speakers"} "$data" "$out")
begin "$out" local/make_vad.py "$vad $inside_segments $set" || exit 0
echo "$_name: $vad VAD of $data"
run_jobs "$nj" "$out/log/make_vad.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" segments utt2spk reco2dur no_speech audio failed
awk '{ utts[$2] = utts[$2] " " $1 } END { for (spk in utts) print spk utts[spk] }' "$out/utt2spk" |
  sort >"$out/spk2utt"
cut -d " " -f 2- "$out/audio" | sort | uniq -c | while read -r count remark; do
  echo "$_name: $count of $(wc -l <"$out/reco2dur") recordings: $remark"
done
[ ! -s "$out/no_speech" ] || echo "$_name: no speech found in: $(tr '\n' ' ' <"$out/no_speech")" >&2
finish "$out"
