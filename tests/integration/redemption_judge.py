"""Judges a redemption from what its client saw, the ledger and the log alone."""

import collections
import dataclasses

GRANTED = 1  # ENTRY_DECISION_GRANTED
EXHAUSTED = 3  # EXPORT_TOKEN_STATE_EXHAUSTED
METHOD = "piivault.v1.SharingService/RedeemExportToken"


@dataclasses.dataclass
class Message:
    """One that arrived whole."""
    index: int  # of its entry
    position: int
    complete: bool
    numbers: list  # of the people, as their values say
    handles: list
    disclosure: str  # empty but in the first of a call

    @classmethod
    def of(cls, message):
        return cls(message.receipt.index, message.position, message.complete,
                   [int(p.records[0].fields["name"].value.split()[1]) for p in message.subjects],
                   [p.handle for p in message.subjects], message.tag.disclosure)


@dataclasses.dataclass
class Use:
    """A single use of a token, as its recipient knows it."""
    who: str
    name: str  # of the token
    token: str
    request_id: str
    kept: list = dataclasses.field(default_factory=list)  # messages, each going on from the last
    seen: list = dataclasses.field(default_factory=list)  # these, and those taken anew
    refusals: list = dataclasses.field(default_factory=list)  # reasons

    @property
    def position(self):
        return self.kept[-1].position if self.kept else 0

    def keep(self, message):
        self.kept.append(message)
        self.seen.append(message)

    def numbers(self):
        return [number for message in self.kept for number in message.numbers]


@dataclasses.dataclass
class Evidence:
    """What the vault says of a token: its row, the ledger, the log."""
    uses_taken: int
    state: int
    disclosures: list  # of the token
    rows: list  # subject_ref of each row of the first disclosure
    entries: dict  # by index


def findings(use, evidence, refs):
    """What is wrong, in words. `refs`: what the log calls each person, by number."""
    wrong = [*_of_the_use(use, evidence)]
    granted = {index: entry for index, entry in evidence.entries.items()
               if (entry.method, entry.resource, entry.decision) == (METHOD, use.name, GRANTED)}
    if not evidence.disclosures:
        return wrong + (["an entry of what is in no disclosure"] if granted else [])
    disclosure = evidence.disclosures[0]
    named = {entry.arguments["disclosure"] for entry in granted.values()}
    if named != {disclosure.name.split("/")[-1]}:
        wrong.append("entries of another disclosure, or none")
    for message in use.seen:
        if message.disclosure not in ("", disclosure.name):
            wrong.append("the tag names another disclosure")
        entry = granted.get(message.index)
        if entry is None:
            wrong.append(f"no entry {message.index} of a message that arrived")
        elif [item.subject_ref for item in entry.items] != [refs[n] for n in message.numbers]:
            wrong.append(f"the entry {message.index} is of other people than its message")
        if not {refs[n] for n in message.numbers} <= set(evidence.rows):
            wrong.append("the ledger does not have everybody whom the client has seen")
    if len(evidence.rows) != len(set(evidence.rows)):
        wrong.append("the ledger has somebody twice")
    logged = {item.subject_ref for entry in granted.values() for item in entry.items}
    if logged != set(evidence.rows):
        wrong.append("log and ledger disagree about who was given")
    if disclosure.subjects != len(evidence.rows) or disclosure.omitted:
        wrong.append("the disclosure counts others than it has")
    return wrong


def _of_the_use(use, evidence):
    if evidence.uses_taken not in (0, 1) or len(evidence.disclosures) != evidence.uses_taken:
        yield f"{evidence.uses_taken} uses and {len(evidence.disclosures)} disclosures"
    if (evidence.state == EXHAUSTED) != (evidence.uses_taken == 1):
        yield "the token's state is not what its uses say"
    if use.seen and evidence.uses_taken != 1:
        yield "data without a use"


