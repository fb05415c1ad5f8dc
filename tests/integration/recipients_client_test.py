"""The client of ops/docs/recipients.md, as it stands there, against a vault."""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import types
import unittest

import grpc

import harness
import sharing

STUBS = harness.Stubs()
DOCUMENT = harness.ROOT / "ops/docs/recipients.md"
PEOPLE = 2_500


class Busy(grpc.RpcError):
    """What a vault says that has too much to do, or what stands for a vault that is not there."""

    def __init__(self, code, details):
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return "busy"

    def trailing_metadata(self):
        return (("grpc-status-details-bin", self._details),)


class RecipientsClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-recipients-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.vault = sharing.SharingVault(STUBS, str(cls.folder / "vault"))
        cls.addClassCleanup(cls.vault.kill)
        cls.records = cls.vault.fill(PEOPLE)
        blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        assert len(blocks) == 1
        cls.text = blocks[0]
        (cls.folder / "client.py").write_text(cls.text)
        # What a recipient has: the address, these files, and the token.
        own = cls.vault.description["credentials"]["carrier"]
        shutil.copy(own["certificate"], cls.folder / "own.crt")
        shutil.copy(own["key"], cls.folder / "own.key")
        shutil.copy(cls.vault.description["ca"], cls.folder / "ca.crt")
        keys = cls.vault.sharing("carrier")
        cls.issue_once = cls.vault.issue(cls.records[:1]).token
        listed = keys.ListSigningKeys(cls.vault.api.ListSigningKeysRequest(), timeout=30).keys
        (cls.folder / "keys.pem").write_text("".join(key.public_key_pem for key in listed))

    def run_client(self, token, out, address=None, keys=None):
        folder = self.folder
        (self.folder / "token.txt").write_text(token + "\n")
        if keys is not None:
            folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
            for name in ("ca.crt", "own.crt", "own.key"):
                shutil.copy(self.folder / name, folder / name)
            (folder / "keys.pem").write_text(keys)
        return self.client(self.folder / "token.txt", self.folder / out, address=address, folder=folder)

    def client(self, *more, address=None, folder=None):
        return subprocess.run(
            [sys.executable, self.folder / "client.py", address or self.vault.description["address"],
             self.vault.tenant, folder or self.folder, *more],
            env={**os.environ, "PYTHONPATH": sys.path[0]}, capture_output=True, text=True,
            timeout=300)

    def notices(self):
        done = self.client()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def correct(self, number, address):
        messages = STUBS.vault_service_pb2
        self.vault.records().UpdateRecord(messages.UpdateRecordRequest(
            name=self.records[number], fields={"address": address}, usage=self.vault.usage()),
            timeout=30)

    def cli_redeem(self, token, out, address=None):
        return self.vault.cli("carrier", "share", "redeem", token, "--out", str(self.folder / out),
                              address=address)

    def lines(self, out):
        return [json.loads(line) for line in (self.folder / out).read_text().splitlines()]

    def test_is_as_short_as_it_says(self):
        self.assertLess(len(self.text.splitlines()), 60)

    def test_takes_everybody_once_over_a_wire_that_breaks(self):
        token = self.vault.issue(self.records).token
        wire = sharing.CutWire(self.vault.description["address"], 150_000)
        self.addCleanup(wire.close)
        done = self.run_client(token, "people.jsonl", wire.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(wire.cuts, 1)
        tag, *people, end = self.lines("people.jsonl")
        self.assertEqual(tag["tag"]["purpose"], "order")
        self.assertIn("CORRECT_ON_NOTICE", tag["tag"]["terms"])
        self.assertEqual(end, {"complete": True, "given": PEOPLE, "omitted": 0})
        people = [person["subject"] for person in people]
        self.assertEqual(len({person["handle"] for person in people}), PEOPLE)
        self.assertEqual([person["records"][0]["fields"]["name"]["value"] for person in people],
                         [self.vault.fields(number)["name"] for number in range(PEOPLE)])
        mode = (self.folder / "people.jsonl").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_acknowledges_what_is_named_and_nothing_else(self):
        token = self.vault.issue(self.records[7:9]).token
        self.assertEqual(self.run_client(token, "held.jsonl").returncode, 0)
        held = [line["subject"]["handle"] for line in self.lines("held.jsonl")[1:-1]]
        for number in (7, 8):
            self.correct(number, "見本県別市 1-1")
        offered = self.notices()
        self.assertEqual({notice["handle"] for notice in offered}, set(held))
        for notice in offered:
            self.assertEqual((notice["kind"], notice["fields"]),
                             ("CORRECTION_KIND_CHANGED", ["customer.address"]))
            self.assertNotIn("token", notice)
        # Looking closes nothing, and neither does redeeming.
        self.assertEqual(self.notices(), offered)
        mine = next(notice for notice in offered if notice["handle"] == held[0])
        self.vault.issue(self.records[7:8], notices=[mine["name"]])
        self.assertEqual(len(self.notices()), 2)
        mine = next(notice for notice in self.notices() if notice["handle"] == held[0])
        self.assertEqual(self.run_client(mine["token"], "anew.jsonl").returncode, 0)
        anew = self.lines("anew.jsonl")[1]["subject"]
        self.assertEqual((anew["handle"], anew["records"][0]["fields"]["address"]["value"]),
                         (held[0], "見本県別市 1-1"))
        self.assertEqual(len(self.notices()), 2)
        done = self.client("--ack", mine["name"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([notice["handle"] for notice in self.notices()], [held[1]])
        self.assertEqual(self.client("--ack", self.notices()[0]["name"]).returncode, 0)
        self.assertEqual(self.notices(), [])

    def test_says_how_many_were_left_out(self):
        people = self.vault.fill(3)
        token = self.vault.issue(people).token
        self.vault.records().DeleteSubject(STUBS.vault_service_pb2.DeleteSubjectRequest(
            name=people[1].split("/records/")[0]), timeout=30)
        done = self.run_client(token, "two.jsonl")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.lines("two.jsonl")[-1], {"complete": True, "given": 2, "omitted": 1})
        self.assertEqual(self.cli_redeem(token, "cli-two.jsonl").returncode, 3)
        self.assertEqual(self.lines("cli-two.jsonl"), self.lines("two.jsonl"))

    def test_client_and_program_finish_what_the_other_began(self):
        for first, second, out in ((self.run_client, self.cli_redeem, "begun"),
                                   (self.cli_redeem, self.run_client, "program")):
            issued = self.vault.issue(self.records)     # for one use
            wire = sharing.CutWire(self.vault.description["address"], 150_000, refuses=True)
            self.addCleanup(wire.close)
            broken = first(issued.token, f"{out}.jsonl", address=wire.address)
            self.assertEqual(wire.cuts, 1)
            self.assertNotIn(broken.returncode, (0, 3))
            self.assertNotIn("Traceback", broken.stderr)
            self.assertFalse((self.folder / f"{out}.jsonl").exists())
            done = second(issued.token, f"{out}.jsonl")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.lines(f"{out}.jsonl")[-1],
                             {"complete": True, "given": PEOPLE, "omitted": 0})
            self.assertEqual(len(self.lines(f"{out}.jsonl")), PEOPLE + 2)

    def test_a_refusal_is_one_line_and_leaves_no_file(self):
        issued = self.vault.issue(self.records[:1])
        self.vault.sharing("shop").RevokeExportTokens(self.vault.api.RevokeExportTokensRequest(
            parent=self.vault.tenant, token=issued.description.name), timeout=30)
        refused = self.run_client(issued.token, "refused.jsonl")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"\ATOKEN_REVOKED: .+\n\Z")
        self.assertFalse((self.folder / "refused.jsonl").exists())
        unknown = self.client("--ack", f"{self.vault.tenant}/correctionNotices/none")
        self.assertEqual(unknown.returncode, 1)
        self.assertRegex(unknown.stderr, r"\A[A-Z_]+: .+\n\Z")

    def test_waits_as_it_is_told_and_not_for_ever(self):
        from google.rpc import error_details_pb2, status_pb2
        stub = types.SimpleNamespace(RedeemExportToken=self.busy)
        busy, away = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE
        # Where nothing has come, nothing comes later: the certificate is no good, or the address.
        for self.code, seconds, calls, waits in ((busy, 7, 3, [7, 7]), (busy, 61, 1, []),
                                                 (away, 0, 1, [])):
            said = status_pb2.Status()
            said.details.add().Pack(error_details_pb2.ErrorInfo(reason="QUEUE_FULL"))
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.seconds = seconds
            said.details.add().Pack(retry)
            self.busy_calls, self.said, waited = 0, said.SerializeToString(), []
            space = {"__name__": "client"}
            exec(self.text.split("\nas_line")[0], space)
            space.update(vault=stub, as_line=lambda what: json.dumps(what) + "\n",
                         time=types.SimpleNamespace(sleep=waited.append))
            out = str(self.folder / f"busy{seconds}.jsonl")
            if waits:
                self.assertEqual(space["redeem"]("token", out), 0)
            else:
                self.assertRaises(grpc.RpcError, space["redeem"], "token", out)
            self.assertEqual((self.busy_calls, waited), (calls, waits))

    def busy(self, request):
        self.busy_calls += 1
        if self.busy_calls < 3:
            raise Busy(self.code, self.said)
        return [self.vault.api.RedeemExportTokenResponse(position=1, complete=True)]

    def test_does_not_try_again_where_the_certificate_is_not_for_recipients(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copy(self.folder / "ca.crt", folder / "ca.crt")
        shutil.copy(self.folder / "keys.pem", folder / "keys.pem")
        for what in (["init", "--name", "Another", "--trust-domain", "partners.example"],
                     ["issue", "own", "--uri", "spiffe://partners.example/carrier"]):
            subprocess.run([harness.PIIVAULT, "pki", what[0], *what[1:], "--dir", folder / "pki"],
                           check=True, capture_output=True)
        for name in ("own.crt", "own.key"):
            shutil.copy(folder / "pki" / name, folder / name)
        done = self.client(folder=folder)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\AUNAVAILABLE: .+\n\Z")

    def test_asks_nothing_of_the_vault_for_what_no_key_has_signed(self):
        token = self.issue_once
        version, purpose, payload, footer = token.split(".")
        flipped = payload[:20] + ("A" if payload[20] != "A" else "B") + payload[21:]
        for number, forged in enumerate((f"{version}.{purpose}.{flipped}.{footer}", token[:-2],
                                         f"{version}.{purpose}.{payload}.{footer[:-3]}abc")):
            done = self.run_client(forged, f"forged{number}.jsonl", "127.0.0.1:1")
            self.assertNotEqual(done.returncode, 0)
            self.assertFalse((self.folder / f"forged{number}.jsonl").exists())
            self.assertNotIn("UNAVAILABLE", done.stderr)
        # A good token, and the key of another vault.
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        other = Ed25519PrivateKey.generate().public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        done = self.run_client(token, "other.jsonl", keys=other)
        self.assertIn("none of these keys has signed", done.stderr)
        self.assertEqual(self.run_client(token, "good.jsonl", keys=other + (
            self.folder / "keys.pem").read_text()).returncode, 0)

    def test_run_again_takes_the_same_use_up(self):
        token = self.vault.issue(self.records[:2]).token
        for out in ("first.jsonl", "second.jsonl"):
            self.assertEqual(self.run_client(token, out).returncode, 0)
        self.assertEqual(self.lines("first.jsonl"), self.lines("second.jsonl"))

    def test_never_writes_over_a_file(self):
        (self.folder / "mine.jsonl").write_text("mine")
        done = self.run_client(self.vault.issue(self.records[:1]).token, "mine.jsonl")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((self.folder / "mine.jsonl").read_text(), "mine")


if __name__ == "__main__":
    unittest.main(verbosity=2)
