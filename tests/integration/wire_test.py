"""What somebody on the way between client and server gets to see."""

import socket
import ssl
import threading
import unittest

import harness

STUBS = harness.Stubs()
VALUE = "Canary.Wire7@kanariya.example.jp"


class Wiretap:
    """Stands between client and server and keeps every byte."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._seen = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                with self._lock:
                    self._seen += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The other side has gone.

    def seen(self):
        with self._lock:
            return bytes(self._seen)

    def close(self):
        self._listener.close()


class WireTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = harness.DevVault()
        cls.addClassCleanup(cls.vault.close)

    def test_a_captured_session_holds_no_value(self):
        """001-54: who listens on the line has nothing of what goes over it."""
        tap = Wiretap(self.vault.description["address"])
        self.addCleanup(tap.close)
        self.vault.description["address"], direct = tap.address, self.vault.description["address"]
        try:
            channel = self.vault.channel("shop")
        finally:
            self.vault.description["address"] = direct
        messages, types = STUBS.vault_service_pb2, STUBS.types_pb2
        stub = STUBS.vault_service_pb2_grpc.VaultServiceStub(channel)
        usage = types.Usage(purpose="order")
        made = stub.CreateRecord(messages.CreateRecordRequest(
            parent=self.vault.tenant, usage=usage,
            record=messages.NewRecord(type="customer", fields={"email": VALUE})), timeout=10)
        shown = stub.RevealRecord(messages.RevealRecordRequest(
            name=made.record.name, fields=["email"], usage=usage), timeout=10)
        self.assertEqual(shown.record.fields["email"].value, VALUE)
        for address in ("kanariya 1-1", "kanariya 2-2"):
            stub.UpdateRecord(messages.UpdateRecordRequest(
                name=made.record.name, fields={"address": address}, usage=usage), timeout=10)
        before = stub.RevealRecordHistory(messages.RevealRecordHistoryRequest(
            name=made.record.name, fields=["address"], usage=usage), timeout=10)
        self.assertEqual([value.value.value for value in before.values], ["kanariya 1-1"])
        self.assertEqual(before.values[0].replaced_by, "principals/shop")
        count = list(stub.CountRecords(messages.CountRecordsRequest(
            parent=self.vault.tenant, type="customer", group_by=["address"], usage=usage), timeout=10))
        self.assertTrue(count[-1].complete)
        self.assertEqual(list(count[-1].groups), [])  # One person is no group.
        seen = tap.seen()
        self.assertGreater(len(seen), 2000)
        for secret in (VALUE, "kanariya", made.record.name, "RevealRecord"):
            self.assertNotIn(secret.encode(), seen)

    def test_suites_without_encryption_or_authentication_are_refused(self):
        """001-54: no NULL, no anonymous suite, nothing before TLS 1.3."""
        host, port = self.vault.description["address"].rsplit(":", 1)
        credential = self.vault.description["credentials"]["shop"]

        def offer(ciphers, version):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(self.vault.description["ca"])
            context.load_cert_chain(credential["certificate"], credential["key"])
            context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers)
            context.set_alpn_protocols(["h2"])
            with socket.create_connection((host, int(port)), timeout=10) as line:
                with context.wrap_socket(line) as secured:
                    return secured.version(), secured.cipher()[0]

        version, suite = offer(None, ssl.TLSVersion.TLSv1_3)
        self.assertEqual(version, "TLSv1.3")
        self.assertNotIn("NULL", suite)
        for ciphers in ("aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"):
            with self.assertRaises((ssl.SSLError, ConnectionError), msg=ciphers):
                offer(ciphers, ssl.TLSVersion.TLSv1_2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
