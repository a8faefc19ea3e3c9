#!/bin/bash
# A browser without a window, and what drives it: browser.sh status | paths
# Needs Debian's chromium and chromium-driver. Nothing is started here: each test starts its own, with a profile that is
# gone afterwards. `paths` prints where the two are, a line each.
set -euo pipefail

major() { "$1" --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1; }

there() {
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && [ "$(major chromium)" = "$(major chromedriver)" ]
}

case ${1:-} in
status)
  if there; then echo up; else echo "browser.sh: apt-get install chromium chromium-driver" >&2; exit 1; fi
  ;;
paths)
  command -v chromium
  command -v chromedriver
  ;;
*)
  echo "usage: browser.sh status|paths" >&2
  exit 2
  ;;
esac
