#!/usr/bin/env python3
"""Fails on an #include that crosses a layer the wrong way.

Who may include whom stands in LAYERS and, within vault, in VAULT_LAYERS; which third-party headers
belong where stands in LIBRARIES. Prints `file:line: what is wrong` and exits 1.
"""
import argparse
import pathlib
import re
import sys

# Folder -> folders it may include, beside itself.
LAYERS = {
    "storage": {"proto"},
    "authz": {"proto"},
    "vault": {"proto", "storage", "authz"},
    "ops": {"proto", "storage", "authz", "vault"},
    "tests": {"proto", "storage", "authz", "vault", "ops"},
}
# Within vault, from the bottom up: a folder may include those below it, and its own level.
VAULT_LEVELS = [
    {"crypto"},
    {"values", "keys"},
    {"audit", "state"},
    {"records", "rotation"},
    {"ledger", "sharing", "rights", "retention"},
    {"service"},
]
# Headers of libraries -> the folders that may use them. Tests may use everything.
LIBRARIES = [
    (re.compile(r"^prometheus/|^civetweb|^CivetServer"), {"ops"}),
    (re.compile(r"^rocksdb/"), {"storage"}),
    (re.compile(r"^grpcpp/|^grpc/|\.grpc\.pb\.h$"), {"vault/service", "ops"}),
    (re.compile(r"^spdlog/"), {"ops"}),
    (re.compile(r"^CLI/"), {"ops"}),
    (re.compile(r"^yaml-cpp/"), {"authz", "ops"}),
    (re.compile(r"^openssl/"), {"vault", "authz", "storage", "ops"}),
    (re.compile(r"^(gtest|gmock|benchmark)/"), set()),
]
# The pure layer: neither files, nor the network, nor the clock.
PURE = re.compile(r"^(fstream|iostream|filesystem|thread|mutex|chrono|unistd\.h|sys/.*|fcntl\.h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def vault_level(folder):
    for level, folders in enumerate(VAULT_LEVELS):
        if folder in folders:
            return level
    return None


def check_own(source, target):
    """A header of this repository, by its path from the root."""
    source_top, target_top = source.parts[0], target.parts[0]
    if source_top != target_top:
        if target_top not in LAYERS[source_top]:
            return f"{source_top} must not include {target_top}"
        return None
    if source_top != "vault" or len(source.parts) < 3 or len(target.parts) < 3:
        return None
    below, above = vault_level(target.parts[1]), vault_level(source.parts[1])
    if below is None or above is None:
        unknown = target.parts[1] if below is None else source.parts[1]
        return f"vault/{unknown} has no place in VAULT_LEVELS yet"
    if below > above:
        return f"vault/{source.parts[1]} must not include vault/{target.parts[1]}"
    return None


def check_library(source, header):
    if source.parts[0] == "tests":
        return None
    folder = source.parent.as_posix()
    for pattern, allowed in LIBRARIES:
        if pattern.search(header) and not any(
                folder == place or folder.startswith(place + "/") for place in allowed):
            return f"{header} does not belong in {folder}"
    if source.parts[0] == "authz" and PURE.match(header):
        return f"{header}: authz is pure, without files, threads and clock"
    return None


def check_file(root, source):
    problems = []
    for number, line in enumerate((root / source).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        top = header.split("/")[0]
        problem = None
        if top in LAYERS and (root / header).exists():
            problem = check_own(source, pathlib.PurePosixPath(header))
        else:
            problem = check_library(source, header)
        if problem:
            problems.append(f"{source}:{number}: {problem}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?",
                        default=str(pathlib.Path(__file__).resolve().parents[2]))
    root = pathlib.Path(parser.parse_args().root)
    files = sorted(path for top in LAYERS for suffix in ("*.h", "*.cc")
                   for path in (root / top).rglob(suffix))
    problems = []
    for path in files:
        problems += check_file(root, pathlib.PurePosixPath(path.relative_to(root).as_posix()))
    print("\n".join(problems + [f"{len(files)} files, {len(problems)} forbidden includes"]))
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
