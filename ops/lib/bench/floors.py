"""The floors: tests/bench/floors, and the price of one fdatasync."""

import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3] / "tests" / "bench" / "floors"


class Echo:
    """A server that answers every call with the same bytes, under the vault's certificates."""

    def __init__(self, processes, program, vault, response):
        self._processes = processes
        self.directory = vault.directory
        self.people = vault.people
        self._server = processes.start(
            [program, "echo", "--dir", vault.directory / "pki", "--response", response],
            stdout=subprocess.PIPE, text=True)
        self.address = f"127.0.0.1:{json.loads(self._server.stdout.readline())['port']}"

    @property
    def pid(self):
        return self._server.pid

    def stop(self):
        self._processes.end(self._server)


class Floors:
    def __init__(self, processes, program, directory):
        self._processes = processes
        self.program = program
        self._directory = pathlib.Path(directory)

    def _run(self, *arguments):
        return json.loads(self._processes.run([self.program, *arguments]).splitlines()[-1])

    def read(self, records, batch, read, seconds, cache_mib, tokens=False):
        """Fields a second of one thread, which is what the vault serves calls with."""
        return self._run("read", "--dir", self._directory / f"read-{records}",
                         "--records", records, "--batch", batch, "--read", read,
                         "--tokens", int(tokens), "--cache-mib", cache_mib, "--threads", 1,
                         "--seconds", seconds)["fields_per_second"]

    def put(self, threads, seconds):
        """Synced puts a second."""
        return self._run("put", "--dir", self._directory / "put", "--threads", threads,
                         "--seconds", seconds)["puts_per_second"]

    def fsync_us(self, times):
        """An fdatasync after an append of an entry's size: its median and its p99."""
        path = self._directory / "fsync"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            took = []
            for _ in range(times):
                os.write(file, b"e" * 300)
                began = time.perf_counter()
                os.fdatasync(file)
                took.append((time.perf_counter() - began) * 1e6)
            return statistics.median(took), statistics.quantiles(took, n=100)[-1]
        finally:
            os.close(file)
            path.unlink()


def source_sha256():
    """Of the floors' source: figures of two days compare only where it is the same."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
