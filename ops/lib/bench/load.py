"""The load generator, `piivault bench`, as measurements call it."""

import json
import subprocess


class Load:
    """Calls a vault, or whatever else has an address and certificates of the same kind."""

    def __init__(self, processes, cli, calls=None):
        """`calls`: so many in each run, however long they take, rather than for some seconds."""
        self._processes = processes
        self._cli = cli
        self._calls = calls

    def start(self, target, method, who, request, *, in_flight=1, connections=None, rate=None,
              seconds=None, calls=None, warm_up=1, repeat=None, data=None, first=None, save=None,
              save_response=None, cores=None):
        """Starts one run; finish() waits for what it says."""
        if self._calls is not None and calls is None:
            seconds, calls = None, self._calls
        # Several connections where there are calls for them, as callers would have.
        connections = connections or min(4, in_flight)
        command = [self._cli, "--config", target.directory / "contexts.yaml", "--context", who,
                   "--address", target.address, "bench", method,
                   "--request", json.dumps(request, ensure_ascii=False),
                   "--in-flight", in_flight, "--connections", connections,
                   "--warm-up", warm_up, "--json"]
        for field, count in (repeat or {}).items():
            command += ["--repeat", f"{field}={count}"]
        for name, value in (("--rate", rate), ("--seconds", seconds), ("--calls", calls),
                            ("--data", data), ("--first", first),
                            ("--save-response", save_response)):
            if value is not None:
                command += [name, value]
        if save is not None:
            command += ["--save", save[0]]
            for column, path in save[1].items():
                command += ["--column", f"{column}={path}"]
        if getattr(target, "pid", None):
            command += ["--server-pid", target.pid]
        if cores is not None:
            command = ["taskset", "-c", ",".join(map(str, sorted(cores))), *command]
        return self._processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True)

    def finish(self, process):
        """The result of a run, in which some calls may have failed (exit code 3)."""
        return json.loads(self._processes.finish(process, good_codes=(0, 3)))

    def run(self, *arguments, **more):
        return self.finish(self.start(*arguments, **more))
