#!/usr/bin/env bash
# Makes the vault that is measured: vault.sh DIR BIN DAEMON CACHE_MIB. As `ops/run demo` makes it, with
# the largest policy there is, a service `intake` and a tenant `publisher`; nothing is left running.
set -euo pipefail

PIIVAULT_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
# shellcheck disable=SC2034  # what vault.sh needs
DIR="$1" BIN="$2" DAEMON="$3" CACHE_MIB="$4"
# shellcheck source=../vault.sh
. "$PIIVAULT_ROOT/ops/lib/vault.sh"

umask 077
mkdir -p "$DIR"
init_vault
# A cache that holds little, so that figures of many records are not those of a small table.
printf 'storage:\n  block_cache_mib: %s\n' "$CACHE_MIB" >>"$DIR/vault/piivaultd.yaml"
trap 'stop_server || true' EXIT
start_server
make_context sato
make_context suzuki
created="$(as sato policy create "$PIIVAULT_ROOT/ops/policies/combzmail.yaml")"
agree policy activate "$(name_in policies <<<"$created")" --reason "to be measured"
register intake service intake --employment full_time
register publisher tenant publisher --employment full_time
stop_server
