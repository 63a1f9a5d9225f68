# SPDX-License-Identifier: Apache-2.0
"""Package URIs of coaps: a delivered device, registered at the real server, fetches from libcoap's server over OpenSSL's DTLS
with the key of its account."""
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

import lab

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import test_update as update  # noqa: E402

SERVER, CLIENT = shutil.which("coap-server-openssl"), shutil.which("coap-client-notls")
KEY = b"a-secret-of-16-b"  # libcoap takes text
IDLE, DOWNLOADING, DOWNLOADED = range(3)


class Room(update.Device):
    def __init__(self):
        super().__init__()
        self.port = lab.free_port(2)  # the second one is for DTLS

    def deliver(self, *lines):
        super().deliver(key=KEY, device=(*lab.DEVICE_LINES, "[update]", *lines))

    def serve(self, content, key=KEY, *options):
        """A new server with that content at /fw."""
        if "files" in self.parts:
            self.parts["files"].kill()
        self.start("files", [SERVER, "-A", "127.0.0.1", "-p", self.port, "-k", key.decode(), "-d", 5, "-L", 1, *options])
        path = self.folder / "served"
        path.write_bytes(content)

        def put():
            done = subprocess.run([CLIENT, "-B", "60", "-b", "1024", "-m", "put", "-f", path, "-v", "6",
                                   f"coap://127.0.0.1:{self.port}/fw"], capture_output=True, text=True, timeout=120)
            return re.search(r"\b2\.0[14]\b", done.stdout + done.stderr)  # 2.04: one before came after its time
        self.wait(put, 180, "that libcoap has the file")

    @property
    def uri(self):
        return f"coaps://127.0.0.1:{self.port + 1}/fw"

    def fetch(self, uri=None):
        status, body, _ = self.rest.call("PUT", f"/devices/{update.ENDPOINT}/objects/5/0/1", {"value": uri or self.uri})
        assert status in (200, 204), (status, body)

    def read(self, resource):
        status, body, _ = self.rest.get(f"/devices/{update.ENDPOINT}/objects/5/0/{resource}?timeout=5")
        return body["values"][0]["value"] if status == 200 else None

    def stands(self):
        return self.read(3), self.read(5)

    def text(self):
        return self.parts["device"].text()


@unittest.skipUnless(SERVER and CLIENT, "libcoap's programs are not installed")
class Secure(unittest.TestCase):
    def test_device_fetches_over_coaps(self):
        """with datagrams lost; the server's end and beginning are a new session, and the download goes on"""
        with Room() as room:
            room.deliver()
            package = room.next_package("2.0.0").read_bytes()
            put = len(package) // 1024  # answers, then those to the device: of its handshake, and of the file
            room.serve(package, KEY, "-l", f"{put + 3},{put + 60}-{put + 61},{put + 200}")
            room.fetch()
            begun = time.monotonic()
            room.wait(lambda: (room.fwu("query")["written"] or 0) > len(package) // 4, 120, "some of it")
            self.assertEqual(room.stands(), (DOWNLOADING, 0))
            room.serve(package)
            room.wait(lambda: room.stands() == (DOWNLOADED, 0), 240, "the download")
            print(f"        {len(package)} bytes in {time.monotonic() - begun:.1f} s", flush=True)
            self.assertEqual(room.text().count("event=download-connected"), 2, room.text()[-3000:])
            status, body, _ = room.rest.call("POST", f"/devices/{update.ENDPOINT}/objects/5/0/2/execute", {})
            self.assertIn(status, (200, 204), body)
            room.settled("2.0.0", states=("updated",))

    def test_device_says_why_it_cannot_fetch_over_coaps(self):
        """another key, nothing there, a host that the device has no account of"""
        with Room() as room:
            room.deliver("pull_tries = 1")
            room.serve(b"x" * 5000, b"another-secret-1")
            for result, uri, said in ((4, room.uri, "event=download-failed"), (7, "coaps://127.0.0.2/fw", "event=download-no-account"),
                                      (7, "coaps://localhost/fw", "event=download-no-account")):
                with self.subTest(uri):
                    room.fetch(uri)
                    room.wait(lambda: room.stands() == (IDLE, result), 60, f"result {result}")
                    self.assertIn(said, room.text())
            self.assertNotIn("event=download-connected", room.text())
            # The server itself, which has no files: a session with Connection IDs beside that of the registration.
            room.fetch(f"coaps://127.0.0.1:{room.coaps}/fw")
            room.wait(lambda: room.stands() == (IDLE, 7), 60, "that it has no files")
            self.assertIn("event=download-connected", room.text())
            self.assertEqual(room.version(), "1.0.0")
            room.serve(b"x" * 5000)
            for result, uri in ((7, room.uri + "/none"), (6, room.uri)):
                room.fetch(uri)
                room.wait(lambda: room.stands() == (IDLE, result), 60, f"result {result}")


if __name__ == "__main__":
    unittest.main()
