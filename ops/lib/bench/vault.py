"""The vault that is measured: made by vault.sh, filled by the load generator."""

import json
import os
import pathlib
import time
import urllib.request

from processes import Failed, bytes_in, cpu_seconds, wait_for

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 100
FIRST = 10000000  # eight digits: with 090 in front a mobile number as they are
TENANT = "tenants/default"
SERVES_WITHIN_SECONDS = 120
SETTLES_WITHIN_SECONDS = 900
LOOK_SECONDS = 0.5
IDLE_SHARE = 0.05  # of a core
READ_BYTES = 1 << 20


def new_record():
    """A reader with all eight fields, each with a token; another one for each {n}."""
    return {"type": "reader",
            "fields": {"email": "reader{n}@example.jp", "name": "山田 {n}", "phone": "090{n}",
                       "postal_code": "100-0001",
                       "address": "東京都見本市北町1-2-3 例マンション {n}号室",
                       "birth_date": "1980-04-01", "gender": "女性",
                       "attr": "購読中 登録番号 {n}"},
            "provenance": {"channel": "import", "front_hop": "FRONT_HOP_TLS"}}


class Vault:
    """One directory with one vault of `records` records; running between start() and stop()."""

    def __init__(self, processes, directory, build, records, cache_mib):
        self.processes = processes
        self.directory = pathlib.Path(directory)
        self.build = build
        self.records = records
        self.cache_mib = cache_mib
        self.people = self.directory / "people.tsv"
        self.emails = self.directory / "emails.tsv"
        self._next = self.directory / "next"
        self._server = None

    # ---- its life --------------------------------------------------------------------------------

    def make(self):
        """Makes the directory where it is not there yet."""
        if (self.directory / "made").exists():
            return
        self.processes.run([HERE / "vault.sh", self.directory, self.build.cli.parent,
                            self.build.daemon, self.cache_mib])
        (self.directory / "made").touch()

    def start(self):
        """Starts the server; seconds from there until it serves."""
        log = self.directory / "server.log"
        began = time.monotonic()
        with open(log, "w") as out:
            self._server = self.processes.start(
                [self.build.daemon, "--config", self.directory / "vault" / "piivaultd.yaml"],
                stdout=out, stderr=out)

        def serving():
            if self._server.poll() is not None:
                raise Failed(f"piivaultd ended:\n{log.read_text()[-2000:]}")
            for line in log.read_text().splitlines():
                if '"serving"' in line and line.endswith("}"):
                    return json.loads(line)
            return None

        event = wait_for(serving, SERVES_WITHIN_SECONDS, "piivaultd does not serve")
        seconds = time.monotonic() - began
        self.address = f"127.0.0.1:{event['port']}"
        self._metrics = f"http://127.0.0.1:{event['metrics_port']}/metrics"
        return seconds

    def stop(self):
        if self._server is not None and self.processes.end(self._server) != 0:
            raise Failed(f"piivaultd did not end well; its log is {self.directory}/server.log")
        self._server = None

    def restart(self):
        self.stop()
        return self.start()

    @property
    def pid(self):
        return self._server.pid

    # ---- what it holds ---------------------------------------------------------------------------

    def fill(self, load):
        """Stores the records that are not there yet; seconds that took, or None."""
        if self.people.exists():
            return None
        fresh = self.directory / "people.fresh.tsv"
        first = self.take_numbers(self.records)
        with open(self.emails, "w") as file:
            file.write("email\n")
            file.writelines(f"reader{n}@example.jp\n" for n in range(first, first + self.records))
        began = time.monotonic()
        result = load.run(self, "BatchCreateRecords", "intake", self.create_batch(), in_flight=8,
                          repeat={"records": BATCH}, calls=self.records // BATCH, warm_up=0,
                          first=first,
                          save=(fresh, {"name": "results.name",
                                        "email_token": "results.tokens.email"}))
        if result["failures"] or result["item_failures"]:
            raise Failed(f"filling: {result['failures']}, {result['item_failures']} items failed")
        os.rename(fresh, self.people)
        return time.monotonic() - began

    def settle(self, seconds=SETTLES_WITHIN_SECONDS):
        """Waits until the server has done what filling left behind: compaction, the log's index."""
        def idle():
            before = cpu_seconds(self.pid)
            time.sleep(LOOK_SECONDS)
            return cpu_seconds(self.pid) - before < IDLE_SHARE * LOOK_SECONDS or None

        wait_for(idle, seconds, "the vault does not come to rest")

    def warm(self):
        """Reads all tables, so that the system has them in memory: it may have let go of what
        nobody read for a while."""
        for path in self.database.glob("*.sst"):
            try:
                with open(path, "rb") as file:
                    while file.read(READ_BYTES):
                        pass
            except FileNotFoundError:
                pass  # a table that was compacted away

    def create_batch(self):
        return {"parent": TENANT, "records": [new_record()], "usage": {"purpose": "self_service"}}

    def take_numbers(self, count):
        """The first of so many numbers that no record of this vault was made with."""
        first = int(self._next.read_text()) if self._next.exists() else FIRST
        self._next.write_text(str(first + count))
        return first

    def give_back_numbers(self, result):
        """Those that a run took and did not use."""
        self._next.write_text(str(result["next_n"]))

    @property
    def database(self):
        return self.directory / "vault" / "data" / "db"

    def bytes_on_disk(self):
        return bytes_in(self.directory / "vault" / "data")

    def tables(self):
        """Names of the table files there are: a flush or compaction makes new ones."""
        return {path.name for path in self.database.glob("*.sst")}

    # ---- what it says of itself ------------------------------------------------------------------

    def metrics(self):
        """Values by name with labels, as Prometheus reads them."""
        with urllib.request.urlopen(self._metrics, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        values = {}
        for line in lines:
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def cli(self, who, *arguments):
        """The answer of one command as JSON."""
        return json.loads(self.processes.run(
            [self.build.cli, "--config", self.directory / "contexts.yaml", "--context", who,
             "--address", self.address, "--output", "json", *arguments]))

    # ---- rotation --------------------------------------------------------------------------------

    def rotate(self):
        """Begins a rotation; it goes on in the background."""
        self._epoch = int(self.cli("sato", "keys", "rotate")["epoch"]["id"])

    def rotated(self):
        """Whether the rotation that was begun last has ended: all older epochs have retired."""
        epochs = {int(epoch["id"]): epoch["state"]
                  for epoch in self.cli("sato", "keys", "epochs")["epochs"]}
        return self._epoch in epochs and all(
            state in ("EPOCH_STATE_RETIRED", "EPOCH_STATE_DESTROYED")
            for epoch, state in epochs.items() if epoch < self._epoch)

    def wait_rotated(self, seconds):
        wait_for(lambda: self.rotated() or None, seconds, "rotation", pause=0.5)
