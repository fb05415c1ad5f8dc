"""The floors run: what they print is a figure, and the echo answers what it was told."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import grpc

FLOORS = os.environ["PIIVAULT_FLOORS"]
PIIVAULT = os.environ["PIIVAULT"]


class FloorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-floors-")
        self.addCleanup(folder.cleanup)
        self.directory = pathlib.Path(folder.name)

    def run_floor(self, *arguments):
        done = subprocess.run([FLOORS, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def refusal(self, *arguments):
        done = subprocess.run([FLOORS, *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def pki(self, *arguments):
        subprocess.run([PIIVAULT, "pki", *arguments, "--dir", str(self.directory / "pki")],
                       check=True, stdout=subprocess.DEVNULL)

    def test_rows_are_made_once_and_opened_by_record_and_by_token(self):
        where = ["--dir", self.directory / "read", "--records", 500, "--seconds", 0.2]
        for more in (["--batch", 1], ["--batch", 100, "--threads", 2],
                     ["--batch", 100, "--read", 1, "--tokens", 1]):
            self.assertGreater(self.run_floor("read", *where, *more)["fields_per_second"], 0)
        self.assertIn("another shape", self.refusal("read", "--dir", self.directory / "read",
                                                    "--records", 400))

    def test_synced_puts_are_counted(self):
        figure = self.run_floor("put", "--dir", self.directory / "put", "--threads", 4,
                                "--value-bytes", 300, "--seconds", 0.2)
        self.assertGreater(figure["puts_per_second"], 0)

    def test_the_echo_answers_the_bytes_to_whoever_has_a_certificate(self):
        self.pki("init", "--name", "Test CA", "--trust-domain", "vault.example")
        self.pki("issue", "server", "--server", "--dns", "localhost", "--ip", "127.0.0.1")
        self.pki("issue", "caller", "--uri", "spiffe://vault.example/caller")
        response = bytes(range(256))
        (self.directory / "response").write_bytes(response)
        echo = subprocess.Popen([FLOORS, "echo", "--dir", str(self.directory / "pki"), "--response",
                                 str(self.directory / "response")], stdout=subprocess.PIPE)
        try:
            address = f"localhost:{json.loads(echo.stdout.readline())['port']}"
            read = lambda name: (self.directory / "pki" / name).read_bytes()
            known = grpc.ssl_channel_credentials(read("ca.crt"), read("caller.key"),
                                                 read("caller.crt"))
            with grpc.secure_channel(address, known) as channel:
                call = channel.unary_unary("/any.Service/Method")
                for _ in range(2):
                    self.assertEqual(call(b"whatever", timeout=20), response)
            with grpc.secure_channel(address,
                                     grpc.ssl_channel_credentials(read("ca.crt"))) as channel:
                with self.assertRaises(grpc.RpcError) as refused:
                    channel.unary_unary("/any.Service/Method")(b"whatever", timeout=20)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)
        finally:
            echo.kill()
            echo.wait()
            echo.stdout.close()

    def test_what_it_does_not_know_is_refused(self):
        self.assertIn("--dir is missing", self.refusal("put"))
        self.assertIn("no option --speed", self.refusal("put", "--dir", "x", "--speed", "1"))
        self.assertIn("echo, read or put?", self.refusal("fly"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