def findings_at_the_end(use, evidence, refs):
    """Of a redemption that is complete, too: everybody exactly once, in order."""
    wrong = findings(use, evidence, refs)
    if use.numbers() != list(range(len(refs))):
        wrong.append("the client has not everybody exactly once")
    if [message.complete for message in use.kept][-1:] != [True]:
        wrong.append("it did not end")
    if sorted(evidence.rows) != sorted(refs):
        wrong.append("the ledger does not have everybody")
    if not all(disclosure.HasField("end_time") for disclosure in evidence.disclosures):
        wrong.append("the disclosure is open")
    return wrong


class Witness:
    """Asks a SharingVault for what is judged; what it has read of the log may never change."""
    KEPT = 20  # entries, that a kill may have hurt

    def __init__(self, vault):
        self.vault, self.api, self.audit = vault, vault.api, vault.stubs.audit_service_pb2
        created = self._auditor().ListEntries(self.audit.ListEntriesRequest(
            page_size=1000, filter=self.audit.EntryFilter(method="BatchCreateRecords")), timeout=30)
        # What the log calls each person, in the order in which they came.
        self.refs = [item.subject_ref for entry in created.entries for item in entry.items]
        self._entries, self._handles = {}, collections.defaultdict(dict)

    def _auditor(self):
        return self.vault.stubs.audit_service_pb2_grpc.AuditServiceStub(
            self.vault.channel("auditor"))

    def read_log(self):
        """Entries by index, from the first that is kept to the end."""
        stubs = self.vault.stubs
        status = stubs.admin_service_pb2_grpc.AdminServiceStub(self.vault.channel("admin-1"))
        end = status.GetVaultStatus(stubs.admin_service_pb2.GetVaultStatusRequest(),
                                    timeout=30).log_end.index
        start, found = min(self._entries, default=0), {}
        tail = self._auditor().TailEntries(
            self.audit.TailEntriesRequest(start_index=start), timeout=60)
        for message in tail:
            found.update((entry.position.index, entry) for entry in message.entries)
            if max(found, default=0) >= end - 1:
                tail.cancel()
                break
        if sorted(found) != list(range(start, start + len(found))) or start + len(found) < end:
            raise AssertionError("the log has a gap")
        if any(found[index] != entry for index, entry in self._entries.items()):
            raise AssertionError("the log has changed")
        self._entries = found
        return found

    def forget(self):
        """What was judged is not asked for again, but for the log's end."""
        keep = max(self._entries) - self.KEPT
        self._entries = {index: entry for index, entry in self._entries.items() if index > keep}

    def evidence(self, use):
        described = self.vault.sharing("shop").GetExportToken(
            self.api.GetExportTokenRequest(name=use.name), timeout=30).description
        ledger = self.vault.sharing("auditor")
        listed = [d for d in self.disclosures(ledger, use.who) if d.token == use.name]
        rows = []
        for disclosure in listed[:1]:
            rows = [row.subject_ref for message in ledger.StreamDisclosedRecords(
                self.api.StreamDisclosedRecordsRequest(disclosure=disclosure.name), timeout=60)
                    for row in message.records]
        return Evidence(described.uses_taken, described.state, listed, rows, self.read_log())

    def disclosures(self, ledger, who):
        page = ""
        while True:
            answer = ledger.ListDisclosures(self.api.ListDisclosuresRequest(
                parent=self.vault.tenant, recipient=self.vault.recipient(who), page_size=1000,
                page_token=page), timeout=60)
            yield from answer.disclosures
            page = answer.next_page_token
            if not page:
                return

    def judge(self, use, at_the_end=False):
        """Whether the use is taken; AssertionError where something is wrong."""
        evidence = self.evidence(use)
        wrong = (findings_at_the_end if at_the_end else findings)(use, evidence, self.refs)
        handles = self._handles[use.who]
        if any(handles.setdefault(number, handle) != handle for message in use.seen
               for number, handle in zip(message.numbers, message.handles)):
            wrong.append("the recipient's handles have changed")
        if wrong:
            raise AssertionError(f"{use.name}, {use.request_id}: {'; '.join(wrong)}")
        return evidence.uses_taken == 1
