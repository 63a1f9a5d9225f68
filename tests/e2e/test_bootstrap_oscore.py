# SPDX-License-Identifier: Apache-2.0
"""A blank device that has one key, for OSCORE with its bootstrap server, gets an account under OSCORE: no DTLS anywhere."""
import unittest

import lab

EP = "blank"


class BlankDeviceUnderOscore(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        room.bs = lab.free_port()
        self.server = ("--bootstrap-coap", f"127.0.0.1:{room.bs}")
        room.start_server(*self.server)
        room.start_secured()
        self.factory = lab.new_key()
        self.put(f"credentials/{EP}", {"mode": "oscore", "device_id": "d1", "server_id": "b5", "key": self.factory.hex()})
        self.profile(120)

    def put(self, path, body):
        status, answer, _ = self.room.rest.call("PUT", f"/bootstrap/{path}", body)
        self.assertEqual(status, 200, answer)

    def profile(self, lifetime):
        self.put("profiles/*", {"servers": [
            {"uri": f"coap://127.0.0.1:{self.room.coap}", "security": "oscore", "generate": True, "server_id": "5e",
             "short_server_id": 101, "lifetime": lifetime}]})

    def start(self, *lines):
        room = self.room
        room.configure_blank(EP, f"coap://127.0.0.1:{room.bs}", "oscore_key = 31", "oscore_sender = 0xd1",
                             "oscore_recipient = 0xb5", *lines)
        room.provision(self.factory, "--bootstrap", "--oscore")
        return room.run_device()

    def registered(self, lifetime):
        def look():
            seen = self.room.rest.device(EP)
            return seen if seen and seen["lifetime_s"] == lifetime else None

        seen = self.room.wait(look, 60, f"a registration of {lifetime} s")
        self.assertEqual(seen["security"], "oscore")
        return seen["identity"]

    def test_step_by_step_over_kills_of_all(self):
        """LwM2M-1.1-int-11"""
        self.start("pack = no")
        first = self.registered(120)
        room = self.room
        room.wait_device("registered")  # the device knows it too: killed before, it would register once more
        for part in ("device", "secured", "server"):
            room.parts[part].kill()
        room.start_secured()
        room.start_server(*self.server)
        room.run_device()
        room.wait_device("updated", 60)

        # Asked by its server, it takes new keys; the old ones are gone at both ends.
        self.profile(240)
        objects = room.rest.device(EP)["objects"]
        instance = next(o["instances"][0] for o in objects if o["object"] == 1)
        status, answer, _ = room.rest.call("POST", f"/devices/{EP}/objects/1/{instance}/9/execute", {})
        self.assertEqual(status, 200, answer)
        self.assertNotEqual(self.registered(240), first)
        status, answer, _ = room.rest.get(f"/devices/{EP}/objects/3/0/0")
        self.assertEqual(status, 200, answer)

    def test_pack_brings_everything_at_once(self):
        """LwM2M-1.1-int-11 and LwM2M-1.1-int-12"""
        self.start()
        self.registered(120)
        status, answer, _ = self.room.rest.get(f"/bootstrap/devices/{EP}")
        self.assertEqual((status, answer["way"], answer["security"]), (200, "pack", "oscore"))


if __name__ == "__main__":
    unittest.main()
