# SPDX-License-Identifier: Apache-2.0
"""Eclipse Leshan with certificates: its server before our device's, made for a key behind the wall, and its client's."""
import subprocess
import unittest

import lab
import leshan
from authority import Authority

EP = "cert1"


@leshan.needed
class Certificates(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.authority = Authority(self.room.folder, "authority")

    def configure(self, coaps, pinned, usage):
        """The device's key is born, and its certificate signed."""
        room, cert, request = self.room, self.room.folder / "device.pem", self.room.folder / "device.csr"
        room.configure_device(EP, f"coaps://127.0.0.1:{coaps}", True)
        text = room.device_config.read_text().replace("mode = psk", "mode = certificate")
        room.device_config.write_text(text.replace(f"identity = {EP}\n", f"certificate = {cert}\n"
                                      f"server_certificate = {pinned}\ncertificate_usage = {usage}\n"))
        done = subprocess.run([lab.program("tesserad"), "request", "--server", "1", "--out", request, "--config",
                               room.device_config], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return request, cert

    def leshan_server(self):
        """Leshan's own certificate and key, which OpenSSL made; it trusts what the authority signed."""
        cert, key = self.authority.device(self.room.folder / "leshan", "127.0.0.1")
        return cert, leshan.Server(self.room, EP, certificate=cert, key=key, trust=self.authority.cert)

    def test_device_at_leshan_server(self):
        """LwM2M-1.1-int-402, with its server's certificate pinned"""
        pinned, peer = self.leshan_server()
        room = self.room
        room.start_secured()
        request, cert = self.configure(peer.coaps, pinned, "exact")
        self.authority.sign(request, cert)
        room.run_device()
        room.wait(lambda: peer.client(EP), 40, "the registration at Leshan")
        for path in ("3/0/0", "1/0"):
            self.assertTrue(peer.call("GET", f"clients/{EP}/{path}").get("success"))
        written = peer.call("PUT", f"clients/{EP}/3311/0/5851?type=INTEGER", "33")
        self.assertEqual(written["status"], "CHANGED(204)")
        self.assertIn("33", peer.call("GET", f"clients/{EP}/3311/0/5851")["content"])
        self.assertEqual(room.parts["device"].stop(), 0)
        room.wait(lambda: peer.client(EP) is None, 20, "the de-registration at Leshan")

        # A certificate of an authority that Leshan does not trust
        Authority(room.folder, "stranger").sign(request, cert)
        room.run_device()
        self.assertIn("the peer refused", room.wait_device("disconnected", 40))
        self.assertIsNone(peer.client(EP))

    def test_device_refuses_leshan_with_another_certificate(self):
        """LwM2M-1.1-int-403"""
        _, peer = self.leshan_server()
        room = self.room
        room.start_secured()
        other, _ = self.authority.server(room.folder / "other.pem")
        request, cert = self.configure(peer.coaps, other, "exact")
        self.authority.sign(request, cert)
        room.run_device()
        self.assertIn("the peer's certificate is not accepted", room.wait_device("disconnected", 40))
        self.assertIsNone(peer.client(EP))

    def test_leshan_client_at_server(self):
        """LwM2M-1.1-int-402: certificate usage 3, the server's own, and 2, its authority"""
        room = self.room
        cert, key = self.authority.server(room.folder / "server.pem")
        room.start_server("--certificate", cert, "--key", key, "--trust", self.authority.cert)
        status, answer, _ = room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertEqual(status, 200, answer)
        mine = self.authority.device(room.folder / "device", EP)
        stranger = Authority(room.folder, "stranger").device(room.folder / "stranger-device", EP)
        where = (EP, f"coaps://127.0.0.1:{room.coaps}")
        refused = leshan.client(room, *where, *stranger, cert, 3)
        refused.expect("UNKNOWN_CA", 40)
        refused.stop()
        self.assertIsNone(room.rest.device(EP))
        for pinned, usage in ((cert, 3), (self.authority.cert, 2)):
            with self.subTest(usage=usage):
                peer = leshan.client(room, *where, *mine, pinned, usage)
                device = room.wait_registered(EP, 40)
                self.assertEqual((device["security"], device["identity"]), ("x509", EP))
                status, body, _ = room.rest.get(f"/devices/{EP}/objects/3/0/0")
                self.assertEqual((status, body["values"][0]["value"]), (200, "Leshan"), body)
                peer.stop()
                room.wait(lambda: room.rest.device(EP) is None, 20, "the de-registration")


if __name__ == "__main__":
    unittest.main()
