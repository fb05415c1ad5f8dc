"""Entries of large calls are large: whoever reads the log gets them all within the limit of a
message."""

import tempfile
import unittest

import harness
import sharing

STUBS = harness.Stubs()
PEOPLE = 1_000
CALLS = 220  # each with an entry of about 100 KiB


class LogSizeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-log-size-")
        cls.addClassCleanup(folder.cleanup)
        cls.vault = sharing.SharingVault(STUBS, folder.name + "/vault")
        cls.addClassCleanup(cls.vault.kill)
        cls.messages = STUBS.audit_service_pb2
        names = cls.vault.fill(PEOPLE)
        cls.vault.close()
        cls.vault.start_again()
        calls, request = STUBS.vault_service_pb2, cls.vault.records()
        for _ in range(CALLS):
            request.BatchRevealRecords(calls.BatchRevealRecordsRequest(
                parent=cls.vault.tenant, names=names, fields=["name", "phone", "address"],
                usage=cls.vault.usage()), timeout=30)
        cls.filter = cls.messages.EntryFilter(method="BatchRevealRecords")

    def auditor(self):
        return STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))

    def test_pages_of_a_list_are_within_the_limit(self):
        found, page = 0, ""
        while True:
            answer = self.auditor().ListEntries(self.messages.ListEntriesRequest(
                filter=self.filter, page_size=1000, page_token=page), timeout=60)
            self.assertTrue(all(len(entry.items) == PEOPLE for entry in answer.entries))
            found, page = found + len(answer.entries), answer.next_page_token
            if not page:
                break
        self.assertEqual(found, CALLS)

    def test_messages_of_a_tail_are_within_the_limit(self):
        tail = self.auditor().TailEntries(self.messages.TailEntriesRequest(
            filter=self.filter, start_index=0), timeout=60)
        found = 0
        for message in tail:
            found += len(message.entries)
            if found == CALLS:
                tail.cancel()
                break
        self.assertEqual(found, CALLS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
