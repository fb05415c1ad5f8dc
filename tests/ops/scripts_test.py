"""The command lines of ops/test and ops/run: what is wrong is said in one line, before anything is done."""

import pathlib
import subprocess
import unittest

OPS = pathlib.Path(__file__).resolve().parents[2] / "ops"


class ScriptsTest(unittest.TestCase):
    def refused(self, script, *arguments):
        done = subprocess.run([OPS / script, *arguments], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_an_option_without_its_value_is_named(self):
        for script, options in (("test", ("--filter", "--build-dir", "--programs", "--sanitize")),
                                ("run", ("--build-dir",))):
            for option in options:
                self.assertIn(f"{option} takes a value", self.refused(script, option))
                self.assertIn(f"{option} takes a value", self.refused(script, option, ""))

    def test_what_there_is_not_is_named(self):
        self.assertIn("`--fliter`", self.refused("test", "--fliter", "x"))
        self.assertIn("`demos`", self.refused("run", "demos"))

    def test_a_filter_that_is_none_is_named_before_building(self):
        self.assertIn("`Keyring(`", self.refused("test", "--filter", "Keyring("))
        self.assertIn("`*`", self.refused("test", "--filter=*"))

    def test_a_sanitizer_that_there_is_not_is_refused(self):
        self.assertIn("address,undefined or thread", self.refused("test", "--sanitize=memory"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
