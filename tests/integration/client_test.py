"""A client in another language, made from the .proto files alone, against the real server."""

import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import grpc

import harness

STUBS = harness.Stubs()


class ClosedStreamsTest(unittest.TestCase):
    def test_what_is_printed_goes_into_no_file_of_the_vault(self):
        with tempfile.TemporaryDirectory(prefix="piivault-closed-") as folder:
            command = 'exec "$0" --dev --dev-directory "$1" <&- >&- 2>&-'
            server = subprocess.Popen(["/bin/sh", "-c", command, harness.SERVER, folder])
            try:
                # By then it holds signals back until it serves.
                end = time.monotonic() + 60
                while not pathlib.Path(folder, "keys").exists() and time.monotonic() < end:
                    time.sleep(0.01)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(timeout=60), 0)
            finally:
                server.kill()
                server.wait()
            files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
            self.assertGreater(len(files), 10)
            for path in files:
                self.assertFalse(b'"credentials"' in path.read_bytes(), path)


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = harness.DevVault()
        cls.addClassCleanup(cls.vault.close)
        cls.types = STUBS.types_pb2
        cls.messages = STUBS.vault_service_pb2
        cls.serial = 0

    def stub(self, who):
        return STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel(who))

    def usage(self, purpose, ticket=""):
        return self.types.Usage(purpose=purpose, ticket=ticket)

    def create(self, **fields):
        ClientTest.serial += 1
        fields.setdefault("name", "山田 花子")
        fields.setdefault("email", f"hanako{ClientTest.serial}@example.jp")
        request = self.messages.CreateRecordRequest(
            parent=self.vault.tenant,
            record=self.messages.NewRecord(type="customer", fields=fields),
            usage=self.usage("order"))
        return self.stub("shop").CreateRecord(request, timeout=10), fields

    def reveal(self, who, name, fields, purpose="technical_work", ticket="T-1", **more):
        return self.stub(who).RevealRecord(
            self.messages.RevealRecordRequest(name=name, fields=fields,
                                              usage=self.usage(purpose, ticket), **more), timeout=10)

    def assert_refused(self, code, reason, call, *arguments, **keywords):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **keywords)
        got_code, got_reason, metadata = harness.error_of(caught.exception)
        self.assertEqual((got_code, got_reason), (code, reason))
        return metadata

    def test_values_come_back_exactly_as_given(self):
        created, fields = self.create(phone="０９０-１２３４-５６７８", address="東京都千代田区1-1  \"メゾン\"")
        self.assertGreater(created.receipt.index, 0)
        answer = self.reveal("engineer", created.record.name, ["name", "email", "phone", "address"])
        got = {name: value.value for name, value in answer.record.fields.items()}
        self.assertEqual(got, {name: fields[name] for name in ("name", "email", "phone", "address")})
        self.assertGreater(answer.receipt.index, created.receipt.index)

    def test_tokens_reveal_what_they_stand_for(self):
        created, fields = self.create()
        self.assertEqual(len(created.tokens["email"]), 30)
        answer = self.stub("shop").Detokenize(self.messages.DetokenizeRequest(
            parent=self.vault.tenant, tokens=[created.tokens["email"], "tok_" + "a" * 26],
            usage=self.usage("order")), timeout=10)
        self.assertEqual(answer.results[0].value.value, fields["email"])
        self.assertTrue(answer.results[1].failure.reason)

    def test_reasons_of_refusal(self):
        created, _ = self.create()
        denied = grpc.StatusCode.PERMISSION_DENIED
        name = created.record.name
        self.assert_refused(denied, "NDA_MISSING", self.reveal, "engineer-no-nda", name, ["email"])
        self.assert_refused(denied, "NDA_EXPIRED", self.reveal, "engineer-expired-nda", name, ["email"])
        self.assert_refused(denied, "OUTSOURCING_FORBIDDEN", self.reveal, "engineer-outsourced", name,
                            ["email"])
        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED, "PRINCIPAL_UNKNOWN", self.reveal,
                            "stranger", name, ["email"])
        self.assert_refused(denied, "ROLE_NOT_GRANTED", self.reveal, "admin-1", name, ["email"])
        metadata = self.assert_refused(denied, "FIELD_NOT_GRANTED", self.reveal, "support", name,
                                       ["email", "address"], purpose="support")
        self.assertIn("index", metadata)

    def test_partial_answers_name_what_is_denied(self):
        created, fields = self.create(address="大阪市北区1-2")
        answer = self.reveal("support", created.record.name, ["email", "address"], purpose="support",
                             allow_partial=True)
        self.assertEqual(answer.record.fields["email"].value, fields["email"])
        self.assertNotIn("address", answer.record.fields)
        self.assertEqual([(list(d.fields), d.reason) for d in answer.record.denied],
                         [(["address"], "FIELD_NOT_GRANTED")])

    def test_look_up_under_every_spelling(self):
        created, _ = self.create(email="Taro.Suzuki@Example.JP")
        for spelling in ("taro.suzuki@example.jp", "ＴＡＲＯ．ＳＵＺＵＫＩ＠ＥＸＡＭＰＬＥ．ＪＰ", " taro.suzuki@example.jp "):
            answer = self.stub("shop").LookupRecord(self.messages.LookupRecordRequest(
                parent=self.vault.tenant, type="customer", field="email", value=spelling,
                fields=["email"], usage=self.usage("order")), timeout=10)
            self.assertEqual(answer.record.name, created.record.name)
            self.assertEqual(answer.record.fields["email"].value, "Taro.Suzuki@Example.JP")

    def test_the_log_has_every_call(self):
        created, _ = self.create()
        answer = self.reveal("engineer", created.record.name, ["email"], ticket="CASE-77")
        audit = STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))
        listed = audit.ListEntries(STUBS.audit_service_pb2.ListEntriesRequest(
            filter=STUBS.audit_service_pb2.EntryFilter(record=created.record.name)), timeout=10)
        last = listed.entries[-1]
        self.assertEqual(last.position.index, answer.receipt.index)
        self.assertEqual(last.principal, "principals/engineer")
        self.assertEqual((last.purpose, last.ticket, last.role), ("technical_work", "CASE-77", "engineer"))
        self.assertEqual(list(last.items[0].fields), ["customer.email"])

    def test_erased_is_erased(self):
        created, fields = self.create()
        subject = created.record.name.rsplit("/records/", 1)[0]
        self.stub("shop").DeleteSubject(self.messages.DeleteSubjectRequest(
            name=subject, usage=self.usage("order")), timeout=10)
        with self.assertRaises(grpc.RpcError):
            self.reveal("engineer", created.record.name, ["email"])
        answer = self.stub("shop").Detokenize(self.messages.DetokenizeRequest(
            parent=self.vault.tenant, tokens=[created.tokens["email"]], usage=self.usage("order")),
            timeout=10)
        self.assertFalse(answer.results[0].value.value)
        # The address is free again: nothing of the person stands in its way.
        self.create(email=fields["email"])

    def test_a_card_number_is_refused(self):
        for text in ("4111 1111 1111 1111", "カードは４１１１－１１１１－１１１１－１１１１です"):
            self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, "PROHIBITED_TYPE", self.create, note=text)
        self.create(note="090-1234-5678 〒100-0001")

    def test_no_message_has_a_place_for_a_card(self):
        """000-26: what pays is settled elsewhere; no message or field is made for it."""
        words, names = {"card", "cards", "pan", "cvv", "cvc", "expiry"}, []
        files = [STUBS.types_pb2, STUBS.vault_service_pb2, STUBS.subject_service_pb2,
                 STUBS.credential_service_pb2, STUBS.admin_service_pb2, STUBS.audit_service_pb2]
        waiting = [message for file in files for message in file.DESCRIPTOR.message_types_by_name.values()]
        while waiting:
            message = waiting.pop()
            waiting += message.nested_types
            names += [message.name, *(field.name for field in message.fields),
                      *(value.name for enum in message.enum_types for value in enum.values)]
        names += [value.name for file in files for enum in file.DESCRIPTOR.enum_types_by_name.values()
                  for value in enum.values]
        self.assertGreater(len(names), 200)
        parts = lambda name: set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
        self.assertEqual([name for name in names if parts(name) & words], [])

    def test_a_credential_is_set_tried_and_revoked(self):
        account = self.stub("shop").CreateRecord(self.messages.CreateRecordRequest(
            parent=self.vault.tenant, usage=self.usage("order"),
            record=self.messages.NewRecord(type="account", fields={"login": "hanako"})),
            timeout=10).record.name
        messages = STUBS.credential_service_pb2
        stub = STUBS.credential_service_pb2_grpc.CredentialServiceStub(self.vault.channel("shop"))
        target = dict(name=account, field="password", usage=self.usage("order"))
        stub.SetCredential(messages.SetCredentialRequest(value="correct horse battery", **target),
                           timeout=20)
        verify = lambda value: stub.VerifyCredential(
            messages.VerifyCredentialRequest(value=value, **target), timeout=20)
        self.assertTrue(verify("correct horse battery").verified)
        self.assertFalse(verify("correct horse batterie").verified)
        self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, "CREDENTIAL_WEAK", stub.SetCredential,
                            messages.SetCredentialRequest(value="short", **target), timeout=20)
        self.assert_refused(grpc.StatusCode.PERMISSION_DENIED, "READ_NEVER", self.reveal, "engineer",
                            account, ["password"])
        stub.RevokeCredential(messages.RevokeCredentialRequest(**target), timeout=20)
        answer = verify("correct horse battery")
        self.assertFalse(answer.verified)
        audit = STUBS.audit_service_pb2_grpc.AuditServiceStub(self.vault.channel("auditor"))
        listed = audit.ListEntries(STUBS.audit_service_pb2.ListEntriesRequest(
            filter=STUBS.audit_service_pb2.EntryFilter(record=account)), timeout=10)
        self.assertEqual([entry.outcome for entry in listed.entries if entry.outcome],
                         ["verified", "failed", "failed"])
        with urllib.request.urlopen(f"http://{self.vault.metrics}/metrics", timeout=10) as metrics:
            self.assertIn('piivault_credential_verifications_total{outcome="failed"} 2',
                          metrics.read().decode())

    def test_metrics_are_served(self):
        with urllib.request.urlopen(f"http://{self.vault.metrics}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        self.assertIn("piivault_requests_total", text)
        with urllib.request.urlopen(f"http://{self.vault.metrics}/readyz", timeout=10) as answer:
            self.assertEqual(answer.read(), b"ready\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
