#!/usr/bin/env bash
# Collect all packages and downloads in a folder, for a machine without network.
#
# Usage: steps/make_bundle.sh [options] <bundle-dir>
#
#   --extra NAME         include an extra of pyproject.toml, as DIAR_EXTRA of path.sh
#   --voices true|false  include the voices of the corpus mini, not only the networks  (default $voices)
#
# Writes  <bundle-dir>/wheels  the packages of this environment, for this version of Python and this kind of
#                              machine, including dec-diarization
#         <bundle-dir>/cache   networks, voices
#
# On the other machine, in a copy of the recipe: DIAR_BUNDLE=<bundle-dir> . ./path.sh
# Without the recipe: pip install --no-index --find-links <bundle-dir>/wheels dec-diarization, and set DIAR_CACHE
# to <bundle-dir>/cache.
#
# Example: steps/make_bundle.sh --voices false /media/stick/dec-diarization

. "$(dirname "$0")/lib/common.sh"
extra=
voices=true
. steps/lib/parse_options.sh
[ $# -eq 1 ] || die "expected <bundle-dir>, see --help"
bundle=$1
[ ! -e "$bundle" ] || die "$bundle already exists: remove it, or name another folder"

part="$bundle.part"
rm -rf "$part"
trap 'rm -rf "$part"' EXIT
mkdir -p "$part/wheels" "$part/cache" || die "cannot write to $part"
python -m pip freeze --exclude-editable >"$part/constraints"
# The other machine may support bfloat16 even if this one does not: path.sh then installs OpenVINO.
grep -q ^openvino== "$part/constraints" || grep ^openvino conf/constraints.txt >>"$part/constraints"
echo "$_name: packages"
# setuptools builds the editable install.
python -m pip wheel -qq --disable-pip-version-check -c "$part/constraints" -w "$part/wheels" \
  ".[bfloat16${extra:+,$extra}]" "setuptools>=77" || die "pip cannot get all packages: set the same index as for path.sh"
echo "$_name: the cache"
cache="$(python -c 'from diar.base.files import cache_dir; print(cache_dir())')"
python local/fetch.py --voices "$voices" >"$part/files"
sed "s|^$cache/||" "$part/files" | tar -C "$cache" -cf - -T - | tar -C "$part/cache" -xf -
rm "$part/constraints" "$part/files"
mv "$part" "$bundle"
echo "$_name: $bundle: $(du -sh "$bundle/wheels" | cut -f 1) of packages, $(du -sh "$bundle/cache" | cut -f 1) of cache"
