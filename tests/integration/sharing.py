"""What tests of sharing have in common: a vault with two carriers, and a wire that can be cut."""

import datetime
import pathlib
import socket
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import harness

STARTER = pathlib.Path(__file__).parents[2] / "ops/policies/starter.yaml"
# Holders of values are told of corrections; without it, nobody is.
CORRECTIONS = ("rights: [{id: correct, who: [subject], kind: correct, fields: [customer.*], "
               "notify_past_recipients: without_delay, track_until_acknowledged: true}]\n")
FIELDS = ["customer.name", "customer.address", "customer.phone"]


class CutWire:
    """Stands between a client and the vault, and breaks the first connection that brings `limit`
    bytes from the vault. With `refuses` there is none after it."""

    def __init__(self, address, limit, refuses=False):
        host, port = address.rsplit(":", 1)
        self._upstream, self._left, self.cuts = (host, int(port)), limit, 0
        self._refuses = refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            vault = socket.create_connection(self._upstream)
            threading.Thread(target=self._copy, args=(client, vault, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(vault, client, True), daemon=True).start()

    def _copy(self, source, sink, counted):
        try:
            while data := source.recv(16384):
                if counted and self._left is not None:
                    self._left -= len(data)
                    if self._left <= 0:
                        self._left, self.cuts = None, self.cuts + 1
                        if self._refuses:
                            self._listener.shutdown(socket.SHUT_RDWR)  # and ends accept()
                        break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()

    def close(self):
        self._listener.close()


class SharingVault(harness.DevVault):
    """A development vault whose policy tells recipients of corrections, with two carriers: `carrier`
    and `other`."""

    def __init__(self, stubs, directory):
        super().__init__(directory)
        self.stubs = stubs
        self.api = stubs.sharing_service_pb2
        self.folder = pathlib.Path(directory)
        self._activate(STARTER.read_text().replace("cases:\n", CORRECTIONS + "cases:\n", 1))
        self.description["credentials"]["other"] = self.recipient_certificate("other")
        self.sharing("admin-1").RegisterRecipient(self.api.RegisterRecipientRequest(
            recipient=self.api.Recipient(name=self.recipient("other"), category="carrier",
                                         country="JP"),
            identities=["spiffe://partners.example/other"]), timeout=30)

    def sharing(self, who):
        return self.stubs.sharing_service_pb2_grpc.SharingServiceStub(self.channel(who))

    def records(self, who="shop"):
        return self.stubs.vault_service_pb2_grpc.VaultServiceStub(self.channel(who))

    def recipient(self, name):
        return f"{self.tenant}/recipients/{name}"

    def usage(self):
        return self.stubs.types_pb2.Usage(purpose="order")

    def _activate(self, text):
        admin = self.stubs.admin_service_pb2
        grpc_module = self.stubs.admin_service_pb2_grpc
        first, second = (grpc_module.AdminServiceStub(self.channel(who))
                         for who in ("admin-1", "admin-2"))
        policy = first.CreatePolicy(admin.CreatePolicyRequest(yaml=text), timeout=60).policy
        proposal = first.CreateProposal(admin.CreateProposalRequest(
            proposal=admin.Proposal(activate_policy=admin.Proposal.ActivatePolicy(
                tenant=self.tenant, policy_sha256=policy.name.split("/")[1],
                reason="corrections"))), timeout=60).proposal
        second.ApproveProposal(admin.ApproveProposalRequest(
            name=proposal.name, sha256=proposal.sha256), timeout=60)

    def recipient_certificate(self, name):
        """A certificate of the recipients' authority."""
        pki = self.folder / "pki"
        root = x509.load_pem_x509_certificate((pki / "recipients-ca.pem").read_bytes())
        root_key = serialization.load_pem_private_key((pki / "recipients-ca.key").read_bytes(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        uri = x509.UniformResourceIdentifier(f"spiffe://partners.example/{name}")
        usages = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = (
            x509.CertificateBuilder().issuer_name(root.subject).subject_name(x509.Name([]))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(root.not_valid_before)
            .not_valid_after(root.not_valid_before + datetime.timedelta(hours=12))
            .add_extension(x509.SubjectAlternativeName([uri]), critical=True)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(usages, critical=False).sign(root_key, hashes.SHA256()))
        files = {"certificate": pki / f"{name}.crt", "key": pki / f"{name}.key"}
        files["certificate"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files["key"].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return {what: str(path) for what, path in files.items()}

    def fill(self, count):
        """Names of the records of so many people."""
        messages = self.stubs.vault_service_pb2
        stub, names = self.records(), []
        for start in range(0, count, 500):
            answer = stub.BatchCreateRecords(messages.BatchCreateRecordsRequest(
                parent=self.tenant, usage=self.usage(), records=[
                    messages.NewRecord(type="customer", fields=self.fields(number))
                    for number in range(start, min(start + 500, count))]), timeout=60)
            names += [result.name for result in answer.results]
        return names

    @staticmethod
    def fields(number):
        return {"name": f"見本 {number:06}", "address": f"見本県見本市 {number}-1",
                "phone": f"090-{number // 10000:04}-{number % 10000:04}"}

    def issue(self, names, to="carrier", **more):
        """The last message of IssueExportToken, for the people of these records."""
        people = [name.split("/records/")[0] for name in names]
        for message in self.sharing("shop").IssueExportToken(self.api.IssueExportTokenRequest(
                parent=self.tenant, recipient=self.recipient(to), rule="carrier",
                usage=self.usage(), fields=FIELDS, subjects=people, **more), timeout=300):
            last = message
        return last

    def redeem(self, who, token, request_id):
        return list(self.sharing(who).RedeemExportToken(self.api.RedeemExportTokenRequest(
            token=token, request_id=request_id), timeout=300))
