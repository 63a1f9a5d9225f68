# SPDX-License-Identifier: Apache-2.0
"""OSCORE (RFC 8613) against aiocoap, in both roles, also over a restart of the server (RFC 8613 §B.1.2)."""
import pathlib
import re
import subprocess
import tempfile
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"
THEIRS = lab.ROOT / "interop/oscore_peer.py"
TICKS = [f"/tick 2.05 tick {n}" for n in range(4)]


def has_aiocoap():
    question = "import sys, aiocoap.defaults; sys.exit(bool(aiocoap.defaults.oscore_missing_modules()))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", question], capture_output=True).returncode == 0


def answers(hello):
    return [f"/hello 2.05 hello from {hello}", "/store 2.04", "/store 2.05 kept by OSCORE", "/none 4.04"]


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return [line.rstrip() for line in done.stdout.splitlines()]


@unittest.skipUnless(has_aiocoap(), "aiocoap with OSCORE is not installed (interop/get-peers)")
class OscoreOfAiocoap(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def start(self, name, *command, ready):
        process = lab.Process(name, [str(c) for c in command], self.folder / f"{name}.log", ready=ready, timeout=60)
        self.addCleanup(process.stop)
        return process

    def our_server(self, name):
        process = self.start(name, lab.program("oscore_peer"), "server", self.folder / "state", ready="port ")
        return process, int(re.search(r"port (\d+)", (self.folder / f"{name}.log").read_text()).group(1))

    def ask_us(self, port):
        lines = run(PYTHON, THEIRS, "client", self.folder / "theirs", port)
        self.assertEqual(lines[:4], answers("tessera"))
        self.assertEqual(lines[4:], TICKS + ["done"])

    def test_their_client_at_our_server_over_its_restart(self):
        process, port = self.our_server("ours")
        self.ask_us(port)
        log = (self.folder / "ours.log").read_text()
        self.assertNotIn("TSR_E", log)
        process.stop()
        process, port = self.our_server("again")
        self.ask_us(port)
        refused = [line for line in (self.folder / "again.log").read_text().splitlines()
                   if line.startswith("request ") and line != "request ok"]
        self.assertEqual(len(refused), 1, "one challenge, answered by their Echo")

    def ask_them(self, port):
        lines = run(lab.program("oscore_peer"), "client", self.folder / "state", port)
        challenges = lines.count("echo")
        lines = [line for line in lines if line != "echo"]
        self.assertEqual(lines[:4], answers("aiocoap"))
        ticks = [int(re.fullmatch(r"/tick 2\.05 tick (\d+)", line).group(1)) for line in lines[4:-1]]
        self.assertEqual((len(ticks), lines[-1]), (4, "done"))
        self.assertEqual(ticks, sorted(set(ticks)), "each once, none older than the one before")
        return challenges

    def test_our_client_at_their_server_over_both_restarts(self):
        port = lab.free_port()
        process = self.start("theirs", PYTHON, THEIRS, "server", self.folder / "theirs", port, ready="ready")
        self.assertEqual(self.ask_them(port), 0, "new keys: nothing was seen yet")
        self.assertEqual(self.ask_them(port), 0, "after our restart nothing is a replay")
        process.stop()
        port = lab.free_port()
        self.start("again", PYTHON, THEIRS, "server", self.folder / "theirs", port, ready="ready")
        self.assertEqual(self.ask_them(port), 1, "after theirs we are asked for an Echo once")


if __name__ == "__main__":
    unittest.main()
