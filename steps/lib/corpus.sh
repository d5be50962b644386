# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with other files
# Shared by steps/prepare_<corpus>.sh of the public corpora: their options, and the work.
#
# Stage 0 consists of steps like any other: steps/prepare_<corpus>.sh calls local/prepare_*.py.
#
# Sourced after common.sh, with 'sets' set to the corpus's own sets; prepare_corpus is called after
# the options are parsed.

audio_dir=
download=
mirror=
reference=

prepare_corpus() { # corpus microphone data-dir
  [ $# -eq 3 ] || die "expected one argument, the data directory (try --help)"
  local corpus="$1" data="$3" set options failed=
  options=(--mirror "$mirror" ${2:+--mic "$2"} ${audio_dir:+--audio-dir "$audio_dir"} ${download:+--download "$download"}
    ${reference:+--reference "$reference"})
  # This is not a step that is done once and for all: failed downloads are tried again, and the
  # resulting list of files decides whether the sets are made again.
  if ! planning; then
    mkdir -p "$data"
    python local/prepare_corpus.py --obtain "$sets" "${options[@]}" "$corpus" "$data"
  fi
  for set in $(tr ' ' '\n' <<<"$sets" | awk '!seen[$0]++'); do # each once
    begin "$data/$set" local/prepare_corpus.py "$corpus $set ${options[*]}" \
      "$data/.$corpus.files" conf/corpora.yaml conf/voxconverse_split.tsv || continue
    echo "$_name: making $data/$set"
    run_jobs 1 "$data/$set/log/prepare.log" \
      python local/prepare_corpus.py --set "$set" "${options[@]}" "$corpus" "$data"
    python local/describe_corpus.py --recordings "$data/$set" >"$data/$set/log/recordings"
    {
      python local/describe_corpus.py "$data/$set"
      sed 's/^/licence: /' "$data/$set/log/licence"
      sed 's/^/note: /' "$data/$set/log/notes"
      sed "s/^/not as published: /" "$data/$set/log/differences"
    } | tee "$data/$set/log/check"
    (finish "$data/$set") || failed=yes
  done
  [ -z "$failed" ] || exit 1
}
