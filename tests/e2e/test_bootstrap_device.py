# SPDX-License-Identifier: Apache-2.0
"""A blank device with a factory key or certificate: our bootstrap server makes its keys, and it registers with them."""
import base64
import os
import subprocess
import unittest

import lab
from authority import Authority

EP = "blank"


class BlankDevice(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        room.bs, room.bss, room.tls = lab.free_port(), lab.free_port(), lab.free_port()
        room.start_server("--bootstrap-coap", f"127.0.0.1:{room.bs}", "--bootstrap-coaps", f"127.0.0.1:{room.bss}",
                          "--bootstrap-coaps-tcp", f"127.0.0.1:{room.tls}")
        room.start_secured()
        self.factory = lab.new_key()
        self.put(f"/bootstrap/credentials/{EP}", {"mode": "psk", "identity": "factory-1", "key": self.factory.hex()})

    def put(self, path, body):
        status, answer, _ = self.room.rest.call("PUT", path, body)
        self.assertIn(status, (200, 201), answer)

    def profile(self, lifetime):
        self.put("/bootstrap/profiles/*", {"servers": [
            {"uri": f"coaps://127.0.0.1:{self.room.coaps}", "security": "psk", "generate": True,
             "identity": "made-for-{endpoint}", "short_server_id": 101, "lifetime": lifetime}]})

    def start(self, *lines, uri=None):
        room = self.room
        room.configure_blank(EP, uri or f"coaps://127.0.0.1:{room.bss}", "mode = psk", "identity = factory-1", "key = 9",
                             *lines)
        room.provision(self.factory, "--bootstrap")
        room.run_device()

    def registered(self, lifetime):
        seen = self.room.wait(lambda: self.of_lifetime(lifetime), 60, f"a registration of {lifetime} s")
        self.assertEqual((seen["security"], seen["identity"]), ("psk", f"made-for-{EP}"))

    def of_lifetime(self, lifetime):
        seen = self.room.rest.device(EP)
        return seen if seen and seen["lifetime_s"] == lifetime else None

    def test_int_1_blank_device_works_with_the_key_that_was_made_for_it(self):
        """LwM2M-1.1-int-1"""
        self.profile(120)
        self.start("pack = no")
        self.registered(120)
        status, _, _ = self.room.rest.get(f"/devices/{EP}/objects/0/1/5")
        self.assertNotEqual(status, 200, "a key must not be readable")

        # The account and its key outlive a kill -9 of the daemon and of the secure world.
        self.room.parts["device"].kill()
        self.room.parts["secured"].kill()
        self.room.start_secured()
        self.room.run_device()
        self.room.wait_device("updated", 60)

        # LwM2M-1.1-int-5: asked by its server, it takes the new profile and the new key.
        self.profile(240)
        status, answer, _ = self.room.rest.call("POST", f"/devices/{EP}/objects/1/{self.instance()}/9/execute", {})
        self.assertEqual(status, 200, answer)
        self.room.wait_device("bootstrapped", 60)
        self.registered(240)

    def instance(self):
        objects = self.room.rest.device(EP)["objects"]
        return next(o["instances"][0] for o in objects if o["object"] == 1)

    def test_pack_brings_everything_at_once(self):
        """LwM2M-1.1-int-12"""
        self.profile(120)
        self.start()
        self.registered(120)

    def test_over_tls_with_the_key_that_was_made_for_it(self):
        """coaps+tcp to the bootstrap server, coaps to the server that it names; and again, when that asks for it"""
        self.profile(120)
        self.start("pack = no", uri=f"coaps+tcp://127.0.0.1:{self.room.tls}")
        self.registered(120)
        self.profile(240)
        status, answer, _ = self.room.rest.call("POST", f"/devices/{EP}/objects/1/{self.instance()}/9/execute", {})
        self.assertEqual(status, 200, answer)
        self.registered(240)

    def search_for_what_was_given(self, *lines, **more):
        """Registers with a key of the profile's, and looks for it in the daemon."""
        key = lab.new_key()
        self.put(f"/credentials/{EP}", {"mode": "psk", "identity": f"made-for-{EP}", "key": key.hex()})
        self.put("/bootstrap/profiles/*", {"servers": [
            {"uri": f"coaps://127.0.0.1:{self.room.coaps}", "security": "psk", "key": key.hex(),
             "identity": "made-for-{endpoint}", "short_server_id": 101, "lifetime": 120}]})
        self.start(*lines, **more)
        self.registered(120)
        device = self.room.parts["device"]
        self.assertTrue(lab.search_process(device.pid, EP.encode())[1], "the search finds nothing at all")
        for form in (key, key.hex().encode(), base64.urlsafe_b64encode(key).rstrip(b"=")):
            self.assertEqual(lab.search_process(device.pid, form)[1], [])
        self.assertEqual([f for f in lab.search_files(self.room.folder, key)
                          if not f.startswith((str(self.room.folder / "secure"), str(self.room.folder / "server/")))], [])

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
    def test_a_key_that_was_written_is_nowhere_in_the_daemon(self):
        self.search_for_what_was_given("pack = no")

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
    def test_a_key_out_of_a_pack_is_nowhere_in_the_daemon(self):
        self.search_for_what_was_given()

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
    def test_a_key_that_came_over_tls_is_nowhere_in_the_daemon(self):
        self.search_for_what_was_given("pack = no", uri=f"coaps+tcp://127.0.0.1:{self.room.tls}")

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
    def test_a_key_out_of_a_pack_over_tls_is_nowhere_in_the_daemon(self):
        self.search_for_what_was_given(uri=f"coaps+tcp://127.0.0.1:{self.room.tls}")


class BlankDeviceWithCertificate(unittest.TestCase):
    def test_a_certificate_bootstraps_to_a_shared_key(self):
        """The bootstrap account has a certificate for a key born behind the wall; the account it gets has a shared key."""
        room = self.start(lambda room, authority, cert: {"security": "psk", "generate": True,
                                                         "identity": "made-for-{endpoint}"})
        seen = room.wait_registered(EP, 60)
        self.assertEqual((seen["security"], seen["identity"]), ("psk", f"made-for-{EP}"))

    def test_int_2_certificates_all_the_way(self):
        """LwM2M-1.1-int-2: the account has another certificate, made by the authority, with its key"""
        def account(room, authority, cert):
            own, key = authority.device(room.folder / "given", EP)
            status, answer, _ = room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
            self.assertEqual(status, 200, answer)
            return {"security": "x509", **{name: base64.b64encode(path.read_bytes()).decode() for name, path in (
                ("certificate", own), ("private_key", key), ("server_certificate", authority.der(cert)))}}

        seen = self.start(account).wait_registered(EP, 60)
        self.assertEqual((seen["security"], seen["identity"], seen["lifetime_s"]), ("x509", EP, 120))

    def start(self, account):
        room = lab.Lab()
        self.addCleanup(room.close)
        authority = Authority(room.folder, "authority")
        cert, key = authority.server(room.folder / "server.pem")
        own = room.folder / "device.pem"
        bss = lab.free_port()
        room.start_server("--certificate", cert, "--key", key, "--trust", authority.cert,
                          "--bootstrap-coaps", f"127.0.0.1:{bss}")
        room.start_secured()
        for path, body in ((f"/bootstrap/credentials/{EP}", {"mode": "x509", "identity": EP}),
                           ("/bootstrap/profiles/*", {"servers": [
                               {"uri": f"coaps://127.0.0.1:{room.coaps}", "short_server_id": 101, "lifetime": 120,
                                **account(room, authority, cert)}]})):
            status, answer, _ = room.rest.call("PUT", path, body)
            self.assertIn(status, (200, 201), answer)
        room.configure_blank(EP, f"coaps://127.0.0.1:{bss}", "mode = certificate", f"certificate = {own}",
                             f"server_certificate = {cert}", "key = 9")
        request = room.folder / "device.csr"
        done = subprocess.run([lab.program("tesserad"), "request", "--bootstrap", "--out", request, "--config",
                               room.device_config], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        authority.sign(request, own)
        room.run_device()
        return room


if __name__ == "__main__":
    unittest.main()
