#!/usr/bin/env bash
# Print the path of a Python this platform runs on: 3.11 or 3.12.
set -euo pipefail
for name in ${CITYBRAIN_PYTHON:-} python3.11 python3.12 python3 python; do
  path=$(command -v "$name") || continue
  version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case $version in
    3.11 | 3.12)
      # A version manager's shim knows no folder of its own: ask the interpreter where it really is.
      "$path" -c 'import sys; print(sys.executable)'
      exit
      ;;
  esac
done
echo "no Python 3.11 or 3.12 found: install one (Debian: apt-get install python3.11 python3.11-venv)" \
  "or name it in CITYBRAIN_PYTHON." >&2
exit 1
