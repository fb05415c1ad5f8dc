"""Four times what the vault can do, from a client on a core of its own: line 6."""

import os
import time

import processes
from calls import BATCH_REVEAL, OPEN_IN_FLIGHT, REVEAL
from vault import BATCH

TIMES = 4
# So much of what was due must have been sent, and so soon, for a run to count as an overload.
SENT = 0.9
LAG_P99_US = 100000
# Places that a flood may take at once, and how long it lasts at least: until the vault has its hands
# full.
FLOOD_IN_FLIGHT = 20000
FLOOD_SECONDS = 3


def overload(bench):
    """Sheds, keeps its pace, and is itself again at once."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        bench.figures.note("overload: one core only; client and server cannot be kept apart")
        return
    processes.pin(bench.vault.pid, {cores[1]})
    try:
        for _ in bench.rounds("Overload with RevealRecord"):
            if not attempt(bench, cores, "RevealRecord", REVEAL, None):
                bench.figures.note("overload: the client cannot send RevealRecord at four times "
                                   f"the rate; BatchRevealRecords of {BATCH} in its place")
                break
        else:
            return
        for name in [n for n in bench.figures.values if n.startswith("overload/")]:
            del bench.figures.values[name]
        for _ in bench.rounds("Overload with BatchRevealRecords"):
            attempt(bench, cores, "BatchRevealRecords", BATCH_REVEAL, {"names": BATCH})
    finally:
        processes.pin(bench.vault.pid, set(cores))


def attempt(bench, cores, method, request, repeat):
    """One round; whether the client could send what it should."""

    def load(**more):
        return bench.load.run(bench.vault, method, "publisher", request, repeat=repeat,
                              data=bench.vault.people, cores={cores[0]}, **more)

    in_flight = 64 if repeat is None else 8
    usual = load(in_flight=in_flight, seconds=bench.seconds, warm_up=bench.warm_up)
    rate = usual["calls_per_second"]
    half = load(in_flight=OPEN_IN_FLIGHT, rate=max(1, round(rate / 2)), seconds=bench.seconds,
                warm_up=bench.warm_up)
    before = processes.memory_mib(bench.vault.pid)
    processes.forget_peak_memory(bench.vault.pid)
    flood = load(in_flight=FLOOD_IN_FLIGHT, rate=round(TIMES * rate),
                 seconds=max(bench.seconds, FLOOD_SECONDS), warm_up=0.5)
    peak = processes.peak_memory_mib(bench.vault.pid)
    ended = time.monotonic()
    after = load(in_flight=in_flight, seconds=bench.seconds, warm_up=0)
    begun = time.monotonic() - ended - after["seconds"]

    figures = bench.figures
    figures.add_load("overload/usual", usual)
    figures.add_load("overload/half", half)
    figures.add_load("overload/flood", flood, may_fail=True)
    figures.add_load("overload/after", after)
    sent = flood["calls"] / max(1, flood["calls"] + flood["late"])
    figures.add("overload/sent_share", sent)
    figures.add("overload/sent_after_due_p99_us", flood["lag_us"]["p99"])
    figures.add("overload/shed_share",
                sum(count for reason, count in flood["failures"].items() if "QUEUE_FULL" in reason)
                / max(1, flood["calls"]))
    figures.add("overload/other_failures",
                sum(count for reason, count in flood["failures"].items()
                    if "QUEUE_FULL" not in reason))
    figures.add("overload/memory_growth_mib", peak - before)
    figures.add("overload/seconds_to_next_load", begun)
    return sent >= SENT and flood["lag_us"]["p99"] <= LAG_P99_US
