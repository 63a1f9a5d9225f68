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


def settings(folder, sender, recipient, secret=SECRET, salt=SALT):
    folder = pathlib.Path(folder)
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({
        "sender-id_hex": sender, "recipient-id_hex": recipient, "secret_hex": secret, "salt_hex": salt}))
    return str(folder)


@unittest.skipUnless(has_aiocoap(), "aiocoap with OSCORE is not installed (interop/get-peers)")
class OscoreLwm2m(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def test_device_at_their_server_over_a_crash(self):
        """LwM2M-1.1-int-405: registered, read, written and observed under OSCORE"""
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

    def test_client_of_theirs_over_a_kill_of_our_server(self):
        """LwM2M-1.1-int-405: as above; a registration without OSCORE is refused with 4.01"""
        room = self.room
        folder = settings(room.folder / "theirs", DEVICE_ID, SERVER_ID)
        room.start_server("--allow-nosec")
        room.oscore("py2", DEVICE_ID, SERVER_ID, SECRET, SALT)
        plain = room.start("plain", [PYTHON, THEIRS, "plain", "-", str(room.coap), "py2"], ready="registered")
        self.assertIn("registered 4.01 ", plain.text(), "without OSCORE nobody is py2")
        theirs = room.start("theirs", [PYTHON, THEIRS, "device", folder, str(room.coap), "py2"],
                            ready="registered 2.01 OSCOREAddress", timeout=60)
        self.assertEqual(room.wait_registered("py2")["security"], "oscore")
        self.use(theirs, "first")
        room.parts["server"].kill()
        room.start_server("--allow-nosec")
        room.wait_registered("py2")
        self.use(theirs, "second")

    def test_client_of_theirs_without_the_session_it_may_have(self):
        """An endpoint with a credential of each kind comes under OSCORE alone"""
        room = self.room
        folder = settings(room.folder / "theirs", DEVICE_ID, SERVER_ID)
        room.start_server("--allow-nosec")
        status, body, _ = room.rest.call("PUT", "/credentials/py2", {
            "mode": "psk", "identity": "py2", "key": "00" * 16,
            "oscore": {"device_id": DEVICE_ID, "server_id": SERVER_ID, "key": SECRET, "salt": SALT}})
        self.assertEqual(status, 200, body)
        theirs = room.start("theirs", [PYTHON, THEIRS, "device", folder, str(room.coap), "py2"],
                            ready="registered 2.01 OSCOREAddress", timeout=60)
        self.assertEqual(room.wait_registered("py2")["security"], "oscore")
        self.use(theirs, "first")

    def use(self, theirs, word):
        rest = self.room.rest
        status, body, _ = rest.get("/devices/py2/objects/3/0/0?format=text")
        self.assertEqual((status, body["values"][0]["value"]), (200, "aiocoap") if word == "first" else (200, "first"), body)
        status, body, _ = rest.call("PUT", "/devices/py2/objects/3/0/0", {"value": word})
        self.assertEqual(status, 200, body)
        theirs.expect(f"written {word}")
        events = self.room.events()
        status, body, _ = rest.call("PUT", "/devices/py2/observations/3300/0/5700", {})
        self.assertEqual(status, 200, body)
        self.room.wait(lambda: sum(e["type"] == "notification" for e in events.seen) >= 3, 20, "three notifications")


if __name__ == "__main__":
    unittest.main()
