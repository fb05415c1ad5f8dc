"""Measurements of single methods, each in turn with its floor: lines 1 to 3."""

from vault import BATCH, TENANT, new_record

FIELDS = ["email", "name", "phone", "address"]
IN_FLIGHT = (1, 64, 256)
# What the lane's one thread is held against: a few large calls at once keep it busy.
BULK_IN_FLIGHT = 4
# An open loop takes as many places as it needs; where these do not suffice, it says so.
OPEN_IN_FLIGHT = 1000
STREAM = 1000
OWN_LIST = {"purpose": "own_list"}
SELF_SERVICE = {"purpose": "self_service"}

REVEAL = {"name": "{name}", "fields": FIELDS, "usage": OWN_LIST}
BATCH_REVEAL = {"parent": TENANT, "names": ["{name}"], "fields": FIELDS, "usage": OWN_LIST}
STREAM_REVEAL = {"parent": TENANT, "names": {"names": ["{name}"]}, "fields": FIELDS,
                 "usage": OWN_LIST}
DETOKENIZE = {"parent": TENANT, "tokens": ["{email_token}"], "usage": SELF_SERVICE}
LOOKUP = {"parent": TENANT, "type": "reader", "field": "email", "value": "{email}",
          "fields": ["name"], "usage": SELF_SERVICE}


def reveal_load(bench, target, seconds=None, **more):
    """RevealRecord of four fields of uniformly random records."""
    return bench.load.run(target, "RevealRecord", "publisher", REVEAL, data=target.people,
                          seconds=seconds or bench.seconds, warm_up=bench.warm_up, **more)


def reveal(bench):
    """RevealRecord against the echo, and its price alone."""
    for in_flight in IN_FLIGHT:
        for _ in bench.rounds(f"RevealRecord, {in_flight} in flight"):
            bench.figures.add_load(f"reveal/{in_flight}/echo",
                                   reveal_load(bench, bench.echo, in_flight=in_flight))
            bench.figures.add_load(f"reveal/{in_flight}/vault",
                                   reveal_load(bench, bench.vault, in_flight=in_flight))
            if in_flight == 1:
                bench.figures.add("fsync/us", bench.floors.fsync_us(300)[0])


def bulk(bench):
    """Many records in one call, against reading and opening the same rows without a call."""

    def vault(name, method, who, request, repeat, fields):
        result = bench.load.run(bench.vault, method, who, request, repeat=repeat,
                                in_flight=BULK_IN_FLIGHT, data=bench.vault.people,
                                seconds=bench.seconds, warm_up=bench.warm_up)
        bench.figures.add_load(f"bulk/{name}/vault", result, items=fields)

    def floor(name, **more):
        bench.figures.add(f"bulk/{name}/floor/items_per_second",
                          bench.floors.read(bench.vault.records, seconds=bench.seconds,
                                            cache_mib=bench.cache_mib, **more))

    fields = len(FIELDS)
    bench.floors.read(bench.vault.records, 1, fields, 0.1, bench.cache_mib)  # makes its rows
    for _ in bench.rounds("BatchRevealRecords, StreamRevealRecords, Detokenize"):
        floor("single", batch=1, read=fields)
        floor("batch", batch=BATCH, read=fields)
        vault("batch", "BatchRevealRecords", "publisher", BATCH_REVEAL, {"names": BATCH},
              BATCH * fields)
        floor("stream", batch=STREAM, read=fields)
        vault("stream", "StreamRevealRecords", "publisher", STREAM_REVEAL,
              {"names.names": STREAM}, STREAM * fields)
        floor("detokenize", batch=STREAM, read=1, tokens=True)
        vault("detokenize", "Detokenize", "intake", DETOKENIZE, {"tokens": STREAM}, STREAM)


def create_load(bench, name, method, request, in_flight, repeat=None, items=1):
    # More numbers than a run can use: 40,000 records a second are beyond this machine's disk.
    numbers = int(40000 * (bench.seconds + bench.warm_up)) + 1000
    result = bench.load.run(bench.vault, method, "intake", request, repeat=repeat,
                            in_flight=in_flight, first=bench.vault.take_numbers(numbers),
                            seconds=bench.seconds, warm_up=bench.warm_up)
    bench.vault.give_back_numbers(result)
    bench.figures.add_load(name, result, items=items)


def create(bench):
    """CreateRecord and BatchCreateRecords against synced puts of an entry's size."""
    one = {"parent": TENANT, "record": new_record(), "usage": SELF_SERVICE}
    for _ in bench.rounds("CreateRecord, BatchCreateRecords"):
        bench.figures.add("create/floor/puts_per_second", bench.floors.put(64, bench.seconds))
        create_load(bench, "create/single/vault", "CreateRecord", one, 64)
        create_load(bench, "create/batch/vault", "BatchCreateRecords",
                    bench.vault.create_batch(), BULK_IN_FLIGHT, {"records": BATCH}, BATCH)


def lookup_load(bench, **more):
    return bench.load.run(bench.vault, "LookupRecord", "intake", LOOKUP, data=bench.vault.emails,
                          seconds=bench.seconds, warm_up=bench.warm_up, **more)


def lookup(bench):
    """LookupRecord by e-mail: what it can do, and how long it takes at half of that."""
    for _ in bench.rounds("LookupRecord by e-mail"):
        bench.figures.add_load("lookup/full/vault", lookup_load(bench, in_flight=64))
        rate = bench.figures.median("lookup/full/vault/calls_per_second") / 2
        bench.figures.add_load("lookup/half/vault", lookup_load(bench, in_flight=OPEN_IN_FLIGHT,
                                                                rate=round(rate)))
