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
        """LwM2M-1.1-int-405. Leshan throws away what has an ID Context, as the first message has that asks for new keys
        (Transport 5.5.3), and says nothing: the next goes without"""
        room, port = self.room, lab.free_port()
        theirs = leshan.start(room, "OscoreServer", port, EP, *SETTING)
        room.start_secured()
        room.configure_device(EP, f"coap://127.0.0.1:{port}", False, "oscore_key = 21", f"oscore_sender = 0x{DEVICE_ID}",
                              f"oscore_recipient = 0x{SERVER_ID}", f"oscore_salt = 0x{SALT}",
                              coap=("ack_timeout_ms = 300",))
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

    def test_device_makes_new_keys_at_californium(self):
        """RFC 8613 §B.2, begun by our device at its first message (Transport 5.5.3); kept over a kill. Californium shows its
        program request #1 too"""
        room, port = self.room, lab.free_port()
        theirs = leshan.start(room, "Renew", "server", port, *SETTING)
        room.start_secured()
        room.configure_device(EP, f"coap://127.0.0.1:{port}", False, "oscore_key = 21", f"oscore_sender = 0x{DEVICE_ID}",
                              f"oscore_recipient = 0x{SERVER_ID}", f"oscore_salt = 0x{SALT}", "lifetime = 6")
        room.provision(bytes.fromhex(SECRET), "--oscore")
        device = room.run_device()
        theirs.expect(f"registered ep={EP}", 20)
        theirs.expect("updated", 20)
        device.kill()
        before, registered = theirs.text().count("updated"), theirs.text().count("registered")
        room.run_device()
        room.wait(lambda: theirs.text().count("updated") > before + 1, 30, "Updates after the kill")
        self.assertEqual(theirs.text().count("registered"), registered)

    def test_californium_makes_new_keys(self):
        """RFC 8613 §B.2, begun by their client, which knows no Echo; the second time with other keys in use"""
        room = self.room
        room.start_server("--allow-nosec")
        self.credential(f"/credentials/{EP}", *SETTING, echo=False)
        theirs = leshan.start(room, "Renew", "client", f"coap://127.0.0.1:{room.coap}", EP, *SETTING)
        answers = [line for line in theirs.text().splitlines() if line.startswith(("first ", "second ", "third "))]
        self.assertEqual(answers, ["first 4.01", "second 2.01", "third 2.01"] * 2)
        self.assertEqual(room.wait_registered(EP)["security"], "oscore")

    def credential(self, path, *setting, **more):
        device, server, key, salt = setting
        status, answer, _ = self.room.rest.call("PUT", path, {"mode": "oscore", "device_id": device, "server_id": server,
                                                              "key": key, "salt": salt, **more})
        self.assertEqual(status, 200, answer)

    def test_leshan_client_is_challenged_unless_told(self):
        """A Register must be fresh (RFC 9175 §2.3), so what comes first is answered by 4.01 with Echo, an option that
        neither Leshan nor Californium's OSCORE knows; the credential may say so."""
        room = self.room
        room.start_server("--allow-nosec")
        self.credential(f"/credentials/{EP}", *SETTING)
        where = EP, f"coap://127.0.0.1:{room.coap}", DEVICE_ID, SERVER_ID
        theirs = leshan.start(room, "OscoreClient", *where, SECRET, SALT)
        theirs.expect("Registration failed: UNAUTHORIZED(401)", 40)
        theirs.stop()
        self.assertIsNone(room.rest.device(EP))

        other = lab.new_key().hex()
        self.credential(f"/credentials/{EP}", DEVICE_ID, SERVER_ID, other, SALT, echo=False)
        leshan.start(room, "OscoreClient", *where, other, SALT)
        self.assertEqual(room.wait_registered(EP, 40)["security"], "oscore")
        self.use(7)
        room.parts["server"].stop()  # in good order, so that it knows what it had
        room.start_server("--allow-nosec")
        self.use(8)

    def use(self, dimmer):
        rest, events = self.room.rest, self.room.events()
        status, body, _ = rest.get(f"/devices/{EP}/objects/3/0/0")
        self.assertEqual((status, body["values"][0]["value"]), (200, "Leshan"), body)
        status, body, _ = rest.call("PUT", f"/devices/{EP}/objects/3311/0/5851", {"value": dimmer})
        self.assertEqual(status, 200, body)
        status, body, _ = rest.get(f"/devices/{EP}/objects/3311/0/5851")
        self.assertEqual((status, body["values"][0]["value"]), (200, dimmer), body)
        status, body, _ = rest.call("PUT", f"/devices/{EP}/observations/3303/0/5700", {})
        self.assertIn(status, (200, 201), body)
        events.wait(lambda e: e["type"] == "notification", 20, "a notification")

    def test_leshan_client_bootstraps(self):
        """LwM2M-1.1-int-11: asked and written under OSCORE; registered with the keys that it was given so"""
        room, bs, factory = self.room, lab.free_port(), lab.new_key().hex()
        room.start_server("--allow-nosec", "--bootstrap-coap", f"127.0.0.1:{bs}")
        self.credential(f"/bootstrap/credentials/{EP}", "b1", "b5", factory, SALT, echo=False)
        self.credential(f"/credentials/{EP}", *SETTING, echo=False)
        status, answer, _ = room.rest.call("PUT", "/bootstrap/profiles/*", {"servers": [{
            "uri": f"coap://127.0.0.1:{room.coap}", "security": "oscore", "key": SECRET, "salt": SALT,
            "device_id": DEVICE_ID, "server_id": SERVER_ID, "short_server_id": 101, "lifetime": 120}]})
        self.assertEqual(status, 200, answer)
        leshan.start(room, "OscoreClient", "-b", EP, f"coap://127.0.0.1:{bs}", "b1", "b5", factory, SALT)
        device = room.wait_registered(EP, 40)
        self.assertEqual((device["security"], device["lifetime_s"]), ("oscore", 120))


if __name__ == "__main__":
    unittest.main()
