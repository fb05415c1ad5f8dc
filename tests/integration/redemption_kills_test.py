"""kill -9 at each step of a redemption: no use is given twice, none is lost without a trace, and
the same request_id gets its data."""

import collections
import copy
import dataclasses
import os
import pathlib
import random
import tempfile
import threading
import time
import unittest

import grpc

import harness
import redemption_judge as judge
import sharing

STUBS = harness.Stubs()
PEOPLE, MESSAGES = 3_500, 4
ROUNDS = 12 if os.environ.get("PIIVAULT_LONG") else 1
OPENINGS = 12  # of one use by its client; the vault allows for 16
CUT_OFF = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class RedemptionKillsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="piivault-redemption-kills-")
        cls.addClassCleanup(folder.cleanup)
        cls.vault = sharing.SharingVault(STUBS, str(pathlib.Path(folder.name) / "vault"))
        cls.addClassCleanup(cls.vault.kill)
        cls.api = cls.vault.api
        cls.names = cls.vault.fill(PEOPLE)
        cls.witness = judge.Witness(cls.vault)
        assert len(set(cls.witness.refs)) == PEOPLE
        cls.seed = int(os.environ.get("PIIVAULT_SEED") or random.randrange(1 << 32))
        print(f"PIIVAULT_SEED={cls.seed}", flush=True)
        cls.random = random.Random(cls.seed)
        cls.seen = collections.Counter()  # what happened
        cls.addClassCleanup(lambda: print(dict(cls.seen), flush=True))
        cls.vault.close()
        cls.vault.start_again()

    # What a client does.

    def issue(self, who="carrier"):
        issued = self.vault.issue(self.names, to=who, lifetime_seconds=24 * 3600)
        return judge.Use(who, issued.description.name, issued.token, "use")

    def call(self, use, position):
        """The stream of a call, whose connection is there already."""
        channel = self.vault.channel(use.who)
        grpc.channel_ready_future(channel).result(timeout=30)
        stub = STUBS.sharing_service_pb2_grpc.SharingServiceStub(channel)
        return stub.RedeemExportToken(self.api.RedeemExportTokenRequest(
            token=use.token, request_id=use.request_id, resume_from=position), timeout=60)

    def take(self, use, messages=None, stream=None):
        """Goes on with the use: reads so many messages, or what comes."""
        try:
            for message in stream or self.call(use, use.position):
                use.keep(judge.Message.of(message))
                if messages is not None and len(use.kept) >= messages:
                    break
        except grpc.RpcError as error:
            if error.code() not in CUT_OFF:
                use.refusals.append(harness.error_of(error)[1])

    def refusal(self, use, request_id):
        try:
            list(self.call(dataclasses.replace(use, request_id=request_id), 0))
        except grpc.RpcError as error:
            return harness.error_of(error)[1]
        return None

    # Kills.

    def kill(self):
        self.vault.kill()
        self.seen["kills"] += 1

    def kill_after(self, seconds, *uses):
        """Kills while these are under way, by clients that read what comes."""
        threads = [threading.Thread(target=self.take, args=(use,), kwargs={"stream": stream})
                   for use, stream in [(use, self.call(use, use.position)) for use in uses]]
        for thread in threads:
            thread.start()
        # Waiting would be late by more than a step takes.
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        self.kill()
        for thread in threads:
            thread.join()

    def busy(self):
        """Calls of others until the vault is gone, so that commits hold several."""
        messages = STUBS.vault_service_pb2
        began = threading.Barrier(3)

        def work(number):
            stub, serial = self.vault.records(), 0
            try:
                while True:
                    stub.CreateRecord(messages.CreateRecordRequest(
                        parent=self.vault.tenant, usage=self.vault.usage(),
                        record=messages.NewRecord(type="customer", fields={"note": "見本"})),
                        timeout=20)
                    stub.RevealRecord(messages.RevealRecordRequest(
                        name=self.names[(number + 2 * serial) % PEOPLE], fields=["phone"],
                        usage=self.vault.usage()), timeout=20)
                    if serial == 0:
                        began.wait(timeout=30)
                    serial += 1
            except (grpc.RpcError, ValueError):  # ValueError: the channel is closed
                pass

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        began.wait(timeout=30)
        return threads

    # Verdicts.

    def after_a_kill(self, *uses):
        self.vault.start_again()
        for use in uses:
            self.finish(use)
        self.witness.forget()

    def finish(self, use):
        """How the kill has left the use, and how a retry does."""
        taken = self.witness.judge(use)
        self.assertEqual(use.refusals, [])
        self.seen["not taken" if not taken else "unseen" if not use.seen else "seen"] += 1
        if taken:
            self.assertEqual(self.refusal(use, "another"), "TOKEN_EXHAUSTED")
        elif self.random.random() < 0.5:
            use.request_id = "other"  # is the first then
        self.take(use)
        self.witness.judge(use, at_the_end=True)
        again = dataclasses.replace(use, kept=[])
        self.take(again)
        self.witness.judge(again, at_the_end=True)
        self.assertEqual(use.refusals, [])
        self.assertEqual(self.refusal(use, "another"), "TOKEN_EXHAUSTED")

    def test_before_the_call_is_there(self):
        for _ in range(ROUNDS):
            use = self.issue()
            stream = self.vault.sharing("carrier").RedeemExportToken
            self.kill()
            with self.assertRaises((grpc.RpcError, ValueError)):
                list(stream(self.api.RedeemExportTokenRequest(token=use.token, request_id="use"),
                            timeout=5))
            self.after_a_kill(use)
        self.assertGreater(self.seen["not taken"], 0)

    def test_before_the_first_message(self):
        for _ in range(3 * ROUNDS):
            use = self.issue()
            self.kill_after(self.random.uniform(0, 0.04), use)
            self.after_a_kill(use)

    def test_while_commits_hold_several_calls(self):
        for _ in range(3 * ROUNDS):
            use = self.issue()
            threads = self.busy()
            self.kill_after(self.random.uniform(0, 0.15), use)
            for thread in threads:
                thread.join()
            self.after_a_kill(use)

    def test_after_each_message(self):
        """After the last one the stream has not ended yet."""
        for round_ in range(ROUNDS * MESSAGES):
            use = self.issue()
            self.take(use, messages=1 + round_ % MESSAGES)
            self.assertEqual(use.kept[-1].complete, round_ % MESSAGES == MESSAGES - 1)
            self.kill()
            self.after_a_kill(use)

    def test_after_the_end(self):
        for _ in range(ROUNDS):
            use = self.issue()
            self.take(use)
            self.kill()
            self.after_a_kill(use)

    def test_as_soon_as_a_message_is_durable_and_nobody_has_read_it(self):
        audit = STUBS.audit_service_pb2
        for round_ in range(2 * ROUNDS):
            use = self.issue()
            tail = STUBS.audit_service_pb2_grpc.AuditServiceStub(
                self.vault.channel("auditor")).TailEntries(audit.TailEntriesRequest(
                    filter=audit.EntryFilter(method="RedeemExportToken")), timeout=60)
            next(tail)  # it is open
            unread = self.call(use, 0)
            self.assertEqual([entry.resource for entry in next(tail).entries][:1], [use.name])
            self.kill()
            del unread
            before = self.seen["unseen"]
            self.after_a_kill(use)
            self.assertEqual(self.seen["unseen"], before + 1)

    def test_two_tokens_at_once(self):
        for round_ in range(2 * ROUNDS):
            uses = [self.issue(), self.issue("other" if round_ % 2 else "carrier")]
            self.kill_after(self.random.uniform(0, 0.2), *uses)
            self.after_a_kill(*uses)

    def test_two_keys_of_one_token_at_once(self):
        for _ in range(2 * ROUNDS):
            first = self.issue()
            second = dataclasses.replace(first, request_id="second", kept=[], seen=[], refusals=[])
            self.kill_after(self.random.uniform(0, 0.1), first, second)
            self.vault.start_again()
            self.assertFalse(first.seen and second.seen)
            for use in (first, second):
                self.assertIn(use.refusals, ([], ["TOKEN_EXHAUSTED"]))
            if second.seen or first.refusals:
                first, second = second, first
            self.assertEqual(first.refusals, [])
            refused = self.refusal(first, first.request_id)
            self.assertIn(refused, (None, "TOKEN_EXHAUSTED"))
            self.assertFalse(refused and (first.seen or second.refusals))
            winner, loser = (second, first) if refused else (first, second)
            self.assertEqual(self.refusal(winner, loser.request_id), "TOKEN_EXHAUSTED")
            self.finish(winner)
            self.witness.forget()

    def test_several_kills_in_one_redemption(self):
        for _ in range(ROUNDS):
            use = self.issue()
            for _ in range(OPENINGS):
                self.kill_after(self.random.uniform(0, 0.08), use)
                self.vault.start_again()
                self.witness.judge(use)
                if use.kept and use.kept[-1].complete:
                    break
            self.finish(use)
            self.witness.forget()


