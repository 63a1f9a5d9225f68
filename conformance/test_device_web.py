# SPDX-License-Identifier: Apache-2.0
"""Firmware Update from a Package URI of http and https: a delivered device fetches from Python's web server, over OpenSSL's
TLS; its answers are cut, held back, changed, redirected, and a stranger's."""
import os
import signal
import sys
import tempfile
import time
import unittest

import lab
import peer
from peer import TEXT, TLV
from rooms import DOWNLOADED, DOWNLOADING, FirmwareRoom, IDLE

sys.path.append(str(lab.ROOT / "tests/http"))
import web  # noqa: E402

PIECE = 1024


class Room(FirmwareRoom):
    """The device, and a web server beside it."""

    def __init__(self, *update, certificate=None, **more):
        self.web = web.Web(certificate)
        super().__init__(update=update, **more)

    def close(self):
        super().close()
        self.web.close()

    def serve(self, path, content, tag='"one"'):
        self.web.server.files[path] = (content, tag)
        return self.web.url + path

    def fault(self, at, **more):
        self.web.server.faults.append(web.Cut(at, **more))
        return self.web.server.faults[-1]

    def fetch(self, uri):
        assert self.put(1, uri.encode(), TEXT) == "2.04"

    def ends(self, result, timeout=60):
        self.waits(lambda: self.stands() == (IDLE, result), f"result {result}", timeout)

    def loaded(self, timeout=120):
        self.waits(lambda: self.stands() == (DOWNLOADED, 0), "the download", timeout)

    def asked(self):
        """The Range and the If-Range of each request."""
        return [(headers.get("Range"), headers.get("If-Range")) for _, headers in self.web.server.requests]

    def begun(self):
        """Where each answer with some of the file began."""
        return [at for at, _ in self.web.server.sent]

    def kill_daemon(self):
        """kill -9; the launcher starts the next one."""
        pid, seen = self.boot_pid(), len(self.server.updates)
        os.kill(pid, signal.SIGKILL)
        self.comes_back(seen)
        assert self.boot_pid() != pid


