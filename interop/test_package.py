# SPDX-License-Identifier: Apache-2.0
"""Our packages, read by programs that know nothing of ours."""
import subprocess
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"


@unittest.skipUnless(PYTHON.exists(), "cbor2 and cryptography are not installed (interop/get-peers)")
class Package(unittest.TestCase):
    def read(self, room, package, *more, key="maker", sequence=7, first=()):
        return subprocess.run([PYTHON, lab.ROOT / "interop/package_reader.py", *first, package, room.folder / f"{key}.pub",
                               room.component, str(sequence), room.vendor, room.device_class, *more],
                              capture_output=True, text=True, timeout=60)

    def test_package_of_every_layout_is_accepted_by_an_independent_parser(self):
        with lab.Lab() as room:
            for layout in ("integrated", "bundled", "detached"):
                package = room.package("2.0.0", 7, layout=layout)
                more = [package.with_name("image")] if layout == "detached" else []
                done = self.read(room, package, *more)
                self.assertEqual(done.returncode, 0, f"{layout}: {done.stdout}{done.stderr}")
                self.assertEqual(done.stdout.strip(), "accepted: bin/tesserad")

    def test_encrypted_package_of_every_layout_is_decrypted_by_an_independent_parser(self):
        with lab.Lab() as room:
            key = room.update_key()
            for layout in ("integrated", "bundled", "detached"):
                package = room.package("2.0.0", 7, layout=layout, encrypt_to=key)
                more = [f"{package}.image"] if layout == "detached" else []
                done = self.read(room, package, *more, first=("--decrypt-with", key))
                self.assertEqual(done.returncode, 0, f"{layout}: {done.stdout}{done.stderr}")
                self.assertEqual(done.stdout.strip(), "accepted: bin/tesserad")
                other = self.read(room, package, *more, first=("--decrypt-with", room.update_key("others")))
                self.assertNotEqual(other.returncode, 0)
                self.assertNotEqual(self.read(room, package, *more).returncode, 0)

    def test_the_independent_parser_is_no_pushover(self):
        with lab.Lab() as room:
            package = room.package("2.0.0", 7)
            room.signing_key("stranger")
            self.assertNotEqual(self.read(room, package, key="stranger").returncode, 0)
            self.assertNotEqual(self.read(room, package, sequence=8).returncode, 0)
            content = package.read_bytes()
            package.write_bytes(content[:-9000] + bytes([content[-9000] ^ 1]) + content[-8999:])
            self.assertNotEqual(self.read(room, package).returncode, 0)


if __name__ == "__main__":
    unittest.main()
