# How everything is configured and built. To be sourced.
# shellcheck shell=bash

# Lets ccache, where there is one, share what it has between folders.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PIIVAULT_ROOT}" CCACHE_NOHASHDIR=1

# configure BUILD_DIR TYPE SANITIZERS
configure() {
  cmake -G Ninja -S "$PIIVAULT_ROOT" -B "$1" -DCMAKE_BUILD_TYPE="$2" -DPIIVAULT_SANITIZE="$3" \
    >"$1.configure.log" 2>&1 || {
    cat "$1.configure.log" >&2
    return 1
  }
}

# build BUILD_DIR [TARGET...]: prints only what went wrong.
build() {
  local dir="$1"
  shift
  # A compiler of these sources takes up to 1.5 GB; memory sets the limit where processors do not.
  local jobs memory
  jobs=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -lt "$jobs" ] && jobs=$((memory > 0 ? memory : 1))
  ninja -C "$dir" -j "$jobs" "$@" >"$dir/build.log" 2>&1 || {
    grep -E -A12 '^FAILED|error:|undefined reference' "$dir/build.log" | head -200 >&2
    echo "Building failed; all of it is in $dir/build.log" >&2
    return 1
  }
}

# seconds_since START: for people.
seconds_since() { echo "$(($(date +%s) - $1)) s"; }
