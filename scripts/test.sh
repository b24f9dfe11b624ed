#!/usr/bin/env bash
# The whole proof: checks on files, types, then pytest with the marker expression given.
# Nothing here touches a running platform: tests take free ports and a data folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
markers=$1
scripts/bootstrap.sh test
scripts/lint.sh
echo "── mypy"
.venv/bin/mypy
echo "── pytest"
exec .venv/bin/pytest -m "$markers" --durations=15
