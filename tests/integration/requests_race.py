"""Corrections of one value that are asked for and made, while others use it all the time."""

import collections
import concurrent.futures
import itertools
import queue
import threading

import grpc

import harness
from requests_vault import MARKETING, OTHER


def through(call, *arguments, **more):
    """Once more where the call lost against another: then it has changed nothing."""
    while True:
        try:
            return call(*arguments, **more)
        except grpc.RpcError as error:
            if harness.error_of(error)[1] != "CONFLICT":
                raise


class Race:
    """Two read, one redeems tokens of before, one takes requests down and carries them out. What
    the others had is kept, each as (index of the entry, fields)."""
    READ = (("phone",), ("name",), ("phone", "name"))

    def __init__(self, vault, record):
        self.vault, self.record = vault, record
        self.seen, self.given = [], []  # by those who read, and by the recipient
        self._over = threading.Event()
        self._turn, self._answers = threading.Condition(), collections.Counter()
        self._tokens, self._tried = queue.SimpleQueue(), queue.SimpleQueue()

    def run(self, rounds):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            reading = [pool.submit(self._read, who) for who in (MARKETING, OTHER)]
            redeeming = pool.submit(self._redeem_all)
            try:
                for number in range(rounds):
                    self._correct(number)
                self._tokens.put(None)
                redeeming.result(timeout=60)
            finally:
                self._over.set()
                self._tokens.put(None)
            for thread in reading:
                thread.result(timeout=60)

    def _correct(self, number):
        """Now and then two ask for the same, and the first answer does not end the second's. The
        token is of before; it comes to be used at the very moment, or after it."""
        vault = self.vault
        token = through(vault.token_by_law, "tax-office", self.record, ["name", "phone"])
        if number % 2 == 0:
            self._tokens.put(token)
        asked = [through(vault.ask, who, self.record, "correct", "correct", "svc.phone",
                         request_id=f"{who}-{number}").name
                 for who in ("shop", "support")[:1 + (number % 3 == 0)]]
        if number % 2 == 1:
            self._tokens.put(token)
        self._tried.get(timeout=60)
        self._wait()
        through(vault.correct, self.record, phone=f"02-{number:04}-1111")
        for name in asked:
            through(vault.confirm, name)
            through(vault.complete, name)
            self._wait()

    def _wait(self):
        """Until each reader has asked for all of it once more."""
        with self._turn:
            ends = {who: self._answers[who] + len(self.READ) + 1 for who in (MARKETING, OTHER)}
            if not self._turn.wait_for(lambda: self._over.is_set() or all(
                    self._answers[who] >= end for who, end in ends.items()), 60):
                raise AssertionError("a reader stands still")

    def _read(self, who):
        try:
            for fields in itertools.cycle(self.READ):
                try:
                    values, index = through(self.vault.reveal, who, self.record, *fields)
                    self.seen.append((index, {f"svc.{field}" for field in values}))
                except grpc.RpcError as error:
                    if harness.error_of(error)[1] != "SUBJECT_RESTRICTED":
                        raise
                self._answered(who)
                if self._over.is_set():
                    return
        except BaseException:
            self._over.set()
            raise
        finally:
            self._answered(who)

    def _answered(self, who):
        with self._turn:
            self._answers[who] += 1
            self._turn.notify_all()

    def _redeem_all(self):
        """Each token until it gives, whatever it takes."""
        try:
            for token in iter(self._tokens.get, None):
                given = self._redeem(token)
                self._tried.put(token)
                while not given and not self._over.is_set():
                    given = self._redeem(token)
        finally:
            self._tried.put(None)

    def _redeem(self, token):
        try:
            message, = through(self.vault.redeem, "tax-office", token, "once")
        except grpc.RpcError as error:
            if harness.error_of(error)[1] != "EXPORT_WITHHELD":
                raise
            return False
        values, = ({f"svc.{field}" for field in person.records[0].fields}
                   for person in message.subjects)
        self.given.append((message.receipt.index, values))
        return True
