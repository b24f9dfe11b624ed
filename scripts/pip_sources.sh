# shellcheck shell=bash
# Sourced by the scripts that install environments; needs $python.
#
# uv does not read pip's configuration: hand over the indexes and wheel folders that the machine's pip is set up with.
# The locks name every file's hash, so it does not matter which of them serves it.
use_pips_sources() {
  [[ -n ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_INDEX:-} || -e ${XDG_CONFIG_HOME:-$HOME/.config}/uv/uv.toml || -e /etc/uv/uv.toml ]] && return
  local set
  set=$("$python" -m pip config list 2>/dev/null || true)
  pips() { sed -n "s/^global\.$1='\(.*\)'\$/\1/p" <<<"$set"; }
  local index=${PIP_INDEX_URL:-$(pips index-url)} more=${PIP_EXTRA_INDEX_URL:-$(pips extra-index-url)}
  local links=${PIP_FIND_LINKS:-$(pips find-links)}
  if [[ -n $index ]]; then export UV_DEFAULT_INDEX=$index; fi
  if [[ -n $more ]]; then export UV_INDEX=$more UV_INDEX_STRATEGY=unsafe-best-match; fi
  if [[ -n $links ]]; then export UV_FIND_LINKS=${links// /,}; fi
}
