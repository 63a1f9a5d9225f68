# SPDX-License-Identifier: Apache-2.0
"""tesserad enrols with a server and an authority of others, and registers with our server under what it got."""
import re
import subprocess
import unittest

import lab
from authority import CURVE, Pki, openssl

PYTHON = lab.ROOT / "build/python/bin/python3"
EP = "urn:dev:ops:32473-est"


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class Enrolment(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        self.own = Pki(room.folder / "pki", subject="")
        self.own.certificate("lwm2m", "/CN=127.0.0.1", "authority")
        (self.own.folder / "trust.pem").write_text("".join(self.own.path(name).read_text() for name in ("maker", "authority")))
        room.start_server("--certificate", self.own.path("lwm2m"), "--key", self.own.path("lwm2m", "key"),
                          "--trust", self.own.path("authority"))
        status, answer, _ = room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertIn(status, (200, 201), answer)
        room.start_secured()
        self.port = lab.free_port()
        self.configure()

    def configure(self):
        room, born = self.room, self.own.path("born")
        room.configure_device(EP, f"coaps://127.0.0.1:{room.coaps}", True, coap=("block_size = 256",))
        text = room.device_config.read_text().replace("mode = psk", "mode = est")
        text = text.replace(f"identity = {EP}\n", f"server_certificate = {self.own.path('lwm2m')}\n")
        text += (f"[bootstrap]\nuri = coaps://127.0.0.1:{self.port}\nmode = certificate\nkey = 7\n"
                 f"certificate = {born}\nserver_certificate = {self.own.path('server')}\n")
        room.device_config.write_text(text)
        request = self.own.path("born", "csr")
        done = subprocess.run([lab.program("tesserad"), "request", "--bootstrap", "--out", request, "--config",
                               room.device_config], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.own.sign(request, born, "maker", form="PEM")

    def start(self, *words):
        self.peer = self.room.start("est", [PYTHON, lab.ROOT / "interop/aiocoap_est.py", self.port, self.own.folder,
                                            *words], ready="ready")
        self.room.run_device()

    def said(self, word):
        return [line for line in self.peer.text().splitlines() if line.startswith(word + " ")]

    def test_device_enrols_and_registers(self):
        """LwM2M-1.1-int-10 without the bootstrap before it; RFC 9148 over blocks of 256 bytes"""
        self.start()
        self.assertEqual(self.room.wait_registered(EP, 60)["security"], "x509")
        self.assertEqual(self.said("crts"), ["crts accept 281"])
        self.assertEqual(self.said("sen"), [f"sen {EP} under {EP} issuer CN=maker new"])

        # What was enrolled outlives a kill -9, and nobody is asked again. An Update follows where the session was stored
        # in time, else a Register.
        self.room.parts["device"].kill()
        device = self.room.run_device()
        self.room.wait(lambda: re.search(rb"event=(updated|registered) ", device.log.read_bytes()[device.seen:]), 30,
                       "the device's return")
        self.room.parts["device"].stop(40)
        self.room.wait(lambda: not self.room.rest.device(EP), 30, "the de-registration")
        self.room.run_device()
        self.assertEqual(self.room.wait_registered(EP, 30)["security"], "x509")
        self.assertEqual(len(self.said("sen")), 1)

    def test_device_waits_as_it_is_told(self):
        """RFC 9148 §4.7: Retry after Max-Age with the same request, then a separate response; format 287"""
        self.start("slow", "bare", "root=/.well-known/est")
        self.assertEqual(self.room.wait_registered(EP, 60)["security"], "x509")
        self.assertIn("seconds=2", self.room.wait_device("enrol-waiting", 5))
        self.assertEqual([line.rsplit(" ", 1)[1] for line in self.said("sen")], ["new", "same"])

    def test_device_renews_before_the_end(self):
        """RFC 9148 and RFC 7030 §3.3.2: /sren under the certificate that is to be renewed"""
        self.start("seconds=30")
        self.room.wait_registered(EP, 60)
        self.room.wait(lambda: self.said("sren"), 60, "the renewal")
        self.assertEqual(self.said("sren")[0], f"sren {EP} under {EP} issuer CN=authority new")
        self.room.wait_device("enrolled", 30, renewal="1")
        self.room.wait(lambda: "event=connected" in self.room.parts["device"].text().split("renewal=1\n")[-1], 30,
                       "a session under the new certificate")
        self.room.wait(lambda: "event=registered" in self.room.parts["device"].text().split("renewal=1\n")[-1], 30,
                       "the registration in it")
        self.assertEqual(self.room.rest.device(EP)["security"], "x509")

    def test_device_refuses_a_certificate_of_nobody_it_was_told(self):
        """The authority of crts did not sign it."""
        openssl("req", "-x509", *CURVE, "-days", "30", "-subj", "/CN=authority", "-keyout",
                self.own.path("authority", "key"), "-out", self.room.folder / "unused.pem")
        self.start()
        self.room.wait(lambda: "event=enrol-failed" in self.room.parts["device"].text(), 60, "the refusal")
        self.assertIn("not signed by the authority of crts", self.room.wait_device("enrol-failed", 5))
        self.assertIsNone(self.room.rest.device(EP))


if __name__ == "__main__":
    unittest.main()
