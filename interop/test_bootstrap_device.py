# SPDX-License-Identifier: Apache-2.0
"""tesserad starts blank, is configured by a bootstrap server of aiocoap, and registers with our server (NoSec)."""
import signal
import unittest

import lab
from authority import Authority

PYTHON = lab.ROOT / "build/python/bin/python3"
EP = "blank"


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class BlankDevice(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.port = lab.free_port()
        self.room.start_server("--allow-nosec")
        self.room.start_secured()

    def start(self, mode, *lines, over=()):
        room = self.room
        self.peer = room.start("bootstrap", [PYTHON, lab.ROOT / "interop/aiocoap_bootstrap_server.py", self.port,
                                             f"coap://127.0.0.1:{room.coap}", mode, *over], ready="ready")
        room.configure_blank(EP, f"coap{'+tcp' if over else ''}://127.0.0.1:{self.port}", *lines)
        room.run_device()

    def registered(self):
        seen = self.room.wait_registered(EP, 40)
        self.assertEqual(seen["security"], "nosec")
        status, answer, _ = self.room.rest.get(f"/devices/{EP}/objects/1/1/1")
        self.assertEqual((status, answer["values"][0]["value"]), (200, 120))

    def test_device_is_configured_by_writes(self):
        """LwM2M-1.1-int-0, LwM2M-1.1-int-4 (Delete of /0 and /1), LwM2M-1.1-int-5, LwM2M-1.1-int-8 (Read of /1)"""
        self.start("writes")
        self.peer.expect("done", 30)
        said = self.peer.text()
        self.assertIn("pack-request ep=blank acc=</0/0> accept 112", said)
        self.assertIn("request ep=blank pct=112", said)
        self.assertIn("</>;lwm2m=1.2,</0/0>,</1>", said)
        self.assertIn("/bs 2.04", said)
        self.registered()

        # The accounts outlive a kill -9; the bootstrap server is not asked again.
        self.room.parts["device"].kill()
        before = len(self.peer.text())
        self.room.run_device()
        self.room.wait_device("updated", 30)
        self.assertEqual(self.peer.text()[before:], "")

        # A server may ask for another bootstrap (/1/x/9).
        status, answer, _ = self.room.rest.call("POST", f"/devices/{EP}/objects/1/1/9/execute", {})
        self.assertEqual(status, 200, answer)
        self.room.wait_device("bootstrapped", 30)
        self.registered()

    def test_device_is_configured_by_a_pack(self):
        """LwM2M-1.1-int-12"""
        self.start("pack")
        self.registered()
        self.assertNotIn("request ep=blank pct", self.peer.text())

        # What came is kept over an end in good order, and over a new reading of the configuration.
        device = self.room.parts["device"]
        self.assertEqual(device.stop(40), 0)
        self.assertIsNone(self.room.rest.device(EP))
        device = self.room.run_device()
        self.registered()
        start = device.log.stat().st_size
        device.popen.send_signal(signal.SIGHUP)
        self.room.wait_device("updated", 30, start=start)
        self.assertEqual(self.peer.text().count("pack-request"), 1)

    def test_device_is_configured_over_tcp(self):
        """Step by step, and again when a server asks for it; then it works over UDP"""
        self.start("writes", over=("tcp",))
        self.peer.expect("done", 30)
        said = self.peer.text()
        for words in ("pack-request ep=blank acc=</0/0> accept 112", "request ep=blank pct=112", "/bs 2.04"):
            self.assertIn(words, said)
        self.registered()
        status, answer, _ = self.room.rest.call("POST", f"/devices/{EP}/objects/1/1/9/execute", {})
        self.assertEqual(status, 200, answer)
        self.room.wait(lambda: self.peer.text().count("done") == 2, 30, "the second bootstrap")
        self.registered()

    def test_device_is_configured_by_a_pack_over_tcp(self):
        self.start("pack", over=("tcp",))
        self.registered()
        self.assertNotIn("request ep=blank pct", self.peer.text())

    def test_device_answers_mistakes_of_the_server(self):
        """LwM2M-1.1-int-9"""
        self.start("mend", "pack = no")
        self.peer.expect("done", 30)
        codes = [line.rsplit(" ", 2)[-2:] for line in self.peer.text().splitlines() if line[:3] in ("PUT", "GET", "POS")]
        said = self.peer.text()
        for words in ("/0/1 4.00", "/0/1 4.15", "/3/0 4.05", "/bs 4.06", "/bs 2.04"):
            self.assertIn(words, said, codes)
        self.registered()

    def test_device_is_blank_after_a_cut_in_the_middle(self):
        self.start("writes", "hold_off = 1")
        self.peer.expect("request ep", 30)
        self.room.parts["device"].kill()
        self.room.run_device()
        self.peer.expect("done", 60)
        self.registered()


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class BlankDeviceGetsCertificates(unittest.TestCase):
    def test_device_works_with_the_certificate_that_it_was_given(self):
        """LwM2M-1.1-int-2: OpenSSL makes certificates and key, aiocoap writes them, in blocks"""
        room = lab.Lab()
        self.addCleanup(room.close)
        authority = Authority(room.folder, "authority")
        server, server_key = authority.server(room.folder / "server.pem")
        files = authority.device(room.folder / "device", EP) + [authority.der(server)]
        room.start_server("--certificate", server, "--key", server_key, "--trust", authority.cert)
        status, answer, _ = room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertEqual(status, 200, answer)
        room.start_secured()
        port = lab.free_port()
        room.start("bootstrap", [PYTHON, lab.ROOT / "interop/aiocoap_bootstrap_server.py", port,
                                 f"coaps://127.0.0.1:{room.coaps}", "certificates", files[0], files[2], files[1]],
                   ready="ready")
        room.configure_blank(EP, f"coap://127.0.0.1:{port}")
        room.run_device()
        room.parts["bootstrap"].expect("/bs 2.04", 30)
        seen = room.wait_registered(EP, 40)
        self.assertEqual((seen["security"], seen["identity"]), ("x509", EP))
        number = files[1].read_bytes().partition(b"\x02\x01\x01\x04\x20")[2][:32]  # RFC 5915: version 1, 32 bytes
        self.assertEqual(len(number), 32)
        self.assertEqual(lab.search_files(room.device_state, number), [])


if __name__ == "__main__":
    unittest.main()
