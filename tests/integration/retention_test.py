"""How long data is kept, and how it goes, by the real programs: under operator 001's and 004's
policies, and by itself under a small one."""

import datetime
import json
import pathlib
import tempfile
import unittest
import zoneinfo

from google.protobuf import text_format

import harness
import operator_vault
import redemption_judge
import retention_vault
from retention_vault import CS, command, person

STUBS = harness.Stubs()
APPROVE = "piivault.v1.RetentionService/ApproveDestruction"
GRANTED = 1  # ENTRY_DECISION_GRANTED
# Nobody turns tokens back into values, as it ships.
TURNS_TOKENS = ("  - {id: staff-tokens, clause: 001-37, role: privacy_staff, may: [detokenize], "
                "fields: [everything], for: [R0], assumed: true}\n")
VALUES = ("見本 太郎", "02-111-1111", "asked about sizes", "見本 花子", "02-222-2222",
          "goods were broken", "hana@example.kr", "jiro@example.kr", "見本 次郎", "paid 100 won")


class RetentionCase(harness.RefusalCase):
    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-retention-")
        self.addCleanup(folder.cleanup)
        return str(pathlib.Path(folder.name) / "vault")

    def command_refused(self, reason, who, *arguments, code=1):
        done = self.vault.cli(who, "--output", "json", *arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""))
        error = json.loads(done.stderr)
        self.assertEqual(error["reason"], reason)
        return error


