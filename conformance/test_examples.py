# SPDX-License-Identifier: Apache-2.0
"""The examples of the installed package at a server that has nothing of ours (peer.py on aiocoap)."""
import unittest

import lab
import outside
import peer
from peer import SENML_CBOR, TEXT


class Room:
    def __init__(self, example, way, word):
        self.lab, self.server = lab.Lab(), peer.Server()
        self.word = self.lab.folder / word if "." in word else word
        self.example = self.lab.start("example", [outside.programs(way)[example], "--server", self.server.uri,
                                                  "--endpoint", "dev1", "--lifetime", 600, self.word],
                                      env=outside.environment())

    def __enter__(self):
        self.seen = self.server.registered()
        return self

    def __exit__(self, *_):
        self.lab.close()
        self.server.close()


class Examples(unittest.TestCase):
    def test_sensor_is_observed(self):
        with Room("sensor", "cmake", "degrees.txt") as room:
            server = room.server
            self.assertEqual((room.seen["ep"], room.seen["lt"], room.seen["lwm2m"]), ("dev1", "600", "1.2"))
            self.assertIn("</3303/0>", room.seen["links"])
            outside.put(room.word, "21500\n")
            room.lab.wait(lambda: server.read("/3303/0/5700").code == "2.05", 20, "a measurement")
            token, first = server.observe("/3303/0/5700", accept=SENML_CBOR)
            self.assertEqual(peer.senml_cbor(first.payload), {"/3303/0/5700": 21.5})
            for at, degrees in enumerate((21.75, 23.0, 19.25), 1):
                outside.put(room.word, f"{int(degrees * 1000)}\n")
                self.assertEqual(peer.senml_cbor(server.notification(token, at).payload), {"/3303/0/5700": degrees})
            self.assertEqual(room.example.stop(), 0)
            self.assertEqual([g["location"] for g in server.gone], [room.seen["location"]])

    def test_actuator_is_written(self):
        with Room("actuator", "pkg-config", "lamp.txt") as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/3311/0/5850", b"1", format=TEXT).code, "2.04")
            self.assertEqual(room.word.read_text(), "on 100\n")
            self.assertEqual(server.ask("PUT", "/3311/0/5851", b"7", format=TEXT).code, "2.04")
            self.assertEqual(room.word.read_text(), "on 7\n")
            self.assertEqual(server.ask("PUT", "/3311/0/5851", b"seven", format=TEXT).code, "4.00")
            self.assertEqual(server.read("/3311/0/5851", TEXT).payload, b"7")

    def test_custom_object_is_executed_and_written(self):
        with Room("custom", "cmake", "/") as room:
            server = room.server
            self.assertEqual(peer.senml_cbor(server.read("/26241/0", SENML_CBOR).payload)["/26241/0/0"], "/")
            self.assertEqual(server.ask("PUT", "/26241/0/0", b"/no/such/path", format=TEXT).code, "4.00")
            self.assertEqual(server.ask("PUT", "/26241/0/0", b"/proc", format=TEXT).code, "2.04")
            self.assertEqual(server.read("/26241/0/1", TEXT).payload, b"0")
            self.assertEqual(server.ask("POST", "/26241/0/3").code, "2.04")
            self.assertEqual(server.ask("POST", "/26241/0/3", b"0", format=TEXT).code, "4.00")
            self.assertEqual(server.ask("POST", "/26241/0/2").code, "4.05")


if __name__ == "__main__":
    unittest.main()
