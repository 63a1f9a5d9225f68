# SPDX-License-Identifier: Apache-2.0
"""Device and server under OSCORE alone: management, observation, kills of either end, wrong keys, no way around it."""
import secrets
import shutil
import unittest

import lab

DEVICE_ID, SERVER_ID = "646576", "01"


class Oscore(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.secret = secrets.token_bytes(16)

    def start(self, secret=None, salt="9e7ca92223786340", context=None):
        room = self.room
        room.start_server("--allow-nosec")
        more = {"id_context": context} if context else {}
        status, body, _ = room.rest.call("PUT", "/credentials/osc", {
            "mode": "oscore", "device_id": DEVICE_ID, "server_id": SERVER_ID, "salt": salt, "key": self.secret.hex(), **more})
        self.assertEqual(status, 200, body)
        self.assertNotIn(self.secret.hex(), str(body))
        self.assertEqual(body["key_bytes"], 16)
        room.start_secured()
        lines = [f"oscore_context = 0x{context}"] if context else []
        room.configure_device("osc", f"coap://127.0.0.1:{room.coap}", False, "oscore_key = 21", f"oscore_sender = 0x{DEVICE_ID}",
                              f"oscore_recipient = 0x{SERVER_ID}", f"oscore_salt = 0x{salt}", *lines, "lifetime = 20",
                              coap=("ack_timeout_ms = 500",))
        room.provision(secret or self.secret, "--oscore")
        room.run_device()

    def read(self):
        status, body, _ = self.room.rest.get("/devices/osc/objects/3/0/0")
        self.assertEqual(status, 200, body)
        return body["values"][0]["value"]

    def notified(self, events):
        start = sum(e["type"] == "notification" for e in events.seen)
        self.room.wait(lambda: sum(e["type"] == "notification" for e in events.seen) > start + 1, 40, "two notifications")

    def test_managed_and_observed_over_kills_of_both(self):
        room = self.room
        self.start()
        self.assertEqual(room.wait_registered("osc")["security"], "oscore")
        self.assertTrue(self.read())
        status, body, _ = room.rest.call("PUT", "/devices/osc/objects/3311/0/5851", {"value": 30})
        self.assertEqual(status, 200, body)
        events = room.events()
        status, body, _ = room.rest.call("PUT", "/devices/osc/observations/3/0/13", {"attributes": {"pmax": 1}})
        self.assertIn(status, (200, 201), body)
        self.notified(events)
        room.parts["device"].kill()
        room.run_device()
        room.wait_device("updated", 30)
        self.assertTrue(self.read())
        self.notified(events)
        room.parts["server"].kill()
        room.start_server("--allow-nosec")
        self.assertTrue(self.read())
        self.notified(room.events())
        self.assertEqual(lab.search_files(room.folder, self.secret.hex().encode()), [])
        self.assertEqual(lab.search_files(room.device_state, self.secret), [])

    def test_a_server_from_a_backup_needs_nobody(self):
        """What the server knows is older than the device's first message: new keys are made (RFC 8613 §B.2). Before that
        these were the same keys from number 0, and the device took the server's requests for replays"""
        room = self.room
        self.start()
        room.wait_registered("osc")
        for _ in range(3):
            self.assertTrue(self.read())
        room.parts["server"].stop()
        shutil.rmtree(room.folder / "server")
        room.start_server("--allow-nosec")
        status, body, _ = room.rest.call("PUT", "/credentials/osc", {
            "mode": "oscore", "device_id": DEVICE_ID, "server_id": SERVER_ID, "salt": "9e7ca92223786340",
            "key": self.secret.hex()})
        self.assertEqual(status, 200, body)
        room.wait_registered("osc", 60)
        for _ in range(3):
            self.assertTrue(self.read())

    def test_an_id_context_goes_with_the_requests(self):
        self.start(context="c0ffee")
        self.room.wait_registered("osc")
        self.assertTrue(self.read())
        status, body, _ = self.room.rest.get("/credentials/osc")
        self.assertEqual((status, body["identity"]), (200, f"{DEVICE_ID}:c0ffee"), body)

    def test_wrong_secret_and_plain_requests_are_refused(self):
        room = self.room
        self.start(secret=secrets.token_bytes(16))
        room.wait_device("register-failed", 30)
        room.parts["device"].stop()
        room.configure_device("osc", f"coap://127.0.0.1:{room.coap}", False)
        room.run_device()
        self.assertIn("code=4.01", room.wait_device("register-failed", 30))
        status, _, _ = room.rest.get("/devices/osc")
        self.assertEqual(status, 404)

    def test_a_credential_that_goes_ends_what_it_protected(self):
        room = self.room
        self.start()
        room.wait_registered("osc")
        status, body, _ = room.rest.call("DELETE", "/credentials/osc")
        self.assertEqual(status, 204, body)
        status, body, _ = room.rest.get("/devices/osc/objects/3/0/0")
        self.assertNotEqual(status, 200, body)
        room.wait_device("register-failed", 60)


if __name__ == "__main__":
    unittest.main()
