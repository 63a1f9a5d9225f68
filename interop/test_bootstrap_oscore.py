# SPDX-License-Identifier: Apache-2.0
"""Bootstrap under OSCORE: our device at a bootstrap server of aiocoap, and aiocoap's device at ours."""
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


if __name__ == "__main__":
    unittest.main()