class SnsHelperTest(RetentionCase):
    """A consultation, a dispute with somebody who is a member as well, a member, an order: all are
    over but for that membership."""

    def setUp(self):
        self.vault = vault = retention_vault.RetentionVault(STUBS, self.folder(),
                                                            more_grants=TURNS_TOKENS)
        self.addCleanup(vault.kill)
        self.witness = redemption_judge.Witness(vault)
        self.plain = vault.consult("inquiry", VALUES[2], name=VALUES[0], phone=VALUES[1])
        self.dispute = vault.consult("dispute", VALUES[5], name=VALUES[3], phone=VALUES[4])
        self.disputing = vault.create("member", "M1", {"email": VALUES[6]}, person(self.dispute),
                                      channel="web").record.name
        self.member = vault.create("member", "M1", {"email": VALUES[7]}, channel="web").record.name
        ordered = vault.create("svc", "S1", {"name": VALUES[8], "payment_record": VALUES[9]},
                               channel="web")
        self.order, self.token = ordered.record.name, ordered.tokens["name"]
        self.assertEqual(self.look_up(VALUES[7]), self.member)
        self.assertEqual(self.token_value(), VALUES[8])
        for record in (self.plain, self.dispute):
            vault.close_case(record)
        vault.tell(self.member, contract_active=False)
        vault.tell(self.order, events=["purpose_complete"])
        self.due = {
            self.plain: {"consult.name", "consult.phone", "consult.dispute_record"},
            self.dispute: {"consult.name", "consult.phone"}, self.member: {"member.email"},
            self.order: {"svc.name"}}

    def token_value(self):
        """Of the order's name, or the reason."""
        result, = self.vault.records("support").Detokenize(self.vault.messages.DetokenizeRequest(
            parent=self.vault.tenant, tokens=[self.token], usage=self.vault.purpose("R0")),
            timeout=30).results
        return result.failure.reason or result.value.value

    def look_up(self, address):
        """The member's record."""
        return self.vault.records("shop").LookupRecord(self.vault.messages.LookupRecordRequest(
            parent=self.vault.tenant, type="member", field="email", value=address,
            usage=self.vault.purpose("M1")), timeout=30).record.name

    def periods(self, record):
        """Of all that has a value of the record's person, by field."""
        shown, _ = command(self.vault, "support", "retention", "show", person(record), "--for",
                           "R0")
        return {row["field"]: row for row in shown["fields"]}

    def select(self):
        selected, code = command(self.vault, "support", "retention", "select", "--for", "R0")
        self.assertEqual((code, selected["lookedAt"], selected["nextPageToken"]), (0, 5, ""))
        return selected["destruction"]

    @staticmethod
    def approval(selection, sha256=""):
        return ("retention", "approve", selection["name"], "--for", "R0", "--sha256",
                sha256 or selection["sha256"])

    def approve(self, selection):
        approved, code = command(self.vault, "engineer", *self.approval(selection))
        self.assertEqual(code, 0)
        return approved["destruction"]

    def waiting(self):
        """The lists that the officer has to decide."""
        listed, _ = command(self.vault, "engineer", "retention", "list", "--waiting", "--for", "R0")
        return listed["destructions"]

    def fields_by_ref(self, selection):
        """What is due, by what the list calls person and record."""
        return {(item["subjectRef"], item["recordRef"]): self.due[item["record"]]
                for item in selection["items"]}

    def reveal_refused(self, reason, who, record, field, code):
        """As a real program."""
        self.command_refused(reason, who, "record", "reveal", record, "--fields", field, "--for",
                             "R0", code=code)

    def is_gone(self):
        vault = self.vault
        for who, record, field, purpose in (
                ("support", self.plain, "name", "R0"), ("support", self.member, "email", "R0"),
                ("engineer", self.plain, "dispute_record", "H0")):
            self.refused("NOT_FOUND", vault.reveal, who, record, field, purpose=purpose)
        self.refused("NOT_FOUND", self.look_up, VALUES[7])
        self.assertEqual(self.token_value(), "TOKEN_INVALID")
        # Of records that stay these fields have no value any more.
        self.assertEqual(set(self.periods(self.dispute)),
                         {"consult.dispute_record", "member.email"})
        self.assertEqual(set(self.periods(self.order)), {"svc.payment_record"})

    def is_for_the_officer_alone(self):
        vault = self.vault
        self.assertEqual(vault.reveal("engineer", self.dispute, "dispute_record", purpose="H0"),
                         {"dispute_record": VALUES[5]})
        for who in ("engineer", "support"):
            self.reveal_refused("KEPT_BY_LAW", who, self.dispute, "dispute_record", code=5)
        self.refused("PURPOSE_NOT_GRANTED", vault.reveal, "support", self.dispute,
                     "dispute_record", purpose="H0")

    def test_staff_selects_the_officer_approves_and_the_law_keeps_its_own(self):
        """001-27, 001-28, 001-29: what is due is selected by staff and goes when the officer has
        approved; of a dispute the record is kept by law, for the officer alone."""
        self.assertEqual(
            {name: (row["law"], row["keptByLaw"]) for name, row in
             self.periods(self.dispute).items()},
            {"consult.name": ("", False), "consult.phone": ("", False), "member.email": ("", False),
             "consult.dispute_record": ("KR-Ecommerce", True)})
        for who in ("engineer", CS):
            self.command_refused("OPERATION_NOT_GRANTED", who, "retention", "select", "--for", "R0",
                                 code=5)
        selection = self.select()
        self.assertEqual({item["record"]: set(item["fields"]) for item in selection["items"]},
                         self.due)
        self.assertEqual(self.waiting(), [selection])

        self.command_refused("OPERATION_NOT_GRANTED", "support", *self.approval(selection), code=5)
        self.command_refused("PROPOSAL_STALE", "engineer", *self.approval(selection, "0" * 64))
        # None of these has destroyed anything; and nothing of it is used.
        for record, fields in self.due.items():
            self.assertLessEqual(fields, set(self.periods(record)))
            for field in fields:
                self.reveal_refused("RETENTION_OVER", "support", record, field.split(".")[1],
                                    code=1)
        self.approve(selection)
        self.is_gone()
        self.is_for_the_officer_alone()

    def test_a_list_that_is_rejected_leaves_what_stands_on_it(self):
        selection = self.select()
        rejected, code = command(self.vault, "engineer", "retention", "reject", selection["name"],
                                 "--for", "R0")
        self.assertEqual((code, rejected["destruction"]["state"]),
                         (0, "DESTRUCTION_STATE_REJECTED"))
        self.assertEqual(self.waiting(), [])
        self.command_refused("PROPOSAL_STALE", "engineer", *self.approval(selection))
        for record, fields in self.due.items():
            self.assertLessEqual(fields, set(self.periods(record)))
        self.approve(self.select())
        self.is_gone()

    def test_certificate_and_log_name_each_field_and_no_value(self):
        selection = self.select()
        certificate = self.approve(selection)
        # Of the very list, without names of people and records; and it is kept.
        self.assertEqual([certificate[key] for key in ("state", "selector", "decider", "sha256")],
                         ["DESTRUCTION_STATE_DESTROYED", "principals/support",
                          "principals/engineer", selection["sha256"]])
        gone = self.fields_by_ref(selection)
        self.assertEqual({(item["subjectRef"], item["recordRef"]): set(item["fields"])
                          for item in certificate["items"]}, gone)
        self.assertEqual({(item["record"], item["kept"]) for item in certificate["items"]},
                         {("", "")})
        listed, _ = command(self.vault, "support", "retention", "list", "--for", "R0")
        self.assertEqual(listed["destructions"], [certificate])
        self.command_refused("PROPOSAL_STALE", "engineer", *self.approval(selection))

        entries = self.witness.read_log()
        entry, = (entry for entry in entries.values()
                  if (entry.method, entry.decision) == (APPROVE, GRANTED))
        self.assertEqual((entry.principal, entry.resource, dict(entry.arguments)),
                         ("principals/engineer", selection["name"],
                          {"sha256": selection["sha256"]}))
        self.assertEqual({(item.subject_ref, item.record_ref): set(item.fields)
                          for item in entry.items},
                         gone)
        said = "\n".join(text_format.MessageToString(entry, as_utf8=True)
                         for entry in entries.values())
        said += json.dumps([certificate, selection], ensure_ascii=False)
        self.assertIn("principals/engineer", said)
        self.assertEqual([value for value in VALUES if value in said], [])

    def test_what_the_law_keeps_survives_kill_9_and_an_erasure(self):
        """001-21, 001-25: deleting the person is refused; asked to keep what the law keeps, all
        else goes."""
        vault = self.vault
        self.approve(self.select())
        self.witness.read_log()  # of which nothing may change
        vault.kill()
        vault.start_again()
        self.is_gone()
        held_until = self.periods(self.dispute)["consult.dispute_record"]["heldUntil"]

        delete = ("subject", "delete", person(self.dispute), "--for", "R0")
        error = self.command_refused("RETENTION_HOLD", "engineer", *delete)
        self.assertEqual(error["metadata"]["fields"], "consult.dispute_record")
        self.assertEqual(vault.reveal("support", self.disputing, "email"), {"email": VALUES[6]})
        erased, code = command(vault, "engineer", *delete, "--keep-held")
        held, = erased["held"]
        self.assertEqual((code, held["record"], held["fields"], held["law"], held["until"]),
                         (3, self.dispute, ["dispute_record"], "KR-Ecommerce", held_until))
        self.refused("NOT_FOUND", vault.reveal, "support", self.disputing, "email")
        self.is_for_the_officer_alone()
        self.witness.read_log()


