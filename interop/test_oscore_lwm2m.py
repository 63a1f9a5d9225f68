# SPDX-License-Identifier: Apache-2.0
"""LwM2M under OSCORE: our device and our server, each against aiocoap at the other end."""
import json
import pathlib
import unittest

import lab
from test_oscore import PYTHON, has_aiocoap

THEIRS = lab.ROOT / "interop/aiocoap_oscore.py"
SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340"
DEVICE_ID, SERVER_ID = "d1", "5e"


def settings(folder, sender, recipient):
    folder = pathlib.Path(folder)
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({
        "sender-id_hex": sender, "recipient-id_hex": recipient, "secret_hex": SECRET, "salt_hex": SALT}))
    return str(folder)


@unittest.skipUnless(has_aiocoap(), "aiocoap with OSCORE is not installed (interop/get-peers)")
class OscoreLwm2m(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def test_our_device_at_their_server_over_a_crash(self):
        room, port = self.room, lab.free_port()
        theirs = room.start("theirs", [PYTHON, THEIRS, "server", settings(room.folder / "theirs", SERVER_ID, DEVICE_ID),
                                       str(port)], ready="ready", timeout=60)
        room.start_secured()
        room.configure_device("osc1", f"coap://127.0.0.1:{port}", False, "oscore_key = 21",
                              f"oscore_sender = 0x{DEVICE_ID}", f"oscore_recipient = 0x{SERVER_ID}",
                              f"oscore_salt = 0x{SALT}", "lifetime = 60")
        room.provision(bytes.fromhex(SECRET), "--oscore")
        device = room.run_device()
        theirs.expect("register OSCOREAddress", 30)
        theirs.expect("read 2.05 ", 30)
        theirs.expect("whole 2.05 ", 30)
        theirs.expect("write 2.04", 30)
        theirs.expect("secret 4.01", 30)
        theirs.expect("observe 2.05", 30)
        theirs.expect("notified 2.05", 30)
        device.kill()
        room.run_device()
        theirs.expect("update OSCOREAddress", 30)
        room.wait(lambda: theirs.text().count("observe 2.05") == 2, 30, "the same again after the crash")
        self.assertEqual(theirs.text().count("register OSCOREAddress"), 1)
        self.assertEqual(lab.search_files(room.device_state, bytes.fromhex(SECRET)), [])


if __name__ == "__main__":
    unittest.main()
