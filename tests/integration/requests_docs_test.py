"""The example of people's requests in ops/docs/policy.md, typed as it stands there."""

import json
import shlex
import tempfile
import unittest

import harness
import operator_vault

STUBS = harness.Stubs()
TEXT = (harness.ROOT / "ops/docs/policy.md").read_text().split("## Rights", 1)[1]
# What the example leaves out: what there is to ask about, and how it comes in.
REST = """policy: example
timezone: Asia/Tokyo
types: {customer: {fields: {name: person_name, phone: phone_number, invoice: free_text}}}
purposes: {rights: {label: {en: Rights}}}
"""
INTAKE = """  intake: {kind: service}
grants:
  - {id: intake, role: intake, may: [create], fields: [customer.*], for: [rights]}
"""


class ExampleVault(operator_vault.OperatorVault):
    def set_up(self, more_grants):
        del more_grants
        admin = self.admin_stub("admin-1")
        admin.CreateTenant(self.admin.CreateTenantRequest(
            tenant=self.admin.Tenant(name=self.tenant)), timeout=30)
        example = TEXT.split("```yaml\n", 1)[1].split("```", 1)[0]
        policy = admin.CreatePolicy(self.admin.CreatePolicyRequest(
            yaml=REST + example.replace("grants:\n", INTAKE, 1)), timeout=60).policy
        self.agree(activate_policy=self.admin.Proposal.ActivatePolicy(
            tenant=self.tenant, policy_sha256=policy.name.split("/")[1]))
        for who, role in (("shop", "intake"), ("engineer", "desk")):
            self.give_role(who, role)


class RequestsDocsTest(unittest.TestCase):
    def test_the_example_does_what_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            vault = ExampleVault(STUBS, f"{folder}/vault")
            try:
                self.type_it(vault)
            finally:
                vault.kill()

    def type_it(self, vault):
        messages = vault.stubs.vault_service_pb2
        record = vault.records("shop").CreateRecord(messages.CreateRecordRequest(
            parent=vault.tenant, usage=vault.purpose("rights"), record=messages.NewRecord(
                type="customer", provenance=vault.provenance(),
                fields={"name": "見本 太郎", "phone": "090-1234-5678", "invoice": "1"})),
            timeout=30).record.name
        subject, answers = record.split("/")[3], []
        for line in TEXT.split("```\npiivault", 1)[1].split("```", 1)[0].strip().splitlines():
            words = shlex.split(line.removeprefix("piivault "))
            request = answers[0]["request"]["name"].split("/")[-1] if answers else ""
            words = [{"SUBJECT": subject, "RECORD": record,
                      "SUBJECT/requests/ID": f"{subject}/requests/{request}"}.get(word, word)
                     for word in words]
            done = vault.cli("engineer", "--output", "json", *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), line)
            answers.append(json.loads(done.stdout))
        self.assertEqual(len(answers), 5)
        closed = answers[-1]["request"]
        self.assertEqual((closed["state"].removeprefix("SUBJECT_REQUEST_STATE_"),
                          closed["doneFields"], closed["refusals"][0]["fields"]),
                         ("PARTLY_REFUSED", ["customer.name", "customer.phone"],
                          ["customer.invoice"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
