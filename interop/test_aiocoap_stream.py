# SPDX-License-Identifier: Apache-2.0
"""CoAP over TCP: our engine for streams and aiocoap, each as client of the other, with and without BERT (RFC 8323 §6)."""
import subprocess
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"
PEER = lab.ROOT / "interop/aiocoap_stream.py"
OURS = {role: lab.BUILD / f"tessera/coap/coap_stream_{role}" for role in ("server", "client")}


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
@unittest.skipUnless(all(p.exists() for p in OURS.values()), "coap_stream_server and coap_stream_client are not built")
class StreamsOfAiocoap(unittest.TestCase):
    def start(self, *command):
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, process.stdout.readline().strip()

    def must_pass(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_aiocoap_client_at_our_server(self):
        for size in (1152, 8448):  # aiocoap 0.4 takes no notice of less than 1152
            _, port = self.start(OURS["server"], 170, size)
            told = self.must_pass(PYTHON, PEER, "ask", port)
            self.assertEqual(told.count(": ok"), 9, told)

    def test_our_client_at_aiocoap_server(self):
        port = lab.free_port()
        _, ready = self.start(PYTHON, PEER, "serve", port)
        self.assertEqual(ready, "serving")
        for size in (1152, 8448):
            told = self.must_pass(OURS["client"], port, "aiocoap", size)
            self.assertIn("the server asks us           ok", told)


if __name__ == "__main__":
    unittest.main()
