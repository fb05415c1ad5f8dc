"""Holds the figures against what they must show, and writes it down for people."""

import dataclasses
import typing

REASONS = "ops/docs/performance.md"


@dataclasses.dataclass(frozen=True)
class Target:
    """One thing that must hold: a figure, or its ratio to another, keeps to a bound."""
    line: str
    what: str
    unit: str
    figure: str
    floor: typing.Union[str, typing.Callable, None] = None  # a figure, or what makes one of figures
    at_least: typing.Optional[float] = None
    at_most: typing.Optional[float] = None


def _latency_floor(figures):
    echo, fsync = figures.median("reveal/1/echo/p50_us"), figures.median("fsync/us")
    return None if echo is None or fsync is None else 2.5 * echo + fsync


def _batch_create_floor(figures):
    """15,000 records/s where the puts give 47,000."""
    puts = figures.median("create/floor/puts_per_second")
    return None if puts is None else 15000 * puts / 47000


def _targets():
    for n in (64, 256):
        yield Target(f"1.{n}", f"RevealRecord of 4 fields, {n} in flight", "calls/s",
                     f"reveal/{n}/vault/calls_per_second", f"reveal/{n}/echo/calls_per_second",
                     at_least=0.80)
        yield Target(f"1.{n}c", f"– its server CPU, {n} in flight", "µs/call",
                     f"reveal/{n}/vault/cpu_us", f"reveal/{n}/echo/cpu_us", at_most=1.5)
    yield Target("1.1", "RevealRecord, one at a time; floor: 2.5 × echo + fsync", "µs",
                 "reveal/1/vault/p50_us", _latency_floor, at_most=1)
    for name, what in (("batch", "BatchRevealRecords of 100"),
                       ("stream", "StreamRevealRecords of 1,000"),
                       ("detokenize", "Detokenize of 1,000")):
        yield Target(f"2.{name}", what, "fields/s", f"bulk/{name}/vault/items_per_second",
                     f"bulk/{name}/floor/items_per_second", at_least=0.70)
    yield Target("3.single", "CreateRecord, 64 in flight", "records/s",
                 "create/single/vault/items_per_second", "create/floor/puts_per_second",
                 at_least=0.35)
    yield Target("3.batch", "BatchCreateRecords of 100; floor: 15,000 × puts / 47,000", "records/s",
                 "create/batch/vault/items_per_second", _batch_create_floor, at_least=1)
    yield Target("4.lookup", "LookupRecord by e-mail at half load, p99", "µs",
                 "lookup/half/vault/p99_us", at_most=5000)
    yield Target("4.half", "RevealRecord at half load, p99", "µs", "half/alone/vault/p99_us",
                 "half/alone/echo/p99_us", at_most=3)
    yield Target("4.compaction", "– while tables are written; floor: without", "µs",
                 "half/compaction/vault/p99_us", "half/alone/vault/p99_us", at_most=2)
    yield Target("4.rotation", "– during key rotation; floor: without", "µs",
                 "rotation/half/vault/p99_us", "half/alone/vault/p99_us", at_most=2)
    yield Target("5.scale", "RevealRecord in the largest vault; floor: in the smallest", "calls/s",
                 "scale/large/vault/calls_per_second", "scale/small/vault/calls_per_second",
                 at_least=0.90)
    yield Target("5.start", "Start until it serves", "s", "start/seconds", at_most=2)
    yield Target("5.memory", "Resident memory under load beyond the block cache", "MiB",
                 "scale/large/memory_beyond_cache_mib", at_most=200)
    yield Target("5.rotation", "Rotation alone", "s", "rotation/alone/seconds", at_most=60)
    yield Target("5.reveal", "RevealRecord during rotation; floor: without", "calls/s",
                 "rotation/full/vault/calls_per_second", "rotation/none/vault/calls_per_second",
                 at_least=0.70)
    yield Target("6.shed", "Overload: share of the calls answered QUEUE_FULL", "",
                 "overload/shed_share", at_least=0.01)
    yield Target("6.other", "– calls that ended in any other error", "calls",
                 "overload/other_failures", at_most=0)
    yield Target("6.p99", "– p99 of what is accepted; floor: at half load", "µs",
                 "overload/flood/p99_us", "overload/half/p99_us", at_most=3)
    yield Target("6.memory", "– growth of resident memory", "MiB", "overload/memory_growth_mib",
                 at_most=256)
    yield Target("6.after", "– rate begun within a second after; floor: before", "calls/s",
                 "overload/after/calls_per_second", "overload/usual/calls_per_second",
                 at_least=0.95)


