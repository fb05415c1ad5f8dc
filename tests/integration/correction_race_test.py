"""Corrections while disclosures run: whichever comes first, whoever holds a value that is corrected
is told of just that version, once."""

import collections
import os
import random
import tempfile
import threading
import unittest

import grpc

import harness
import sharing

STUBS = harness.Stubs()
PEOPLE = 30
ROUNDS = 500 if os.environ.get("PIIVAULT_LONG") else 30
RECIPIENTS = ("carrier", "other")


class CorrectionRaceTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-correction-race-")
        self.addCleanup(folder.cleanup)
        self.vault = sharing.SharingVault(STUBS, folder.name + "/vault")
        self.addCleanup(self.vault.kill)
        self.names = self.vault.fill(PEOPLE)
        # Of each person, by version: the phone. Each is written by one thread alone.
        self.phones = [{1: self.vault.fields(number)["phone"]} for number in range(PEOPLE)]
        # Of each recipient and person: which versions it was given, and its handle.
        self.given = collections.defaultdict(set)
        self.handles, self.failures = {}, []

    def correct(self, stop, numbers):
        stub, messages, done = self.vault.records(), STUBS.vault_service_pb2, 0
        while not stop.is_set() or done < 2:
            number = random.choice(numbers)
            # Never one that it has had: each write corrects.
            phone = f"080-{number:04}-{len(self.phones[number]) % 10_000:04}"
            try:
                version = stub.UpdateRecord(messages.UpdateRecordRequest(
                    name=self.names[number], fields={"phone": phone}, usage=self.vault.usage()),
                    timeout=30).record.version
            except grpc.RpcError as error:
                if harness.error_of(error)[1] != "CONFLICT":
                    self.failures.append(harness.error_of(error))
                    return
                continue
            if version in self.phones[number]:
                self.failures.append(f"version {version} twice")
            self.phones[number][version] = phone
            done += 1

    def redeem(self, who, token):
        """Until it is through: of a message that loses against corrections nothing is given."""
        request = self.vault.api.RedeemExportTokenRequest(token=token, request_id="once")
        while True:
            try:
                for message in self.vault.sharing(who).RedeemExportToken(request, timeout=300):
                    for person in message.subjects:
                        self.keep(who, person)
                    request.resume_from = message.position
                return
            except grpc.RpcError as error:
                if harness.error_of(error)[1] != "CONFLICT":
                    self.failures.append(harness.error_of(error))
                    return

    def keep(self, who, person):
        record, = person.records
        number = int(record.fields["name"].value.split()[1])
        self.given[who, number].add((record.version, record.fields["phone"].value))
        if self.handles.setdefault((who, number), person.handle) != person.handle:
            self.failures.append("another handle")

    def notices(self, who):
        """(version, held version) by handle, each as often as it is there."""
        request = self.vault.api.ListCorrectionNoticesRequest(
            parent=self.vault.tenant, page_size=1000)
        told = collections.defaultdict(list)
        while True:
            answer = self.vault.sharing(who).ListCorrectionNotices(request, timeout=60)
            for notice in answer.notices:
                self.assertEqual(list(notice.fields), ["customer.phone"])
                told[notice.handle].append((notice.version, *notice.held_versions))
            request.page_token = answer.next_page_token
            if not request.page_token:
                return told

    def test_whoever_holds_what_is_corrected_is_told_of_it(self):
        for _ in range(ROUNDS):
            stop = threading.Event()
            writers = [threading.Thread(target=self.correct, args=(stop, range(first, PEOPLE, 2)))
                       for first in range(2)]
            readers = [threading.Thread(target=self.redeem, args=(
                who, self.vault.issue(self.names, to=who).token)) for who in RECIPIENTS]
            for thread in [*writers, *readers]:
                thread.start()
            for thread in readers:
                thread.join()
            stop.set()
            for thread in writers:
                thread.join()
            self.assertEqual(self.failures, [])
        told = {who: self.notices(who) for who in RECIPIENTS}
        count = 0
        for (who, number), given in self.given.items():
            phones = self.phones[number]
            self.assertEqual(sorted(phones), list(range(1, len(phones) + 1)))
            self.assertLessEqual(given, set(phones.items()))
            # A version is given before the next is written: so each write has one held before it.
            held = sorted(version for version, _ in given)
            expected = [(version, max(h for h in held if h < version))
                        for version in sorted(phones) if held[0] < version]
            self.assertEqual(sorted(told[who][self.handles[who, number]]), expected)
            count += len(expected)
        print(f"{count} notices", flush=True)
        self.assertEqual(sum(len(of) for by in told.values() for of in by.values()), count)
        self.assertGreater(count, PEOPLE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
