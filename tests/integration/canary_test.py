"""Marked values through every method and error path; then nothing of them on disk, in the log's
entries, in errors, metrics or the server's own log."""

import base64
import pathlib
import shutil
import subprocess
import tempfile
import unicodedata
import unittest
import urllib.request

import grpc

import harness

STUBS = harness.Stubs()
SERVICES = ("vault_service", "subject_service", "credential_service", "admin_service", "audit_service")

# What no text of the product could hold by chance.
CANARIES = {
    "name": "金糸雀カナリヤ 鳴子",
    "email": "Canary.Q7x9@kanariya.example.jp",
    "phone": "０９０-８７６５-４３２１",
    "address": "鳴鳥県金糸雀市さえずり町7-77-777",
    "note": "備考カナリヤ canary-note-zq81",
}
CREDENTIAL = "canary-credential-Zq83 鳴くカナリヤ"
# For the fields that are no values: identifiers, purposes, tickets, tokens, ...
STRAY = "canary-stray-zq82"


def forms(text):
    """Every form in which a text might turn up, as bytes."""
    spellings = {text, unicodedata.normalize("NFKC", text), unicodedata.normalize("NFKC", text).casefold(),
                 unicodedata.normalize("NFKC", text).replace(" ", "")}
    if text == CANARIES["phone"]:
        spellings |= {"+819087654321", "09087654321", "819087654321"}
    found = set()
    for spelling in spellings:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            raw = spelling.encode(encoding)
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
            for shift in range(3):
                # The characters in the middle depend on the text alone, whatever stands around it.
                for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
                    encoded = alphabet(b"\0" * shift + raw)
                    found.add(encoded[4 if shift else 0:(len(raw) + shift) // 3 * 4])
    return {form for form in found if len(form) >= 8}


NEEDLES = {form: field for field, text in
           [*CANARIES.items(), ("credential", CREDENTIAL), ("stray", STRAY)] for form in forms(text)}


def hits(data, where):
    """The forms that `data` holds. The stray one is no personal value: it may not be on disk either."""
    return [(where, NEEDLES[form], form) for form in NEEDLES if form in data]


def sweep(directory):
    """Raw bytes of every file, and the decoded contents of every table file."""
    found = []
    for path in sorted(pathlib.Path(directory).rglob("*")):
        if not path.is_file():
            continue
        found += hits(path.read_bytes(), str(path))
        if path.suffix == ".sst":
            for options in ((), ("--output_hex",)):
                dump = subprocess.run(["sst_dump", f"--file={path}", "--command=scan", *options],
                                      capture_output=True, check=True).stdout
                found += hits(dump, f"{path} decoded")
    return found


class CanaryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-canary-")
        self.addCleanup(folder.cleanup)
        self.directory = str(pathlib.Path(folder.name) / "vault")
        self.vault = harness.DevVault(self.directory)
        self.vault.close()
        self.vault.start_again()
        self.addCleanup(self.vault.kill)
        self.texts = []  # all that came back as errors
        self.methods = set()

    def service(self, name, who):
        grpc_module = getattr(STUBS, f"{name}_pb2_grpc")
        stub = next(value for key, value in vars(grpc_module).items() if key.endswith("ServiceStub"))
        return stub(self.vault.channel(who))

    def call(self, who, method, request_fields, service="vault_service"):
        """Calls a method; its answer (all messages of a stream), or None and the error kept."""
        messages = getattr(STUBS, f"{service}_pb2")
        self.methods.add((service, method))
        try:
            answer = getattr(self.service(service, who), method)(
                getattr(messages, f"{method}Request")(**request_fields), timeout=20)
            return list(answer) if hasattr(answer, "__next__") else answer
        except grpc.RpcError as error:
            self.texts.append(error.details() or "")
            self.texts += [value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                           for _, value in error.trailing_metadata() or ()]
            self.texts.append(repr(harness.error_of(error)))
            return None

    def use_every_method(self):
        messages, types = STUBS.vault_service_pb2, STUBS.types_pb2
        parent, usage = self.vault.tenant, types.Usage(purpose="order")
        new = lambda **more: messages.NewRecord(type="customer", fields={**CANARIES, **more})
        made = self.call("shop", "CreateRecord", dict(parent=parent, record=new(), usage=usage,
                                                      request_id="once-1"))
        name, subject = made.record.name, made.record.name.rsplit("/records/", 1)[0]
        one = lambda number: new(email=f"{number}.{CANARIES['email']}")
        self.call("shop", "BatchCreateRecords", dict(parent=parent, records=[one(1), one(2), one(2)],
                                                     usage=usage))
        upsert = one(3)
        upsert.ref = "ref-3"
        self.call("shop", "UpsertRecord", dict(parent=parent, record=upsert, usage=usage))
        self.call("shop", "UpdateRecord", dict(name=name, fields={"note": CANARIES["note"]}, usage=usage))
        for address in ("東京都千代田区2-2", CANARIES["address"]):
            self.call("shop", "UpdateRecord", dict(name=name, fields={"address": address}, usage=usage))
        before = self.call("shop", "RevealRecordHistory", dict(name=name, fields=["address"], usage=usage))
        self.assertIn(CANARIES["address"], [value.value.value for value in before.values])
        self.call("shop", "CountRecords", dict(parent=parent, type="customer", group_by=["address"],
                                               usage=usage))
        self.call("shop", "GetRecord", dict(name=name))
        self.call("shop", "ListRecords", dict(parent=parent, type="customer", page_size=2))
        self.call("shop", "LookupRecord", dict(parent=parent, type="customer", field="email",
                                               value=CANARIES["email"], fields=["name"], usage=usage))
        self.call("support", "SearchRecords", dict(
            parent=parent, type="customer", field="phone", value=CANARIES["phone"],
            usage=types.Usage(purpose="support", ticket="T-1")))
        fields = list(CANARIES)
        shown = self.call("shop", "RevealRecord", dict(name=name, fields=fields, usage=usage))
        self.assertEqual({key: value.value for key, value in shown.record.fields.items()}, CANARIES)
        self.call("shop", "BatchRevealRecords", dict(parent=parent, names=[name, name], fields=fields,
                                                     usage=usage))
        self.call("shop", "StreamRevealRecords", dict(
            parent=parent, names=messages.StreamRevealRecordsRequest.Names(names=[name]),
            fields=fields, usage=usage))
        self.call("shop", "Detokenize", dict(parent=parent, tokens=list(made.tokens.values()),
                                             usage=usage))
        item = messages.TokenizeRequest.Item(value=CANARIES["name"])
        self.call("shop", "Tokenize", dict(parent=parent, type="customer", field="name", items=[item],
                                           usage=usage))
        self.call("tenant", "DownloadRecords", dict(parent=parent, type="customer",
                                                    usage=types.Usage(purpose="own_list")))
        self.call("shop", "GetSubject", dict(name=subject))
        self.call("shop", "DeleteRecord", dict(name=f"{parent}/records/ref:customer:ref-3", usage=usage))
        self.call("shop", "DeleteSubject", dict(name=subject, usage=usage))
        self.call("shop", "RevealRecord", dict(name=name, fields=fields, usage=usage))
        account = self.call("shop", "CreateRecord", dict(
            parent=parent, usage=usage,
            record=messages.NewRecord(type="account", fields={"login": "taro"}))).record.name
        for method, more in (("SetCredential", dict(value=CREDENTIAL, request_id="once-2")),
                             ("VerifyCredential", dict(value=CREDENTIAL)),
                             ("VerifyCredential", dict(value=CREDENTIAL + "!")),
                             ("RevokeCredential", {}), ("VerifyCredential", dict(value=CREDENTIAL)),
                             ("SetCredential", dict(value=CREDENTIAL * 100))):
            self.call("shop", method, dict(name=account, field="password", usage=usage, **more),
                      "credential_service")
        self.call("shop", "UpdateRecord", dict(name=account, fields={"password": CREDENTIAL}, usage=usage))
        # Refused for what they hold.
        for bad in (dict(email="no address " + CANARIES["email"] + "@"), dict(note=CANARIES["note"] * 4000),
                    dict(note=CANARIES["note"] + " 4111 1111 1111 1111"), {CANARIES["note"]: "x"}):
            self.call("shop", "CreateRecord", dict(parent=parent, record=new(**bad), usage=usage))
        self.call("shop", "CreateRecord", dict(parent=parent, record=one(1), usage=usage))
        self.call("shop", "CreateRecord", dict(parent=parent, record=one(9), usage=usage,
                                               request_id="once-1"))

    def fill(self, message, text, depth=0):
        """Puts the text wherever a text fits."""
        for field in message.DESCRIPTOR.fields:
            if field.name == "ticket" and text == STRAY:
                continue  # a good ticket, and tickets go into entries
            repeated = field.label == field.LABEL_REPEATED
            if field.type == field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
                if field.message_type.fields_by_name["value"].type == field.TYPE_STRING:
                    getattr(message, field.name)[text] = text
            elif field.type == field.TYPE_MESSAGE and depth < 4:
                target = getattr(message, field.name)
                self.fill(target.add() if repeated else target, text, depth + 1)
                if not repeated:
                    target.SetInParent()
            elif field.type == field.TYPE_STRING and repeated:
                getattr(message, field.name).append(text)
            elif field.type == field.TYPE_STRING:
                setattr(message, field.name, text)

    def misuse_every_method(self):
        for service in SERVICES:
            messages = getattr(STUBS, f"{service}_pb2")
            for descriptor in messages.DESCRIPTOR.services_by_name.values():
                for method in descriptor.methods:
                    if method.name in ("CreatePerson", "UpdatePerson"):
                        continue  # names of staff are meant to be stored, sealed
                    for text in (*CANARIES.values(), STRAY):
                        request = getattr(messages, f"{method.name}Request")()
                        self.fill(request, text)
                        # With a valid parent what stands behind it is looked at.
                        variants = [request]
                        for key in ("parent", "tenant"):
                            if key in request.DESCRIPTOR.fields_by_name and isinstance(
                                    getattr(request, key), str):
                                variant = type(request)()
                                variant.CopyFrom(request)
                                setattr(variant, key, self.vault.tenant)
                                variants.append(variant)
                        for variant in variants:
                            for who in ("shop", "admin-1", "stranger"):
                                self.call(who, method.name, {field.name: value for field, value in
                                                             variant.ListFields()}, service)

    def test_nothing_is_left_behind(self):
        """000-09: whoever has the disk has nothing of a value, in whatever form."""
        self.use_every_method()
        self.misuse_every_method()
        expected = {(service, method.name) for service in SERVICES
                    for descriptor in getattr(STUBS, f"{service}_pb2").DESCRIPTOR.services_by_name.values()
                    for method in descriptor.methods} - {("admin_service", "CreatePerson"),
                                                         ("admin_service", "UpdatePerson")}
        self.assertEqual(self.methods, expected)

        found = hits("\n".join(self.texts).encode(), "errors")
        with urllib.request.urlopen(f"http://{self.vault.metrics}/metrics", timeout=10) as answer:
            found += hits(answer.read(), "metrics")
        page, entries = "", []
        while True:
            listed = self.call("auditor", "ListEntries", dict(page_size=1000, page_token=page),
                               "audit_service")
            entries += listed.entries
            page = listed.next_page_token
            if not page:
                break
        self.assertGreater(len(entries), 500)
        found += hits(b"\n".join(entry.SerializeToString() for entry in entries), "entries")
        # The write-ahead log as a crash leaves it, then table files as an orderly end does.
        self.vault.kill()
        found += sweep(self.directory + "/data")
        self.vault.start_again()
        self.vault.close()
        self.assertTrue(list(pathlib.Path(self.directory).rglob("*.sst")))
        found += sweep(self.directory + "/data")
        found += hits("".join(self.vault.log).encode(), "the server's log")
        self.assertEqual(sorted(set(found)), [])

    def test_a_stolen_data_directory_does_not_open(self):
        """000-09: without the keyring, which lies elsewhere, or with another one."""
        self.vault.close()
        with tempfile.TemporaryDirectory(prefix="piivault-thief-") as folder:
            thief = harness.DevVault(str(pathlib.Path(folder) / "vault"))
            thief.close()
            stolen = str(pathlib.Path(folder) / "stolen")
            shutil.copytree(self.directory + "/data", stolen)
            with self.assertRaises(RuntimeError):
                thief.start_again(stolen)
            for keyring in ("keys/keyring", "keys-mirror/keyring"):
                (pathlib.Path(thief.directory) / keyring).unlink()
            with self.assertRaises(RuntimeError):
                thief.start_again(stolen)
            # It is the keys that were missing: with its own the copy opens.
            for keyring in ("keys/keyring", "keys-mirror/keyring", "keys/credential"):
                shutil.copy(pathlib.Path(self.directory) / keyring, pathlib.Path(thief.directory) / keyring)
            thief.start_again(stolen)
            thief.close()
        self.vault.start_again()

    def test_the_sweep_finds_what_is_planted(self):
        database = self.directory + "/planted"
        for number, text in enumerate([*CANARIES.values(), STRAY]):
            key = "0x" + text.encode("utf-16-le").hex().upper()
            subprocess.run(["ldb", f"--db={database}", "--create_if_missing", "--hex", "put",
                            "0x%04X" % number, key], capture_output=True, check=True)
        subprocess.run(["ldb", f"--db={database}", "compact"], capture_output=True, check=True)
        for log in pathlib.Path(database).glob("*.log"):
            log.unlink()
        decoded = {field for where, field, _ in sweep(database) if where.endswith("decoded")}
        self.assertEqual(decoded, {*CANARIES, "stray"})
        plant = pathlib.Path(self.directory) / "plant"
        plant.mkdir()
        (plant / "file").write_bytes(b"xx" + base64.b64encode(b"y" + CANARIES["note"].encode()))
        self.assertEqual({field for _, field, _ in sweep(plant)}, {"note"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
