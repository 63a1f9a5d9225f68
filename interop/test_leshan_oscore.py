# SPDX-License-Identifier: Apache-2.0
"""LwM2M under OSCORE (RFC 8613) with Eclipse Leshan, thus Californium, at the other end."""
import unittest

import lab
import leshan

EP = "osc1"
DEVICE_ID, SERVER_ID = "d1", "5e"
SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340"
SETTING = (DEVICE_ID, SERVER_ID, SECRET, SALT)


@leshan.needed_m15
class Oscore(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def test_device_at_leshan_server_over_a_kill(self):
        """LwM2M-1.1-int-405"""
        room, port = self.room, lab.free_port()
        theirs = leshan.start(room, "OscoreServer", port, EP, *SETTING)
        room.start_secured()
        room.configure_device(EP, f"coap://127.0.0.1:{port}", False, "oscore_key = 21", f"oscore_sender = 0x{DEVICE_ID}",
                              f"oscore_recipient = 0x{SERVER_ID}", f"oscore_salt = 0x{SALT}")
        room.provision(bytes.fromhex(SECRET), "--oscore")
        device = room.run_device()
        for words in (f"registered {EP} Identity [oscore", "read CONTENT(205)", "whole CONTENT(205)", "write CHANGED(204)",
                      "secret UNAUTHORIZED(401)", "observe CONTENT(205)", "trigger CHANGED(204)", f"updated {EP}",
                      "notified "):
            theirs.expect(words, 40)
        device.kill()
        before = theirs.text().count(f"updated {EP}")
        room.run_device()
        room.wait(lambda: theirs.text().count(f"updated {EP}") > before, 40, "the Update after the kill")
        self.assertEqual(theirs.text().count(f"registered {EP}"), 1)
        self.assertEqual(room.parts["device"].stop(), 0)
        theirs.expect(f"deregistered {EP}", 20)

    def test_leshan_client_is_challenged(self):
        """Its first request is verified and answered by 4.01 with Echo, as a Register must be fresh (RFC 9175 §2.3);
        that option neither it nor Californium's OSCORE knows, so it can go no further."""
        room = self.room
        room.start_server("--allow-nosec")
        room.oscore(EP, *SETTING)
        theirs = leshan.start(room, "OscoreClient", EP, f"coap://127.0.0.1:{room.coap}", *SETTING)
        theirs.expect("Registration failed: UNAUTHORIZED(401)", 40)
        self.assertIsNone(room.rest.device(EP))


if __name__ == "__main__":
    unittest.main()
