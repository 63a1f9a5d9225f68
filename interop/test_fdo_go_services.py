# SPDX-License-Identifier: Apache-2.0
"""The device's engine and carrier with services on the library go-fdo: DI, TO1 and TO2 with every encoding, cipher suite and curve that
both have (tests/fdohost/device_host.c; tesserad itself is in test_fdo_device.py). go-fdo's owner takes a device only where the keys of
the voucher are of the type of the device's own, so there is one key exchange for each."""
import itertools
import subprocess
import unittest

import go_fdo
import lab
from test_fdo_go import CIPHERS, MAKERS

NUMBERS = dict(zip(CIPHERS, (1, 2, 3, -17760703, -17760704, -17760705, -17760706)))  # COSE's of what go-fdo calls so


@unittest.skipUnless(go_fdo.PEER.exists(), "go-fdo is not built (interop/get-peers)")
class Services(unittest.TestCase):
    def start(self, *words):
        room = lab.Lab()
        self.addCleanup(room.close)
        port = lab.free_port()
        self.url = f"http://127.0.0.1:{port}"
        room.start("services", [go_fdo.PEER, "-listen", f"127.0.0.1:{port}", "-db", room.folder / "peer.db", *words],
                   ready="peer is ready", timeout=60)

    def onboard_every(self, kind):
        key_type, encodings, (kex,) = MAKERS[kind]
        for encoding, cipher in itertools.product(encodings, CIPHERS):
            with self.subTest(kind=kind, encoding=encoding, cipher=cipher):
                done = subprocess.run([lab.program("fdo-device-host"), kind.removeprefix("ec"), self.url, kex, str(NUMBERS[cipher]),
                                       str(key_type), str(encoding)], capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout), (0, "onboarded\n"), done.stderr)

    def test_p256_with_every_encoding_and_cipher(self):
        self.start()
        self.onboard_every("ec256")

    def test_p384_with_every_encoding_and_cipher(self):
        self.start()
        self.onboard_every("ec384")
