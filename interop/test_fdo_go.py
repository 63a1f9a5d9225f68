# SPDX-License-Identifier: Apache-2.0
"""The services of FIDO Device Onboard with devices on the library go-fdo: DI, TO1 and TO2 with every kind of key, encoding, key exchange
and cipher suite that both have, the modules of service info, and what such a device does not take."""
import base64
import hashlib
import http.server
import itertools
import os
import threading
import unittest

import go_fdo
from test_fdo import KINDS, Base

DEVICES = ("ec256", "ec384", "rsa2048", "rsa3072")
MAKERS = {  # of a voucher's keys: type, encodings, key exchanges
    "ec256": (10, (1, 2, 3), ("ECDH256",)),
    "ec384": (11, (1, 2, 3), ("ECDH384",)),
    "rsa2048": (1, (1, 2), ("DHKEXid14", "ASYMKEX2048")),
    "rsa3072": (5, (1, 2), ("DHKEXid15", "ASYMKEX3072")),
}
CIPHERS = ("A128GCM", "A192GCM", "A256GCM", "COSEAES128CBC", "COSEAES128CTR", "COSEAES256CBC", "COSEAES256CTR")
EVERY_MAKER = [(maker, encoding) for maker in KINDS for encoding in MAKERS[maker][1]]


@unittest.skipUnless(go_fdo.PEER.exists(), "go-fdo is not built (interop/get-peers)")
class GoBase(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.go = go_fdo.Peer(cls.room.folder / "go.log")
        cls.addClassCleanup(cls.go.close)

    def di(self, name, device, maker, encoding=1):
        self.go.ask("di", name, url=self.url, key=device, type=MAKERS[maker][0], encoding=encoding)


class Replaced(GoBase):
    """Each device gets a credential of its new owner."""
    more = ("--fdo-short-mac-keys", "--fdo-device-trust", "{}/ca.pem")

    def test_every_key_and_encoding(self):
        cases = [(device, maker, encoding) for device in DEVICES for maker, encoding in EVERY_MAKER]
        ciphers = itertools.cycle(CIPHERS)
        for case in cases:
            with self.subTest(case=case):
                self.di(str(case), *case)
        for case in cases:
            _, maker, encoding = case
            with self.subTest(case=case):
                self.assertEqual(self.go.to1(str(case))["addresses"], 1)
                kex = MAKERS[maker][2][encoding % len(MAKERS[maker][2])]
                done = self.go.ask("to2", str(case), kex=kex, cipher=next(ciphers))
                self.assertTrue(done["replaced"])
                self.assertEqual(self.rest("GET", f"/fdo/devices/{done['guid']}")["state"], "onboarded")

    def spoiled(self, name, message, at, how):
        """Neither TO1 nor TO2 goes on; the redirect is judged where its owner is known."""
        with self.assertRaises(go_fdo.Refused):
            self.go.ask("to1" if int(message) < 60 else "to2", name, spoil=message, at=at, **how)
            if message == "32":
                self.go.ask("to2", name, **how)

    def test_answers_that_were_changed_on_their_way(self):
        """The device does not go on, and its credential still holds: the next try comes through."""
        for message, at in (("30", 5), ("32", -1), ("60", 40), ("60", -1), ("62", 30), ("62", -1), ("64", 20), ("64", -1), ("66", -1),
                            ("68", -1), ("70", -1)):
            for kind, kex, cipher in (("ec256", "ECDH256", "A128GCM"), ("rsa2048", "ASYMKEX2048", "COSEAES256CBC")):
                with self.subTest(message=message, at=at, kind=kind):
                    name, how = f"{kind}-{message}-{at}", {"kex": kex, "cipher": cipher}
                    self.di(name, kind, kind)
                    self.go.to1(name)
                    self.spoiled(name, message, at, how)
                    if int(message) < 60:
                        self.go.ask("to1", name)
                    self.assertTrue(self.go.ask("to2", name, **how)["replaced"])


class Kept(GoBase):
    """With credential reuse a device can be onboarded time and again."""
    more = ("--fdo-short-mac-keys", "--fdo-reuse", "--fdo-device-trust", "{}/ca.pem")

    def test_every_key_exchange_and_cipher(self):
        for device, maker in itertools.product(DEVICES, KINDS):
            name = f"{device}-{maker}"
            self.di(name, device, maker)
        for device, maker in itertools.product(DEVICES, KINDS):
            name = f"{device}-{maker}"
            self.go.to1(name)
            for kex, cipher in itertools.product(MAKERS[maker][2], CIPHERS):
                with self.subTest(device=device, kex=kex, cipher=cipher):
                    self.assertFalse(self.go.ask("to2", name, kex=kex, cipher=cipher, reuse=True)["replaced"])


class Files(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = b"fetched " * 1000
        self.send_response(200 if self.path == "/a/fetched" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Modules(GoBase):
    """What an owner's plan does with a device of go-fdo."""

    def setUp(self):
        self.folder = self.room.folder / self._testMethodName
        self.folder.mkdir()
        self.content = "line\n" * 1000 + "x" * 9000 + "\n"  # the long one does not fit into a message
        (self.folder / "log.txt").write_bytes(os.urandom(5000))
        (self.folder / "nothing").write_bytes(b"")

    def served(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}/a/"

    def born(self, name, device, maker, steps):
        guid = self.go.ask("di", name, url=self.url, key=device, type=MAKERS[maker][0], encoding=1)["guid"]
        self.rest("PUT", f"/fdo/plans/{guid}", {"steps": steps})
        self.go.to1(name)
        return guid

    def result(self, guid, name):
        return base64.b64decode(self.rest("GET", f"/fdo/results/{guid}%2F{name}")["data"])

    def steps(self):
        return [
            {"module": "fdo.download", "name": "a.conf", "text": self.content},
            {"module": "fdo.download", "name": "empty", "text": ""},
            {"module": "fdo.upload", "name": "log.txt"},
            {"module": "fdo.command", "command": "printf", "args": ["%s-%s\n", "a", "b"], "save": "said"},
            {"module": "fdo.wget", "name": "fetched", "url": self.served() + "fetched",
             "sha384": hashlib.sha384(b"fetched " * 1000).hexdigest()},
            {"module": "fdo.command", "command": "cat", "args": [str(self.folder / "a.conf")], "save": "read"}]

    def test_plan_with_every_module(self):
        for size, (device, maker, kex, cipher) in zip((0, 400, 65535), (
                ("ec256", "ec256", "ECDH256", "A128GCM"), ("ec384", "ec384", "ECDH384", "A256GCM"),
                ("rsa2048", "rsa2048", "DHKEXid14", "A256GCM"))):
            with self.subTest(size=size, device=device):
                guid = self.born(f"plan-{size}", device, maker, self.steps())
                self.go.ask("to2", f"plan-{size}", kex=kex, cipher=cipher, size=size, folder=str(self.folder))
                for name, content in (("a.conf", self.content.encode()), ("empty", b""), ("fetched", b"fetched " * 1000)):
                    self.assertEqual((self.folder / name).read_bytes(), content)
                    (self.folder / name).unlink()
                self.assertEqual(self.result(guid, "log.txt"), (self.folder / "log.txt").read_bytes())
                # go-fdo ends each line twice, and loses a last one that has no end
                self.assertEqual(self.result(guid, "said"), b"a-b\n\n")
                self.assertEqual(self.result(guid, "read"), self.content.replace("\n", "\n\n").encode())

    def test_step_that_fails_ends_the_onboarding(self):
        for n, step in enumerate(({"module": "fdo.command", "command": "false"},
                                  {"module": "fdo.wget", "name": "x", "url": self.served() + "none"},
                                  {"module": "fdo.upload", "name": "none"})):
            with self.subTest(step=step):
                guid = self.born(f"fails-{n}", "ec256", "ec256", [step])
                with self.assertRaises(go_fdo.Refused):
                    self.go.ask("to2", f"fails-{n}", kex="ECDH256", cipher="A128GCM", folder=str(self.folder))
                self.assertEqual(self.rest("GET", f"/fdo/devices/{guid}")["state"], "manufactured")
                self.rest("DELETE", f"/fdo/plans/{guid}")
                self.assertTrue(self.go.ask("to2", f"fails-{n}", kex="ECDH256", cipher="A128GCM")["replaced"])

    def test_module_that_a_device_has_not(self):
        step = {"module": "fdo.command", "command": "true"}
        guid = self.born("bare", "ec256", "ec256", [step])
        with self.assertRaises(go_fdo.Refused):
            self.go.ask("to2", "bare", kex="ECDH256", cipher="A128GCM")
        self.rest("PUT", f"/fdo/plans/{guid}", {"steps": [{**step, "optional": True}]})
        self.assertTrue(self.go.ask("to2", "bare", kex="ECDH256", cipher="A128GCM")["replaced"])


if __name__ == "__main__":
    unittest.main()
