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
  pip=("$python" -m pip --python "$tools/bin/python") # Python's own serves, where it has one: another takes seconds to install
  bare=--without-pip
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    pip=("$tools/bin/python" -m pip)
    bare=
  fi
  if ! "$python" -m venv ${bare:+"$bare"} "$tools" >&2; then
    rm -rf "$tools"
    echo "uv is missing and $python cannot make a virtual environment: install your system's venv package" \
      "(Debian and Ubuntu: apt-get install python3-venv), or uv itself, and run this again." >&2
    exit 1
  fi
  "${pip[@]}" install --quiet --disable-pip-version-check uv >&2
fi
echo "$PWD/$tools/bin/uv"
