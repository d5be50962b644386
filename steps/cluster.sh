#!/usr/bin/env bash
# Cluster the x-vectors of each recording with a baseline.
#
# Usage: steps/cluster.sh [options] <xvector-dir> <out-dir>
#
#   --method ahc|spectral|nme_sc|kmeans                              (default $method)
#   --baseline-config FILE  thresholds and decoding                  (default $baseline_config)
#   --set "key=value ..."   overrides of the configuration
#   --num-spk N             number of speakers of every recording    (default: estimated)
#   --reco2num-spk FILE     number of speakers of each recording
#   --local-speakers DIR    from steps/find_local_speakers.sh: allows overlapping speakers
#   --min-spk N, --max-spk N  bounds on the estimate                 (default $min_spk, as configured)
#   --seed N                                                         (default $seed)
#   --nj N                  parallel jobs                            (default: all cores, $nj)
#   --cmd local|slurm|"SCRIPT ..."  where jobs run: ./run.sh --help  (default $cmd)
#
# Reads   <xvector-dir>/segments, xvector.scp, optionally reco2dur
# Writes  <out-dir>/labels, rttm, reco2num_spk, config.yaml, posteriors.scp and its arks; unreached (recordings
#         with fewer speakers than requested)
#
# Example: steps/cluster.sh --method nme_sc exp/xvectors_campplus_close/test exp/my_nme_sc/test

. "$(dirname "$0")/lib/common.sh"
method=ahc
baseline_config=conf/baselines.yaml
. steps/lib/xvector_options.sh
. steps/lib/parse_options.sh
[ $# -eq 2 ] || die "expected <xvector-dir> <out-dir>, see --help"
xvectors=$1 out=$2

reads "$baseline_config" "the configuration"
reads "$xvectors/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2" "$xvectors"
xvector_options

program=(python local/cluster.py --method "$method" --config "$baseline_config" --set "$set"
  "${options[@]}" "$xvectors" "$out")
begin "$out" local/cluster.py "$method ${options[*]} $set" || exit 0
echo "$_name: $method of $xvectors"
run_jobs "$nj" "$out/log/cluster.JOB.log" "${program[@]}" --job "JOB/$nj"
join "$out" labels rttm rttm_exclusive reco2num_spk unreached posteriors.scp failed
say_remarks "$out"
say_unreached "$out"
finish "$out"