class Web(unittest.TestCase):
    def test_device_fetches_over_http(self):
        """LwM2M-1.1-int-771 over http: redirected and cut twice, and no byte comes twice but those of a piece that was cut"""
        with Room() as room:
            package = room.next_package("2.0.0")
            room.serve("/fw?v=2", package)
            room.web.server.moved["/latest"] = (302, "/fw?v=2")
            protocols = peer.tlv(room.server.read("/5/0/8", TLV).payload)
            self.assertEqual({peer.tlv_integer(v) for v in protocols.values()}, {0, 1, 2, 3})
            late = len(package) - 10
            room.fault(100000)
            room.fault(late)
            room.fetch(room.web.url + "/latest")
            room.loaded()
            self.assertEqual(room.begun(), [0, 100000 // PIECE * PIECE, late // PIECE * PIECE])
            self.assertEqual(sum(n for _, n in room.web.server.sent), len(package) + 100000 % PIECE + late % PIECE)
            self.assertEqual(room.asked()[-1], (f"bytes={late // PIECE * PIECE}-", '"one"'))
            self.assertEqual(room.server.ask("POST", "/5/0/2").code, "2.04")
            room.waits(lambda: room.version() == "2.0.0" and room.stands() == (IDLE, 1), "version 2.0.0, and that it is so")

    def test_device_fetches_over_https(self):
        """RFC 9110 §4.3.4: by the CA certificates of [update], and by name; strangers get no request"""
        with tempfile.TemporaryDirectory() as folder:
            ca, stranger = web.Ca(folder, "maker"), web.Ca(folder, "stranger", "rsa")
            with Room(f"trust = {ca.pem}", "pull_tries = 1", certificate=ca.server("good")) as room:
                package = room.next_package("2.0.0")
                for certificate, said in (
                        (stranger.server("its"), "its certificate is of no CA that is trusted"),
                        (ca.server("other", "DNS:other.example"), "its certificate is for another name"),
                        (ca.server("old", days=(-9, -1)), "a certificate has expired")):
                    with self.subTest(said), web.Web(certificate) as bad:
                        bad.server.files["/fw"] = (package, '"one"')
                        room.fetch(bad.url + "/fw")
                        room.ends(4)
                        self.assertEqual(bad.server.requests, [])
                        self.assertIn(said, room.parts["device"].text())
                with web.Web() as plain:
                    room.web.server.moved["/plain"] = (301, plain.url + "/fw")
                    plain.server.files["/fw"] = (package, '"one"')
                    room.fetch(room.web.url + "/plain")
                    room.ends(7)
                    self.assertEqual(plain.server.requests, [], "from https to http nobody is sent")
                    plain.server.moved["/safe"] = (307, room.serve("/fw", package).replace("127.0.0.1", "localhost"))
                    room.fault(PIECE * 50 + 7)
                    room.fetch(plain.url + "/safe")
                    room.loaded()
                self.assertEqual(room.begun(), [0, PIECE * 50])
                self.assertEqual(room.web.server.names[-2:], ["localhost"] * 2)
                self.assertEqual(room.fwu("query")["state"], "candidate")

    def test_device_believes_the_systems_authorities_unless_told(self):
        with tempfile.TemporaryDirectory() as folder:
            with Room("pull_tries = 0", certificate=web.Ca(folder, "maker").server("good")) as room:
                room.fetch(room.serve("/fw", b"x" * 5000))
                room.ends(4)
                self.assertEqual(room.web.server.requests, [])
                self.assertRegex(room.parts["device"].text(), "event=download-cut .*(no CA that is trusted|nobody is trusted)")

    def test_device_goes_on_over_http_after_kill_9(self):
        """of the daemon, in the middle; and after a restart of the device"""
        with Room() as room:
            package = room.next_package("2.0.0")
            held = room.fault(PIECE * 1000 + 5, hold=True)
            room.fetch(room.serve("/fw", package, '"' + "f" * 64 + '"'))
            room.wait(lambda: held.reached.is_set(), 60, "half of it")
            room.waits(lambda: room.fwu("query")["written"] == PIECE * 1000, "that it is in the slot")
            self.assertEqual(room.stands(), (DOWNLOADING, 0))
            again = room.fault(PIECE * 1500 + 5, hold=True)
            room.kill_daemon()
            held.release()
            room.wait(lambda: again.reached.is_set(), 60, "the next half of it")
            self.assertEqual(room.asked()[-1], (f"bytes={PIECE * 1000}-", '"' + "f" * 64 + '"'))
            registered = len(room.server.registrations)
            room.fwu("reboot")
            again.release()
            room.server.registered(registered + 1, 60)
            room.loaded()
            self.assertIn(room.begun()[-1], (1 << 20, PIECE * 1500), "it goes on where the slot was made to last")
            self.assertEqual(len(room.begun()), 3)
            self.assertEqual(room.fwu("query")["state"], "candidate")

    def test_device_begins_anew_over_http_when_the_package_changes(self):
        """another ETag, and a file that has become shorter; without a strong ETag after each cut"""
        with Room() as room:
            old, new = room.next_package("2.0.0"), room.next_package("2.1.0")
            for tag, content, second in (('"one"', new, 0), ('"one"', new[:PIECE * 40], 0), ('W/"one"', None, None), (None, None, None)):
                del room.web.server.sent[:], room.web.server.requests[:]
                held = room.fault(PIECE * 100 + 9, hold=True)
                room.fetch(room.serve("/fw", old, tag))
                room.wait(lambda: held.reached.is_set(), 60, "some of it")
                if content is not None:
                    room.serve("/fw", content, '"two"')
                held.release()
                if content is not None and len(content) < len(old) // 2:
                    room.ends(6)  # it is whole, and no package
                else:
                    room.loaded()
                    self.assertEqual(room.put(1, b"", TEXT), "2.04")
                self.assertEqual(room.begun(), [0, 0])
                self.assertEqual(room.asked()[1], (f"bytes={PIECE * 100}-", '"one"') if content is not None else (None, None))

    def test_device_says_why_a_package_of_the_web_is_refused(self):
        """LwM2M-1.1-int-773, LwM2M-1.1-int-775 to LwM2M-1.1-int-778 by http: room, connection, integrity, type, URI"""
        with Room("pull_tries = 1") as room:
            url, moved = room.web.url, room.web.server.moved
            moved.update({"/loop": (302, "/loop"), "/ftp": (302, "ftp://127.0.0.1/fw"), "/lost": (308, "http://127.0.0.1:1/fw")})
            good = room.next_package("2.0.0")
            busy = lambda h: h.path == "/busy" and (h.send_error(503) or True)  # noqa: E731
            room.web.server.faults.append(busy)
            room.serve("/large", bytes(room.slot_size + 5000))
            room.serve("/empty", b"")
            room.serve("/other", os.urandom(5000))
            room.serve("/changed", good[:-5000] + bytes([good[-5000] ^ 1]) + good[-4999:])
            for result, uri in ((7, url + "/none"), (7, url + "/loop"), (7, url + "/ftp"), (7, "http://"), (7, "http://a:99999/"),
                                (7, "https://user:word@127.0.0.1/fw"), (4, url + "/busy"), (4, url + "/lost"),
                                (4, "http://127.0.0.1:1/fw"), (2, url + "/large"), (5, url + "/empty"), (6, url + "/other"),
                                (5, url + "/changed")):
                with self.subTest(uri):
                    room.fetch(uri)
                    room.ends(result, 200)
            self.assertEqual(len([p for p, _ in room.web.server.requests if p == "/busy"]), 2)
            self.assertEqual(len([p for p, _ in room.web.server.requests if p == "/loop"]), 6)
            self.assertEqual(room.version(), "1.0.0")

    def test_device_answers_while_it_fetches(self):
        """and a Cancel ends the connection"""
        with Room() as room:
            room.serve("/fw", room.next_package("2.0.0"))
            held = room.fault(PIECE * 1800, hold=True)
            room.fetch(room.web.url + "/fw")
            took = []
            while not held.reached.is_set() or room.fwu("query")["written"] < PIECE * 1799:
                since = time.monotonic()
                self.assertEqual(room.stands(), (DOWNLOADING, 0))
                took.append(time.monotonic() - since)
            late, longest = sorted([0, 0, *took])[-2:]
            self.assertTrue(late < 1 and longest < 5, took)  # once it may have had to wait for a core
            self.assertEqual(room.server.ask("POST", "/5/0/10").code, "2.04")
            self.assertEqual(room.stands(), (IDLE, 10))
            held.release()
            time.sleep(2)
            self.assertEqual(len(room.web.server.requests), 1)
            print(f"        two Reads while it fetches: {longest * 1000:.0f} ms at most", flush=True)


if __name__ == "__main__":
    unittest.main()
