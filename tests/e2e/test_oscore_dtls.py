# SPDX-License-Identifier: Apache-2.0
"""Device and server with a credential of each kind: messages under OSCORE inside of DTLS, OSCORE alone, DTLS alone."""
import secrets
import unittest

import lab

DEVICE_ID, SERVER_ID, SALT = "646576", "01", "9e7ca92223786340"
OSCORE_LINES = ("oscore_key = 21", f"oscore_sender = 0x{DEVICE_ID}", f"oscore_recipient = 0x{SERVER_ID}",
                f"oscore_salt = 0x{SALT}", "lifetime = 20")


class OscoreInDtls(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.key, self.secret = lab.new_key(), secrets.token_bytes(16)
        self.room.start_server("--allow-nosec")
        self.room.start_secured()

    def credential(self, **more):
        status, body, _ = self.room.rest.call("PUT", "/credentials/both", {
            "mode": "psk", "identity": "both", "key": self.key.hex(), "oscore": {
                "device_id": DEVICE_ID, "server_id": SERVER_ID, "salt": SALT, "key": self.secret.hex(), **more}})
        self.assertEqual(status, 200, body)
        for key in (self.key, self.secret):
            self.assertNotIn(key.hex(), str(body))
        return body

    def start(self, dtls, *lines):
        room = self.room
        room.configure_device("both", f"coap{'s' if dtls else ''}://127.0.0.1:{room.coaps if dtls else room.coap}", dtls,
                              *lines, coap=("ack_timeout_ms = 500",))
        if dtls:
            room.provision(self.key)
        if lines:
            room.provision(self.secret, "--oscore")
        return room.run_device()

    def reads(self):
        status, body, _ = self.room.rest.get("/devices/both/objects/3/0/0")
        self.assertEqual(status, 200, body)

    def test_both_layers_over_kills_of_both(self):
        room = self.room
        body = self.credential()
        self.assertEqual((body["mode"], body["oscore"]), ("psk", {"identity": DEVICE_ID, "key_bytes": 16, "required": True}))
        self.start(True, *OSCORE_LINES)
        self.assertEqual(room.wait_registered("both")["security"], "psk")
        self.reads()
        room.parts["device"].kill()
        room.run_device()
        room.wait_device("updated")
        self.reads()
        room.parts["server"].kill()
        room.start_server("--allow-nosec")
        room.wait_device("updated", 60, room.parts["device"].log.stat().st_size)
        self.reads()
        status, body, _ = room.rest.get("/credentials")
        self.assertEqual([(i["endpoint"], i["mode"], i["oscore"]["required"]) for i in body["items"]], [("both", "psk", True)])

    def test_required_is_required(self):
        """DTLS alone and nothing at all are refused; OSCORE alone is not"""
        room = self.room
        self.credential()
        for dtls in (True, False):
            self.start(dtls)
            self.assertIn("code=4.01", room.wait_device("register-failed"))
            room.parts["device"].kill()
        self.assertIsNone(room.rest.device("both"))
        self.start(False, *OSCORE_LINES)
        self.assertEqual(room.wait_registered("both")["security"], "oscore")
        self.reads()

    def test_not_required(self):
        """DTLS alone will do; plain messages never"""
        room = self.room
        self.assertFalse(self.credential(required=False)["oscore"]["required"])
        self.start(True)
        room.wait_registered("both")
        self.reads()
        room.parts["device"].kill()
        self.start(False)
        room.wait_device("register-failed", code="4.01")

    def test_keys_of_another_device_in_ones_session(self):
        room = self.room
        self.credential()
        other = lab.new_key()
        room.credentials("other", "other", other)
        room.configure_device("other", f"coaps://127.0.0.1:{room.coaps}", True, *OSCORE_LINES, coap=("ack_timeout_ms = 500",))
        room.provision(other)
        room.provision(self.secret, "--oscore")
        room.run_device()
        room.wait_device("register-failed")
        self.assertIsNone(room.rest.device("other"))
        self.assertIsNone(room.rest.device("both"))


if __name__ == "__main__":
    unittest.main()
