"""People's requests over the wire, under operator 001's policy: what they freeze, what is kept of
them, and how they are answered. Judged by the log."""

import copy
import json
import os
import pathlib
import tempfile
import unittest

import freeze_judge
import harness
import redemption_judge
import requests_race
import requests_vault
from requests_vault import MARKETING, OTHER

STUBS = harness.Stubs()
RIGHTS = STUBS.rights_service_pb2
STATE = "SUBJECT_REQUEST_STATE_"
ROUNDS = 1_000 if os.environ.get("PIIVAULT_LONG") else 30
OWN = {(role, "R0") for role in ("customer", "privacy_staff", "chief_privacy_officer")}
CONTRACT = "contract_active_without_termination"


class RequestsTest(harness.RefusalCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-requests-")
        cls.addClassCleanup(folder.cleanup)
        cls.vault = requests_vault.RequestsVault(STUBS, str(pathlib.Path(folder.name) / "vault"))
        cls.addClassCleanup(cls.vault.kill)
        cls.witness = redemption_judge.Witness(cls.vault)

    def values(self, who, record, *fields):
        return self.vault.reveal(who, record, *fields)[0]

    def redeemed(self, token, request_id="once"):
        """Values by field of whom it gave, and how many were left out."""
        message, = self.vault.redeem("tax-office", token, request_id)
        self.assertTrue(message.complete)
        return [{name: v.value for name, v in person.records[0].fields.items()}
                for person in message.subjects], message.omitted

    def test_a_correction_freezes_and_completes(self):
        """001-39: from the moment somebody asks for a correction until it is made, the value is
        neither used nor provided, on tokens of before either; all else goes on."""
        vault = self.vault
        record = vault.take_running_order(name="見本 太郎", phone="02-111-1111")
        beside = vault.take_order(name="見本 花子", phone="02-222-2222")
        other = {"name": "見本 花子", "phone": "02-222-2222"}
        whole, name, again = (vault.token_by_law("tax-office", record, fields) for fields in (
            ["name", "phone"], ["name"], ["name", "phone"]))
        both = vault.token_by_law("tax-office", record, ["name", "phone"], also=[beside])
        for who in (MARKETING, OTHER):
            self.assertEqual(self.values(who, record, "phone"), {"phone": "02-111-1111"})

        asked = vault.ask("shop", record, "correct", "correct", "svc.phone")
        self.assertEqual((asked.state, asked.open_fields),
                         (RIGHTS.SUBJECT_REQUEST_STATE_OPEN, ["svc.phone"]))

        def is_frozen():
            for who in (MARKETING, OTHER):
                for fields in (["phone"], ["name", "phone"]):
                    self.refused("SUBJECT_RESTRICTED", vault.reveal, who, record, *fields)
                self.assertEqual(self.values(who, record, "name"), {"name": "見本 太郎"})
            for token in (whole, again):
                self.refused("EXPORT_WITHHELD", self.redeemed, token)
            self.refused("SUBJECT_RESTRICTED", vault.token_by_law, "tax-office", record, ["phone"])

        is_frozen()
        for who in ("shop", "support", "engineer"):
            self.assertEqual(self.values(who, record, "phone"), {"phone": "02-111-1111"})
        self.assertEqual(self.redeemed(name), ([{"name": "見本 太郎"}], 0))
        self.assertEqual(self.redeemed(both), ([other], 1))
        given = [(list(row.fields)) for d in vault.disclosures(record) for row in d.records]
        self.assertEqual(given, [["name"]])

        # It ends when the correction is made and said to be, by who has seen who asks.
        self.refused("IDENTITY_NOT_CONFIRMED", vault.complete, asked.name)
        vault.confirm(asked.name)
        self.refused("REQUEST_NOT_CARRIED_OUT", vault.complete, asked.name)
        self.assertEqual(vault.correct(record, phone="02-333-3333"), 2)
        is_frozen()
        done = vault.complete(asked.name)
        self.assertEqual((done.state, done.done_fields),
                         (RIGHTS.SUBJECT_REQUEST_STATE_COMPLETED, ["svc.phone"]))
        self.refused("REQUEST_CLOSED", vault.complete, asked.name)

        for who in (MARKETING, OTHER):
            self.assertEqual(self.values(who, record, "phone"), {"phone": "02-333-3333"})
        # What was withheld has not used a token up: it gives the new value, once.
        right = {"name": "見本 太郎", "phone": "02-333-3333"}
        self.assertEqual(self.redeemed(whole), ([right], 0))
        self.refused("TOKEN_EXHAUSTED", self.redeemed, whole, "another")
        self.assertEqual(self.redeemed(again, "another"), ([right], 0))
        self.refused("TOKEN_EXHAUSTED", self.redeemed, both, "another")

    def test_no_use_stands_in_the_log_while_it_is_frozen(self):
        """I10, 001-39: whatever runs while requests come and go, between the entry of one and that
        of its end there is none that gives the field to anybody but those whom it concerns."""
        race = requests_race.Race(
            self.vault, self.vault.take_running_order(name="見本 太郎", phone="02-000-0000"))
        race.run(ROUNDS)

        entries = self.witness.read_log()
        verdict = freeze_judge.judge(entries, OWN)
        print(f"{verdict.freezes} requests, {len(race.given)} disclosures, {len(entries)} entries",
              dict(verdict.uses), flush=True)
        self.assertEqual(verdict.wrong, [])
        self.assertGreaterEqual(verdict.freezes, ROUNDS + ROUNDS // 3)
        for inside, granted, field in ((True, False, "svc.phone"), (True, True, "svc.name"),
                                       (False, True, "svc.phone"), (False, True, "svc.name")):
            self.assertGreater(verdict.uses["RevealRecord", inside, granted, field], ROUNDS)
        withheld, given_out = (verdict.uses["RedeemExportToken", not granted, granted, "svc.phone"]
                               for granted in (False, True))
        self.assertGreaterEqual(withheld, ROUNDS // 2)
        self.assertGreaterEqual(given_out, ROUNDS)
        # Had one of them been answered, it would have been seen.
        index, entry = next((index, entry) for index, entry in sorted(entries.items())
                            if index > race.seen[0][0] and entry.reason == "SUBJECT_RESTRICTED")
        spoiled = copy.deepcopy(entry)
        spoiled.decision, spoiled.items[0].fields[:] = 1, ["svc.phone"]
        self.assertEqual(len(freeze_judge.judge({**entries, index: spoiled}, OWN).wrong), 1)
        # The log is about what they had: an entry for each answer, of all that was in it.
        self.assertEqual(len(race.given), ROUNDS)
        for index, fields in (*race.seen, *race.given):
            item, = entries[index].items
            self.assertEqual((entries[index].decision, set(item.fields)), (1, fields))

    def test_requests_survive_kill_9(self):
        """What was asked, seen and refused is there again, and so is what it froze."""
        vault = self.vault
        record = vault.take_running_order(name="見本 太郎", phone="02-111-1111")
        fields = ["svc.phone", "svc.payment_record", "svc.billing_record"]
        asking = ("shop", record, "own", "erase", *fields)
        name = vault.ask(*asking, request_id="erase").name
        vault.confirm(name, "passport")
        refused, index = vault.refuse(name, *fields[1:], ground="statute_or_legal_duty",
                                      law="KR-NationalTaxBasic", article="art.85-3")
        vault.ask("support", record, "correct", "correct", "svc.phone")
        before = vault.requests(record)
        self.assertEqual(before[0], refused)
        self.assertEqual((refused.state, refused.open_fields, refused.identity.method),
                         (RIGHTS.SUBJECT_REQUEST_STATE_OPEN, ["svc.phone"], "passport"))
        self.witness.read_log()
        # One is under way then; whether it came is known only afterwards.
        under_way = ("shop", record, "own", "access", "svc.name")
        vault.rights("shop").OpenRequest.future(
            vault.asking(*under_way, request_id="access"), timeout=30)
        vault.kill()
        vault.start_again()

        after = vault.requests(record)
        self.assertEqual(after[:2], before)
        self.assertEqual(vault.requests(record, "shop"), after)
        self.assertEqual(vault.ask(*asking, request_id="erase"), refused)
        late = vault.ask(*under_way, request_id="access")
        self.assertEqual(vault.requests(record), [*before, late])
        self.assertIn(after[2:], ([], [late]))
        self.refused("SUBJECT_RESTRICTED", vault.reveal, MARKETING, record, "phone")

        entries = self.witness.read_log()
        entry = entries[index]
        item, = entry.items
        self.assertEqual((entry.method.split("/")[1], entry.decision, list(item.fields)),
                         ("RefuseRequest", 1, fields[1:]))
        self.assertEqual(dict(entry.arguments), {
            "request": name.split("/")[-1], "request.right": "own", "request.kind": "erase",
            "request.ground": "statute_or_legal_duty", "request.law": "KR-NationalTaxBasic",
            "request.article": "art.85-3"})
        self.assertEqual(freeze_judge.judge(entries, OWN).wrong, [])

    def subject(self, *command, who="support"):
        """What `piivault subject` prints, as a program."""
        done = self.vault.cli(who, "--output", "json", "subject", *command, "--for", "R0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def subject_refused(self, reason, *command, code=1):
        done = self.vault.cli("support", "--output", "json", "subject", *command, "--for", "R0")
        self.assertEqual((done.returncode, done.stdout), (code, ""))
        self.assertEqual(json.loads(done.stderr)["reason"], reason)

    def test_a_request_rests_on_the_contract(self):
        """001-45: while the contract lasts, a request may be refused on that, until the person
        says that it is to end; as real programs."""
        person = self.vault.person(self.vault.take_order(name="見本 太郎", phone="02-111-1111"))
        asked = self.subject("request", "open", person, "--right", "own", "--kind",
                             "stop_processing", "--fields", "svc.phone,svc.address", "--role",
                             "customer", "--on-behalf-of", person, who="shop")["request"]
        name, about = asked["name"], ["svc.phone", "svc.address"]
        self.assertEqual((asked["state"], asked["openFields"]), (STATE + "OPEN", about))

        def is_refused():
            listed, = self.subject("request", "list", person)["requests"]
            self.assertEqual((listed["name"], listed["state"], listed["openFields"]),
                             (name, STATE + "REFUSED", []))
            self.assertEqual([(r["ground"], r["fields"], r["lapsed"]) for r in listed["refusals"]],
                             [(CONTRACT, about, False)])
            self.assertEqual(self.subject("request", "list", person, "--open")["requests"], [])
            self.subject_refused("REQUEST_CLOSED", "request", "complete", name)

        refused = self.subject("request", "refuse", name, "--ground", CONTRACT)["request"]
        self.assertEqual(refused["state"], STATE + "REFUSED")
        is_refused()
        ends = self.subject("request", "open", person, "--right", "end", "--kind", "terminate",
                            "--fields", "svc.*", "--role", "customer", "--on-behalf-of", person,
                            who="shop")["request"]
        listed, _ = self.subject("request", "list", person, "--open")["requests"]
        self.assertEqual((listed["state"], listed["openFields"]), (STATE + "OPEN", about))
        self.assertEqual([r["lapsed"] for r in listed["refusals"]], [True])
        self.subject_refused("GROUND_NOT_ADMITTED", "request", "refuse", name, "--ground", CONTRACT)
        # Who thinks better of it has a contract again, on which it has to be refused anew.
        self.subject_refused("OPERATION_NOT_GRANTED", "request", "withdraw", ends["name"], code=5)
        self.subject("request", "withdraw", ends["name"], "--role", "customer", "--on-behalf-of",
                     person, who="shop")
        listed, = self.subject("request", "list", person, "--open")["requests"]
        self.assertEqual(listed["name"], name)
        self.subject_refused("IDENTITY_NOT_CONFIRMED", "request", "complete", name)
        self.subject("request", "confirm", name, "--method", "passport")
        self.subject_refused("REQUEST_NOT_CARRIED_OUT", "request", "complete", name)
        self.subject("stop", person, "--fields", "svc.*")
        done = self.subject("request", "complete", name)["request"]
        self.assertEqual((done["state"], done["doneFields"]), (STATE + "COMPLETED", about))


class JudgeTest(unittest.TestCase):
    """The judge finds a use in what is frozen, wherever it stands."""

    def test_finds_each_use(self):
        audit = STUBS.audit_service_pb2

        def entry(method, role, fields="", decision=1, denied="", who="p", **more):
            service = ("SubjectRights" if method.endswith("Request") else
                       "Sharing" if method.endswith("Token") else "Vault")
            return audit.Entry(
                method=f"piivault.v1.{service}Service/{method}", role=role, decision=decision,
                purpose="S1" if role == "cs" else "R0", arguments=more, items=[audit.EntryItem(
                    subject_ref=who, fields=fields.split(), denied_fields=denied.split())])

        first, second = ({"request.right": "correct", "request": request} for request in ("r", "s"))
        log = dict(enumerate([
            entry("RevealRecord", "cs", "svc.phone"),
            entry("OpenRequest", "customer", "svc.phone", **first),
            entry("RevealRecord", "cs", decision=2, denied="svc.phone"),
            entry("RevealRecord", "cs", "svc.name"),
            entry("RevealRecord", "customer", "svc.phone"),
            entry("RedeemExportToken", "", decision=2, denied="svc.phone"),
            entry("CompleteRequest", "privacy_staff", "svc.phone", decision=4, **first),
            entry("OpenRequest", "privacy_staff", "svc.phone", **second),
            entry("UpdateRecord", "privacy_staff", "svc.phone"),
            entry("CompleteRequest", "privacy_staff", "svc.phone", **first),
            entry("RevealRecord", "cs", "svc.phone", who="q"),
            entry("CompleteRequest", "privacy_staff", "svc.phone", **second),
            entry("OpenRequest", "customer", "svc.phone", **first),  # a retry, too late
            entry("RedeemExportToken", "", "svc.phone")]))
        verdict = freeze_judge.judge(log, OWN)
        self.assertEqual((verdict.wrong, verdict.freezes), ([], 2))
        self.assertEqual(verdict.uses, {
            ("RevealRecord", False, True, "svc.phone"): 2,
            ("RevealRecord", True, False, "svc.phone"): 1,
            ("RevealRecord", True, True, "svc.name"): 1,
            ("RedeemExportToken", True, False, "svc.phone"): 1,
            ("RedeemExportToken", False, True, "svc.phone"): 1})
        for index in range(2, 12):
            for use in (entry("RevealRecord", "cs", "svc.name svc.phone"),
                        entry("RevealRecord", "privacy_staff", "svc.phone"),
                        entry("RedeemExportToken", "", "svc.phone", decision=3),
                        entry("IssueExportToken", "privacy_staff", "svc.phone")):
                if use.role == "privacy_staff" and "Reveal" in use.method:
                    use.purpose = "S1"
                spoiled = {**{i if i < index else i + 1: e for i, e in log.items()}, index: use}
                self.assertEqual(len(freeze_judge.judge(spoiled, OWN).wrong), 1, index)


if __name__ == "__main__":
    unittest.main(verbosity=2)
