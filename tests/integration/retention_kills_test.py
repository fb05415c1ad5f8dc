"""kill -9 while lists of what is due are approved: each is either destroyed, wholly and with its
entry, or as it was."""

import collections
import copy
import dataclasses
import os
import pathlib
import random
import tempfile
import threading
import time
import unittest

import grpc

import harness
import redemption_judge
import retention_vault

STUBS = harness.Stubs()
API = STUBS.retention_service_pb2
LISTS, ITEMS = 3, 100
LONG = bool(os.environ.get("PIIVAULT_LONG"))
ROUNDS = 300 if LONG else 5
APPROVE = "piivault.v1.RetentionService/ApproveDestruction"
GRANTED = 1  # ENTRY_DECISION_GRANTED
CUT_OFF = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
DUE = ("customer.name", "customer.phone")
# Of the fields of a record when nothing of it has gone, and when all that is due has.
WHOLE = {True: {"name", "phone", "address"}, False: {"name", "phone"}}
REST = {True: {"address"}, False: None}  # None: the record has gone with them


@dataclasses.dataclass
class Evidence:
    """What the vault says of a list, and what of its approval was answered."""
    selected: API.Destruction  # as it was shown
    now: API.Destruction
    fields: dict  # set of names of fields by record; None where there is no record any more
    stays: dict  # by record: whether it has a field that is not due
    entries: dict  # by index
    answered: list  # index of the entry of each answer


def findings(e):
    """What is wrong, in words."""
    wrong = []
    destroyed = e.now.state == API.DESTRUCTION_STATE_DESTROYED
    if not destroyed and e.now != e.selected:
        wrong.append("it was not destroyed, and is another than it was")
    want = REST if destroyed else WHOLE
    records = [item.record for item in e.selected.items]
    off = sum(e.fields[record] != want[e.stays[record]] for record in records)
    if off:
        wrong.append(f"{off} of {len(records)} records are not as its state says")
    granted = {index: entry for index, entry in e.entries.items()
               if (entry.method, entry.resource, entry.decision) ==
               (APPROVE, e.selected.name, GRANTED)}
    if len(granted) != int(destroyed):
        wrong.append(f"{len(granted)} entries of it")
    for entry in granted.values():
        if ([(item.record_ref, tuple(item.fields)) for item in entry.items] !=
                [(item.record_ref, tuple(item.fields))
                 for item in e.selected.items]):
            wrong.append("its entry does not name what went")
    if set(e.answered) - set(granted):
        wrong.append("an answer without an entry")
    if destroyed and any(item.kept or item.record for item in e.now.items):
        wrong.append("the certificate keeps something")
    return wrong


class RetentionKillsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-retention-kills-")
        cls.addClassCleanup(folder.cleanup)
        cls.vault = retention_vault.StarterVault(STUBS, str(pathlib.Path(folder.name) / "vault"))
        cls.addClassCleanup(cls.vault.kill)
        cls.vault.activate([
            "{id: over, fields: [customer.name, customer.phone], trigger: record_made, keep: 0, "
            "then: destroy, approval: engineer}"])
        cls.witness = redemption_judge.Witness(cls.vault)
        cls.seed = int(os.environ.get("PIIVAULT_SEED") or random.randrange(1 << 32))
        print(f"PIIVAULT_SEED={cls.seed}", flush=True)
        cls.random = random.Random(cls.seed)
        cls.seen = collections.Counter()  # what happened
        cls.addClassCleanup(lambda: print(dict(cls.seen), flush=True))
        cls.vault.kill()
        cls.vault.start_again()

    def records(self):
        return self.vault.records()

    def select(self):
        """Lists of new people's data, and which of their records stay."""
        messages = STUBS.vault_service_pb2
        stays = {}
        for _ in range(LISTS):
            people = [self.vault.fields(number) for number in range(ITEMS)]
            for number, fields in enumerate(people):
                if number % 2:
                    del fields["address"]
            answer = self.records().BatchCreateRecords(messages.BatchCreateRecordsRequest(
                parent=self.vault.tenant, usage=self.vault.usage(), records=[
                    messages.NewRecord(type="customer", fields=fields) for fields in people]),
                timeout=60)
            stays.update((result.name, "address" in fields)
                         for result, fields in zip(answer.results, people))
        stub, lists, page = self.vault.retention("support"), [], ""
        while True:
            answer = stub.SelectDestruction(API.SelectDestructionRequest(
                parent=self.vault.tenant, usage=self.vault.ticket("support"), page_token=page),
                timeout=60)
            self.assertEqual(answer.damaged, 0)
            if answer.HasField("destruction"):
                lists.append(answer.destruction)
            page = answer.next_page_token
            if not page:
                break
        # Nothing of before is left: what was untouched then was destroyed since. A list ends early
        # where its call has looked at enough.
        self.assertGreaterEqual(len(lists), LISTS)
        self.assertEqual(collections.Counter(item.record for one in lists for item in one.items),
                         collections.Counter(stays.keys()))
        self.assertEqual({tuple(item.fields) for one in lists for item in one.items}, {DUE})
        return lists, stays

    def approve(self, stub, selected, answered):
        """Adds the index of the entry, where it is answered."""
        try:
            answer = stub.ApproveDestruction(API.ApproveDestructionRequest(
                name=selected.name, sha256=selected.sha256,
                usage=self.vault.ticket("technical_work")), timeout=60)
            answered[selected.name].append(answer.receipt.index)
        except ValueError:  # the channel is closed
            pass
        except grpc.RpcError as error:
            self.assertIn(error.code(), CUT_OFF)

    def connected(self):
        channel = self.vault.channel("engineer")
        grpc.channel_ready_future(channel).result(timeout=30)
        return STUBS.retention_service_pb2_grpc.RetentionServiceStub(channel)

    def fields_of(self, record):
        messages = STUBS.vault_service_pb2
        try:
            return set(self.records_stub.GetRecord(
                messages.GetRecordRequest(name=record), timeout=30).record.fields)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
            return None

    def evidence(self, lists, stays, answered):
        self.records_stub = self.records()
        listed = {one.name: one for one in self.vault.retention("support").ListDestructions(
            API.ListDestructionsRequest(parent=self.vault.tenant,
                                        usage=self.vault.ticket("support")),
            timeout=30).destructions}
        entries = self.witness.read_log()
        for one in lists:
            yield Evidence(one, listed[one.name],
                           {item.record: self.fields_of(item.record) for item in one.items}, stays,
                           entries, answered[one.name])

    def check(self, lists, stays, answered):
        """How many were destroyed."""
        destroyed = 0
        for e in self.evidence(lists, stays, answered):
            self.assertEqual(findings(e), [], e.selected.name)
            destroyed += e.now.state == API.DESTRUCTION_STATE_DESTROYED
            self.seen[("destroyed" if e.now.state == API.DESTRUCTION_STATE_DESTROYED else
                       "untouched") + (", answered" if e.answered else "")] += 1
        return destroyed

    def after_a_kill(self, lists, stays, answered):
        """How many were destroyed; then the others are."""
        self.vault.start_again()
        self.seen["kills"] += 1
        destroyed = self.check(lists, stays, answered)
        seen = self.seen.copy()
        for one in lists:
            try:
                answer = self.vault.retention("engineer").ApproveDestruction(
                    API.ApproveDestructionRequest(
                        name=one.name, sha256=one.sha256,
                        usage=self.vault.ticket("technical_work")), timeout=60)
                self.assertEqual(answered[one.name], [])
                answered[one.name].append(answer.receipt.index)
            except grpc.RpcError as error:
                self.assertEqual(harness.error_of(error)[1], "PROPOSAL_STALE")
        self.assertEqual(self.check(lists, stays, answered), len(lists))
        self.seen.clear()
        self.seen.update(seen)
        # What stays is as it was.
        names = [record for record, there in stays.items() if there]
        messages = STUBS.vault_service_pb2
        revealed = self.records().BatchRevealRecords(messages.BatchRevealRecordsRequest(
            parent=self.vault.tenant, names=names, fields=["address"], usage=self.vault.usage()),
            timeout=60).results
        self.assertEqual(
            collections.Counter(result.record.fields["address"].value for result in revealed),
            {self.vault.fields(number)["address"]: LISTS for number in range(0, ITEMS, 2)})
        self.witness.forget()
        return destroyed

    def test_before_the_call_is_there(self):
        lists, stays = self.select()
        self.vault.kill()
        self.assertEqual(self.after_a_kill(lists, stays, collections.defaultdict(list)), 0)

    def test_as_soon_as_it_is_durable(self):
        audit = STUBS.audit_service_pb2
        for _ in range(max(1, ROUNDS // 10)):
            lists, stays = self.select()
            answered = collections.defaultdict(list)
            tail = STUBS.audit_service_pb2_grpc.AuditServiceStub(
                self.vault.channel("auditor")).TailEntries(audit.TailEntriesRequest(
                    filter=audit.EntryFilter(method="ApproveDestruction")), timeout=60)
            next(tail)  # it is open
            thread = threading.Thread(target=self.approve,
                                      args=(self.connected(), lists[1], answered))
            thread.start()
            self.assertEqual([entry.resource for entry in next(tail).entries], [lists[1].name])
            self.vault.kill()
            thread.join()
            self.assertEqual(self.after_a_kill(lists, stays, answered), 1)

    def test_while_lists_are_approved(self):
        takes = None
        for round_ in range(ROUNDS):
            lists, stays = self.select()
            answered = collections.defaultdict(list)
            stubs = [self.connected() for _ in lists]
            threads = [threading.Thread(target=self.approve, args=(stub, one, answered))
                       for stub, one in zip(stubs, lists)]
            began = time.perf_counter()
            for thread in threads:
                thread.start()
            if takes is None:  # the first round says how long it takes
                for thread in threads:
                    thread.join()
                takes = time.perf_counter() - began
            # Waiting would be late by more than a step takes.
            end = time.perf_counter() + (self.random.uniform(0, takes) if round_ else 0)
            while time.perf_counter() < end:
                pass
            self.vault.kill()
            for thread in threads:
                thread.join()
            destroyed = self.after_a_kill(lists, stays, answered)
            if round_ == 0:
                self.assertEqual(destroyed, len(lists))


class JudgeTest(unittest.TestCase):
    """The judge finds what it is for: of a good case, each way to spoil it."""

    def good(self, destroyed):
        audit = STUBS.audit_service_pb2
        refs = [f"{number:032x}" for number in range(4)]
        selected = API.Destruction(name="tenants/t/destructions/d",
                                   state=API.DESTRUCTION_STATE_SELECTED)
        for number, ref in enumerate(refs):
            selected.items.add(record=f"r{number}", record_ref=ref, fields=DUE)
        now = copy.deepcopy(selected)
        stays = {f"r{number}": number % 2 == 0 for number in range(4)}
        want = REST if destroyed else WHOLE
        entries = {}
        if destroyed:
            now.state = API.DESTRUCTION_STATE_DESTROYED
            for item in now.items:
                item.record = ""
            entries[7] = audit.Entry(
                method=APPROVE, resource=selected.name, decision=GRANTED,
                items=[audit.EntryItem(record_ref=ref, fields=DUE)
                       for ref in refs])
        return Evidence(selected, now, {record: want[stay] for record, stay in stays.items()},
                        stays, entries, [7] if destroyed else [])

    def test_finds_each_flaw(self):
        self.assertEqual([findings(self.good(destroyed)) for destroyed in (True, False)], [[], []])
        for number, (destroyed, change) in enumerate([
                (True, lambda e: e.fields.update(r1={"phone"})),
                (True, lambda e: e.fields.update(r0=None)),
                (True, lambda e: e.fields.update(r0=WHOLE[True])),
                (True, lambda e: e.entries.clear()),
                (True, lambda e: e.entries.update({8: e.entries[7]})),
                (True, lambda e: e.entries.update({8: e.entries.pop(7)})),
                (True, lambda e: e.entries[7].items.pop()),
                (True, lambda e: e.entries[7].items[0].fields.pop()),
                (True, lambda e: setattr(e.entries[7], "decision", 2)),
                (True, lambda e: setattr(e.now.items[2], "kept", "RETENTION_HOLD")),
                (True, lambda e: setattr(e.now, "state", API.DESTRUCTION_STATE_SELECTED)),
                (False, lambda e: setattr(e.now, "state", API.DESTRUCTION_STATE_DESTROYED)),
                (False, lambda e: setattr(e.now.items[0], "record", "")),
                (False, lambda e: e.fields.update(r1=None)),
                (False, lambda e: e.fields.update(r0={"address"})),
                (False, lambda e: e.answered.append(7)),
                (False, lambda e: e.entries.update(self.good(True).entries))]):
            spoiled = self.good(destroyed)
            change(spoiled)
            self.assertNotEqual(findings(spoiled), [], f"change {number}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
