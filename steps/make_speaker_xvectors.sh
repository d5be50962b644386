#!/usr/bin/env bash
# Average the x-vectors of each speaker in each recording over the time in which they speak alone.
#
# Usage: steps/make_speaker_xvectors.sh <xvector-dir> <dec-dir> <out-dir>
#
# Reads   <xvector-dir>/segments, xvector.scp; <dec-dir>/rttm, of DEC or a baseline
# Writes  <out-dir>/spk_xvector.scp, spk_xvector.ark (by speaker), num_secs (seconds of speech without overlap, by speaker);
#         failed (recordings whose x-vectors cannot be used, and why)
#
# Example: steps/make_speaker_xvectors.sh exp/xvectors_campplus/test exp/dec_default/test exp/speakers/test

. "$(dirname "$0")/lib/common.sh"
. steps/lib/parse_options.sh
[ $# -eq 3 ] || die "expected <xvector-dir> <dec-dir> <out-dir>, see --help"
xvectors=$1 dec=$2 out=$3

reads "$xvectors/xvector.scp" "steps/extract_xvectors.sh makes it: ./run.sh --stage 2" "$xvectors"
reads "$dec/rttm" "steps/fit_dec.sh makes it: ./run.sh --stage 4"

begin "$out" local/make_speaker_xvectors.py "" || exit 0
python local/make_speaker_xvectors.py "$xvectors" "$dec/rttm" "$out"
finish "$out"
