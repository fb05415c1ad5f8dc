#!/usr/bin/env bash
# Runs buf, of the version pinned here, on proto/. It comes from npm into a folder outside the tree.
# Usage: ops/lint/buf.sh lint | breaking --against ...
set -euo pipefail

VERSION=1.75.0
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/piivault/buf-$VERSION"

if [ ! -x "$cache/node_modules/.bin/buf" ]; then
  if ! command -v npm >/dev/null; then
    # shellcheck source=../lib/packages.sh
    . "$root/ops/lib/packages.sh"
    install_packages npm
  fi
  mkdir -p "$cache"
  npm install --silent --no-audit --no-fund --prefix "$cache" "@bufbuild/buf@$VERSION" >&2
fi
cd "$root/proto"
exec "$cache/node_modules/.bin/buf" "$@"
