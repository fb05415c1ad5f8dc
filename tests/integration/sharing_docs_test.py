"""The commands of ops/docs/sharing.md, as they stand there, against a vault of one's own."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import harness

DOCUMENT = harness.ROOT / "ops/docs/sharing.md"
STARTER = harness.ROOT / "ops/policies/starter.yaml"
BLOCKS = re.compile(r"```(sh|yaml)\n(.*?)```", re.DOTALL)


class SharingDocsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="piivault-sharing-docs-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "piivault").symlink_to(harness.PIIVAULT)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}",
                            "PIIVAULT_CONFIG": str(self.folder / "contexts.yaml")}
        # What stands in the place of the document's words; what was printed last.
        self.words, self.printed = {}, ""

    def run_line(self, line):
        for word, value in self.words.items():
            line = re.sub(rf"\b{word}\b", value, line)
        line = line.replace("proposals/…", self.name("proposals"))
        line = line.replace("127.0.0.1:7443", self.words.get("ADDRESS", "127.0.0.1:7443"))
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment, timeout=60,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}{done.stderr}")
        self.printed = done.stdout
        if "share notices" in line and "NOTICE" not in self.words:
            self.words["NOTICE"] = self.name("tenants/default/correctionNotices")
        return done.stdout

    def name(self, collection):
        found = re.search(rf"{collection}/[a-z0-9]+", self.printed)
        return found[0] if found else "none"

    def serve(self):
        server = subprocess.Popen([harness.SERVER, "--config", self.folder / "vault/piivaultd.yaml"],
                                  stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

        def end():
            server.kill()
            server.wait(timeout=60)
            server.stderr.close()

        self.addCleanup(end)
        for line in server.stderr:
            if '"serving"' in line:
                self.words["ADDRESS"] = f"127.0.0.1:{json.loads(line)['port']}"
                return
        self.fail("piivaultd does not serve")

    def make_vault(self):
        """As the README says, with the authority for recipients."""
        self.run_line('piivault pki init --dir pki --name "Our CA" --trust-domain vault.example')
        self.run_line("piivault pki issue server --dir pki --server --dns localhost --ip 127.0.0.1")
        for who in ("sato", "suzuki", "shop"):
            self.run_line(f"piivault pki issue {who} --dir pki --uri spiffe://vault.example/{who}")
        self.run_line(
            "piivault init --dir vault --listen 127.0.0.1:0 --metrics 127.0.0.1:0 "
            "--server-cert pki/server.crt --server-key pki/server.key --client-ca pki/ca.crt "
            "--client-identities 'spiffe://vault.example/*' --recipient-ca partners-pki/ca.crt "
            "--recipient-identities 'spiffe://partners.example/*' "
            "--admin sato=@pki/sato.crt --admin suzuki=@pki/suzuki.crt")
        self.serve()
        for who in ("sato", "suzuki", "shop"):
            self.run_line(f'piivault context set {who} --address 127.0.0.1:7443 --ca "$PWD/pki/ca.crt" '
                          f'--cert "$PWD/pki/{who}.crt" --key "$PWD/pki/{who}.key"')

    def agree(self, command):
        self.run_line(f"piivault --context sato {command}")
        self.run_line("piivault --context suzuki approvals approve proposals/… --yes")

    def make_shop(self, rights):
        (self.folder / "policy.yaml").write_text(
            STARTER.read_text().replace("cases:\n", rights + "cases:\n", 1))
        self.run_line("piivault --context sato policy create policy.yaml")
        self.agree(f"policy activate {self.name('policies').split('/')[1]} --reason 'first policy'")
        self.run_line("piivault --context sato person create shop --employment full_time")
        self.run_line("piivault --context sato principal create shop --kind service --person shop "
                      "--certificate pki/shop.crt")
        self.agree("principal grant shop shop")
        self.run_line("piivault --context shop record create --type customer --for order "
                      "--field name='Hanako Mihon' --field address='2-2 Mihon' --field phone=090-1234-5678")
        self.words["SUBJECT"] = self.name("tenants/default/subjects")
        self.words["RECORD"] = self.name(f"{self.words['SUBJECT']}/records")
        (self.folder / "contract.pdf").write_text("A contract.")

    def test_every_command_does_what_it_is_there_for(self):
        blocks = BLOCKS.findall(DOCUMENT.read_text())
        commands = [re.sub(r" +# .*", "", line) for kind, block in blocks if kind == "sh"
                    for line in block.replace("\\\n", "").splitlines()]
        rights = next(block for kind, block in blocks if kind == "yaml" and "rights:" in block)
        self.assertGreater(len(commands), 25)
        self.run_line(commands.pop(0))  # the second authority
        self.make_vault()
        self.make_shop(rights)
        said = {}
        for command in commands:
            asks = "approvals approve" in command
            said[command] = self.run_line(command + (" --yes" if asks else ""))
        told = next(text for command, text in said.items() if "--output json share notices" in command)
        self.assertIn('"token": "v4.public.', told)
        self.assertIn("Hanako Mihon", (self.folder / "people.jsonl").read_text())
        self.assertIn("Example Logistics", (self.folder / "provision.csv").read_text())
        self.assertIn("revoked: 1\n", said["piivault --context officer share revoke --recipient yamato"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
