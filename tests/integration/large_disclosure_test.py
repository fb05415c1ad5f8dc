"""A disclosure of many people over a wire that breaks: everybody once, the ledger has them all, and
the vault needs no more memory for many than for few."""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import threading
import unittest
import urllib.request

import harness
import sharing

sys.path.insert(0, str(harness.ROOT / "ops" / "lib" / "bench"))
import processes  # noqa: E402

STUBS = harness.Stubs()
# As many as a token may name, and as many as a short run can afford.
PEOPLE = int(os.environ.get("PIIVAULT_PEOPLE") or
             (100_000 if os.environ.get("PIIVAULT_LONG") else 5_000))
# Besides what the database keeps in memory by its own limits.
GROWTH_MIB = 64


class LargeDisclosureTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-large-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.vault = sharing.SharingVault(STUBS, str(self.folder / "vault"))
        self.addCleanup(self.vault.kill)
        self.api = self.vault.api
        names = self.vault.fill(PEOPLE)
        self.vault.close()
        self.vault.start_again()
        (self.folder / "people.txt").write_text(
            "".join(name.split("/records/")[0] + "\n" for name in names))

    def cli(self, who, *arguments, **more):
        done = self.vault.cli(who, *arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def issue(self, to):
        issued = self.cli("shop", "share", "issue", "--to", to, "--rule", "carrier",
                          "--for", "order", "--field", ",".join(sharing.FIELDS),
                          "--subjects-from", str(self.folder / "people.txt"),
                          "--lifetime", "1h", "-q")
        (self.folder / f"{to}.token").write_text(issued.stdout)

    def redeem(self, who, wire):
        return self.cli(who, "share", "redeem", f"@{self.folder}/{who}.token",
                        "--out", str(self.folder / f"{who}.jsonl"), address=wire.address)

    def broken_wire(self):
        wire = sharing.CutWire(self.vault.description["address"], PEOPLE * 70)  # half of it
        self.addCleanup(wire.close)
        return wire

    def database_mib(self):
        """What RocksDB has in memory: as much as its limits let it, whoever calls."""
        with urllib.request.urlopen(f"http://{self.vault.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        names = ("cur-size-all-mem-tables", "block-cache-usage", "estimate-table-readers-mem")
        return sum(float(line.split()[1]) for line in lines
                   if any(f'property="{name}"' in line for name in names)) / 2**20

    @contextlib.contextmanager
    def bounded_memory(self, what):
        """The vault's peak while this runs, without what the database grew by at most."""
        pid, done, database = self.vault.pid, threading.Event(), [self.database_mib()]

        def watch():
            while not done.wait(0.05):
                database.append(self.database_mib())

        processes.forget_peak_memory(pid)
        before = processes.memory_mib(pid)
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
        database.append(self.database_mib())
        grown = processes.peak_memory_mib(pid) - before
        own = grown - (max(database) - database[0])
        print(f"{what} {PEOPLE} people: peak {before:.0f} + {grown:.1f} MiB, of it {own:.1f} not "
              "of the database", flush=True)
        self.assertLess(own, GROWTH_MIB)

    def test_everybody_once_in_as_much_memory_for_many_as_for_few(self):
        # Once before: what a process keeps of its first large calls is no growth.
        self.issue("other")
        self.redeem("other", self.broken_wire())
        with self.bounded_memory("issuing for"):
            self.issue("carrier")
        wire = self.broken_wire()
        with self.bounded_memory("redeeming"):
            done = self.redeem("carrier", wire)
        self.assertEqual(wire.cuts, 1)
        self.assertIn("taken up again", done.stderr)

        with open(self.folder / "carrier.jsonl", encoding="utf-8") as lines:
            tag, *rest = map(json.loads, lines)
        people = [line["subject"] for line in rest if "subject" in line]
        self.assertEqual([p["records"][0]["fields"]["name"]["value"] for p in people],
                         [self.vault.fields(number)["name"] for number in range(PEOPLE)])
        self.assertEqual(len({person["handle"] for person in people}), PEOPLE)
        self.check_ledger(tag["tag"]["disclosure"])

    def check_ledger(self, name):
        ledger = self.vault.sharing("auditor")
        listed = ledger.ListDisclosures(self.api.ListDisclosuresRequest(
            parent=self.vault.tenant, recipient=self.vault.recipient("carrier")),
            timeout=60).disclosures
        self.assertEqual([(d.name, d.subjects, d.omitted) for d in listed], [(name, PEOPLE, 0)])
        self.assertTrue(listed[0].HasField("end_time"))
        with self.bounded_memory("the ledger of"):
            rows = [(row.subject_ref, row.version, tuple(row.fields))
                    for message in ledger.StreamDisclosedRecords(
                        self.api.StreamDisclosedRecordsRequest(disclosure=name), timeout=600)
                    for row in message.records]
        self.assertEqual(len(rows), PEOPLE)
        self.assertEqual(len({row[0] for row in rows}), PEOPLE)
        self.assertEqual({row[1:] for row in rows}, {(1, ("address", "name", "phone"))})


if __name__ == "__main__":
    unittest.main(verbosity=2)
