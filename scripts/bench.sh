#!/usr/bin/env bash
# The environment of the benchmarks' peers (requirements/bench.txt) in .venv-bench; the platform needs none of it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/python.sh)
uv=$(scripts/uv.sh)
# shellcheck source=scripts/pip_sources.sh
source scripts/pip_sources.sh
use_pips_sources
"$uv" venv --quiet --allow-existing --python "$python" .venv-bench
"$uv" pip sync --quiet --python .venv-bench --require-hashes requirements/bench.txt
