#!/usr/bin/env bash
# Runs clang-tidy with .clang-tidy on our .cc files, or on those that are named.
# Usage: ops/lint/tidy.sh BUILD_DIR [FILE...]   (BUILD_DIR: configured and built, for its headers)
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
build_dir="$(cd "${1:?}" && pwd)"
shift
cd "$root"

# The compilers' options differ in what one of them does not know; tidy must not fail on that.
database="$build_dir/tidy"
mkdir -p "$database"
sed -E 's/ -fcf-protection=[a-z]+//g; s/ -fno-sanitize-recover=all//g; s/ -fsanitize=[a-z,]+//g' \
  "$build_dir/compile_commands.json" >"$database/compile_commands.json"

# Tests are left out: their style is GoogleTest's, and they are compiled with all warnings anyway.
files=("$@")
[ $# -eq 0 ] && mapfile -t files < <(git ls-files 'storage/*.cc' 'authz/*.cc' 'vault/*.cc' 'ops/*.cc')
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-sign-conversion -p "$database" 2>"$database/log" || {
    echo "clang-tidy found something (its own messages are in $database/log)" >&2
    exit 1
  }
