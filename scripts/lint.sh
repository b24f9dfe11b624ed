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
# The hook renumbers the lines of its baseline when code moves (exit code 3): that happens on a copy, and is no finding.
secrets() {
  local baseline status=0
  baseline=$(mktemp)
  cp .secrets.baseline "$baseline"
  git ls-files -z ':!requirements/*.txt' ':!.secrets.baseline' >"$baseline.files"
  xargs -0 --arg-file="$baseline.files" "$BIN/detect-secrets-hook" --baseline "$baseline" >"$baseline.out" || status=$?
  # xargs tells every exit code of the hook as 123; a finding is printed, a renumbering is not one.
  if [[ $status != 0 ]] && ! grep -q '^The baseline file was updated' "$baseline.out"; then
    cat "$baseline.out"
    return 1
  fi
  rm -f "$baseline" "$baseline.files" "$baseline.out"
}
check "ruff" "$BIN/ruff" check .
check "ruff format" "$BIN/ruff" format --check .
check "yamllint" "$BIN/yamllint" -s .
check "sqlfluff" "$BIN/sqlfluff" lint --processes 2 dbt_project
check "hadolint" "$BIN/hadolint" docker/*.Dockerfile
check "detect-secrets" secrets
check "import contracts" "$BIN/lint-imports"
check "content rooms" "$BIN/citybrain" validate
