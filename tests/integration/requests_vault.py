"""Operator 001's vault, and what people ask for there: the customer through the shop, who answers
from the privacy staff, and two of the staff who use data all the while."""

import operator_vault

MARKETING, OTHER = "engineer-no-nda", "engineer-expired-nda"  # credentials under other roles


class RequestsVault(operator_vault.OperatorVault):
    def set_up(self, more_grants):
        super().set_up(more_grants)
        self.rights_api, self.messages = self.stubs.rights_service_pb2, self.stubs.vault_service_pb2
        self.give_role("shop", "customer")
        self.give_work(MARKETING, OTHER)
        self.add_authority("tax-office")

    def take_running_order(self, **fields):
        """The name of the record of a new person, whose order O-1 is open."""
        record = self.take_order(**fields)
        subjects = self.stubs.subject_service_pb2
        self.subjects("shop").OpenMatter(subjects.OpenMatterRequest(
            parent=self.person(record), matter=subjects.Matter(kind="order", id="O-1"),
            usage=self.purpose("S1")), timeout=30)
        return record

    @staticmethod
    def person(name):
        return "/".join(name.split("/")[:4])

    def rights(self, who):
        return self.stubs.rights_service_pb2_grpc.SubjectRightsServiceStub(self.channel(who))

    def subjects(self, who):
        return self.stubs.subject_service_pb2_grpc.SubjectServiceStub(self.channel(who))

    def use(self, who, name):
        """What the caller has to say of a call about that person's data."""
        if who == MARKETING:
            return self.purpose("S1", arguments={"order": "O-1"})
        if who == OTHER:
            return self.purpose("S3")
        if who == "shop":
            return self.purpose("R0", role="customer", on_behalf_of=self.person(name))
        return self.purpose("R0")

    def reveal(self, who, record, *fields):
        """Values by field, and the index of the entry."""
        answer = self.records(who).RevealRecord(self.messages.RevealRecordRequest(
            name=record, fields=fields, usage=self.use(who, record)), timeout=30)
        return {name: v.value for name, v in answer.record.fields.items()}, answer.receipt.index

    def asking(self, who, record, right, kind, *fields, request_id=""):
        api = self.rights_api
        return api.OpenRequestRequest(
            subject=self.person(record), usage=self.use(who, record), request_id=request_id,
            request=api.SubjectRequest(right=right, kind=kind, fields=fields))

    def ask(self, *arguments, **more):
        who, *_ = arguments
        return self.rights(who).OpenRequest(self.asking(*arguments, **more), timeout=30).request

    def confirm(self, name, method="passport"):
        api = self.rights_api
        return self.rights("support").ConfirmIdentity(api.ConfirmIdentityRequest(
            name=name, usage=self.purpose("R0"), evidence=api.IdentityEvidence(
                method=method, document_sha256="d" * 64)), timeout=30).request

    def refuse(self, name, *fields, **refusal):
        """The request, and the index of the entry."""
        api = self.rights_api
        answer = self.rights("support").RefuseRequest(api.RefuseRequestRequest(
            name=name, usage=self.purpose("R0"),
            refusal=api.RequestRefusal(fields=fields, **refusal)), timeout=30)
        return answer.request, answer.receipt.index

    def complete(self, name):
        return self.rights("support").CompleteRequest(self.rights_api.CompleteRequestRequest(
            name=name, usage=self.purpose("R0")), timeout=30).request

    def requests(self, record, who="support"):
        return list(self.rights(who).ListRequests(self.rights_api.ListRequestsRequest(
            subject=self.person(record), usage=self.use(who, record)), timeout=30).requests)
