"""Policies that index other fields, with calls, rotations and kills while records are gone over."""

import os
import pathlib
import random
import tempfile
import threading
import unittest

import grpc

import harness

STUBS = harness.Stubs()
STARTER = pathlib.Path(__file__).parents[2] / "ops/policies/starter.yaml"
RECORDS, KILLS = (50_000, 200) if os.environ.get("PIIVAULT_LONG") else (1_500, 8)

PHONE = "phone: {type: phone_number, index: true}"
NAME = "name: person_name\n"


class ReindexTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-reindex-")
        self.addCleanup(folder.cleanup)
        self.vault = harness.DevVault(str(pathlib.Path(folder.name) / "vault"))
        self.vault.close()
        self.vault.start_again()
        self.addCleanup(self.vault.kill)
        self.messages = STUBS.vault_service_pb2
        self.admin = STUBS.admin_service_pb2
        self.usage = STUBS.types_pb2.Usage(purpose="order")
        self.names = {}

    def stub(self, who="shop"):
        return STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel(who))

    def admin_stub(self, who):
        return STUBS.admin_service_pb2_grpc.AdminServiceStub(self.vault.channel(who))

    def activate(self, changes, number):
        """The starter policy with these texts replaced."""
        text = STARTER.read_text().replace("ja: 注文の処理", f"ja: 注文の処理{number}")
        for old, new in changes.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        first, second = self.admin_stub("admin-1"), self.admin_stub("admin-2")
        policy = first.CreatePolicy(self.admin.CreatePolicyRequest(yaml=text), timeout=60).policy
        proposal = first.CreateProposal(self.admin.CreateProposalRequest(
            proposal=self.admin.Proposal(activate_policy=self.admin.Proposal.ActivatePolicy(
                tenant=self.vault.tenant, policy_sha256=policy.name.split("/")[1],
                reason="other indexes"))), timeout=60).proposal
        second.ApproveProposal(self.admin.ApproveProposalRequest(
            name=proposal.name, sha256=proposal.sha256), timeout=60)

    def fill(self, count):
        stub = self.stub()
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            answer = stub.BatchCreateRecords(self.messages.BatchCreateRecordsRequest(
                parent=self.vault.tenant, usage=self.usage, records=[
                    self.messages.NewRecord(type="customer", fields=self.fields(number))
                    for number in numbers]), timeout=60)
            for number, result in zip(numbers, answer.results):
                self.names[number] = result.name

    @staticmethod
    def fields(number):
        return {"name": f"見本 {number:06}", "email": f"u{number}@example.jp",
                "phone": f"090-{number // 10000:04}-{number % 10000:04}"}

    def rebuild(self):
        listed = self.admin_stub("operator").ListTenants(self.admin.ListTenantsRequest(), timeout=60)
        return next(t for t in listed.tenants if t.name == self.vault.tenant).index_rebuild

    def wait(self):
        """Until all records were gone over: by their entries, as long as there are any to come."""
        messages = STUBS.audit_service_pb2
        while self.rebuild().fields:
            start = self.rebuild().records
            stream = STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))
            tail = stream.TailEntries(messages.TailEntriesRequest(
                filter=messages.EntryFilter(method="RebuildIndex")), timeout=60)
            if not self.rebuild().fields or self.rebuild().records != start:
                tail.cancel()
                continue
            next(message for message in tail if message.entries)
            tail.cancel()

    def find(self, stub, field, value):
        """The record's name, or the reason of a refusal."""
        try:
            return stub.LookupRecord(self.messages.LookupRecordRequest(
                parent=self.vault.tenant, type="customer", field=field, value=value,
                usage=self.usage), timeout=20).record.name
        except grpc.RpcError as problem:
            return harness.error_of(problem)[1]

    def check_all(self, sample):
        stub = self.stub()
        for number in sample:
            fields = self.fields(number)
            for field in ("email", "phone", "name"):
                self.assertEqual(self.find(stub, field, fields[field]), self.names[number], field)

    def test_kills_rotations_and_calls_while_an_index_is_built(self):
        self.fill(RECORDS)
        sample = random.sample(sorted(self.names), min(RECORDS, 300))
        # Not indexed: to be built; numbers by another normal form: to be found throughout.
        self.activate({NAME: "name: {type: person_name, index: true}\n",
                       PHONE: "phone: {type: number_code, index: true}"}, 1)
        cut_off = 0
        for kill in range(KILLS):
            stub = self.stub()
            for number in random.sample(sample, 3):
                fields = self.fields(number)
                self.assertEqual(self.find(stub, "phone", fields["phone"]), self.names[number])
                self.assertIn(self.find(stub, "name", fields["name"]),
                              (self.names[number], "INDEX_BUILDING"))
            if kill == KILLS // 2:
                self.activate({NAME: "name: {type: person_name, index: true}\n",
                               PHONE: "phone: {type: fax_number, index: true}"}, 2)
            if kill == KILLS // 3:
                self.admin_stub("operator").RotateEpoch(self.admin.RotateEpochRequest(), timeout=20)
            cut_off += 0 < self.rebuild().percent < 100
            self.vault.kill()
            self.vault.start_again()
        if os.environ.get("PIIVAULT_LONG"):
            self.assertGreater(cut_off, 0)
        self.wait()
        done = self.rebuild()
        self.assertEqual((done.percent, done.damaged_records, done.duplicates), (100, 0, 0))
        self.assertEqual(done.records, RECORDS)
        self.assertTrue(done.HasField("end_time"))
        self.check_all(sample)

    def test_calls_find_what_they_wrote_while_policies_change(self):
        self.fill(600)
        failures, stop = [], threading.Event()

        def load(worker):
            stub = self.stub()
            number = 100_000 * (worker + 1)
            while not stop.is_set():
                try:
                    fields = self.fields(number)
                    record = stub.CreateRecord(self.messages.CreateRecordRequest(
                        parent=self.vault.tenant, usage=self.usage,
                        record=self.messages.NewRecord(type="customer", fields=fields)), timeout=30)
                    for seen in (number, number - 1):
                        name = self.names.get(seen, record.record.name)
                        if seen >= 100_000 * (worker + 1):
                            found = self.find(stub, "phone", self.fields(seen)["phone"])
                            if found != name:
                                failures.append((seen, found))
                    self.names[number] = record.record.name
                except grpc.RpcError as problem:
                    failures.append(harness.error_of(problem))
                    return
                number += 1

        workers = [threading.Thread(target=load, args=(i,)) for i in range(2)]
        for worker in workers:
            worker.start()
        for number in range(6):
            semantic = ("number_code", "phone_number", "external_account_id")[number % 3]
            # By exact form and by normal form the numbers of the load are the same.
            self.activate({PHONE: f"phone: {{type: {semantic}, index: true}}"}, number)
        stop.set()
        for worker in workers:
            worker.join()
        self.assertEqual(failures, [])
        self.wait()
        stub = self.stub()
        for number, name in random.sample(sorted(self.names.items()), 200):
            self.assertEqual(self.find(stub, "phone", self.fields(number)["phone"]), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
