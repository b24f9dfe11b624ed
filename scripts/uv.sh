#!/usr/bin/env bash
# Print the path of uv; where the machine has none, install it into .citybrain/tools first (from the package index pip is set up with).
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v uv >/dev/null; then
  command -v uv
  exit
fi
tools=.citybrain/tools
if [[ ! -x $tools/bin/uv ]]; then
  python=$(scripts/python.sh)
  if ! "$python" -m venv "$tools" >&2; then
    rm -rf "$tools"
    echo "uv is missing and $python cannot make a virtual environment: install your system's venv package" \
      "(Debian and Ubuntu: apt-get install python3-venv), or uv itself, and run this again." >&2
    exit 1
  fi
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv >&2
fi
echo "$PWD/$tools/bin/uv"
