"""How long data is kept, and how it goes, by the real programs: under operator 001's and 004's
policies, and by itself under a small one."""

import datetime
import json
import pathlib
import tempfile
import unittest
import zoneinfo

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
    def setUp(self):
        self.vault = retention_vault.RetentionVault(STUBS, self.folder(), more_grants=TURNS_TOKENS)
        self.addCleanup(self.vault.kill)
        self.witness = redemption_judge.Witness(self.vault)

    def token_value(self, token):
        messages = self.vault.messages
        result, = self.vault.records("support").Detokenize(messages.DetokenizeRequest(
            parent=self.vault.tenant, tokens=[token], usage=self.vault.purpose("R0")),
            timeout=30).results
        return result.failure.reason or result.value.value

    def look_up(self, address):
        messages = self.vault.messages
        return self.vault.records("shop").LookupRecord(messages.LookupRecordRequest(
            parent=self.vault.tenant, type="member", field="email", value=address,
            usage=self.vault.purpose("M1")), timeout=30).record.name

    def periods(self, record):
        """Of all that has a value of the record's person, by field."""
        shown, _ = command(self.vault, "support", "retention", "show", person(record), "--for",
                           "R0")
        return {row["field"]: row for row in shown["fields"]}

    def kept(self, record):
        return set(self.periods(record))

    def take_everybody(self):
        """A consultation, a dispute with somebody who is a member as well, a member, an order: all
        are over but for that membership."""
        vault = self.vault
        plain = vault.consult("inquiry", VALUES[2], name=VALUES[0], phone=VALUES[1])
        dispute = vault.consult("dispute", VALUES[5], name=VALUES[3], phone=VALUES[4])
        disputing = vault.create("member", "M1", {"email": VALUES[6]}, person(dispute),
                                 channel="web").record.name
        member = vault.create("member", "M1", {"email": VALUES[7]}, channel="web").record.name
        order = vault.create("svc", "S1", {"name": VALUES[8], "payment_record": VALUES[9]},
                             channel="web")
        for record in (plain, dispute):
            vault.close_case(record)
        vault.tell(member, contract_active=False)
        return plain, dispute, disputing, member, order

    def test_staff_selects_the_officer_approves_and_the_law_keeps_its_own(self):
        """001-27, 001-28, 001-29: what is due is selected by staff and goes when the officer has
        approved; of a dispute the record is kept by law, for the officer alone."""
        vault = self.vault
        plain, dispute, disputing, member, order = self.take_everybody()
        token = order.tokens["name"]
        self.assertEqual(self.token_value(token), VALUES[8])
        order = order.record.name
        vault.tell(order, events=["purpose_complete"])

        of = self.periods(dispute)
        self.assertEqual({name: (row["law"], row["keptByLaw"]) for name, row in of.items()}, {
            "consult.name": ("", False), "consult.phone": ("", False), "member.email": ("", False),
            "consult.dispute_record": ("KR-Ecommerce", True)})

        due = {plain: {"consult.name", "consult.phone", "consult.dispute_record"},
               dispute: {"consult.name", "consult.phone"}, member: {"member.email"},
               order: {"svc.name"}}
        for who in ("engineer", CS):
            self.command_refused("OPERATION_NOT_GRANTED", who, "retention", "select", "--for", "R0",
                                 code=5)
        selected, code = command(vault, "support", "retention", "select", "--for", "R0")
        selection = selected["destruction"]
        self.assertEqual((code, selected["lookedAt"], selected["nextPageToken"]), (0, 5, ""))
        self.assertEqual({item["record"]: set(item["fields"]) for item in selection["items"]}, due)
        refs = {item["record"]: (item["subjectRef"], item["recordRef"])
                for item in selection["items"]}
        waiting, _ = command(vault, "engineer", "retention", "list", "--waiting", "--for", "R0")
        self.assertEqual(waiting["destructions"], [selection])

        approve = ("retention", "approve", selection["name"], "--for", "R0", "--sha256")
        self.command_refused("OPERATION_NOT_GRANTED", "support", *approve, selection["sha256"],
                             code=5)
        self.command_refused("PROPOSAL_STALE", "engineer", *approve, "0" * 64)
        # Not one of these has destroyed anything.
        for record, fields in due.items():
            for field in fields - {"member.email"}:
                self.refused("RETENTION_OVER", vault.reveal, "support", record,
                             field.split(".")[1])
        approved, code = command(vault, "engineer", *approve, selection["sha256"])
        self.assertEqual(code, 0)

        # The certificate: of the very list, without names of people and records, and it is kept.
        certificate = approved["destruction"]
        self.assertEqual(certificate["state"], "DESTRUCTION_STATE_DESTROYED")
        self.assertEqual([certificate[key] for key in ("selector", "decider", "sha256")],
                         ["principals/support", "principals/engineer", selection["sha256"]])
        self.assertEqual({(item["subjectRef"], item["recordRef"]): set(item["fields"])
                          for item in certificate["items"]},
                         {refs[record]: fields for record, fields in due.items()})
        self.assertEqual({(item["record"], item["kept"]) for item in certificate["items"]},
                         {("", "")})
        listed, _ = command(vault, "support", "retention", "list", "--for", "R0")
        self.assertEqual(listed["destructions"], [certificate])
        self.command_refused("PROPOSAL_STALE", "engineer", *approve, selection["sha256"])

        def is_gone():
            self.refused("NOT_FOUND", vault.reveal, "support", plain, "name")
            self.refused("NOT_FOUND", vault.reveal, "engineer", plain, "dispute_record",
                         purpose="H0")
            self.refused("NOT_FOUND", vault.reveal, "support", member, "email")
            self.refused("NOT_FOUND", self.look_up, VALUES[7])
            self.assertEqual(self.token_value(token), "TOKEN_INVALID")
            # Of records that stay these fields have no value any more.
            self.assertEqual(self.kept(dispute), {"consult.dispute_record", "member.email"})
            self.assertEqual(self.kept(order), {"svc.payment_record"})
            # What the law keeps is the officer's to see, for that purpose.
            self.assertEqual(vault.reveal("engineer", dispute, "dispute_record", purpose="H0"),
                             {"dispute_record": VALUES[5]})
            for who in ("engineer", "support"):
                self.refused("KEPT_BY_LAW", vault.reveal, who, dispute, "dispute_record")
            self.refused("PURPOSE_NOT_GRANTED", vault.reveal, "support", dispute, "dispute_record",
                         purpose="H0")

        is_gone()
        self.witness.read_log()  # of which nothing may change
        vault.kill()
        vault.start_again()
        is_gone()

        # Erasing the person is refused; with --keep-held all but that goes.
        self.assertEqual(vault.reveal("support", disputing, "email"), {"email": VALUES[6]})
        delete = ("subject", "delete", person(dispute), "--for", "R0")
        error = self.command_refused("RETENTION_HOLD", "engineer", *delete)
        self.assertEqual(error["metadata"]["fields"], "consult.dispute_record")
        self.assertEqual(vault.reveal("support", disputing, "email"), {"email": VALUES[6]})
        erased, code = command(vault, "engineer", *delete, "--keep-held")
        held, = erased["held"]
        self.assertEqual((code, held["record"], held["fields"], held["law"], held["until"]),
                         (3, dispute, ["dispute_record"], "KR-Ecommerce",
                          of["consult.dispute_record"]["heldUntil"]))
        self.refused("NOT_FOUND", vault.reveal, "support", disputing, "email")
        self.assertEqual(vault.reveal("engineer", dispute, "dispute_record", purpose="H0"),
                         {"dispute_record": VALUES[5]})

        # The log has no gap, has not changed, names each field that went, and no value.
        entries = self.witness.read_log()
        entry, = (entry for entry in entries.values()
                  if (entry.method, entry.decision) == (APPROVE, GRANTED))
        self.assertEqual((entry.principal, entry.resource, dict(entry.arguments)),
                         ("principals/engineer", selection["name"],
                          {"sha256": selection["sha256"]}))
        self.assertEqual({(item.subject_ref, item.record_ref): set(item.fields)
                          for item in entry.items},
                         {tuple(map(retention_vault.in_the_log, refs[record])): fields
                          for record, fields in due.items()})
        said = "\n".join(str(entry) for entry in entries.values()) + json.dumps(
            [certificate, selection], ensure_ascii=False)
        self.assertEqual([value for value in VALUES if value in said], [])


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
        said = "\n".join(map(str, entries.values()))
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
