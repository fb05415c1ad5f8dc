"""Judges from the log alone whether what an open request froze was used: by position, and knowing
nothing of how the vault decides."""

import collections
import dataclasses

GRANTED, PARTIAL = 1, 3  # ENTRY_DECISION_
OPEN, COMPLETE = (f"piivault.v1.SubjectRightsService/{method}Request"
                  for method in ("Open", "Complete"))
HANDS_OUT = "piivault.v1.SharingService/"
FREEZES = "correct"  # the right


@dataclasses.dataclass
class Verdict:
    wrong: list = dataclasses.field(default_factory=list)  # in words
    # Of those who neither ask nor answer, by (method, whether any field of the person was frozen,
    # whether it was granted, field). Refusals that were counted together count once.
    uses: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    freezes: int = 0


def judge(entries, own):
    """Of entries by index, from the log's beginning. `own`: (role, purpose) of the person and of
    who carries requests out; they see what is frozen, and hand out no more of it than others."""
    verdict, frozen, known = Verdict(), collections.defaultdict(set), set()
    for index, entry in sorted(entries.items()):
        request = entry.arguments.get("request", "")
        for item in entry.items:
            # Of an entry of what failed the fields are those that it was about.
            fields = item.fields if entry.decision in (GRANTED, PARTIAL) else ()
            caller = (item.role or entry.role, entry.purpose)
            if caller not in own or entry.method.startswith(HANDS_OUT):
                _count(verdict, index, entry.method, item, fields, frozen)
            for field in fields:
                if entry.method == OPEN and entry.arguments["request.right"] == FREEZES:
                    # Of a retry, that takes nothing down.
                    if request not in known:
                        frozen[item.subject_ref, field].add(request)
                elif entry.method == COMPLETE:
                    frozen[item.subject_ref, field].discard(request)
        if entry.method == OPEN and entry.decision == GRANTED and request not in known:
            known.add(request)
            verdict.freezes += entry.arguments["request.right"] == FREEZES
    return verdict


def _count(verdict, index, method, item, fields, frozen):
    inside = any(requests for (ref, _), requests in frozen.items() if ref == item.subject_ref)
    name = method.split("/")[-1]
    for field in fields:
        verdict.uses[name, inside, True, field] += 1
        if frozen.get((item.subject_ref, field)):
            verdict.wrong.append(f"{index}, {method}: {field} while it is frozen")
    for field in item.denied_fields:
        verdict.uses[name, inside, False, field] += 1
