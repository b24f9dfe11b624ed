#!/usr/bin/env bash
# Every check that reads files only. Each prints its own name and seconds; the first that fails stops the run.
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=.venv/bin
check() {
  local name=$1 start=$SECONDS
  shift
  echo "── $name"
  "$@"
  echo "   $name: $((SECONDS - start)) s"
}
secrets() {
  git ls-files -z | grep -zvE '^(requirements/.*\.txt|\.secrets\.baseline)$' | xargs -0 "$BIN/detect-secrets-hook" --baseline .secrets.baseline
}
check "ruff" "$BIN/ruff" check .
check "ruff format" "$BIN/ruff" format --check .
check "yamllint" "$BIN/yamllint" -s .
check "sqlfluff" "$BIN/sqlfluff" lint --processes 2 dbt_project
check "detect-secrets" secrets
check "import contracts" "$BIN/lint-imports"
check "content rooms" "$BIN/citybrain" validate