class PriusproTest(RetentionCase):
    def test_payments_are_kept_for_seven_years_from_the_cancellation(self):
        """004-46: by the tax law, to the end of the seventh year's day, whoever asks."""
        self.vault = vault = retention_vault.PriusproVault(STUBS, self.folder())
        self.addCleanup(vault.kill)
        customer = vault.create("pi", "A", {"name": "見本 花子"})
        payment = vault.create("pay", "E", {"record": "paid 100"}, person(customer))
        show = ("retention", "show", person(customer), "--for", "R0")

        shown, _ = command(vault, "support", *show)
        row, = shown["fields"]
        self.assertEqual((row["record"], row["field"], row["law"], row.get("heldUntil")),
                         (payment, "pay.record", "JP-tax", None))
        self.assertRegex(vault.cli("support", *show).stdout, "pay.record +JP-tax +not begun ")

        ended, _ = command(vault, "support", "subject", "update", person(customer),
                           "--contract-active", "false", "--for", "D", "--ticket", "T-1")
        tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
        day = datetime.datetime.fromisoformat(ended["contractEndTime"]).astimezone(tokyo).date()
        last = (day.replace(year=day.year + 7) if (day.month, day.day) != (2, 29) else
                datetime.date(day.year + 7, 2, 28))
        over = datetime.datetime.combine(last + datetime.timedelta(days=1), datetime.time(),
                                         tokyo).astimezone(datetime.timezone.utc)
        until = over.strftime("%Y-%m-%dT%H:%M:%SZ")
        shown, _ = command(vault, "support", *show)
        row, = shown["fields"]
        self.assertEqual((row["field"], row["law"], row["heldUntil"], row["keptByLaw"]),
                         ("pay.record", "JP-tax", until, False))
        self.assertRegex(vault.cli("support", *show).stdout, f"pay.record +JP-tax +{until} ")

        delete = ("subject", "delete", person(customer), "--for", "R0")
        self.command_refused("RETENTION_HOLD", "support", *delete)
        done = vault.cli("support", *delete, "--keep-held")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stdout, f"{payment} +record +JP-tax +{until}\n")
        self.refused("NOT_FOUND", vault.records("support").RevealRecord,
                     vault.messages.RevealRecordRequest(
                         name=customer, fields=["name"], usage=vault.purpose("R0")), timeout=30)
        shown, _ = command(vault, "support", *show)
        row, = shown["fields"]
        self.assertEqual((row["field"], row["heldUntil"], row["keptByLaw"]),
                         ("pay.record", until, True))


