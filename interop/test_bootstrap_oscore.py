# SPDX-License-Identifier: Apache-2.0
"""Bootstrap under OSCORE: our device at a bootstrap server of aiocoap, and aiocoap's device at ours."""
import json
import unittest

import lab
from test_oscore import has_aiocoap
from test_oscore_lwm2m import PYTHON, THEIRS, settings

BOOTSTRAP = lab.ROOT / "interop/aiocoap_bootstrap_oscore.py"
FACTORY, FACTORY_SALT = "f0e0d0c0b0a090807060504030201000", "9e7ca92223786340"  # of the bootstrap connection
SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "0011223344556677"            # of what it hands out
DEVICE_ID, SERVER_ID, BOOT_ID = "d1", "5e", "b5"
EP = "blank"


@unittest.skipUnless(has_aiocoap(), "aiocoap with OSCORE is not installed (interop/get-peers)")
class OscoreBootstrap(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def start(self, mode):
        """A device that has nothing but keys of its bootstrap server; both servers are aiocoap's."""
        room, port, boot = self.room, lab.free_port(), lab.free_port()
        self.server = room.start("theirs", [PYTHON, THEIRS, "server",
                                            settings(room.folder / "theirs", SERVER_ID, DEVICE_ID, SECRET, SALT),
                                            str(port)], ready="ready", timeout=60)
        self.boot = room.start("bootstrap", [
            PYTHON, BOOTSTRAP, "server", settings(room.folder / "boot", BOOT_ID, DEVICE_ID, FACTORY, FACTORY_SALT),
            str(boot), f"coap://127.0.0.1:{port}", SECRET, DEVICE_ID, SERVER_ID, SALT, mode], ready="ready", timeout=60)
        room.start_secured()
        room.configure_blank(EP, f"coap://127.0.0.1:{boot}", "oscore_key = 31", f"oscore_sender = 0x{DEVICE_ID}",
                             f"oscore_recipient = 0x{BOOT_ID}", f"oscore_salt = 0x{FACTORY_SALT}")
        room.provision(bytes.fromhex(FACTORY), "--bootstrap", "--oscore")
        return room.run_device()

    def test_device_is_configured_under_oscore(self):
        """LwM2M-1.1-int-11 and LwM2M-1.1-int-405: asked, written and registered under OSCORE, over a kill -9"""
        device = self.start("writes")
        self.boot.expect("from OSCOREAddress", 30)
        self.boot.expect("done", 30)
        said = self.boot.text()
        self.assertIn("pack-request OSCOREAddress ep=blank acc=</0/0>", said)
        for words in ("</>;lwm2m=1.2,</0/0>", "DELETE /21 2.02", "PUT /0/1 2.04", "PUT /21/1 2.04", "POST /bs 2.04"):
            self.assertIn(words, said)
        self.managed()
        device.kill()
        self.room.run_device()
        self.server.expect("update OSCOREAddress", 30)
        self.assertEqual(self.server.text().count("register OSCOREAddress"), 1)
        self.assertEqual(self.boot.text().count("from OSCOREAddress"), 1, "once configured, it asks no more")
        for key in (SECRET, FACTORY):
            self.assertEqual(lab.search_files(self.room.device_state, bytes.fromhex(key)), [])

    def test_device_is_configured_by_a_pack_under_oscore(self):
        """LwM2M-1.1-int-11 and LwM2M-1.1-int-12"""
        self.start("pack")
        self.boot.expect("pack-request OSCOREAddress", 30)
        self.managed()
        self.assertNotIn("from", self.boot.text())

    def managed(self):
        for words in ("register OSCOREAddress", "read 2.05 ", "whole 2.05 ", "write 2.04", "secret 4.01", "observe 2.05"):
            self.server.expect(words, 30)


@unittest.skipUnless(has_aiocoap(), "aiocoap with OSCORE is not installed (interop/get-peers)")
class OscoreBootstrapServer(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        room.bs = lab.free_port()
        room.start_server("--allow-nosec", "--bootstrap-coap", f"127.0.0.1:{room.bs}")
        self.put("credentials/py1", {"mode": "oscore", "device_id": DEVICE_ID, "server_id": BOOT_ID, "key": FACTORY,
                                     "salt": FACTORY_SALT})
        self.folder = settings(room.folder / "boot", DEVICE_ID, BOOT_ID, FACTORY, FACTORY_SALT)

    def put(self, path, body):
        status, answer, _ = self.room.rest.call("PUT", f"/bootstrap/{path}", body)
        self.assertEqual(status, 200, answer)

    def profile(self, **account):
        self.put("profiles/py*", {"servers": [{
            "uri": f"coap://127.0.0.1:{self.room.coap}", "security": "oscore", "short_server_id": 101, "lifetime": 60,
            **account}]})

    def ask(self, target):
        """What aiocoap's device says when it asks under OSCORE."""
        self.asks = getattr(self, "asks", 0) + 1
        theirs = self.room.start(f"asking{self.asks}", [PYTHON, BOOTSTRAP, "device", self.folder, self.room.bs, target])
        self.room.wait(lambda: not theirs.alive(), 60, "the end of the device")
        self.assertEqual(theirs.stop(), 0, theirs.text())
        return theirs.text().splitlines()

    def register(self, written, instance):
        """Takes the account that was written, and registers with it; aiocoap once more."""
        values = {p.removeprefix(f"/21/{instance}/"): v for p, v in written.items() if p.startswith(f"/21/{instance}/")}
        folder = settings(self.room.folder / "registering", values["1"], values["2"], values["0"], values["5"])
        self.room.start("registering", [PYTHON, THEIRS, "device", folder, str(self.room.coap), "py1"],
                        ready="registered 2.01 OSCOREAddress", timeout=60)
        self.assertEqual(self.room.wait_registered("py1")["security"], "oscore")

    def test_client_asks_and_is_given_an_account_under_oscore(self):
        """LwM2M-1.1-int-11: Echo, writes under OSCORE, and a registration with the keys that were made"""
        self.profile(generate=True, server_id=SERVER_ID)
        lines = self.ask("bs?ep=py1&pct=112")
        self.assertIn("answer 2.04 OSCOREAddress", lines)
        self.assertEqual([line.split()[1:3] for line in lines if line.startswith("asked")], [
            ["GET", "/"], ["DELETE", "/0"], ["DELETE", "/1"], ["DELETE", "/21"], ["PUT", "/0/0"], ["PUT", "/1/0"],
            ["PUT", "/21/1"], ["POST", "/bs"]])
        written = {}
        for line in lines:
            if line.startswith("asked PUT"):
                written.update(json.loads(line.split(" ", 4)[4]))
        self.assertEqual((written["/0/0/2"], written["/0/0/17"], written["/21/1/2"]), (3, "21:1", SERVER_ID))
        status, body, _ = self.room.rest.get("/bootstrap/devices/py1")
        self.assertEqual((status, body["state"], body["security"]), (200, "finished", "oscore"))
        self.register(written, 1)
        status, body, _ = self.room.rest.get("/credentials/py1")
        self.assertEqual((status, body["mode"], body["identity"]), (200, "oscore", written["/21/1/1"]))

    def test_client_is_given_a_pack_under_oscore_after_a_kill(self):
        """LwM2M-1.1-int-11 and LwM2M-1.1-int-12"""
        self.profile(key=SECRET, salt=SALT, device_id=DEVICE_ID, server_id=SERVER_ID)
        self.room.oscore("py1", DEVICE_ID, SERVER_ID, SECRET, SALT)
        self.assertIn("answer 2.05 OSCOREAddress", self.ask("bspack?ep=py1&acc=%3C/0/0%3E"))
        self.room.parts["server"].kill()
        self.room.start_server("--allow-nosec", "--bootstrap-coap", f"127.0.0.1:{self.room.bs}")
        lines = self.ask("bspack?ep=py1&acc=%3C/0/0%3E,%3C/21/3%3E")
        pack = json.loads(next(line for line in lines if line.startswith("pack")).split(" ", 1)[1])
        self.assertEqual((pack["/0/1/17"], pack["/21/0/0"], pack["/21/0/1"], pack["/21/0/5"]),
                         ("21:0", SECRET, DEVICE_ID, SALT))
        self.register(pack, 0)

    def test_client_without_its_keys_is_refused(self):
        self.profile(generate=True)
        asking = lab.ROOT / "interop/aiocoap_bootstrap.py"
        plain = self.room.start("plain", [PYTHON, asking, self.room.bs, "bs?ep=py1"])
        plain.expect("answer 4.03", 30)
        self.folder = settings(self.room.folder / "wrong", DEVICE_ID, BOOT_ID, SECRET, FACTORY_SALT)
        wrong = self.room.start("wrong", [PYTHON, BOOTSTRAP, "device", self.folder, self.room.bs, "bs?ep=py1"])
        self.room.wait(lambda: not wrong.alive(), 60, "the end of the device")
        self.assertNotIn("answer 2", wrong.text())
        self.folder = settings(self.room.folder / "own", DEVICE_ID, BOOT_ID, FACTORY, FACTORY_SALT)
        self.assertIn("answer 4.00 OSCOREAddress", self.ask("bs?ep=py2"), "another's name")
        self.assertEqual(self.room.rest.get("/bootstrap/devices/py1")[0], 404)


if __name__ == "__main__":
    unittest.main()
