# SPDX-License-Identifier: Apache-2.0
"""Registration by Profile ID between our two ends, over DTLS: the server learns a name from the first device that brings
it, and the next one sends no list."""
import unittest

import lab

LINES = (*lab.DEVICE_LINES, "deregister_on_exit = yes")


class Profiles(unittest.TestCase):
    def objects(self, room, endpoint):
        return [o["object"] for o in room.wait_registered(endpoint)["objects"]]

    def refusals(self, room):
        return sum("register-failed" in line and "code=4.09" in line for line in room.parts["device"].text().splitlines())

    def register(self, room, endpoint, *lines):
        key = lab.new_key()
        room.credentials(endpoint, endpoint, key)
        room.start_device(endpoint, f"coaps://127.0.0.1:{room.coaps}", key, device=(*LINES, *lines))
        room.wait_device("registered")
        return self.objects(room, endpoint)

    def test_name_is_learnt_from_the_list_that_follows(self):
        """Core 6.2.1"""
        with lab.Lab() as room:
            room.start_server()
            room.start_secured()
            first = self.register(room, "dev1", "profile = auto")
            self.assertEqual(self.refusals(room), 1)
            self.assertIn(3311, first)
            self.assertEqual(room.parts["device"].stop(), 0)
            seen = self.refusals(room)
            room.run_device()
            room.wait_device("registered")
            self.assertEqual(self.refusals(room), seen, "the second time it is known")
            self.assertEqual(self.objects(room, "dev1"), first)
            status, body, _ = room.rest.get("/devices/dev1/objects/3/0/0")
            self.assertEqual(status, 200, body)

    def test_name_that_is_known_and_a_list_beside_it(self):
        """Core 6.2.1: the server knows OMA's example from the start"""
        with lab.Lab() as room:
            room.start_server()
            room.start_secured()
            objects = self.register(room, "dev2", "profile = 6:27354b9a", "profile_covers = </1/0>,</3/0>")
            self.assertEqual(self.refusals(room), 0)
            self.assertEqual(objects, sorted(objects))
            self.assertLessEqual({1, 3, 3311}, set(objects))
