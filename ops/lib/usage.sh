# What is wrong with a command line. To be sourced.
# shellcheck shell=bash

# usage_error TEXT: one line, and the exit code of wrong usage.
usage_error() {
  echo "ops/$(basename "$0"): $1; --help says what there is" >&2
  exit 2
}

# need_value OPTION [VALUE]
need_value() { [ -n "${2:-}" ] || usage_error "$1 takes a value"; }
