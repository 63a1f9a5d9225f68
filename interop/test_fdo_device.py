# SPDX-License-Identifier: Apache-2.0
"""A blank device and services on the library go-fdo (interop/go-fdo): DI, TO1, TO2 and every module; it then registers by itself with
the account that was handed over."""
import http.server
import pathlib
import random
import re
import subprocess
import threading
import time
import unittest

import lab

try:
    import cbor2
except ImportError:
    cbor2 = None

PEER = lab.ROOT / "build/go-fdo/peer"
EP = "fdo-lamp"
KEY = bytes(range(16))


class Files(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = b"fetched " * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@unittest.skipUnless(PEER.exists() and cbor2, "go-fdo is not built, or cbor2 not installed (interop/get-peers)")
class Onboarding(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.port = lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = self.room.folder / "root"
        self.root.mkdir()
        self.uploads = self.room.folder / "uploads"
        self.uploads.mkdir()

    def account(self, **more):
        return cbor2.dumps({1: f"coaps://127.0.0.1:{self.room.coaps}", 2: 1, 3: 0, 4: EP.encode(), 5: KEY, 9: 300, **more},
                           canonical=True).hex()

    def start_services(self):
        """The LwM2M server knows the device's key; the device does not yet."""
        self.room.start_server()
        self.room.credentials(EP, EP, KEY)
        self.room.start_secured()

    def start_owner(self, *words):
        return self.room.start("owner", [PEER, "-listen", f"127.0.0.1:{self.port}", "-db", self.room.folder / "peer.db",
                                         "-folder", self.uploads, "-account", self.account(), *words],
                               ready="peer is ready", timeout=60)

    def configure(self, *fdo_lines):
        lines = ["[device]", f"endpoint = {EP}", f"state = {self.room.device_state}", "model = lamp", "[secured]",
                 f"socket = {self.room.socket}", "[log]", "level = debug", "[fdo]", f"manufacturer = {self.url}",
                 f"root = {self.root}", *fdo_lines]
        self.room.device_config.write_text("\n".join(lines) + "\n")
        self.room.device_state.mkdir(mode=0o700, exist_ok=True)

    def tool(self, *words):
        done = subprocess.run([lab.program("tesserad"), "fdo", "--config", self.room.device_config, *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def onboard(self, then="registered", **fields):
        self.room.run_device()
        self.room.wait_device("fdo-onboarded", 60, **fields)
        self.room.wait_device(then, 60)
        self.room.wait_registered(EP)

    def everything(self, bits, *owner):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        sent = self.room.folder / "sent"
        sent.write_bytes(random.randbytes(20000))
        (self.root / "kept").write_bytes(b"k" * 5000)
        self.start_services()
        peer = self.start_owner("-download", sent, "-upload", "kept", "-fetch",
                                f"http://127.0.0.1:{server.server_address[1]}/a/fetched", "-command", "date -u +%Y", *owner)
        self.configure(f"key = {bits}", "wget = yes", "commands = date=/bin/date")
        self.onboard(credential="kept" if "-reuse" in owner else "replaced")
        self.assertEqual((self.root / "sent").read_bytes(), sent.read_bytes())
        self.assertEqual((self.root / "fetched").read_bytes(), b"fetched " * 1000)
        self.assertEqual((self.uploads / "kept").read_bytes(), b"k" * 5000)
        self.assertIn("account taken: 1", peer.text())
        self.assertRegex(peer.text(), r"(?m)^20\d\d$")
        for file in pathlib.Path(self.room.device_state).iterdir():
            self.assertNotIn(KEY, file.read_bytes(), "the key lies in a file")
        self.assertEqual(self.tool(), "onboarded")

    def test_p256(self):
        self.everything("p256")

    def test_p384(self):
        self.everything("p384")

    def test_credential_reuse(self):
        self.everything("p256", "-reuse")

    def test_rendezvous_bypass(self):
        self.everything("p384", "-bypass")

    def test_onboarded_once_and_again_after_reset(self):
        self.start_services()
        owner = self.start_owner("-bypass", "-reuse")
        self.configure()
        self.onboard()
        device = self.room.parts["device"]
        device.stop()
        owner.stop()
        self.room.run_device()  # nobody is asked again
        self.room.wait_device("updated", 60)
        self.room.parts["device"].stop()
        self.assertEqual(self.tool("--reset"), "manufactured, without an owner")
        self.start_owner("-bypass", "-reuse")
        self.onboard("updated")  # the same account, so what the server knows still holds
        self.room.parts["device"].stop()
        self.assertEqual(self.tool("--erase"), "blank")

    def test_reuse_that_the_device_does_not_allow(self):
        self.start_services()
        self.start_owner("-bypass", "-reuse")
        self.configure("reuse = no")
        self.room.run_device()
        self.room.wait_device("fdo-failed", 60, message="65", code="102")
        self.room.parts["device"].stop()
        self.assertEqual(self.tool(), "manufactured, without an owner")

    def test_killed_at_any_time(self):
        """It ends onboarded, whenever it was killed; so does one whose owner dies meanwhile."""
        self.start_services()
        self.start_owner("-bypass", "-command", "sleep 1")
        self.configure("commands = sleep=/bin/sleep")
        for kills in range(8):
            device = self.room.run_device()
            time.sleep(random.uniform(0, 1.2))
            device.kill()
            if kills == 4:
                self.room.parts["owner"].kill()
                self.start_owner("-bypass", "-command", "sleep 1")
        device = self.room.run_device()
        # Killed late it has registered before, and says so no more.
        self.room.wait(lambda: re.search(rb" event=(registered|updated) ", device.log.read_bytes()[device.seen:]), 90, "its registration")
        self.assertEqual(self.tool(), "onboarded")
        self.room.wait_registered(EP)


if __name__ == "__main__":
    unittest.main()
