"""Reader lists through the command line into a fresh vault under the Combzmail policy: a token for
every value, every value back exactly as given, every reader found under every spelling and nobody
else with it.

What is alike is told by Python's Unicode tables, not by ours. PIIVAULT_READERS names other lists than
the samples of 500 (paths with `:` between them; CSV with a header, UTF-8 or CP932); with a list of
20,000 it takes some minutes:

  PIIVAULT=.../piivault PIIVAULTD=.../piivaultd PIIVAULT_READERS=/tmp/readers.csv python3 import_test.py
"""

import collections
import concurrent.futures
import csv
import datetime
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

import harness
import spellings

CLI = os.environ.get("PIIVAULT", str(harness.ROOT / "build" / "release" / "ops" / "cli" / "piivault"))
SAMPLES = [harness.ROOT / "ops" / "samples" / name for name in ("readers.csv", "readers.cp932.csv")]
LISTS = [pathlib.Path(path) for path in os.environ.get("PIIVAULT_READERS", "").split(":") if path] or SAMPLES
# Columns that are no fields: the import makes the caller's key and the provenance of them.
NO_FIELDS = ("ref", "registered_at", "intake_channel")
BATCH = 1000
THREADS = 16  # they wait; whoever waits together is written together. More might be shed
TOKEN = re.compile(r"tok_[a-z2-7]{26}\Z")

STUBS = harness.Stubs()


class ReaderList:
    """A list as Python reads it."""

    def __init__(self, path):
        self.path = path
        data = path.read_bytes()
        try:
            text, self.encoding = data.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, self.encoding = data.decode("cp932"), "cp932"
        self.rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.columns = list(self.rows[0])
        self.fields = [column for column in self.columns if column not in NO_FIELDS]
        # What has to come back: an empty cell is no value.
        self.values = [{field: row[field] for field in self.fields if row[field]} for row in self.rows]


def batches(items):
    return [items[first:first + BATCH] for first in range(0, len(items), BATCH)]


