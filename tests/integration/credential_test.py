"""Guesses at a password, against the real server: at the same time, and over a crash."""

import concurrent.futures
import pathlib
import tempfile
import unittest

import grpc

import harness

STUBS = harness.Stubs()
PASSWORD = "correct horse battery"
ATTEMPTS = 10  # of the starter policy, which does not say


class CredentialTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-credential-")
        self.addCleanup(folder.cleanup)
        self.vault = harness.DevVault(str(pathlib.Path(folder.name) / "vault"))
        self.vault.close()
        self.vault.start_again()
        self.addCleanup(self.vault.kill)
        self.messages = STUBS.credential_service_pb2
        self.usage = STUBS.types_pb2.Usage(purpose="order")
        vault = STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel("shop"))
        record = STUBS.vault_service_pb2.NewRecord(type="account", fields={"login": "hanako"})
        self.account = vault.CreateRecord(STUBS.vault_service_pb2.CreateRecordRequest(
            parent=self.vault.tenant, record=record, usage=self.usage), timeout=20).record.name
        self.connect()
        self.stub.SetCredential(self.messages.SetCredentialRequest(value=PASSWORD, **self.target()),
                                timeout=20)

    def connect(self):
        self.stub = STUBS.credential_service_pb2_grpc.CredentialServiceStub(self.vault.channel("shop"))

    def target(self):
        return dict(name=self.account, field="password", usage=self.usage)

    def verify(self, value):
        return self.stub.VerifyCredential(
            self.messages.VerifyCredentialRequest(value=value, **self.target()), timeout=30)

    def outcomes(self):
        """What the log says of each trial, in its order."""
        audit = STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))
        listed = audit.ListEntries(STUBS.audit_service_pb2.ListEntriesRequest(
            page_size=1000, filter=STUBS.audit_service_pb2.EntryFilter(record=self.account)), timeout=20)
        return [entry.outcome for entry in listed.entries if entry.outcome]

    def test_guesses_at_the_same_time_are_no_more_guesses(self):
        """001-51: a hundred at once get no more answers than one after another."""
        def guess(number):
            try:
                answer = self.verify(f"guess {number}")
                return "locked" if answer.HasField("retry_time") and answer.receipt.index else "failed"
            except grpc.RpcError as error:
                return harness.error_of(error)[1]

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(guess, range(100)))
        self.assertLessEqual(set(answers), {"failed", "locked", "QUEUE_FULL", "CONFLICT"})
        outcomes = self.outcomes()
        self.assertEqual(outcomes.count("failed"), ATTEMPTS)
        self.assertEqual(outcomes.count("locked"), len(outcomes) - ATTEMPTS)
        self.assertFalse(self.verify(PASSWORD).verified)

    def test_a_lock_outlives_the_server(self):
        """001-51: a crash is no way to new guesses."""
        for number in range(ATTEMPTS):
            self.assertFalse(self.verify(f"guess {number}").verified)
        locked = self.verify(PASSWORD)
        self.assertTrue(locked.HasField("retry_time"))
        self.vault.kill()
        self.vault.start_again()
        self.connect()
        after = self.verify(PASSWORD)
        self.assertFalse(after.verified)
        self.assertEqual(after.retry_time, locked.retry_time)
        self.assertEqual(self.outcomes(), ["failed"] * ATTEMPTS + ["locked"] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
