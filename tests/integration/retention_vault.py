"""Vaults in which data is due: operator 001's, with consultations and members, and small ones under
policies of their own."""

import json
import time
import urllib.request

import operator_vault
import sharing

CS = "engineer-no-nda"  # credential under another role
RETENTION_METRICS = "piivault_retention_fields_"


def metrics(vault):
    """Those without labels."""
    with urllib.request.urlopen(f"http://{vault.metrics}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines
            if not line.startswith("#") and "{" not in line}


def wait_for_metrics(vault, **wanted):
    """Until those of retention are as wanted, or for a minute; what they are then."""
    end = time.monotonic() + 60
    while True:
        all_of_them = metrics(vault)
        found = {name: all_of_them[RETENTION_METRICS + name] for name in wanted}
        if found == wanted or time.monotonic() > end:
            return found
        time.sleep(0.05)


def person(record):
    return "/".join(record.split("/")[:4])


class RetentionVault(operator_vault.OperatorVault):
    """`shop` is the reception too, CS deals with customers, and each case is its person's C-1."""

    def set_up(self, more_grants):
        super().set_up(more_grants)
        self.messages, self.matters = self.stubs.vault_service_pb2, self.stubs.subject_service_pb2
        self.give_role("shop", "shop")
        self.give_role("shop", "customer")
        self.attest(CS)
        self.give_role(CS, "marketing_cs")

    def subjects(self, who):
        return self.stubs.subject_service_pb2_grpc.SubjectServiceStub(self.channel(who))

    def create(self, type_, purpose, fields, subject="", channel="phone"):
        """The answer: the record with its tokens."""
        types = self.stubs.types_pb2
        return self.records("shop").CreateRecord(self.messages.CreateRecordRequest(
            parent=self.tenant, usage=self.purpose(purpose), record=self.messages.NewRecord(
                type=type_, subject=subject, fields=fields, provenance=types.Provenance(
                    channel=channel, front_hop=types.FRONT_HOP_TLS))), timeout=30)

    def consult(self, type_, said, **fields):
        """The record of a consultation, and of what was said of it; its case is open."""
        record = self.create("consult", "intake", fields).record.name
        self.subjects("shop").OpenMatter(self.matters.OpenMatterRequest(
            parent=person(record), usage=self.purpose("intake"), matter=self.matters.Matter(
                kind="consultation", id="C-1", type=type_, records=[record])), timeout=30)
        self.records(CS).UpdateRecord(self.messages.UpdateRecordRequest(
            name=record, fields={"dispute_record": said}, provenance=self.provenance(),
            usage=self.purpose("K3", arguments={"consultation": "C-1"})), timeout=30)
        return record

    def close_case(self, record):
        self.subjects("shop").UpdateMatter(self.matters.UpdateMatterRequest(
            parent=person(record), kind="consultation", id="C-1", state="closed",
            usage=self.purpose("intake")), timeout=30)

    def tell(self, record, **what):
        self.subjects("support").UpdateSubject(self.matters.UpdateSubjectRequest(
            subject=person(record), usage=self.purpose("R0"), **what), timeout=30)

    def reveal(self, who, record, *fields, purpose="R0", **more):
        answer = self.records(who).RevealRecord(self.messages.RevealRecordRequest(
            name=record, fields=fields, usage=self.purpose(purpose, **more)), timeout=30)
        return {name: v.value for name, v in answer.record.fields.items()}


class PriusproVault(operator_vault.OperatorVault):
    """Operator 004's, where erasure is offered: `support` is the desk, `engineer` the sales office."""

    def set_up(self, more_grants):
        self.messages = self.stubs.vault_service_pb2
        self.description["tenant"] = "tenants/priuspro"
        admin = self.admin_stub("admin-1")
        admin.CreateTenant(self.admin.CreateTenantRequest(
            tenant=self.admin.Tenant(name=self.tenant)), timeout=30)
        text, values = ((operator_vault.POLICY / name).read_text()
                        for name in ("priuspro.yaml", "priuspro.values.yaml"))
        policy = admin.CreatePolicy(self.admin.CreatePolicyRequest(
            yaml=text,
            values_yaml=values.replace("erasure_offered: not_held",
                                       "erasure_offered: formal_notice")), timeout=60).policy
        self.agree(activate_policy=self.admin.Proposal.ActivatePolicy(
            tenant=self.tenant, policy_sha256=policy.name.split("/")[1]))
        self.give_role("support", "customer_info_desk")
        self.give_role("engineer", "sales_office")

    def create(self, type_, purpose, fields, subject=""):
        """The record's name."""
        types = self.stubs.types_pb2
        return self.records("engineer").CreateRecord(self.messages.CreateRecordRequest(
            parent=self.tenant, usage=self.purpose(purpose), record=self.messages.NewRecord(
                type=type_, subject=subject, fields=fields,
                provenance=types.Provenance(front_hop=types.FRONT_HOP_TLS))),
            timeout=30).record.name


class StarterVault(sharing.SharingVault):
    """The starter policy with more: `support` selects, `engineer` approves."""
    GRANTS = (
        "  - {id: support-selects, role: support, may: [select_destruction], for: [support]}\n"
        "  - {id: engineer-approves, role: engineer, may: [approve_destruction], "
        "for: [technical_work]}\n")

    def activate(self, retention):
        """Puts periods in force, one rule a line."""
        text = sharing.STARTER.read_text()
        rules = "".join(f"  - {rule}\n" for rule in retention)
        self._activate(text.replace("recipients:", f"{self.GRANTS}recipients:", 1).replace(
            "cases:\n", f"retention:\n{rules}cases:\n", 1))

    def ticket(self, purpose):
        return self.stubs.types_pb2.Usage(purpose=purpose, ticket="T-1")

    def retention(self, who):
        return self.stubs.retention_service_pb2_grpc.RetentionServiceStub(self.channel(who))


def command(vault, who, *arguments):
    """What a command prints as JSON, and its exit code."""
    done = vault.cli(who, "--output", "json", *arguments)
    if done.returncode not in (0, 3):
        raise AssertionError(done.stderr)
    return json.loads(done.stdout), done.returncode
