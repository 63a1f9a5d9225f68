# SPDX-License-Identifier: Apache-2.0
"""BinaryAppDataContainer (object 19) of a device: a program of its host and a server that has nothing of ours (peer.py)
exchange data by way of a folder. OMA has no cases of it."""
import time
import unittest

import peer
import rooms
from peer import OPAQUE, SENML_CBOR, TEXT


class Room(rooms.UpdateRoom):
    """A device with a container, registered at a server of the peer's."""

    def __init__(self):
        super().__init__()
        self.box = self.folder / "box"
        self.configure(["[container 2]", f"directory = {self.box}", "description = meter reading", "format = raw"])
        self.run_device()

    def give(self, part, data):
        beside = self.box / ".tmp"
        beside.write_bytes(data)
        beside.rename(self.box / str(part))


class Container(unittest.TestCase):
    def test_container_passes_data_both_ways(self):
        with Room() as room:
            self.assertIn("</19/2>", room.server.registered()["links"])
            self.assertEqual(room.server.read("/19/2/3", TEXT).payload, b"meter reading")
            room.give(0, b"\x00\x01")
            room.waits(lambda: room.server.read("/19/2/0/0", OPAQUE).payload == b"\x00\x01", "what the program gave")
            token, first = room.server.observe("/19/2", accept=SENML_CBOR)
            values = peer.senml_cbor(first.payload)
            self.assertEqual((values["/19/2/0/0"], values["/19/2/4"]), (b"\x00\x01", "raw"))
            self.assertAlmostEqual(values["/19/2/2"], time.time(), delta=10)
            room.give(3, b"x" * 512)
            note = room.waits(lambda: room.server.notification(token, 1), "the notification")
            self.assertEqual(peer.senml_cbor(note.payload)["/19/2/0/3"], b"x" * 512)
            self.assertEqual(room.server.ask("PUT", "/19/2/0/1", b"for the program", format=OPAQUE).code, "2.04")
            self.assertEqual((room.box / "1").read_bytes(), b"for the program")
            self.assertEqual(room.server.ask("DELETE", "/19/2").code, "4.05")

    def test_container_outlives_kills(self):
        """what was acknowledged is in the folder and told again; what a program did meanwhile is taken"""
        with Room() as room:
            for n in range(3):
                self.assertEqual(room.server.ask("PUT", "/19/2/0/1", b"server %d" % n, format=OPAQUE).code, "2.04")
                room.parts["device"].kill()
                self.assertEqual((room.box / "1").read_bytes(), b"server %d" % n)
                room.give(0, b"program %d" % n)
                room.kill()
                self.assertEqual(room.server.read("/19/2/0/0", OPAQUE).payload, b"program %d" % n)
                self.assertEqual(room.server.read("/19/2/0/1", OPAQUE).payload, b"server %d" % n)


if __name__ == "__main__":
    unittest.main()
