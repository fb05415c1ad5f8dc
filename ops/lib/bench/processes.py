"""Programs that a measurement starts: each is ended by its id, whatever happens."""

import os
import signal
import subprocess
import time

ENDS_WITHIN_SECONDS = 60


class Failed(Exception):
    """A program ended with another code than 0; the message has what it said."""


class Processes:
    """Starts programs in sessions of their own, so that Ctrl-C reaches only this process, which
    then ends them in order: last started, first ended."""

    def __init__(self):
        self._running = []

    def start(self, command, **more):
        process = subprocess.Popen([str(part) for part in command], start_new_session=True, **more)
        self._running.append(process)
        return process

    def run(self, command, **more):
        """Standard output of a program that must end well."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             **more)
        return self.finish(process)

    def finish(self, process, good_codes=(0,)):
        """Waits for one that was started with pipes; its standard output."""
        out, err = process.communicate()
        self._running.remove(process)
        if process.returncode not in good_codes:
            raise Failed(f"{' '.join(map(str, process.args))[:300]}\n"
                         f"ended with {process.returncode}: {(err or '').strip()[-2000:]}"
                         f"{(out or '').strip()[-500:]}")
        return out

    def end(self, process):
        """SIGTERM, and after a while SIGKILL, to this one process; its exit code."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=ENDS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        if process in self._running:
            self._running.remove(process)
        return process.returncode

    def end_all(self):
        for process in reversed(list(self._running)):
            self.end(process)


def wait_for(ready, seconds, what, pause=0.002):
    """What `ready()` returns once it is not None; Failed after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ready()
        if found is not None:
            return found
        time.sleep(pause)
    raise Failed(f"{what}: nothing after {seconds} s")


def cpu_seconds(pid):
    """CPU time of a process so far, all threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, what="VmRSS:"):
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    raise Failed(f"process {pid} has no memory")


def peak_memory_mib(pid):
    """The most that it was since forget_peak_memory()."""
    return memory_mib(pid, "VmHWM:")


def forget_peak_memory(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def pin(pid, cores):
    """All threads of a process to these cores."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setaffinity(int(thread), cores)
        except ProcessLookupError:
            pass  # a thread that has just ended


def bytes_in(directory):
    """Lengths of all files below a directory."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                pass  # a table that was compacted away
    return total
