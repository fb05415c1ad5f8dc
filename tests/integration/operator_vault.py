"""A vault of operator 001, SNS Helper, under its own policy: who takes orders in, who answers
requests, who approves, and authorities that have data by law."""

import pathlib
import time

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

import harness
import sharing

POLICY = harness.ROOT / "ops/policies"
DAY = 24 * 3600


class OperatorVault(sharing.SharingVault):
    """`shop` takes orders in, `support` is the privacy staff and `engineer` the officer:
    development credentials under other roles."""

    def __init__(self, stubs, directory, more_grants=""):
        harness.DevVault.__init__(self, directory)
        self.stubs, self.api, self.admin = stubs, stubs.sharing_service_pb2, stubs.admin_service_pb2
        self.folder = pathlib.Path(directory)
        self._of_caller = {}
        self.description["tenant"] = "tenants/sns-helper"
        try:
            self.set_up(more_grants)
        except grpc.RpcError:
            self.kill()
            raise

    def set_up(self, more_grants):
        admin = self.admin_stub("admin-1")
        admin.CreateTenant(self.admin.CreateTenantRequest(
            tenant=self.admin.Tenant(name=self.tenant)), timeout=30)
        text, values = ((POLICY / name).read_text()
                        for name in ("sns-helper.yaml", "sns-helper.values.yaml"))
        policy = admin.CreatePolicy(self.admin.CreatePolicyRequest(
            yaml=text.replace("grants:\n", f"grants:\n{more_grants}", 1), values_yaml=values),
            timeout=60).policy
        self.agree(activate_policy=self.admin.Proposal.ActivatePolicy(
            tenant=self.tenant, policy_sha256=policy.name.split("/")[1]))
        for who, role in (("shop", "order_service"), ("support", "privacy_staff"),
                          ("engineer", "chief_privacy_officer")):
            if who != "shop":
                self.attest(who)
            self.give_role(who, role)

    def channel(self, who):
        """Each caller's own one, until the vault ends."""
        if self._of_caller.get(who) not in self._channels:
            self._of_caller[who] = super().channel(who)
        return self._of_caller[who]

    def give_role(self, who, role, **more):
        self.agree(grant_role=self.admin.Proposal.GrantRole(
            principal=f"principals/{who}",
            binding=self.admin.RoleBinding(role=role, tenant=self.tenant, **more)))

    def give_work(self, marketing, other):
        """Two more of the staff: who deals with customers, and who cannot do without svc."""
        for who in (marketing, other):
            self.attest(who)
        self.give_role(marketing, "marketing_cs")
        self.give_role(other, "necessary_other", fields=["svc.*"], justification="J-1",
                       not_after=Timestamp(seconds=int(time.time()) + DAY))

    def admin_stub(self, who):
        return self.stubs.admin_service_pb2_grpc.AdminServiceStub(self.channel(who))

    def agree(self, **act):
        proposal = self.admin_stub("admin-1").CreateProposal(self.admin.CreateProposalRequest(
            proposal=self.admin.Proposal(**act)), timeout=60).proposal
        self.admin_stub("admin-2").ApproveProposal(self.admin.ApproveProposalRequest(
            name=proposal.name, sha256=proposal.sha256), timeout=60)

    def attest(self, who):
        """What the text asks of its staff: a pledge, and training."""
        person, now = f"persons/{who}", int(time.time())
        for kind in ("security_pledge", "training"):
            self.admin_stub("admin-1").RecordAttestation(self.admin.RecordAttestationRequest(
                person=person, attestation=self.admin.Attestation(
                    kind=kind, document_sha256="0" * 64, signatory=person,
                    signed_at=Timestamp(seconds=now - DAY),
                    valid_until=Timestamp(seconds=now + DAY))), timeout=30)

    def add_authority(self, name):
        self.description["credentials"][name] = self.recipient_certificate(name)
        self.sharing("admin-1").RegisterRecipient(self.api.RegisterRecipientRequest(
            recipient=self.api.Recipient(name=self.recipient(name), category="government",
                                         country="KR"),
            identities=[f"spiffe://partners.example/{name}"]), timeout=30)

    def purpose(self, purpose, **more):
        return self.stubs.types_pb2.Usage(purpose=purpose, **more)

    def provenance(self):
        types = self.stubs.types_pb2
        return types.Provenance(channel="phone", front_hop=types.FRONT_HOP_TLS)

    def take_order(self, **fields):
        """The name of the record of a new person."""
        messages = self.stubs.vault_service_pb2
        return self.records("shop").CreateRecord(messages.CreateRecordRequest(
            parent=self.tenant, usage=self.purpose("S1"), record=messages.NewRecord(
                type="svc", fields=fields, provenance=self.provenance())), timeout=30).record.name

    def token_by_law(self, to, record, fields, notices=(), also=()):
        """Asked for by staff, approved by the officer, fetched by who asked. `also`: records of
        others."""
        fields = [f"svc.{field}" for field in fields]
        *_, issued = self.sharing("support").IssueExportToken(self.api.IssueExportTokenRequest(
            parent=self.tenant, recipient=self.recipient(to), rule="by_law", fields=fields,
            requested=fields, usage=self.purpose("R0"), notices=notices,
            subjects=[name.split("/records/")[0] for name in (record, *also)],
            assertions={"statute": "S-1", "article": "A-1", "authority": "K-1",
                        "document_hash": "a" * 64}), timeout=30)
        waiting = issued.description
        self.sharing("engineer").ApproveExportToken(self.api.ApproveExportTokenRequest(
            name=waiting.name, sha256=waiting.sha256, usage=self.purpose("R0")), timeout=30)
        return self.sharing("support").GetExportToken(
            self.api.GetExportTokenRequest(name=waiting.name), timeout=30).token

    def correct(self, record, clear=(), **fields):
        """By the privacy staff, whom the person has asked; the record's new version."""
        messages = self.stubs.vault_service_pb2
        return self.records("support").UpdateRecord(messages.UpdateRecordRequest(
            name=record, fields=fields, clear_fields=clear, usage=self.purpose("R0"),
            provenance=self.provenance()), timeout=30).record.version

    def disclosures(self, record):
        return self.sharing("support").ListDisclosures(self.api.ListDisclosuresRequest(
            parent=self.tenant, subject=record.split("/records/")[0], usage=self.purpose("R0")),
            timeout=30).disclosures

    def notices(self, who="support", **what):
        request = self.api.ListCorrectionNoticesRequest(
            parent=self.tenant, usage=self.purpose("R0"), page_size=100, **what)
        found = []
        while True:
            answer = self.sharing(who).ListCorrectionNotices(request, timeout=30)
            found += answer.notices
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    def acknowledge(self, who, *names):
        return self.sharing(who).AcknowledgeCorrectionNotices(
            self.api.AcknowledgeCorrectionNoticesRequest(names=names), timeout=30).notices
