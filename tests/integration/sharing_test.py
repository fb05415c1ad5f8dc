"""The life of what is shared: issued, redeemed once, revoked, listed, corrected; and wires that break."""

import json
import pathlib
import tempfile
import time
import unittest
import urllib.request

import grpc

import harness
import sharing

STUBS = harness.Stubs()
PEOPLE = 5_000


class SharingTest(harness.RefusalCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-sharing-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.vault = sharing.SharingVault(STUBS, str(cls.folder / "vault"))
        cls.addClassCleanup(cls.vault.kill)
        cls.api = cls.vault.api
        cls.records = cls.vault.fill(PEOPLE)

    def disclosures(self, **what):
        return self.vault.sharing("auditor").ListDisclosures(self.api.ListDisclosuresRequest(
            parent=self.vault.tenant, **what), timeout=60).disclosures

    def notices(self, who, **what):
        return self.vault.sharing(who).ListCorrectionNotices(self.api.ListCorrectionNoticesRequest(
            parent=self.vault.tenant, **what), timeout=60).notices

    def people(self, messages):
        return [person for message in messages for person in message.subjects]

    def test_a_token_gives_once_and_only_to_its_recipient(self):
        names = self.records[:3]
        token = self.vault.issue(names).token
        self.refused("EXPORT_TOKEN_INVALID", self.vault.redeem, "other", token, "a")
        # Whoever is no recipient at all has no such method.
        for who in ("shop", "tenant", "auditor", "admin-1", "stranger"):
            with self.assertRaises(grpc.RpcError):
                self.vault.redeem(who, token, "a")
        first = self.people(self.vault.redeem("carrier", token, "a"))
        self.assertEqual([p.records[0].fields["name"].value for p in first],
                         [self.vault.fields(i)["name"] for i in range(3)])
        self.refused("TOKEN_EXHAUSTED", self.vault.redeem, "carrier", token, "b")
        # The same use again is the same disclosure.
        again = self.people(self.vault.redeem("carrier", token, "a"))
        self.assertEqual([p.handle for p in again], [p.handle for p in first])
        self.assertFalse({p.records[0].name for p in first} - {""})

    def test_what_is_revoked_gives_nothing(self):
        kept = self.vault.issue(self.records[:2])
        # An administrator may, and whoever issued it; nobody else.
        for who in ("admin-1", "shop"):
            issued = self.vault.issue(self.records[:2])
            for other in ("support", "tenant"):
                self.refused("SYSTEM_ROLE_REQUIRED", self.revoke, other, issued)
            self.assertEqual(self.revoke(who, issued).revoked, 1)
            self.refused("TOKEN_REVOKED", self.vault.redeem, "carrier", issued.token, "a")
        self.assertEqual(len(self.people(self.vault.redeem("carrier", kept.token, "a"))), 2)

    def revoke(self, who, issued):
        return self.vault.sharing(who).RevokeExportTokens(self.api.RevokeExportTokensRequest(
            parent=self.vault.tenant, token=issued.description.name), timeout=30)

    def test_the_ledger_names_who_has_what_and_who_is_told(self):
        record = self.records[10]
        person = record.split("/records/")[0]
        self.assertEqual(list(self.disclosures(subject=person)), [])
        for who in ("carrier", "other"):
            token = self.vault.issue([record], to=who).token
            handle = self.people(self.vault.redeem(who, token, "a"))[0].handle
            if who == "carrier":
                of_carrier = handle
        self.assertNotEqual(of_carrier, handle)
        listed = self.disclosures(subject=person)
        self.assertEqual([d.recipient for d in listed],
                         [self.vault.recipient("carrier"), self.vault.recipient("other")])
        for disclosure in listed:
            self.assertEqual(sorted(disclosure.records[0].fields), ["address", "name", "phone"])
            self.assertEqual(disclosure.subjects, 1)
            self.assertTrue(disclosure.HasField("end_time"))
        self.denied("support", person)

        before = {who: len(self.notices(who)) for who in ("carrier", "other")}
        self.vault.records().UpdateRecord(STUBS.vault_service_pb2.UpdateRecordRequest(
            name=record, fields={"phone": "090-9999-0000"}, usage=self.vault.usage()), timeout=30)
        for who in ("carrier", "other"):
            notices = [n for n in self.notices(who)
                       if n.handle == (of_carrier if who == "carrier" else handle)]
            self.assertEqual(len(notices), 1)
            self.assertEqual(len(self.notices(who)), before[who] + 1)
            self.assertEqual(list(notices[0].fields), ["customer.phone"])
            self.assertEqual(notices[0].kind, self.api.CORRECTION_KIND_CHANGED)
            # Nobody closes another's.
            stranger = {"carrier": "other", "other": "carrier"}[who]
            acknowledge = self.api.AcknowledgeCorrectionNoticesRequest(names=[notices[0].name])
            self.refused("NOT_FOUND", lambda w, r: self.vault.sharing(
                w).AcknowledgeCorrectionNotices(r, timeout=30), stranger, acknowledge)
            self.vault.sharing(who).AcknowledgeCorrectionNotices(acknowledge, timeout=30)
            self.assertEqual(len(self.notices(who)), before[who])
            self.assertEqual(len([n for n in self.notices("auditor", show_acknowledged=True,
                                                          recipient=self.vault.recipient(who))
                                  if n.HasField("acknowledge_time")]), 1)
        # An erasure is told by the same handle; the ledger keeps what was given.
        self.vault.records().DeleteSubject(
            STUBS.vault_service_pb2.DeleteSubjectRequest(name=person), timeout=30)
        told = [n for n in self.notices("carrier") if n.handle == of_carrier]
        self.assertEqual({n.kind for n in told}, {self.api.CORRECTION_KIND_WITHDRAWN})
        ledger = [m for m in self.vault.sharing("auditor").StreamDisclosedRecords(
            self.api.StreamDisclosedRecordsRequest(disclosure=listed[0].name), timeout=30)]
        self.assertEqual(sum(len(m.records) for m in ledger), 1)

    def denied(self, who, person):
        try:
            self.vault.sharing(who).ListDisclosures(self.api.ListDisclosuresRequest(
                parent=self.vault.tenant, subject=person), timeout=30)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)
            return
        self.fail("somebody without a right reads the ledger")

    def test_the_command_line_goes_on_where_the_wire_broke(self):
        people = self.folder / "people.txt"
        keep = self.records[20:]
        people.write_text("".join(name.split("/records/")[0] + "\n" for name in keep))
        issued = self.vault.cli("shop", "share", "issue", "--to", "carrier", "--rule", "carrier",
                                "--for", "order", "--field", ",".join(sharing.FIELDS),
                                "--subjects-from", str(people), "--lifetime", "1h", "-q")
        self.assertEqual(issued.returncode, 0, issued.stderr)
        (self.folder / "token.txt").write_text(issued.stdout)
        wire = sharing.CutWire(self.vault.description["address"], 500_000)
        self.addCleanup(wire.close)
        out = self.folder / "people.jsonl"
        done = self.vault.cli("carrier", "share", "redeem", f"@{self.folder}/token.txt",
                              "--out", str(out), address=wire.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(wire.cuts, 1)
        self.assertIn("taken up again", done.stderr)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        given = [line["subject"] for line in lines if "subject" in line]
        self.assertEqual([p["records"][0]["fields"]["name"]["value"] for p in given],
                         [self.vault.fields(i)["name"] for i in range(20, PEOPLE)])
        self.assertEqual(len({p["handle"] for p in given}), len(keep))
        # The ledger counts everybody once, and has a row for each.
        name = lines[0]["tag"]["disclosure"]
        record = self.vault.cli("auditor", "share", "disclosures", "--disclosure", name,
                                "--provision-record", "--out", str(self.folder / "record.csv"))
        self.assertEqual(record.returncode, 0, record.stderr)
        rows = (self.folder / "record.csv").read_text().splitlines()
        self.assertEqual(len(rows), 1 + len(keep))
        disclosure = [d for d in self.disclosures(recipient=self.vault.recipient("carrier"))
                      if d.name == name]
        self.assertEqual(disclosure[0].subjects, len(keep))

    def test_a_recipient_enrols_its_next_certificate_with_its_key_alone(self):
        credentials = self.vault.description["credentials"]
        for name in ("carrier-next", "carrier-else"):
            credentials[name] = self.vault.recipient_certificate(name)
        self.refused("PRINCIPAL_UNKNOWN", self.notices, "carrier-next")
        following = credentials["carrier-next"]

        def enrol(key):
            return self.vault.cli("carrier", "share", "enrol", following["certificate"],
                                  "--new-key", key)
        self.assertIn("is not the key", enrol(credentials["carrier-else"]["key"]).stderr)
        # Without the command line, which looks at the key itself.
        chain = pathlib.Path(following["certificate"]).read_text()
        self.refused("CERTIFICATE_INVALID", lambda: self.vault.sharing("carrier").EnrolCertificate(
            self.api.EnrolCertificateRequest(certificate_chain_pem=chain, proof=b"x"), timeout=30))
        done = enrol(following["key"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.notices("carrier-next")
        # The keys change, and a token that is out is good all the same.
        token = self.vault.issue(self.records[5:6]).token
        rotated = self.vault.cli("admin-1", "share", "keys", "--rotate")
        self.assertEqual(rotated.returncode, 0, rotated.stderr)
        self.assertEqual(len(self.people(self.vault.redeem("carrier-next", token, "e"))), 1)

    def test_a_vault_that_dies_in_the_middle_goes_on(self):
        token = self.vault.issue(self.records[20:], lifetime_seconds=3600).token
        stream = self.vault.sharing("carrier").RedeemExportToken(
            self.api.RedeemExportTokenRequest(token=token, request_id="once"), timeout=300)
        first = next(stream)
        self.assertFalse(first.complete)
        self.vault.kill()
        self.vault.start_again()
        request = self.api.RedeemExportTokenRequest(token=token, request_id="once",
                                                    resume_from=first.position)
        rest = list(self.vault.sharing("carrier").RedeemExportToken(request, timeout=300))
        handles = [p.handle for p in self.people([first, *rest])]
        self.assertEqual(len(set(handles)), len(handles))
        self.assertEqual(len(handles), PEOPLE - 20)
        self.assertTrue(rest[-1].complete)
        self.refused("TOKEN_EXHAUSTED", self.vault.redeem, "carrier", token, "another")

    def test_open_notices_are_counted_from_their_rows_at_the_start(self):
        record = self.records[15]
        self.vault.redeem("carrier", self.vault.issue([record]).token, "a")
        self.vault.records().UpdateRecord(STUBS.vault_service_pb2.UpdateRecordRequest(
            name=record, fields={"phone": "090-9999-0001"}, usage=self.vault.usage()), timeout=30)
        open_ones = len(self.notices("auditor"))
        self.assertGreaterEqual(open_ones, 1)
        self.vault.kill()
        self.vault.start_again()
        notices = "piivault_correction_notices_"
        end = time.monotonic() + 60
        counted = self.metrics()
        while counted[notices + "counted_timestamp_seconds"] == 0 and time.monotonic() < end:
            time.sleep(0.05)
            counted = self.metrics()
        self.assertGreater(counted[notices + "counted_timestamp_seconds"], 1_700_000_000)
        self.assertEqual(counted[notices + "open"], open_ones)
        self.assertEqual(counted[notices + "overdue"], 0)

    def metrics(self):
        """Those without labels."""
        with urllib.request.urlopen(f"http://{self.vault.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split()[0]: float(line.split()[1]) for line in lines
                if not line.startswith("#") and "{" not in line}


if __name__ == "__main__":
    unittest.main(verbosity=2)
