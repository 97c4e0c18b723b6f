"""The real program over real sockets. Standard library only.

`server` is one process for the whole session, serving the demo's handbook and checkpoint;
`Server(...)` starts another with its own options.
"""
import http.client
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = str((ROOT / os.environ.get("PARALLELOPEDIA_BIN", "build/parallelopedia")).resolve())
HANDBOOK = ROOT / "build/demo/handbook.xml"
CHECKPOINT = ROOT / "demo/handbook.pt"
CHAT = ROOT / "demo/handbook-chat"
DATA = ROOT.parent / "shared" / "data"
# Sanitizers make everything slower; what is about speed or size is scaled by this.
SLOW = 6 if "san-" in BIN else 1
# For waits that are not about speed: what works takes far less, also on a machine with much to do.
PATIENCE_S = 300 * SLOW


def need_data(relative):
    """A file of ../shared/data, or a skip that says which one is missing."""
    path = DATA / relative
    if not path.exists():
        pytest.skip(f"needs {path}")
    return path


def wait_until(fact):
    """Whether it comes true."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if fact():
            return True
        time.sleep(0.02)
    return False


def run(*args, stdin=b"", env=None):
    """Runs the program to its end. Returns (exit code, stdout, stderr) as text."""
    done = subprocess.run([BIN, *map(str, args)], input=stdin, capture_output=True,
                          timeout=PATIENCE_S, env={**os.environ, **(env or {})}, cwd=ROOT)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Reply:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    @property
    def text(self):
        return self.body.decode()


class Server:
    """A running `serve`; use as a context manager."""

    def __init__(self, *args, env=None, ip="127.0.0.1"):
        self.process = subprocess.Popen(
            [BIN, "serve", "--port", "0", "--ip", ip, *map(str, args)], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        self.errors = b""
        self.host = ip
        self.port = self._wait_for_port()

    def _wait_for_port(self):
        out, until = b"", time.monotonic() + PATIENCE_S
        streams = [self.process.stdout, self.process.stderr]
        while time.monotonic() < until:
            for stream in select.select(streams, [], [], 0.2)[0]:
                data = os.read(stream.fileno(), 65536)
                if stream is self.process.stderr:
                    self.errors += data
                else:
                    out += data
            found = re.search(rb"listening on http://\S+:(\d+)\n", out)
            if found:
                self._take_errors()
                return int(found.group(1))
            if self.process.poll() is not None:
                break
        self.errors += self.process.stderr.read() if self.process.poll() is not None else b""
        self.stop()
        raise RuntimeError(f"serve did not start: {self.errors.decode()}")

    def _take_errors(self):
        """What was said before the port was: it is in the pipe by now, and may not have been."""
        while select.select([self.process.stderr], [], [], 0)[0]:
            data = os.read(self.process.stderr.fileno(), 65536)
            if not data:
                return
            self.errors += data

    def stop(self, how=signal.SIGTERM):
        """Sends the signal and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            _, errors = self.process.communicate(timeout=PATIENCE_S)
            self.errors += errors
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode

    def is_alive(self):
        return self.process.poll() is None

    def connect(self):
        s = socket.create_connection((self.host, self.port), timeout=PATIENCE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data):
        """Sends bytes, shuts the write side, returns all bytes that come back."""
        with self.connect() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            out = b""
            while chunk := s.recv(65536):
                out += chunk
            return out

    def request(self, method, target, headers=None, body=None):
        c = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            c.request(method, target, body=body, headers=headers or {})
            r = c.getresponse()
            return Reply(r.status, r.reason, r.headers, r.read())
        finally:
            c.close()

    def get(self, target, **headers):
        return self.request("GET", target, {k.replace("_", "-"): v for k, v in headers.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@pytest.fixture(scope="session")
def handbook(tmp_path_factory):
    """The demo dump, copied to a folder of its own and indexed."""
    path = tmp_path_factory.mktemp("handbook") / "handbook.xml"
    path.write_bytes(HANDBOOK.read_bytes())
    code, _, errors = run("index", path)
    assert code == 0, errors
    return path


@pytest.fixture(scope="session")
def server(handbook):
    with Server("--wiki", handbook, "--gpt2", CHECKPOINT, "--model", CHAT, "--threads", "2") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    # Sanitizer reports end the process with another code.
    assert s.process.returncode == 0, s.errors.decode()
