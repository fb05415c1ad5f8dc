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
import unittest

import harness
import sharing

STUBS = harness.Stubs()
DOCUMENT = harness.ROOT / "ops/docs/recipients.md"
PEOPLE = 2_500


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
        (folder / "token.txt").write_text(token + "\n")
        if keys is not None:
            folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
            for name in ("ca.crt", "own.crt", "own.key"):
                shutil.copy(self.folder / name, folder / name)
            (folder / "keys.pem").write_text(keys)
        return subprocess.run(
            [sys.executable, self.folder / "client.py", address or self.vault.description["address"],
             folder, self.folder / "token.txt", self.folder / out],
            env={**os.environ, "PYTHONPATH": sys.path[0]}, capture_output=True, text=True,
            timeout=300)

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
        tag, *people = self.lines("people.jsonl")
        self.assertEqual(tag["tag"]["purpose"], "order")
        self.assertIn("CORRECT_ON_NOTICE", tag["tag"]["terms"])
        self.assertEqual(len({person["handle"] for person in people}), PEOPLE)
        self.assertEqual([person["records"][0]["fields"]["name"]["value"] for person in people],
                         [self.vault.fields(number)["name"] for number in range(PEOPLE)])
        mode = (self.folder / "people.jsonl").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

        # A correction is announced, by the handle that the recipient has, and acknowledged.
        messages = STUBS.vault_service_pb2
        self.vault.records().UpdateRecord(messages.UpdateRecordRequest(
            name=self.records[7], fields={"address": "見本県別市 1-1"}, usage=self.vault.usage()),
            timeout=30)
        again = self.run_client(self.vault.issue(self.records[7:8]).token, "again.jsonl")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout,
                         f"{people[7]['handle']} CORRECTION_KIND_CHANGED customer.address\n")
        value = self.lines("again.jsonl")[1]["records"][0]["fields"]["address"]["value"]
        self.assertEqual(value, "見本県別市 1-1")
        left = self.vault.sharing("carrier").ListCorrectionNotices(
            self.vault.api.ListCorrectionNoticesRequest(parent=self.vault.tenant), timeout=30)
        self.assertEqual(list(left.notices), [])

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