class BySelfTest(RetentionCase):
    PEOPLE = 150

    def found(self, phone):
        """Records that a search finds."""
        messages = STUBS.vault_service_pb2
        return [record.name for record in self.vault.records("support").SearchRecords(
            messages.SearchRecordsRequest(
                parent=self.vault.tenant, type="customer", field="phone", value=phone,
                usage=self.vault.ticket("support")), timeout=30).records]

    def create(self, fields):
        """The answer: the record with its tokens."""
        messages = STUBS.vault_service_pb2
        return self.vault.records().CreateRecord(messages.CreateRecordRequest(
            parent=self.vault.tenant, usage=self.vault.usage(),
            record=messages.NewRecord(type="customer", fields=fields)), timeout=30)

    def turned_back(self, token):
        """The value, or the reason."""
        messages = STUBS.vault_service_pb2
        result, = self.vault.records().Detokenize(messages.DetokenizeRequest(
            parent=self.vault.tenant, tokens=[token], usage=self.vault.usage()),
            timeout=30).results
        return result.failure.reason or result.value.value

    def stored(self):
        """Fields of each record."""
        messages = STUBS.vault_service_pb2
        listed = self.vault.records("shop").ListRecords(messages.ListRecordsRequest(
            parent=self.vault.tenant, type="customer", page_size=1000),
            timeout=30)
        return {frozenset(record.fields) for record in listed.records}

    def test_what_asks_for_nobody_goes_by_itself_and_the_rest_waits(self):
        self.vault = vault = retention_vault.StarterVault(STUBS, self.folder())
        self.addCleanup(vault.kill)
        witness = redemption_judge.Witness(vault)
        vault.fill(self.PEOPLE - 1)
        values = [vault.fields(number) for number in range(self.PEOPLE)]
        phone = values[-1]["phone"]
        created = self.create(values[-1])
        token = created.tokens["phone"]
        self.assertEqual(self.found(phone), [created.record.name])
        self.assertEqual(self.turned_back(token), phone)
        counted = {"destroyed_total": 0.0, "waiting": 0.0}
        self.assertEqual(retention_vault.wait_for_metrics(vault, **counted), counted)

        vault.activate([
            "{id: phones, fields: [customer.phone], trigger: record_made, keep: 0, then: destroy, "
            "approval: none}",
            "{id: addresses, fields: [customer.address], trigger: record_made, keep: 0, "
            "then: destroy, approval: engineer}"])
        # It goes over the records at the start, and each hour.
        vault.kill()
        vault.start_again()
        counted = {"destroyed_total": float(self.PEOPLE), "waiting": float(self.PEOPLE)}
        self.assertEqual(retention_vault.wait_for_metrics(vault, **counted), counted)
        self.assertEqual(self.stored(), {frozenset(("name", "address"))})
        self.assertEqual(self.found(phone), [])
        self.assertEqual(self.turned_back(token), "TOKEN_INVALID")

        # The log names each field that went, and no value.
        entries = witness.read_log()
        gone = [(item.record_ref, list(item.fields)) for entry in entries.values()
                if entry.method == "piivaultd/DestroyExpired" for item in entry.items]
        self.assertEqual(len(gone), self.PEOPLE)
        self.assertEqual({tuple(fields) for _, fields in gone}, {("customer.phone",)})
        self.assertEqual(len({ref for ref, _ in gone}), self.PEOPLE)
        said = "\n".join(text_format.MessageToString(entry, as_utf8=True)
                         for entry in entries.values())
        self.assertEqual([v for row in values for v in row.values() if v in said], [])

        # What waits is selected, page by page, and goes when it is approved.
        use = ("--for", "technical_work", "--ticket", "T-1")
        done = vault.cli("support", "--output", "json", "retention", "select", "--all", "--for",
                         "support", "--ticket", "T-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        pages = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([len(page["destruction"]["items"]) for page in pages], [100, 50])
        for page in pages:
            selection = page["destruction"]
            done = vault.cli("engineer", "retention", "approve", selection["name"], "--sha256",
                             selection["sha256"], *use)
            self.assertEqual(done.returncode, 0, done.stderr)
            count = len(selection["items"])
            self.assertIn(f": {count} of {count} records destroyed\n", done.stdout)
        self.assertEqual(self.stored(), {frozenset(("name",))})
        vault.kill()
        vault.start_again()
        counted = {"destroyed_total": 0.0, "waiting": 0.0}
        self.assertEqual(retention_vault.wait_for_metrics(vault, **counted), counted)


if __name__ == "__main__":
    unittest.main(verbosity=2)
