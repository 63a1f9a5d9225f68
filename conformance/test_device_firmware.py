# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases for Firmware Update, client side: a delivered device (launcher, secure world, tesserad from a
signed slot), updated by a server that has nothing of ours (peer.py). Every package is a real one."""
import os
import unittest

import lab
import peer
from peer import OPAQUE, SENML_CBOR, TEXT, TLV
from rooms import DOWNLOADED, DOWNLOADING, FirmwareRoom, IDLE


class Firmware(unittest.TestCase):
    def test_device_resources(self):
        """LwM2M-1.1-int-751: before anything was done"""
        with FirmwareRoom() as room:
            self.assertIn("</5>;ver=1.2,</5/0>", room.server.registered()["links"])
            values = peer.senml_cbor(room.server.read("/5/0", SENML_CBOR).payload)
            self.assertEqual({k: values[f"/5/0/{k}"] for k in (3, 5, 9, 11)}, {3: IDLE, 5: 0, 9: 2, 11: 1})
            self.assertEqual(values["/5/0/8/0"], 0)
            self.assertNotIn("/5/0/0", values)
            self.assertIn("/5/0/3", peer.senml_json(room.server.read("/5/0", peer.SENML_JSON).payload))
            self.assertEqual(peer.tlv_integer(peer.tlv(room.server.read("/5/0", TLV).payload)["/3"]), IDLE)
            self.assertEqual(room.server.read("/5/0/0", OPAQUE).code, "4.05")

    def test_device_package_reset_then_loaded(self):
        """LwM2M-1.1-int-755, LwM2M-1.1-int-772: a NUL resets, a package loads; Update needs one"""
        with FirmwareRoom() as room:
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "4.05")
            self.assertEqual(room.stands(), (IDLE, 0))
            self.assertEqual(room.put(0, b"\0", OPAQUE), "2.04")
            self.assertEqual(room.stands(), (IDLE, 0))
            package = room.next_package("2.0.0")
            self.assertEqual(room.push(package), "2.04")
            self.assertEqual(room.stands(), (DOWNLOADED, 0))
            self.assertEqual(room.fwu("query")["state"], "candidate")
            self.assertEqual(room.push(package), "4.05")
            self.assertEqual(room.put(0, b"\0", OPAQUE), "2.04")
            self.assertEqual(room.stands(), (IDLE, 0))
            self.assertEqual(room.fwu("query")["state"], "ready")
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "4.05")
            # The same once more, in small blocks and then cancelled.
            self.assertEqual(room.push(package, exponent=5, last=300), "2.31")
            self.assertEqual(room.stands(), (DOWNLOADING, 0))
            self.assertEqual(room.server.ask("POST", "/5/0/10").code, "2.04")
            self.assertEqual(room.stands(), (IDLE, 10))

    def test_device_pushed_to_a_new_version(self):
        """LwM2M-1.1-int-770 and LwM2M-1.1-int-760: State is observed from 0 to 3 and back, the new version runs"""
        with FirmwareRoom() as room:
            token, first = room.server.observe("/5/0/3", accept=TEXT)
            self.assertEqual(first.payload, b"0")
            package = room.next_package("2.0.0")
            self.assertEqual(room.push(package, last=1), "2.31")
            self.assertEqual(room.server.notification(token, 1).payload, b"1")
            self.assertEqual(room.push(package, first=1), "2.04")
            self.assertEqual(room.server.notification(token, 2).payload, b"2")
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            self.assertEqual(room.server.notification(token, 3).payload, b"3")
            room.waits(lambda: room.version() == "2.0.0" and room.stands() == (IDLE, 1), "version 2.0.0, and that it is so")
            self.assertEqual(room.fwu("query")["state"], "updated")
            # Not back to an older one, but on to the next, over the slot that ran before.
            self.assertEqual(room.push(room.package("0.9.0", 1).read_bytes()), "2.04")
            self.assertEqual(room.stands(), (IDLE, 6))
            self.assertEqual(room.push(room.next_package("2.1.0")), "2.04")
            self.assertEqual(room.stands(), (DOWNLOADED, 0))
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.waits(lambda: room.version() == "2.1.0" and room.stands() == (IDLE, 1), "version 2.1.0, and that it is so")

    def test_device_says_why_a_package_is_refused(self):
        """LwM2M-1.1-int-773, LwM2M-1.1-int-776 and LwM2M-1.1-int-777: no room, changed bytes, for others"""
        with FirmwareRoom() as room:
            good = room.next_package("2.0.0")
            changed = good[:-5000] + bytes([good[-5000] ^ 1]) + good[-4999:]
            self.assertEqual(room.push(bytes(room.slot_size + 4096)), "4.13")
            self.assertEqual(room.stands(), (IDLE, 2))
            for result, package in ((5, changed), (5, room.next_package("2.0.0", key=room.signing_key("stranger"))),
                                    (6, room.next_package("2.0.0", vendor="example.org")),
                                    (6, room.next_package("2.0.0", device_class="lamp")), (6, os.urandom(5000))):
                self.assertEqual(room.push(package), "2.04")
                self.assertEqual(room.stands(), (IDLE, result))
                self.assertEqual(room.server.ask("POST", "/5/0/2").code, "4.05")
            self.assertEqual(room.push(good), "2.04")
            self.assertEqual(room.stands(), (DOWNLOADED, 0))
            self.assertEqual(room.version(), "1.0.0")

    def test_device_loses_the_connection_in_a_push(self):
        """LwM2M-1.1-int-775: blocks stop coming; a restart in the middle counts the same"""
        with FirmwareRoom(update=("push_wait = 2",)) as room:
            package = room.next_package("2.0.0")
            self.assertEqual(room.push(package, last=20), "2.31")
            self.assertEqual(room.stands(), (DOWNLOADING, 0))
            room.waits(lambda: room.stands() == (IDLE, 4), "the end of the push", 20)
            self.assertEqual(room.push(package, first=20, last=21), "4.08")
            self.assertEqual(room.push(package, last=20), "2.31")
            room.fwu("reboot")
            room.server.registered(2, 60)
            room.waits(lambda: room.stands() == (IDLE, 4), "the end of the push after the restart", 20)
            self.assertEqual(room.push(package), "2.04")
            self.assertEqual(room.stands(), (DOWNLOADED, 0))

    def test_device_falls_back_from_a_version_that_fails(self):
        """LwM2M-1.1-int-779: installed, tried, and given up: Idle with result 8, and the old version runs"""
        with FirmwareRoom(trial=8) as room:
            self.assertEqual(room.push(room.next_package("3.0.0", lab.program("broken-crashes"))), "2.04")
            begun = len(room.parts["device"].text())
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.wait(lambda: "version=3.0.0 trial=1" in room.parts["device"].text()[begun:], 30, "the trial")
            room.waits(lambda: room.version() == "1.0.0" and room.stands() == (IDLE, 8), "the way back")
            # A good one is taken after it.
            self.assertEqual(room.push(room.next_package("3.1.0")), "2.04")
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.waits(lambda: room.version() == "3.1.0" and room.stands() == (IDLE, 1), "version 3.1.0")

    def test_device_keeps_a_downloaded_package_over_a_restart(self):
        with FirmwareRoom() as room:
            self.assertEqual(room.push(room.next_package("2.0.0")), "2.04")
            room.fwu("reboot")
            room.server.registered(2, 60)
            room.waits(lambda: room.stands() == (DOWNLOADED, 0), "what was downloaded", 20)
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.waits(lambda: room.version() == "2.0.0" and room.stands() == (IDLE, 1), "version 2.0.0")


if __name__ == "__main__":
    unittest.main()
