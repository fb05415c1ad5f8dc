"""Measurements of the vault as it lives: half load, growth, start, rotation, the disk, the system
calls. Lines 4 and 5, and what a call costs."""

import subprocess
import time

import processes
from calls import OPEN_IN_FLIGHT, reveal_load

ROTATION_PATIENCE_SECONDS = 1800
# What is written beside a run: calls so small that one does not hold the others up for long, and
# for so long that tables are written.
WRITER_RATE = 200
WRITER_BATCH = 10
COMPACTION_TIMES = 3


def full_rate(bench):
    """Calls a second that the vault does in a closed loop; measured here where it is not yet."""
    name = "reveal/64/vault/calls_per_second"
    if bench.figures.median(name) is None:
        bench.figures.add_load("reveal/64/vault", reveal_load(bench, bench.vault, in_flight=64))
    return bench.figures.median(name)


def half_load(bench):
    """RevealRecord at half of its rate: beside the echo, and while tables are written."""
    rate = round(full_rate(bench) / 2)
    writing = bench.seconds * COMPACTION_TIMES
    for _ in bench.rounds(f"RevealRecord at {rate} calls/s"):
        # Every answer waits for the disk: nothing can be faster at p99 than that is.
        bench.figures.add("fsync/p99_us", bench.floors.fsync_us(2000)[1])
        for side, target in (("echo", bench.echo), ("vault", bench.vault)):
            bench.figures.add_load(f"half/alone/{side}",
                                   reveal_load(bench, target, in_flight=OPEN_IN_FLIGHT, rate=rate))
        before = bench.vault.tables()
        writer = start_writer(bench, writing + bench.warm_up)
        result = reveal_load(bench, bench.vault, in_flight=OPEN_IN_FLIGHT, rate=rate,
                             seconds=writing)
        written = bench.load.finish(writer)
        bench.vault.give_back_numbers(written)
        bench.figures.add_load("half/compaction/vault", result)
        bench.figures.add("half/compaction/records_per_second",
                          written["calls_per_second"] * WRITER_BATCH)
        new_tables = len(bench.vault.tables() - before)
        bench.figures.add("half/compaction/new_tables", new_tables)
        if new_tables == 0:
            bench.figures.note("half/compaction: no table was written in one of the runs; longer "
                               "runs (--seconds) reach one")


def start_writer(bench, seconds):
    """BatchCreateRecords beside a run."""
    first = bench.vault.take_numbers(int(WRITER_RATE * (seconds + 5) * WRITER_BATCH))
    return bench.load.start(bench.vault, "BatchCreateRecords", "intake",
                            bench.vault.create_batch(), repeat={"records": WRITER_BATCH},
                            in_flight=OPEN_IN_FLIGHT, rate=WRITER_RATE, seconds=seconds,
                            warm_up=0, first=first)


def scale(bench):
    """The same load on the smallest and on the largest vault, in turn, and the memory it takes."""
    sizes = sorted(bench.vaults)
    for _ in bench.rounds(f"RevealRecord with {' and '.join(f'{n:,}' for n in sizes)} records"):
        for side, records in (("small", sizes[0]), ("large", sizes[-1])):
            if side == "small" and len(sizes) == 1:
                continue
            vault = bench.vaults[records]
            result = reveal_load(bench, vault, in_flight=256)
            bench.figures.add_load(f"scale/{side}/vault", result)
            bench.figures.add(f"scale/{side}/memory_beyond_cache_mib",
                              processes.memory_mib(vault.pid) - bench.cache_mib)


def start_up(bench):
    """From starting the program until it serves, after an orderly end."""
    for _ in bench.rounds("Start"):
        bench.figures.add("start/seconds", bench.vault.restart())


def rotation(bench):
    """A rotation alone; then the load beside it, at half and at full rate."""
    bench.say("Rotation alone")
    began = time.monotonic()
    bench.vault.rotate()
    try:
        bench.vault.wait_rotated(ROTATION_PATIENCE_SECONDS)
    except processes.Failed:
        bench.figures.note(f"rotation/alone: had not ended after {ROTATION_PATIENCE_SECONDS} s")
    bench.figures.add("rotation/alone/seconds", time.monotonic() - began)
    rate = round(full_rate(bench) / 2)
    for _ in bench.rounds("RevealRecord during rotation"):
        bench.figures.add_load("rotation/none/vault",
                               reveal_load(bench, bench.vault, in_flight=64))
        for side, load in (("half", {"in_flight": OPEN_IN_FLIGHT, "rate": rate}),
                           ("full", {"in_flight": 64})):
            if bench.vault.rotated():
                bench.vault.rotate()
            result = reveal_load(bench, bench.vault, **load)
            if bench.vault.rotated():
                bench.figures.note(f"rotation/{side}: the rotation ended before the run did; more "
                                   "records or shorter runs are needed")
            bench.figures.add_load(f"rotation/{side}/vault", result)
    if bench.keeps:
        bench.say("Waiting for the end of the rotation")
        bench.vault.wait_rotated(ROTATION_PATIENCE_SECONDS)


def disk(bench):
    """Bytes on disk for each record and each entry; starting puts the log into tables."""
    bench.say("Bytes on disk")
    bench.vault.restart()
    bench.vault.settle()
    before, entries = bench.vault.bytes_on_disk(), log_entries(bench)
    reveal_load(bench, bench.vault, in_flight=256)
    bench.vault.restart()
    more = log_entries(bench) - entries
    if more > 0:
        bench.figures.add("disk/bytes_per_entry", (bench.vault.bytes_on_disk() - before) / more)


def log_entries(bench):
    return bench.vault.metrics()["piivault_log_entries"]


def cost(bench):
    """System calls and fdatasyncs of one RevealRecord, in runs of their own."""
    for in_flight in (1, 64, 256):
        bench.say(f"System calls, {in_flight} in flight")
        method = 'piivault_requests_total{code="OK",method="piivault.v1.VaultService/RevealRecord"}'
        before = bench.vault.metrics()
        counter = count_system_calls(bench)
        result = reveal_load(bench, bench.vault, in_flight=in_flight)
        after = bench.vault.metrics()
        calls = after[method] - before.get(method, 0)
        syncs = after["piivault_commit_seconds_count"] - before["piivault_commit_seconds_count"]
        bench.figures.add(f"reveal/{in_flight}/vault/syncs_per_call", syncs / calls)
        counted = system_calls(bench, counter)
        if counted is not None:
            bench.figures.add(f"reveal/{in_flight}/vault/system_calls_per_call",
                              counted / (result["calls_per_second"] * bench.seconds))


def count_system_calls(bench):
    """Counts from the end of the warm-up for as long as is measured."""
    return bench.processes.start(
        ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-D", int(bench.warm_up * 1000),
         "-p", bench.vault.pid, "--", "sleep", bench.warm_up + bench.seconds],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) if bench.has_perf else None


def system_calls(bench, counter):
    if counter is None:
        return None
    _, said = counter.communicate()
    bench.processes.end(counter)
    for line in said.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2] == "raw_syscalls:sys_enter" and fields[0].isdigit():
            return int(fields[0])
    bench.figures.note("system calls: perf cannot count them here")
    return None