class JudgeTest(unittest.TestCase):
    """The judge finds what it is for: of a good case, each way to spoil it."""

    def test_finds_each_flaw(self):
        entry = STUBS.audit_service_pb2.Entry
        item = STUBS.audit_service_pb2.EntryItem
        disclosure = STUBS.sharing_service_pb2.Disclosure(
            name="tenants/t/disclosures/d", subjects=2)
        disclosure.end_time.SetInParent()
        use = judge.Use("carrier", "token", "", "use")
        use.keep(judge.Message(7, 2, True, [0, 1], ["h", "i"], disclosure.name))
        refs = ["p", "q"]
        evidence = judge.Evidence(1, judge.EXHAUSTED, [disclosure], ["q", "p"], {7: entry(
            method=judge.METHOD, resource="token", decision=judge.GRANTED,
            arguments={"disclosure": "d"}, items=[item(subject_ref=ref) for ref in refs])})
        self.assertEqual(judge.findings_at_the_end(use, evidence, refs), [])

        def spoiled(change):
            own, said = copy.deepcopy((use, evidence))
            change(own, said)
            return judge.findings_at_the_end(own, said, refs)

        for number, change in enumerate([
                lambda own, said: setattr(said, "uses_taken", 2),
                lambda own, said: setattr(said, "uses_taken", 0),
                lambda own, said: setattr(said, "state", 2),
                lambda own, said: said.disclosures.append(disclosure),
                lambda own, said: said.disclosures.clear(),
                lambda own, said: said.disclosures[0].ClearField("end_time"),
                lambda own, said: setattr(said.disclosures[0], "subjects", 3),
                lambda own, said: setattr(said.disclosures[0], "omitted", 1),
                lambda own, said: setattr(said.disclosures[0], "name", "tenants/t/disclosures/e"),
                lambda own, said: said.rows.pop(),
                lambda own, said: said.rows.append("p"),
                lambda own, said: said.entries.clear(),
                lambda own, said: said.entries[7].items.reverse(),
                lambda own, said: said.entries[7].items.pop(),
                lambda own, said: setattr(said.entries[7], "decision", 2),
                lambda own, said: said.entries.update({8: said.entries.pop(7)}),
                lambda own, said: own.kept.append(own.kept[0]),
                lambda own, said: own.kept.clear(),
                lambda own, said: setattr(own.kept[0], "complete", False),
                lambda own, said: setattr(own.kept[0], "disclosure", "other")]):
            self.assertNotEqual(spoiled(change), [], f"change {number}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