class ImportTest(unittest.TestCase):
    def setUp(self):
        self.messages = STUBS.vault_service_pb2
        self.own_list = STUBS.types_pb2.Usage(purpose="own_list")
        self.self_service = STUBS.types_pb2.Usage(purpose="self_service")

    def start(self):
        """A vault under the policy: `shop` takes in and answers at log-in, `tenant` owns the list."""
        self.vault = harness.DevVault()
        self.addCleanup(self.vault.close)
        admin = STUBS.admin_service_pb2
        policies = harness.ROOT / "ops" / "policies"
        made = self.admin("admin-1").CreatePolicy(admin.CreatePolicyRequest(
            yaml=(policies / "combzmail.yaml").read_text(),
            values_yaml=(policies / "combzmail.values.yaml").read_text()), timeout=20)
        self.agree(activate_policy=admin.Proposal.ActivatePolicy(
            tenant=self.vault.tenant, policy_sha256=made.policy.name.removeprefix("policies/")))
        for principal, role in (("shop", "intake"), ("tenant", "publisher")):
            self.agree(grant_role=admin.Proposal.GrantRole(
                principal=f"principals/{principal}",
                binding=admin.RoleBinding(role=role, tenant=self.vault.tenant)))
        self.shop = STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel("shop"))
        self.tenant = STUBS.vault_service_pb2_grpc.VaultServiceStub(self.vault.channel("tenant"))

    def admin(self, who):
        return STUBS.admin_service_pb2_grpc.AdminServiceStub(self.vault.channel(who))

    def agree(self, **act):
        admin = STUBS.admin_service_pb2
        proposal = self.admin("admin-1").CreateProposal(admin.CreateProposalRequest(
            proposal=admin.Proposal(**act)), timeout=20).proposal
        self.admin("admin-2").ApproveProposal(admin.ApproveProposalRequest(
            name=proposal.name, sha256=proposal.sha256), timeout=20)

    def run_import(self, readers):
        """Imports the list; sets self.names and self.tokens, a line for each row."""
        with tempfile.TemporaryDirectory(prefix="piivault-import-") as folder:
            credential = self.vault.description["credentials"]["shop"]
            command = [CLI, "--config", f"{folder}/contexts.yaml"]
            subprocess.run([*command, "context", "set", "shop", "--address",
                            self.vault.description["address"], "--ca", self.vault.description["ca"],
                            "--cert", credential["certificate"], "--key", credential["key"]], check=True)
            out = pathlib.Path(folder) / "tokens.csv"
            columns = ["--ref-column", "ref"] if "ref" in readers.columns else []
            start = time.monotonic()
            result = subprocess.run(
                [*command, "--context", "shop", "import", str(readers.path), "--type", "reader", *columns,
                 "--collected-at-column", "registered_at", "--ignore", "intake_channel", "--channel",
                 "import", "--front-hop", "tls", "--for", "self_service", "--out", str(out)],
                capture_output=True, text=True, check=False)
            self.note(f"imported in {time.monotonic() - start:.1f} s: {result.stdout.strip()}")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertIn(f"{len(readers.rows)} rows stored, 0 refused ({readers.encoding}", result.stdout)
            with out.open(newline="") as file:
                header, *lines = csv.reader(file)
        order = sorted(readers.fields)
        self.assertEqual(header, ["row", "ref", "name", "flagged", *(f"{field}_token" for field in order)])
        lines.sort(key=lambda line: int(line[0]))  # batches end in any order
        self.assertEqual([int(line[0]) for line in lines], list(range(1, len(readers.rows) + 1)))
        self.assertEqual([line[1] for line in lines], [row.get("ref", "") for row in readers.rows])
        self.names = [line[2] for line in lines]
        self.tokens = [{field: token for field, token in zip(order, line[4:]) if token} for line in lines]

    def note(self, text):
        print(f"  {text}", file=sys.stderr, flush=True)

    def check_tokens(self, readers):
        self.assertEqual(len(set(self.names)), len(readers.rows))
        for tokens, values in zip(self.tokens, readers.values):
            self.assertEqual(set(tokens), set(values))
        every = [token for tokens in self.tokens for token in tokens.values()]
        self.assertTrue(all(map(TOKEN.match, every)))
        self.assertEqual(len(set(every)), len(every))

    def same(self, record, values):
        self.assertEqual({field: value.value.encode() for field, value in record.fields.items()},
                         {field: value.encode() for field, value in values.items()})

    def check_values(self, readers):
        """All values of all rows, by each way in which many come out."""
        expected = dict(zip(self.names, readers.values))
        parent, usage = self.vault.tenant, self.own_list
        count = 0
        for names in batches(self.names):
            answer = self.tenant.BatchRevealRecords(self.messages.BatchRevealRecordsRequest(
                parent=parent, names=names, fields=readers.fields, usage=usage), timeout=30)
            self.assertEqual([result.name for result in answer.results], names)
            for result in answer.results:
                self.assertEqual(result.failure.reason, "")
                self.same(result.record, expected[result.name])
                count += len(result.record.fields)
        streams = {
            "StreamRevealRecords": self.tenant.StreamRevealRecords(
                self.messages.StreamRevealRecordsRequest(
                    parent=parent, fields=readers.fields, usage=usage,
                    tokens=self.messages.StreamRevealRecordsRequest.Tokens(
                        tokens=[tokens["email"] for tokens in self.tokens])), timeout=300),
            "DownloadRecords": self.tenant.DownloadRecords(self.messages.DownloadRecordsRequest(
                parent=parent, type="reader", usage=usage), timeout=300),
        }
        for method, stream in streams.items():
            seen = collections.Counter()
            for message in stream:
                for record in message.records:
                    self.same(record, expected[record.name])
                    seen[record.name] += 1
            self.assertEqual(seen, collections.Counter(self.names), method)
        for field in ("email", "name", "phone"):
            pairs = [(tokens[field], values[field], f"reader.{field}")
                     for tokens, values in zip(self.tokens, readers.values) if field in values]
            for some in batches(pairs):
                answer = self.shop.Detokenize(self.messages.DetokenizeRequest(
                    parent=parent, tokens=[token for token, _, _ in some], usage=self.self_service),
                    timeout=30)
                self.assertEqual([(result.token, result.value.value, result.field)
                                  for result in answer.results], some)
        self.note(f"{count} values back as given, from {len(self.names)} records in each of three ways, "
                  "and behind their tokens")

    def check_provenance(self, readers):
        expected, page, seen = dict(zip(self.names, readers.rows)), "", 0
        dotted = dict(zip(self.names, map(spellings.is_no_dot_atom, (row["email"] for row in readers.rows))))
        while True:
            listed = self.tenant.ListRecords(self.messages.ListRecordsRequest(
                parent=self.vault.tenant, type="reader", page_size=BATCH, page_token=page), timeout=30)
            for record in listed.records:
                collected = record.provenance.collected_at.ToDatetime(datetime.timezone.utc)
                self.assertEqual(collected,
                                 datetime.datetime.fromisoformat(
                                     expected[record.name]["registered_at"].replace("Z", "+00:00")))
                self.assertEqual(record.provenance.channel, "import")
                if dotted[record.name]:
                    self.assertIn("email", record.flagged_fields)
                seen += 1
            page = listed.next_page_token
            if not page:
                break
        self.assertEqual(seen, len(self.names))

    def find(self, field, spelling):
        """Names of the records that a spelling leads to."""
        found, page = [], ""
        while True:
            answer = self.tenant.SearchRecords(self.messages.SearchRecordsRequest(
                parent=self.vault.tenant, type="reader", field=field, value=spelling, usage=self.own_list,
                page_size=BATCH, page_token=page), timeout=30)
            found += [record.name for record in answer.records]
            page = answer.next_page_token
            if not page:
                return sorted(found)

    def look_up(self, spelling):
        """The one record with that address as log-in asks for it; None where there is none."""
        try:
            answer = self.shop.LookupRecord(self.messages.LookupRecordRequest(
                parent=self.vault.tenant, type="reader", field="email", value=spelling, fields=["email"],
                usage=self.self_service), timeout=30)
        except grpc.RpcError as error:
            self.assertEqual(harness.error_of(error)[:2], (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"))
            return None
        return answer.record.name, answer.record.fields["email"].value

    def check_spellings(self, readers, field):
        """Each row's value in each spelling leads to all rows alike and to no other."""
        alike = collections.defaultdict(list)
        for name, values in zip(self.names, readers.values):
            if field in values:
                alike[spellings.normal(field, values[field])].append(name)
        given = {name: values["email"] for name, values in zip(self.names, readers.values)}
        asked = {}
        for values in readers.values:
            if field not in values:
                continue
            for spelling in spellings.of(field, values[field]):
                asked[spelling] = sorted(alike[spellings.normal(field, spelling)])
        if field == "email":
            self.assertEqual({len(names) for names in alike.values()}, {1}, "the list has one address twice")
            asked = {spelling: (names[0], given[names[0]]) for spelling, names in asked.items()}
            for values in readers.values[::max(1, len(readers.values) // BATCH)]:
                stranger = "z" + values[field]
                if spellings.normal(field, stranger) not in alike:
                    asked[stranger] = None
        ask = self.look_up if field == "email" else lambda spelling: self.find(field, spelling)
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            wrong = [number for number, (answer, (_, wanted)) in
                     enumerate(zip(pool.map(ask, asked), asked.items())) if answer != wanted]
        self.note(f"{field}: {len(asked)} spellings of {sum(map(len, alike.values()))} values, "
                  f"{len(alike)} of them different, {len(wrong)} wrong, in {time.monotonic() - start:.0f} s")
        keys = list(asked)
        self.assertEqual([(keys[number], asked[keys[number]]) for number in wrong[:10]], [])

    def check_unique(self, readers):
        """An address cannot be taken again in another spelling."""
        for some in batches([spellings.of("email", values["email"])[-1] for values in readers.values]):
            answer = self.shop.BatchCreateRecords(self.messages.BatchCreateRecordsRequest(
                parent=self.vault.tenant, usage=self.self_service,
                records=[self.messages.NewRecord(
                    type="reader", fields={"email": address},
                    provenance=STUBS.types_pb2.Provenance(
                        channel="form", front_hop=STUBS.types_pb2.FRONT_HOP_TLS)) for address in some]),
                timeout=30)
            self.assertEqual({result.failure.reason for result in answer.results}, {"ALREADY_EXISTS"})

    def test_lists(self):
        for path in LISTS:
            with self.subTest(path.name):
                readers = ReaderList(path)
                self.note(f"{path.name}: {len(readers.rows)} rows, {readers.encoding}")
                self.start()
                self.run_import(readers)
                self.check_tokens(readers)
                self.check_values(readers)
                self.check_provenance(readers)
                for field in ("email", "name", "phone"):
                    self.check_spellings(readers, field)
                self.check_unique(readers)


if __name__ == "__main__":
    unittest.main(verbosity=2)
