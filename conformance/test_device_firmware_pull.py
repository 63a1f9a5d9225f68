# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases for Firmware Update from a Package URI, client side: a delivered device fetches from a file server that has
nothing of ours (peer.py)."""
import os
import unittest

import peer
from peer import TEXT
from rooms import DOWNLOADED, DOWNLOADING, FirmwareRoom, IDLE


class Pull(unittest.TestCase):
    def setUp(self):
        self.files = peer.Files()
        self.addCleanup(self.files.close)

    def test_device_uri_reset_then_loaded(self):
        """LwM2M-1.1-int-756 and LwM2M-1.1-int-771: an empty URI resets; a package is fetched and becomes the version"""
        with FirmwareRoom() as room:
            self.files.files["/fw/v 2"] = room.next_package("2.0.0")
            self.assertEqual(room.put(1, b"", TEXT), "2.04")
            self.assertEqual(room.stands(), (IDLE, 0))
            self.assertEqual(room.put(1, self.files.uri("/fw/v%202"), TEXT), "2.04")
            room.waits(lambda: room.stands() == (DOWNLOADED, 0), "the download", 240)
            self.assertEqual(room.server.read("/5/0/1", TEXT).payload, self.files.uri("/fw/v%202"))
            self.assertEqual(room.put(1, b"", TEXT), "2.04")
            self.assertEqual(room.stands(), (IDLE, 0))
            self.assertEqual(room.fwu("query")["state"], "ready")
            self.assertEqual(room.put(1, self.files.uri("/fw/v%202"), TEXT), "2.04")
            room.waits(lambda: room.stands() == (DOWNLOADED, 0), "the download", 240)
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.waits(lambda: room.version() == "2.0.0" and room.stands() == (IDLE, 1), "version 2.0.0, and that it is so")

    def test_device_says_why_a_uri_is_refused(self):
        """LwM2M-1.1-int-778: no URI, nothing there, another protocol"""
        with FirmwareRoom() as room:
            for result, uri in ((7, b"coap://"), (7, b"fw"), (7, b"coap://127.0.0.1:99999/a"), (7, self.files.uri("/none")),
                                (9, b"coap+tcp://127.0.0.1/fw"), (7, b"coaps://127.0.0.1/fw"), (9, b"ftp://127.0.0.1/fw")):
                self.assertEqual(room.put(1, uri, TEXT), "2.04")
                room.waits(lambda: room.stands() == (IDLE, result), f"result {result} of {uri}", 20)

    def test_device_goes_on_with_a_download_after_a_restart(self):
        with FirmwareRoom() as room:
            package = room.next_package("2.0.0")
            self.files.files["/fw"] = package
            self.files.silent_from = 2000
            self.assertEqual(room.put(1, self.files.uri("/fw"), TEXT), "2.04")
            room.wait(lambda: 2000 in self.files.asked, 60, "block 2000")
            self.files.asked.clear()
            room.fwu("reboot")
            room.server.registered(2, 60)
            self.files.silent_from = None
            room.waits(lambda: room.stands() == (DOWNLOADED, 0), "the rest", 240)
            self.assertIn(min(self.files.asked), (1024, 2000), "it goes on where the slot was made to last")
            self.assertEqual(room.fwu("query")["state"], "candidate")

    def test_device_begins_anew_when_the_package_changes(self):
        with FirmwareRoom() as room:
            self.files.files["/fw"] = room.next_package("2.0.0")
            self.files.silent_from = 100
            self.assertEqual(room.put(1, self.files.uri("/fw"), TEXT), "2.04")
            room.wait(lambda: 100 in self.files.asked, 60, "block 100")
            self.files.files["/fw"] = room.next_package("2.1.0")
            self.files.silent_from = None
            room.waits(lambda: room.stands() == (DOWNLOADED, 0), "the other package", 240)
            self.assertEqual(self.files.asked.count(0), 2)

    def test_device_says_why_a_fetched_package_is_refused(self):
        """LwM2M-1.1-int-776 and LwM2M-1.1-int-777 by Package URI: nothing at all, no package, changed bytes"""
        with FirmwareRoom() as room:
            good = room.next_package("2.0.0")
            changed = good[:-5000] + bytes([good[-5000] ^ 1]) + good[-4999:]
            for path, content, result in (("/empty", b"", 5), ("/other", os.urandom(5000), 6), ("/changed", changed, 5)):
                self.files.files[path] = content
                self.assertEqual(room.put(1, self.files.uri(path), TEXT), "2.04")
                room.waits(lambda: room.stands() == (IDLE, result), f"result {result} of {path}", 200)
            self.assertEqual(room.version(), "1.0.0")

    def test_device_gives_a_download_up(self):
        """LwM2M-1.1-int-775: nobody answers any more"""
        with FirmwareRoom(update=("pull_tries = 1",)) as room:
            self.files.files["/fw"] = room.next_package("2.0.0")
            self.files.silent_from = 50
            self.assertEqual(room.put(1, self.files.uri("/fw"), TEXT), "2.04")
            room.wait(lambda: 50 in self.files.asked, 60, "block 50")
            self.assertEqual(room.stands(), (DOWNLOADING, 0))
            room.waits(lambda: room.stands() == (IDLE, 4), "the end of patience", 90)


if __name__ == "__main__":
    unittest.main()
