"""Corrections under the policy of operator 001: who holds an outdated value is told, and nobody
else, until they say that it is put right."""

import collections
import os
import pathlib
import random
import tempfile
import unittest

import grpc

import corrections_account
import harness
import operator_vault
from corrections_account import CHANGED, WITHDRAWN, fields_of

STUBS = harness.Stubs()
STEPS = 1_500 if os.environ.get("PIIVAULT_LONG") else 120
WEEK = 7 * operator_vault.DAY
ERASES = ("  - {id: erases, clause: 001-37, role: privacy_staff, may: [delete_subject], "
          "types: [svc], for: [R0], assumed: true}\n")


def in_one_order(told):
    return {who: sorted(notices, key=str) for who, notices in told.items()}


class OperatorCorrectionsTest(harness.RefusalCase):
    def start(self, **more):
        folder = tempfile.TemporaryDirectory(prefix="piivault-corrections-")
        self.addCleanup(folder.cleanup)
        self.vault = operator_vault.OperatorVault(STUBS, str(pathlib.Path(folder.name) / "vault"),
                                                  **more)
        self.addCleanup(self.vault.kill)
        for name in ("tax-office", "customs", "court"):
            self.vault.add_authority(name)

    def give(self, to, record, *fields):
        """What the recipient has of it from now on: its handle for the person, values, version."""
        message, = self.vault.redeem(to, self.vault.token_by_law(to, record, fields), "once")
        person, = message.subjects
        given, = person.records
        self.assertEqual(set(given.fields), set(fields))
        return person.handle, {name: v.value for name, v in given.fields.items()}, given.version

    def open_notices(self):
        """All that are open, by recipient: (handle, kind, version, held versions by field). In
        an order of ours: they are dated by the hour."""
        told = collections.defaultdict(list)
        for notice in self.vault.notices():
            self.assertFalse(notice.HasField("acknowledge_time"))
            told[notice.recipient.rsplit("/", 1)[1]].append(
                (notice.handle, notice.kind, notice.version, fields_of(notice)))
        return in_one_order(told)

    def assert_open(self, told):
        self.assertEqual(self.open_notices(), in_one_order(told))

    def test_who_has_which_version_is_told_of_what_is_wrong_in_it(self):
        """001-40: each recipient of what was wrong gets one notice of its own fields and versions,
        those by law included; who has had other fields or other people gets none."""
        self.start()
        taro = self.vault.take_order(name="見本 太郎", phone="02-111-1111", address="見本市 1")
        hana = self.vault.take_order(name="見本 花子", phone="02-222-2222", address="見本市 2")
        tax, _, _ = self.give("tax-office", taro, "name", "phone", "address")
        court, _, _ = self.give("court", taro, "name")
        self.give("court", hana, "name", "phone", "address")

        self.assertEqual(self.vault.correct(taro, phone="02-333-3333"), 2)
        told = {"tax-office": [(tax, CHANGED, 2, {"phone": 1})]}
        self.assert_open(told)
        # Whoever comes later has the new one, and is told of what comes later still.
        customs, values, version = self.give("customs", taro, "phone", "address")
        self.assertEqual((values["phone"], version), ("02-333-3333", 2))
        self.assert_open(told)
        self.vault.correct(taro, phone="02-444-4444")
        told["tax-office"].append((tax, CHANGED, 3, {"phone": 1}))
        told["customs"] = [(customs, CHANGED, 3, {"phone": 2})]
        self.assert_open(told)
        # What is removed is another matter than what is changed, in one write too.
        self.vault.correct(taro, clear=["address"], name="見本 次郎")
        told["tax-office"] += [(tax, CHANGED, 4, {"name": 1}), (tax, WITHDRAWN, 4, {"address": 1})]
        told["customs"].append((customs, WITHDRAWN, 4, {"address": 2}))
        told["court"] = [(court, CHANGED, 4, {"name": 1})]
        self.assert_open(told)
        # The same value once more is no correction.
        self.vault.correct(taro, name="見本 次郎")
        self.assert_open(told)
        self.assertEqual(
            {d.recipient.rsplit("/", 1)[1]: sorted(d.records[0].outdated_fields)
             for d in self.vault.disclosures(taro)},
            {"tax-office": ["address", "name", "phone"], "court": ["name"],
             "customs": ["address", "phone"]})
        self.assertEqual([list(d.records[0].outdated_fields) for d in self.vault.disclosures(hana)],
                         [[]])

    def test_a_disclosure_is_outdated_in_what_it_has_given(self):
        """001-40: the ledger says of each disclosure which of its own fields are wrong now."""
        self.start()
        record = self.vault.take_order(name="見本 太郎", phone="02-111-1111")
        self.give("tax-office", record, "name")
        self.give("tax-office", record, "phone")
        self.vault.correct(record, phone="02-333-3333")
        self.assertEqual([(list(row.fields), list(row.outdated_fields))
                          for d in self.vault.disclosures(record) for row in d.records],
                         [(["name"], []), (["phone"], ["phone"])])

    def test_a_notice_is_open_until_its_own_recipient_has_put_it_right(self):
        """001-41: it stays on the list, with the time by which it is due, until its recipient and
        nobody else closes it, and a new token gives the new value."""
        self.start()
        record = self.vault.take_order(name="見本 太郎", phone="02-111-1111")
        for who in ("tax-office", "customs"):
            self.give(who, record, "name", "phone")
        unused = self.vault.token_by_law("tax-office", record, ["phone"])
        self.vault.correct(record, phone="02-333-3333")
        own, = self.vault.notices("tax-office")
        other, = self.vault.notices("customs")
        self.assertNotEqual(own.handle, other.handle)
        self.assertEqual(own.due_time.seconds - own.create_time.seconds, WEEK)
        self.assertEqual(self.vault.notices(overdue=True), [])
        # Recipients see their own, whatever they ask for.
        self.assertEqual([n.name for n in self.vault.notices(
            "customs", recipient=self.vault.recipient("tax-office"))], [other.name])
        for who in ("customs", "court"):
            self.refused("NOT_FOUND", self.vault.acknowledge, who, own.name)
        for who in ("support", "engineer", "shop", "admin-1", "auditor"):
            with self.assertRaises(grpc.RpcError):
                self.vault.acknowledge(who, own.name)
        # With one that is another's nothing is closed.
        self.refused("NOT_FOUND", self.vault.acknowledge, "tax-office", own.name, other.name)
        self.assertEqual({n.name for n in self.vault.notices()}, {own.name, other.name})

        # A token from before the correction gives what is right now.
        message, = self.vault.redeem("tax-office", unused, "once")
        self.assertEqual(message.subjects[0].records[0].fields["phone"].value, "02-333-3333")
        self.assertEqual({n.name for n in self.vault.notices()}, {own.name, other.name})
        closed, = self.vault.acknowledge("tax-office", own.name)
        self.assertTrue(closed.HasField("acknowledge_time"))
        self.assertEqual([n.name for n in self.vault.notices()], [other.name])
        again, = self.vault.acknowledge("tax-office", own.name)
        self.assertEqual(again, closed)
        kept = {n.name: n.HasField("acknowledge_time")
                for n in self.vault.notices(show_acknowledged=True)}
        self.assertEqual(kept, {own.name: True, other.name: False})
        # To the other a token for the new value is offered with its notice, and to nobody else.
        self.assertEqual(other.token, "")
        token = self.vault.token_by_law("customs", record, ["phone"], notices=[other.name])
        self.assertEqual({n.name: n.token for who in ("support", "customs", "tax-office")
                          for n in self.vault.notices(who, show_acknowledged=who != "support")
                          if n.token}, {other.name: token})
        message, = self.vault.redeem("customs", token, "once")
        self.assertEqual(message.subjects[0].handle, other.handle)
        self.vault.acknowledge("customs", other.name)
        self.assertEqual(self.vault.notices(), [])
        # They have the new value now: the next correction is of that.
        self.vault.correct(record, phone="02-444-4444")
        newest, = self.vault.notices("tax-office")
        self.assertEqual((newest.version, fields_of(newest)), (3, {"phone": 2}))

    def test_no_order_of_disclosures_and_corrections_forgets_anybody(self):
        """001-40, 001-41: whatever is given, corrected, cleared and acknowledged in whichever
        order, the notices are those that a plain account of it comes to."""
        self.start()
        seed = int(os.environ.get("PIIVAULT_SEED") or random.randrange(1 << 32))
        print(f"PIIVAULT_SEED={seed}", flush=True)
        account = corrections_account.Account(self, random.Random(seed))
        for step in range(STEPS):
            account.step()
            if step % 20 == 19:
                account.compare()
        account.compare()
        self.assertGreater(len(account.notices), 0)
        print(account.counts, flush=True)

    def test_an_erasure_withdraws_all_that_anybody_has(self):
        """001-41: the recipients of a person who is erased are told by their own handles. The
        text names nobody who erases: the policy has one grant more here."""
        self.start(more_grants=ERASES)
        record = self.vault.take_order(name="見本 太郎", phone="02-111-1111")
        beside = self.vault.take_order(name="見本 花子", phone="02-222-2222")
        tax, _, _ = self.give("tax-office", record, "name", "phone")
        self.vault.correct(record, phone="02-333-3333")
        customs, _, _ = self.give("customs", record, "phone")
        self.give("court", beside, "name", "phone")
        before, = self.vault.notices("tax-office")
        messages = STUBS.vault_service_pb2
        self.vault.records("support").DeleteSubject(messages.DeleteSubjectRequest(
            name=record.split("/records/")[0], usage=self.vault.purpose("R0")), timeout=30)
        self.assert_open({
            "tax-office": [(tax, CHANGED, 2, {"phone": 1}),
                           (tax, WITHDRAWN, 0, {"name": 1, "phone": 1})],
            "customs": [(customs, WITHDRAWN, 0, {"phone": 2})]})
        self.vault.acknowledge("tax-office", *(n.name for n in self.vault.notices("tax-office")))
        self.assertEqual(list(self.open_notices()), ["customs"])
        self.assertIn(before.name, [n.name for n in self.vault.notices(show_acknowledged=True)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
