#!/usr/bin/env bash
# Chromium for the tests of the report, from Debian's or Ubuntu's packages, as root.
#
# Usage: tests/browser/install.sh
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
exec 9>"${TMPDIR:-/tmp}/diar-install-browser.lock" && flock 9 # tests may run in parallel
command -v chromium >/dev/null ||
  { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }
