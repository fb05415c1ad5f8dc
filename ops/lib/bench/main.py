"""Makes the vaults, runs the measurements, writes bench.json and bench.md. Started by ops/bench."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import calls
import figures
import floors
import life
import load
import overload
import processes
import table
import vault

CACHE_MIB = 64

# In this order: what reads comes before what adds records.
MEASUREMENTS = {
    "reveal": calls.reveal,
    "bulk": calls.bulk,
    "lookup": calls.lookup,
    "cost": life.cost,
    "scale": life.scale,
    "half-load": life.half_load,
    "create": calls.create,
    "overload": overload.overload,
    "disk": life.disk,
    "start-up": life.start_up,
    "rotation": life.rotation,
}


@dataclasses.dataclass(frozen=True)
class Build:
    """Where the programs are."""
    folder: pathlib.Path

    @property
    def cli(self):
        return self.folder / "ops" / "cli" / "piivault"

    @property
    def daemon(self):
        return self.folder / "ops" / "server" / "daemon" / "piivaultd"

    @property
    def floors(self):
        return self.folder / "tests" / "bench" / "piivault_floors"


class Bench:
    """What a measurement works with. `vault` is the largest of `vaults`."""

    def __init__(self, options, started, work):
        self.processes = started
        self.seconds = options.seconds
        self.warm_up = 0.3 if options.quick else 1
        self.cache_mib = CACHE_MIB
        self.keeps = options.keep is not None  # so that the vaults are left as they should be found
        self.figures = figures.Figures()
        self.load = load.Load(started, options.build.cli, options.calls)
        self.has_perf = can_count_system_calls()
        self._rounds = options.rounds
        self._began = time.monotonic()
        (work / "floors").mkdir(parents=True, exist_ok=True)
        self.floors = floors.Floors(started, options.build.floors, work / "floors")
        self.vaults = {records: vault.Vault(started, work / f"vault-{records}", options.build,
                                            records, CACHE_MIB)
                       for records in options.records}
        self.vault = self.vaults[max(options.records)]
        self.echo = None
        if not self.has_perf:
            self.figures.note("system calls: perf is not there or not allowed; not counted")

    def say(self, what):
        print(f"[{time.monotonic() - self._began:5.0f} s] {what}", flush=True)

    def rounds(self, what):
        for number in range(1, self._rounds + 1):
            self.say(f"{what}, round {number} of {self._rounds}")
            for one in self.vaults.values():
                one.warm()
            yield number

    def prepare(self):
        """All vaults made, filled and serving, and the echo with an answer of the real size."""
        for records, one in sorted(self.vaults.items()):
            self.say(f"Vault of {records:,} records")
            one.make()
            one.start()
            seconds = one.fill(self.load)
            if seconds is not None:
                self.say(f"filled in {seconds:.0f} s")
                self.figures.add(f"fill/{records}/records_per_second", records / seconds)
                # Restarting puts what is in the write-ahead log into tables.
                one.restart()
                self.figures.add(f"disk/{records}/bytes_per_record", one.bytes_on_disk() / records)
        for one in self.vaults.values():
            one.settle()
        response = self.vault.directory / "reveal.response"
        self.load.run(self.vault, "RevealRecord", "publisher", calls.REVEAL, calls=1, warm_up=0,
                      data=self.vault.people, save_response=response)
        self.figures.add("reveal/response_bytes", response.stat().st_size)
        self.echo = floors.Echo(self.processes, self.floors.program, self.vault, response)


def can_count_system_calls():
    try:
        return subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


def about(options, root):
    """What a reader of the figures must know."""
    cpu = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            check=False).stdout.strip()
    return [("commit", commit or "unknown"),
            ("when", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
            ("processor", f"{cpu}, {len(os.sched_getaffinity(0))} cores"),
            ("kernel", platform.release()),
            ("records", ", ".join(f"{records:,}" for records in options.records)),
            ("block cache", f"{CACHE_MIB} MiB"),
            ("policy", "ops/policies/combzmail.yaml"),
            ("rounds", f"{options.rounds} of {options.seconds:g} s"),
            ("load before", f"{os.getloadavg()[0]:.2f}"),
            ("floors", f"SHA-256 {floors.source_sha256()}")]


def write(folder, words, measured):
    rows = table.judge(measured)
    (folder / "bench.json").write_text(json.dumps(
        {"about": dict(words), "targets": rows, "figures": measured.to_json(),
         "notes": measured.notes}, indent=1, ensure_ascii=False) + "\n")
    (folder / "bench.md").write_text(table.markdown(words, measured, rows))
    return rows


def parse(arguments):
    parser = argparse.ArgumentParser(prog="ops/bench", add_help=False)
    parser.add_argument("--build-dir", required=True, type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--calls", type=int)  # in each run, in place of --seconds: for tests
    parser.add_argument("--records", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--only", type=re.compile, default=re.compile(""))
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 5)
    options.records = options.records or ([10000] if options.quick else [10000, 1000000])
    options.build = Build(options.build_dir.resolve())
    if min(options.records) < vault.BATCH or any(n % vault.BATCH for n in options.records):
        parser.error(f"--records takes multiples of {vault.BATCH}")
    if not any(options.only.search(name) for name in MEASUREMENTS):
        parser.error(f"--only matches none of {', '.join(MEASUREMENTS)}")
    return options


@contextlib.contextmanager
def work_folder(options):
    """Where vaults lie: kept where that was asked for. Not in /tmp, which may be memory."""
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        yield options.keep.resolve()
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="work.", dir=options.out))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    options = parse(sys.argv[1:])
    root = pathlib.Path(__file__).resolve().parents[3]
    options.out = (options.out or root / "build" / "bench").resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    words = about(options, root)
    started = processes.Processes()
    failed = []
    with work_folder(options) as work:
        try:
            bench = Bench(options, started, work)
            bench.prepare()
            for name, measure in MEASUREMENTS.items():
                if not options.only.search(name):
                    continue
                try:
                    measure(bench)
                except processes.Failed as problem:
                    # The others can be had all the same.
                    failed.append(name)
                    bench.figures.note(f"{name} failed: {str(problem)[:500]}")
                    bench.say(f"{name} FAILED: {problem}")
                rows = write(options.out, words, bench.figures)
            bench.say(f"done; {options.out}/bench.md")
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
        finally:
            started.end_all()
    for row in rows:
        mark = {True: "met", False: "SHORT", None: "not measured"}[row["met"]]
        ratio = "" if row["ratio"] is None else f", ratio {row['ratio']:.2f}"
        if row["met"] is not None:
            print(f"{mark:>6}  {row['line']:<14} {row['what']}{ratio} ({row['target']})")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.Failed as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(1)
