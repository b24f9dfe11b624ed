#!/usr/bin/env bash
# Install the locked environments this checkout needs, and nothing when they are there already.
#   bootstrap.sh run    .venv (the platform), .venv-superset and .venv-vision (6 GB: torch brings NVIDIA's libraries along),
#                       and the MQTT broker mosquitto where we may install one
#   bootstrap.sh test   the same, the development packages, and a browser where we may install one
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:?run or test}

say() { printf '%s\n' "$*" >&2; }

step() { # step <title> <command …>: run it, then one line with its seconds
  local title=$1 start=$SECONDS
  shift
  if "$@" >&2; then
    printf '✓ %7d s  %s\n' "$((SECONDS - start))" "$title" >&2
  else
    printf '✗ %7d s  %s\n' "$((SECONDS - start))" "$title" >&2
    exit 1
  fi
}

stamp() { cat "$@" | sha256sum | cut -d' ' -f1; }

# shellcheck source=scripts/pip_sources.sh
source scripts/pip_sources.sh

install_environment() { # install_environment <folder> <stamp> <lock …>
  local folder=$1 wanted=$2
  shift 2
  [[ -x $folder/bin/python ]] || step "environment $folder" "$uv" venv --quiet --python "$python" "$folder"
  step "$folder from ${*##*/}" "$uv" pip sync --quiet --python "$folder" --require-hashes "$@"
  if [[ $folder != .venv-superset ]]; then
    step "citybrain into $folder" "$uv" pip install --quiet --python "$folder" --no-deps --editable .
  fi
  printf '%s\n' "$wanted" >"$folder/.citybrain-lock"
  say "            $folder takes $(du -sh "$folder" | cut -f1) on disk"
}

is_current() { [[ -x $1/bin/python && -e $1/.citybrain-lock && $(<"$1/.citybrain-lock") == "$2" ]]; }

locks=(requirements/main.txt)
# Development packages stay once they are there: `make up` after `make test` must not take them away.
if [[ $purpose == test || -e .venv/.citybrain-dev ]]; then locks+=(requirements/dev.txt); fi
main=$(stamp "${locks[@]}" pyproject.toml)
superset=$(stamp requirements/superset.txt)
vision=$(stamp requirements/vision.txt pyproject.toml)

if ! is_current .venv "$main" || ! is_current .venv-superset "$superset" || ! is_current .venv-vision "$vision"; then
  python=$(scripts/python.sh)
  use_pips_sources
  uv=$(scripts/uv.sh)
  installing=() # at once: each waits for the network, for the disk and for one processor in turn
  trap 'trap - INT TERM; kill 0' INT TERM # what runs in the background does not hear Ctrl-C
  is_current .venv "$main" || { install_environment .venv "$main" "${locks[@]}" & installing+=($!); }
  is_current .venv-superset "$superset" || { install_environment .venv-superset "$superset" requirements/superset.txt & installing+=($!); }
  is_current .venv-vision "$vision" || { install_environment .venv-vision "$vision" requirements/vision.txt & installing+=($!); }
  for one in "${installing[@]}"; do wait "$one" || failed=1; done
  [[ -z ${failed:-} ]] || exit 1
  trap - INT TERM
fi
if ! PATH=$PATH:/usr/sbin command -v mosquitto >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    # The package starts a broker of its own that knows no accounts: ours is started by `make up`.
    install_broker() {
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends mosquitto >/dev/null
      if [[ -d /run/systemd/system ]]; then systemctl disable --quiet --now mosquitto; fi
    }
    (step "the MQTT broker mosquitto" install_broker) || say "no mosquitto could be installed: device readings by MQTT are off"
  else
    say "no mosquitto here: device readings by MQTT are off (Debian: apt-get install mosquitto)"
  fi
fi
[[ $purpose == test ]] || exit 0

touch .venv/.citybrain-dev
if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  install_browser() { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium fonts-noto-cjk >/dev/null; }
  (step "Chromium and Chinese fonts" install_browser) || say "no Chromium could be installed: browser tests will be skipped"
else
  say "no Chromium here: browser tests will be skipped (Debian: apt-get install chromium fonts-noto-cjk)"
fi