TARGETS = tuple(_targets())


def judge(figures, targets=TARGETS):
    """A row for each target; what is missing is None, and so is whether it was met."""
    rows = []
    for target in targets:
        value = figures.median(target.figure)
        floor = target.floor(figures) if callable(target.floor) else (
            figures.median(target.floor) if target.floor else None)
        missing = value is None or (target.floor is not None and not floor)
        judged = None if missing else value / floor if target.floor else value
        met = None
        if judged is not None:
            met = judged >= target.at_least if target.at_least is not None else (
                judged <= target.at_most)
        rows.append({"line": target.line, "what": target.what, "unit": target.unit,
                     "value": value, "floor": floor,
                     "ratio": judged if target.floor else None,
                     "target": _bound(target), "met": met})
    return rows


def _bound(target):
    sign, bound = ("≥", target.at_least) if target.at_least is not None else ("≤", target.at_most)
    if target.floor:
        return f"{sign} {bound:g} × floor"
    return f"{sign} {bound:,g} {target.unit}".rstrip()


def _number(value):
    """Three digits that say something, and thousands apart."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _table(head, rows):
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _met(row):
    if row["met"] is None:
        return "not measured"
    return "yes" if row["met"] else f"**no**, see {REASONS}, {row['line']}"


# (column, name of the figure below a load's prefix)
LOAD_COLUMNS = (("calls/s", "calls_per_second"), ("items/s", "items_per_second"),
                ("p50 µs", "p50_us"), ("p99 µs", "p99_us"), ("p99.9 µs", "p999_us"),
                ("server CPU µs/call", "cpu_us"), ("system calls/call", "system_calls_per_call"),
                ("fdatasyncs/call", "syncs_per_call"))


def _loads(figures):
    names = [name[:-len("/calls_per_second")] for name in figures.values
             if name.endswith("/calls_per_second")]
    for name in names:
        spread = figures.spread(f"{name}/calls_per_second")
        yield [name, *(_number(figures.median(f"{name}/{column}")) for _, column in LOAD_COLUMNS),
               "–" if spread is None else f"±{100 * spread:.0f} %"]


def _others(figures):
    columns = {column for _, column in LOAD_COLUMNS} | {"p90_us"}
    for name in figures.values:
        if name.rpartition("/")[2] not in columns or (
                f"{name.rpartition('/')[0]}/calls_per_second" not in figures.values):
            yield [name, _number(figures.median(name)), str(len(figures.values[name]))]


def markdown(about, figures, rows):
    """The whole of bench.md. `about`: pairs of words on machine and run."""
    met = sum(row["met"] is True for row in rows)
    short = sum(row["met"] is False for row in rows)
    text = ["# What was measured", "",
            f"{met} of {len(rows)} targets met, {short} not, "
            f"{len(rows) - met - short} not measured.",
            "Medians over the rounds; columns are explained in " + REASONS + ".", ""]
    text += _table(["", "what", "unit", "vault", "floor", "ratio", "target", "met"],
                   [[row["line"], row["what"], row["unit"], _number(row["value"]),
                     _number(row["floor"]), _number(row["ratio"]), row["target"], _met(row)]
                    for row in rows])
    text += ["", "## Loads", ""]
    text += _table(["load", *(title for title, _ in LOAD_COLUMNS), "spread"], _loads(figures))
    text += ["", "## Other figures", ""]
    text += _table(["figure", "median", "rounds"], _others(figures))
    text += ["", "## Machine and run", ""]
    text += [f"- {name}: {value}" for name, value in about]
    if figures.notes:
        text += ["", "## Notes", ""] + [f"- {note}" for note in figures.notes]
    return "\n".join(text) + "\n"
