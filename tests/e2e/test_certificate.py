# SPDX-License-Identifier: Apache-2.0
"""A device with a certificate: its key is born behind the wall, OpenSSL is the authority."""
import subprocess
import unittest

import lab
from authority import Authority, openssl

EP = "urn:dev:ops:32473-lamp,1"  # the comma must be escaped in a distinguished name


class Certificate(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.authority = Authority(self.room.folder, "authority")
        self.server_cert, self.server_key = self.authority.server(self.room.folder / "server.pem")
        self.cert = self.room.folder / "device.pem"

    def start(self):
        self.room.start_server("--certificate", self.server_cert, "--key", self.server_key,
                               "--trust", self.authority.cert)
        status, answer, _ = self.room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertIn(status, (200, 201), answer)
        self.room.start_secured()

    def configure(self, pinned=None, usage="exact"):
        room = self.room
        room.configure_device(EP, f"coaps://127.0.0.1:{room.coaps}", True)
        text = room.device_config.read_text().replace("mode = psk", "mode = certificate")
        text = text.replace(f"identity = {EP}\n", f"certificate = {self.cert}\n"
                            f"server_certificate = {pinned or self.server_cert}\ncertificate_usage = {usage}\n")
        room.device_config.write_text(text)

    def tool(self, *words, good=True):
        done = subprocess.run([lab.program("tesserad"), *words, "--config", self.room.device_config],
                              capture_output=True, text=True, timeout=30)
        if good:
            self.assertEqual(done.returncode, 0, done.stderr)
        else:
            self.assertNotEqual(done.returncode, 0, done.stdout)
        return done

    def request(self, *more):
        path = self.room.folder / "device.csr"
        self.tool("request", "--server", "1", "--out", path, *more)
        return path

    def public_key(self, request):
        return openssl("req", "-in", request, "-noout", "-pubkey")

    def test_device_registers_with_a_certificate_for_a_key_born_behind_the_wall(self):
        """LwM2M-1.1-int-402"""
        self.start()
        self.configure()
        request = self.request()
        said = openssl("req", "-in", request, "-noout", "-verify", "-text", "-nameopt", "RFC2253")
        self.assertIn("verify OK", said)
        self.assertIn("CN=" + EP.replace(",", "\\,"), said)
        self.assertIn("Digital Signature", said)
        self.authority.sign(request, self.cert)
        self.room.run_device()
        seen = self.room.wait_registered(EP)
        self.assertEqual(seen["security"], "x509")
        status, answer, _ = self.room.rest.get(f"/devices/{EP}/objects/3/0/0")
        self.assertEqual((status, answer["values"][0]["value"]), (200, "Tessera"))

        # Renewed for the same key; a new key only when it is asked for. DER does as well as PEM.
        renewed = self.public_key(self.request())
        self.assertEqual(renewed, self.public_key(request))
        openssl("x509", "-in", self.cert, "-outform", "DER", "-out", self.cert)
        self.room.parts["device"].stop(40)
        self.room.wait(lambda: not self.room.rest.device(EP), 30, "the de-registration")
        self.room.run_device()
        self.room.wait_registered(EP)
        self.room.parts["device"].stop(40)
        self.assertNotEqual(self.public_key(self.request("--replace")), renewed)

    def test_device_trusts_what_is_below_the_anchor(self):
        self.start()
        self.configure(self.authority.cert, "anchor")
        self.authority.sign(self.request(), self.cert)
        self.room.run_device()
        self.assertEqual(self.room.wait_registered(EP)["security"], "x509")

    def test_device_refuses_another_server(self):
        """LwM2M-1.1-int-403"""
        self.start()
        other, _ = Authority(self.room.folder, "other").server(self.room.folder / "other-server.pem")
        self.configure(other)
        self.authority.sign(self.request(), self.cert)
        self.room.run_device()
        said = self.room.wait_device("disconnected", 30)
        self.assertIn("the peer's certificate is not accepted", said)
        self.assertFalse(self.room.rest.device(EP))

    def test_server_refuses_a_certificate_of_another_authority(self):
        self.start()
        self.configure()
        Authority(self.room.folder, "stranger").sign(self.request(), self.cert)
        self.room.run_device()
        self.assertIn("the peer refused", self.room.wait_device("disconnected", 30, alert="48"))  # unknown_ca
        self.assertFalse(self.room.rest.device(EP))

    def test_what_is_missing_is_said(self):
        self.room.start_secured()
        self.configure()
        self.cert.write_text("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n")
        self.room.run_device()
        self.room.wait(lambda: "event=certificate" in self.room.log("device").read_text(), 20, "the cause")
        said = self.room.log("device").read_text()
        self.assertIn("neither DER nor PEM", said)
        self.assertIn("remedy=", said)
        said = self.tool("provision", "--server", "1", good=False).stderr
        self.assertIn("tesserad request", said)
        said = self.tool("request", "--server", "9", good=False).stderr
        self.assertIn("mode = certificate", said)


if __name__ == "__main__":
    unittest.main()
