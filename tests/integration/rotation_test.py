"""Key rotation under load, older copies of the data, and the end of an epoch."""

import pathlib
import shutil
import tempfile
import threading
import unittest

import grpc

import harness

STUBS = harness.Stubs()
EPOCH_ACTIVE, EPOCH_RETIRED, EPOCH_DESTROYED = 1, 2, 3


class RotationTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-rotation-")
        self.addCleanup(folder.cleanup)
        self.directory = str(pathlib.Path(folder.name) / "vault")
        self.vault = harness.DevVault(self.directory)
        self.messages = STUBS.vault_service_pb2
        self.admin = STUBS.admin_service_pb2

    def stub(self, who):
        return STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel(who))

    def admin_stub(self, who):
        return STUBS.admin_service_pb2_grpc.AdminServiceStub(self.vault.channel(who))

    def usage(self):
        return STUBS.types_pb2.Usage(purpose="order")

    def create(self, stub, number):
        answer = stub.CreateRecord(self.messages.CreateRecordRequest(
            parent=self.vault.tenant, usage=self.usage(),
            record=self.messages.NewRecord(type="customer", ref=f"r-{number}", fields={
                "name": "佐藤 一郎", "email": f"ichiro{number}@example.jp"})), timeout=20)
        return answer.record.name

    def check(self, stub, number, name):
        """Found by name, by value and by the caller's own key."""
        by_name = stub.RevealRecord(self.messages.RevealRecordRequest(
            name=name, fields=["email"], usage=self.usage()), timeout=20)
        self.assertEqual(by_name.record.fields["email"].value, f"ichiro{number}@example.jp")
        by_value = stub.LookupRecord(self.messages.LookupRecordRequest(
            parent=self.vault.tenant, type="customer", field="email",
            value=f"ICHIRO{number}@example.jp", fields=["name"], usage=self.usage()), timeout=20)
        self.assertEqual(by_value.record.name, name)
        by_ref = stub.RevealRecord(self.messages.RevealRecordRequest(
            name=f"{self.vault.tenant}/records/ref:customer:r-{number}", fields=["name"],
            usage=self.usage()), timeout=20)
        self.assertEqual(by_ref.record.name, name)

    def epochs(self):
        listed = self.admin_stub("operator").ListEpochs(self.admin.ListEpochsRequest(), timeout=20)
        return {epoch.id: epoch for epoch in listed.epochs}

    def wait_for_entry(self, method):
        """Until the log has an entry of this method, whenever it was made."""
        messages = STUBS.audit_service_pb2
        stream = STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))
        tail = stream.TailEntries(messages.TailEntriesRequest(
            filter=messages.EntryFilter(method=method), start_index=0), timeout=60)
        for message in tail:
            if message.entries:
                tail.cancel()
                return
        self.fail(f"the log ended without {method}")

    def rotate(self):
        self.admin_stub("operator").RotateEpoch(self.admin.RotateEpochRequest(), timeout=20)

    def destroy(self, epoch):
        proposal = self.admin_stub("admin-1").CreateProposal(self.admin.CreateProposalRequest(
            proposal=self.admin.Proposal(destroy_epoch=self.admin.Proposal.DestroyEpoch(
                epoch=epoch, backups=["yesterday"]))), timeout=20).proposal
        self.admin_stub("admin-2").ApproveProposal(self.admin.ApproveProposalRequest(
            name=proposal.name, sha256=proposal.sha256), timeout=20)

    def test_rotation_under_load_then_older_copies_then_the_end_of_the_epoch(self):
        """000-03: what was destroyed does not come back from a backup."""
        stub = self.stub("shop")
        names = {number: self.create(stub, number) for number in range(200)}
        self.vault.close()
        yesterday = str(pathlib.Path(self.directory) / "yesterday")
        twin = str(pathlib.Path(self.directory) / "twin")
        shutil.copytree(f"{self.directory}/data", yesterday)
        shutil.copytree(f"{self.directory}/data", twin)
        self.vault.start_again()

        failures, stop = [], threading.Event()

        def load(worker):
            mine = self.stub("shop")
            number = 1000 * (worker + 1)
            while not stop.is_set():
                try:
                    name = self.create(mine, number)
                    self.check(mine, number, name)
                    self.check(mine, number % 200, names[number % 200])
                    names[number] = name
                except (grpc.RpcError, AssertionError) as problem:
                    failures.append(problem)
                    return
                number += 1

        workers = [threading.Thread(target=load, args=(i,)) for i in range(3)]
        for worker in workers:
            worker.start()
        self.rotate()
        self.wait_for_entry("RetireEpoch")
        stop.set()
        for worker in workers:
            worker.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.epochs()[1].state, EPOCH_RETIRED)
        self.assertEqual(self.epochs()[2].state, EPOCH_ACTIVE)
        self.assertEqual(self.epochs()[1].live_rows, 0)
        stub = self.stub("shop")
        for number, name in list(names.items()):
            self.check(stub, number, name)

        # Nothing hangs on the old epoch: without its key all is still there.
        self.vault.close()
        self.vault.start_again(yesterday)
        stub = self.stub("shop")
        self.check(stub, 7, names[7])
        self.vault.close()
        self.vault.start_again()
        self.destroy(1)
        self.wait_for_entry("EpochDestroyed")
        self.assertEqual(self.epochs()[1].state, EPOCH_DESTROYED)
        stub = self.stub("shop")
        for number, name in list(names.items())[::10]:
            self.check(stub, number, name)
        self.vault.close()
        self.vault.start_again()
        self.check(self.stub("shop"), 3, names[3])
        self.vault.close()

        # A copy from before the rotation is gone with the key. The one that was opened above has moved
        # on to epoch 2 by itself; its twin has not.
        with self.assertRaises(RuntimeError):
            self.vault.start_again(twin)


if __name__ == "__main__":
    unittest.main(verbosity=2)
