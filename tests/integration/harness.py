"""Starts a development vault and calls it with a client made from the .proto files alone."""

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = os.environ.get("PIIVAULTD", str(ROOT / "build" / "release" / "ops" / "server" / "daemon" / "piivaultd"))
PIIVAULT = os.environ.get("PIIVAULT", str(ROOT / "build/release/ops/cli/piivault"))

MAX_MESSAGE = 16 << 20  # as the interface says


class Stubs:
    """Python messages and stubs, generated anew into a temporary folder."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="piivault-stubs-")
        protos = ROOT / "proto"
        files = [*sorted((protos / "piivault" / "v1").glob("*.proto")),
                 *sorted((protos / "google" / "rpc").glob("*.proto"))]
        include = str(pathlib.Path(importlib.import_module("grpc_tools").__file__).parent / "_proto")
        code = protoc.main(["protoc", f"-I{protos}", f"-I{include}", "-I/usr/include",
                            f"--python_out={self._folder.name}",
                            f"--grpc_python_out={self._folder.name}", *map(str, files)])
        if code != 0:
            raise RuntimeError("protoc failed")
        sys.path.insert(0, self._folder.name)

    def __getattr__(self, name):
        return importlib.import_module(f"piivault.v1.{name}")


def error_of(rpc_error):
    """(status code, reason, metadata) of a failed call, from google.rpc.ErrorInfo."""
    status_pb2 = importlib.import_module("google.rpc.status_pb2")
    details_pb2 = importlib.import_module("google.rpc.error_details_pb2")
    for key, value in rpc_error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        status = status_pb2.Status.FromString(value)
        for detail in status.details:
            info = details_pb2.ErrorInfo()
            if detail.Unpack(info):
                return rpc_error.code(), info.reason, dict(info.metadata)
    return rpc_error.code(), None, {}


class RefusalCase(unittest.TestCase):
    """Of calls that are refused, and why."""

    def refused(self, reason, call, *arguments, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **more)
        self.assertEqual(error_of(caught.exception)[1], reason)


class DevVault:
    """`piivaultd --dev`, ended by close(). With a directory it can be started again."""

    def __init__(self, directory=None):
        self.directory = directory
        more = ["--dev-directory", directory] if directory else []
        self._process = subprocess.Popen([SERVER, "--dev", *more], stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"piivaultd ended with {self._process.wait()}")
        self.description = json.loads(line)
        self.log = []  # what was logged since start_again()
        self._channels = []

    def start_again(self, data_directory=None):
        """Starts from the directory's configuration; RuntimeError with the log where it refuses."""
        config = (pathlib.Path(self.directory) / "config.yaml").read_text()
        if data_directory is not None:
            config = config.replace(f"{self.directory}/data", data_directory)
        path = pathlib.Path(self.directory) / "again.yaml"
        path.write_text(config)
        self._process = subprocess.Popen([SERVER, "--config", str(path)], stderr=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, text=True)
        lines = []
        for line in self._process.stderr:
            event = json.loads(line)
            lines.append(line)
            if event["event"] == "serving":
                self.description["address"] = f"127.0.0.1:{event['port']}"
                self.description["metrics"] = f"127.0.0.1:{event['metrics_port']}"
                self.log += lines
                # Keeps the pipe from filling up.
                self._drain = threading.Thread(target=self.log.extend,
                                               args=(self._process.stderr,), daemon=True)
                self._drain.start()
                return
        self._process.stderr.close()
        raise RuntimeError(f"piivaultd ended with {self._process.wait()}: {''.join(lines)}")

    @property
    def tenant(self):
        return self.description["tenant"]

    @property
    def pid(self):
        return self._process.pid

    @property
    def metrics(self):
        return self.description["metrics"]

    def channel(self, who):
        credential = self.description["credentials"][who]
        read = lambda path: pathlib.Path(path).read_bytes()
        credentials = grpc.ssl_channel_credentials(
            read(self.description["ca"]), read(credential["key"]), read(credential["certificate"]))
        channel = grpc.secure_channel(self.description["address"], credentials,
                                      [("grpc.max_receive_message_length", MAX_MESSAGE)])
        self._channels.append(channel)
        return channel

    def cli(self, who, *arguments, address=None):
        """Runs the command line program as the caller; of a vault with a directory."""
        own = self.description["credentials"][who]
        return subprocess.run(
            [PIIVAULT, "--address", address or self.description["address"], "--ca",
             self.description["ca"], "--cert", own["certificate"], "--key", own["key"],
             "--tenant", self.tenant, *arguments],
            capture_output=True, text=True, timeout=900,
            env={**os.environ, "PIIVAULT_CONFIG": f"{self.directory}/none.yaml"})

    def kill(self):
        """kill -9; nothing where it has ended already."""
        self._process.kill()
        self._process.wait(timeout=60)
        for channel in self._channels:
            channel.close()
        self._channels = []
        self._close_pipes()

    def _close_pipes(self):
        if self._process.stdout is not None:
            self._process.stdout.close()
        if self._process.stderr is not None:
            self._drain.join()
            self._process.stderr.close()

    def close(self):
        for channel in self._channels:
            channel.close()
        self._channels = []
        self._process.terminate()
        code = self._process.wait(timeout=60)
        self._close_pipes()
        if code != 0:
            raise RuntimeError(f"piivaultd ended with {code}")
