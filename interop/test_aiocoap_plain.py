# SPDX-License-Identifier: Apache-2.0
"""Uploads to one resource at the same time between our engine and aiocoap, in both roles (RFC 9175 §3)."""
import subprocess
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"
PEER = lab.ROOT / "interop/aiocoap_plain.py"
OURS = {role: lab.BUILD / f"tessera/coap/coap_plain_{role}" for role in ("server", "client")}


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
@unittest.skipUnless(all(p.exists() for p in OURS.values()), "coap_plain_server and coap_plain_client are not built")
class UploadsOfAiocoap(unittest.TestCase):
    def start(self, *command):
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, process.stdout.readline().strip()

    def must_pass(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_aiocoap_client_uploads_at_the_same_time(self):
        """RFC 9175 §3.3: told apart by their lists of Request-Tags, none among them."""
        _, port = self.start(OURS["server"], 170)
        self.must_pass(PYTHON, PEER, "ask", port)

    def test_our_client_uploads_at_the_same_time(self):
        """RFC 9175 §3.5.2: one has no Request-Tag, the others one each."""
        port = lab.free_port()
        theirs, ready = self.start(PYTHON, PEER, "serve", port)
        self.assertEqual(ready, "serving")
        self.must_pass(OURS["client"], port, 6, 0, "uploads")
        tags = [tuple(theirs.stdout.readline().split()[1:]) for _ in range(3)]
        self.assertEqual(sorted(map(len, tags)), [0, 1, 1])
        self.assertEqual(len(set(tags)), 3)


if __name__ == "__main__":
    unittest.main()
