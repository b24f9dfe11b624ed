#!/usr/bin/env bash
# The whole proof: checks on files and types, beside them pytest with the marker expression given.
# Nothing here touches a running platform: tests take free ports and a data folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
markers=$1
scripts/bootstrap.sh test

types() { # quiet beside the other checks, its findings in one piece
  local start=$SECONDS found=0 output
  output=$(.venv/bin/mypy 2>&1) || found=1
  printf '── mypy\n%s\n   mypy: %d s\n' "$output" "$((SECONDS - start))"
  return $found
}
types &
typing=$!
scripts/lint.sh
echo "── pytest"
# Much of a test is waiting for servers: three workers fill two cores. Whole rooms are handed out (tests/conftest.py).
.venv/bin/pytest -m "$markers" -n "${CITYBRAIN_TEST_WORKERS:-3}" --no-loadscope-reorder --durations=15 || failed=1
wait "$typing" || failed=1
exit "${failed:-0}"
