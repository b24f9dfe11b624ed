#!/usr/bin/env bash
# Resolve the hashed locks for Python 3.11 and 3.12 on every platform. No registry's address is written into them.
set -euo pipefail
cd "$(dirname "$0")/.."
UV=$(scripts/uv.sh)
compile() { # compile <source> <lock> [option …]
  "$UV" pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
    --custom-compile-command "make lock" "$1" --output-file "$2" "${@:3}"
}
compile pyproject.toml requirements/main.txt
compile requirements/superset.in requirements/superset.txt
compile requirements/dev.in requirements/dev.txt
compile requirements/bench.in requirements/bench.txt
compile requirements/spark.in requirements/spark.txt
compile requirements/vision.in requirements/vision.txt --override requirements/vision-overrides.txt
