# Debian 12 packages, and how to have them. To be sourced.
# shellcheck shell=bash

# What building and running needs.
PIIVAULT_BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config ccache mold
  libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libabsl-dev
  libssl-dev librocksdb-dev libyaml-cpp-dev libcli11-dev libspdlog-dev libicu-dev
  libphonenumber-dev libre2-dev libjemalloc-dev prometheus-cpp-dev libcivetweb-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)
# What the demonstration needs beside it.
PIIVAULT_RUN_PACKAGES=(python3-minimal curl openssl)
# What measuring needs beside it.
PIIVAULT_BENCH_PACKAGES=(python3 openssl util-linux)
# What the tests need beside it: the Python clients, promtool, schemas of policies.
# (grpc-tools imports pkg_resources without saying so.)
PIIVAULT_TEST_PACKAGES=(python3 python3-grpcio python3-grpc-tools python3-pkg-resources python3-protobuf
  python3-cryptography python3-jsonschema python3-yaml
  openssl prometheus rocksdb-tools)
# What the checks of style need.
PIIVAULT_LINT_PACKAGES=(clang-format-14 clang-tidy-14 git)

# install_packages NAME...: installs those that are missing; as root, or with sudo.
install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed ||
      missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "These packages are missing, and this is neither root nor is there sudo: ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "Installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  # RUNLEVEL=1 keeps the packages' own services (the metrics server, say) from starting.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y \
    --no-install-recommends "${missing[@]}" >/dev/null
}
