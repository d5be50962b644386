#!/usr/bin/env bash
# Fit DEC to each recording: count, cluster, refine, decode.
#
# Usage: steps/fit_dec.sh [options] <xvector-dir> <ae-dir> <dec-dir>
#
#   --dec-config FILE       the algorithm                            (default $dec_config)
#   --set "key=value ..."   overrides of the configuration
#   --num-spk N             number of speakers of every recording    (default: estimated)
#   --reco2num-spk FILE     number of speakers of each recording
#   --local-speakers DIR    from steps/find_local_speakers.sh: allows overlapping speakers
#   --min-spk N, --max-spk N  bounds on the estimate                 (default $min_spk, as configured)
#   --seed N                                                         (default $seed)
#   --nj N                  parallel jobs                            (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help  (default $cmd)
#
# Reads   <xvector-dir>/segments, xvector.scp, optionally reco2dur;
#         <ae-dir>/model.safetensors
# Writes  <dec-dir>/labels, rttm, rttm_exclusive (one speaker at a time), reco2num_spk, history, config.yaml,
#         segments (a copy of those in <xvector-dir>); unreached (recordings with fewer speakers than requested);
#         remarks (deviations from the configuration);
#         posteriors.scp, latents.scp, start_latents.scp, and their arks
#
# Example: steps/fit_dec.sh --num-spk 2 exp/xvectors_campplus/real_sample exp/ae_default exp/my_dec/real_sample

. "$(dirname "$0")/lib/common.sh"
dec_config=conf/dec.yaml
. steps/lib/xvector_options.sh
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <xvector-dir> <ae-dir> <dec-dir>, see --help"
xvectors=$1 ae=$2 out=$3

reads "$dec_config" "the configuration"
reads "$xvectors/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2" "$xvectors"
reads "$ae/model.safetensors" "steps/train_autoencoder.sh makes it: ./run.sh --stage 3"
xvector_options

program=(python local/fit_dec.py --config "$dec_config" --set "$set" "${options[@]}"
  "$xvectors" "$ae/model.safetensors" "$out")
begin "$out" local/fit_dec.py "${options[*]} $set" || exit 0
echo "$_name: DEC ($dec_config) of $xvectors"
run_jobs "$nj" "$out/log/fit_dec.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" labels rttm rttm_exclusive reco2num_spk unreached posteriors.scp latents.scp start_latents.scp history failed
cp "$xvectors/segments" "$out/segments" # the rows of the matrices
say_remarks "$out"
say_unreached "$out"
finish "$out"
