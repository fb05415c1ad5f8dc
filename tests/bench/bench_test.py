"""ops/bench from end to end, with few records and runs of so few calls that they mean nothing."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAIN = ROOT / "ops" / "lib" / "bench" / "main.py"
BUILD = os.environ["PIIVAULT_BUILD"]


def processes_naming(folder):
    """Command lines of all processes that have this folder in theirs."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has just ended
        if str(folder) in command:
            found.append(command)
    return found


class BenchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-bench-")
        self.addCleanup(folder.cleanup)
        self.directory = pathlib.Path(folder.name).resolve()

    def start(self, *arguments):
        return subprocess.Popen(
            ["/usr/bin/python3", "-B", str(MAIN), "--build-dir", BUILD, "--quick",
             "--seconds", "0.2", "--records", "200", "--calls", "20", "--out", str(self.directory / "out"), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # Tests that were started in the background have inherited that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def run_bench(self, *arguments):
        bench = self.start(*arguments)
        said, _ = bench.communicate()
        self.assertEqual(bench.returncode, 0, said)
        return said

    def result(self):
        return json.loads((self.directory / "out" / "bench.json").read_text())

    def test_every_line_that_was_asked_for_has_its_figures(self):
        self.run_bench("--only", "^(reveal|bulk|lookup|create|disk)$")
        result = self.result()
        judged = {row["line"] for row in result["targets"] if row["met"] is not None}
        # The processes' CPU clocks may not tick in so short a run: those lines are asked for figures.
        self.assertEqual(judged - {"1.64c", "1.256c"},
                         {"1.1", "1.64", "1.256", "2.batch", "2.stream", "2.detokenize",
                          "3.single", "3.batch", "4.lookup"})
        for load in ("64", "256"):
            for side in ("vault", "echo"):
                self.assertIn(f"reveal/{load}/{side}/cpu_us", result["figures"])
        self.assertEqual([n for n in result["notes"] if "failed" in n], [])
        self.assertGreater(result["figures"]["disk/bytes_per_entry"]["median"], 0)
        self.assertIn("| 1.64 |", (self.directory / "out" / "bench.md").read_text())
        self.assertEqual(processes_naming(self.directory), [])
        self.assertEqual(sorted(os.listdir(self.directory / "out")), ["bench.json", "bench.md"])

    def test_a_vault_that_was_kept_is_taken_up_again(self):
        keep = ["--keep", str(self.directory / "keep"), "--only", "start-up"]
        self.assertIn("filled in", self.run_bench(*keep))
        self.assertNotIn("filled in", self.run_bench(*keep))
        self.assertIsNotNone(self.result()["figures"]["start/seconds"]["median"])

    def test_nothing_goes_on_after_ctrl_c(self):
        bench = self.start("--only", "reveal", "--calls", "1000000000")
        for line in bench.stdout:
            if "RevealRecord, 1 in flight" in line:
                break
        else:
            self.fail("it ended before it measured")
        self.assertNotEqual(processes_naming(self.directory), [])
        bench.send_signal(signal.SIGINT)
        bench.communicate()
        self.assertEqual(bench.returncode, 130)
        self.assertEqual(processes_naming(self.directory), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
