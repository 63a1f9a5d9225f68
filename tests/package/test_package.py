#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tessera package as a program: what it makes, what it refuses, and what others read of it."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
import uuid

TESSERA = sys.argv.pop(1) if len(sys.argv) > 1 and os.sep in sys.argv[1] else "build/release/bin/tessera"
IDS = ("--vendor", "example.com", "--class", "light")


class Package(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.tree = self.dir / "tree"
        (self.tree / "bin").mkdir(parents=True)
        (self.tree / "bin/tesserad").write_bytes(b"\x7fELF and more" * 100)
        (self.tree / "bin/tesserad").chmod(0o750)
        (self.tree / "share").mkdir()
        (self.tree / "share/z").write_bytes(b"")
        (self.tree / "share/a").write_bytes(bytes(512))
        self.key, self.public = self.dir / "key.pem", self.dir / "public.pem"
        self.image, self.package = self.dir / "image", self.dir / "package"

    def run_it(self, *words, code=0):
        done = subprocess.run([TESSERA, "package", *map(str, words)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        if code:
            self.assertTrue(done.stderr.strip(), "a failure says why")
        return done

    def keygen(self):
        self.run_it("keygen", "--out", self.key, "--public", self.public)

    def make(self):
        self.run_it("make", self.tree, "--out", self.image)

    def sign(self, *more, out=None, image=None, sequence=7, code=0):
        return self.run_it("sign", image or self.image, "--key", self.key, "--out", out or self.package, *IDS,
                           "--component", "main", "--sequence", sequence, "--version", "2.1.300+9", *more, code=code)

    def signed(self, *more):
        self.keygen()
        self.make()
        self.sign(*more)

    def verify(self, *more, code=0, package=None):
        done = self.run_it("verify", package or self.package, "--key", self.public, "--json", *more, code=code)
        return json.loads(done.stdout) if done.stdout else None

    # Encryption

    def test_encrypted_package_hides_the_image_and_verifies_with_the_key(self):
        kek, other = self.dir / "kek.hex", self.dir / "other.hex"
        for path in (kek, other):
            self.run_it("keygen", "--symmetric", "--out", path)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        (self.tree / "bin/tesserad").write_bytes(os.urandom(4000))
        self.keygen()
        self.make()
        image = self.image.read_bytes()
        for layout in ("integrated", "bundled", "detached"):
            self.sign("--encrypt-to", kek, "--encrypt-to", other, "--layout", layout)
            apart = ("--payload", f"{self.package}.image") if layout == "detached" else ()
            self.assertNotIn(image[600:616], self.package.read_bytes())
            for key in (kek, other):
                seen = self.verify("--decrypt-with", key, *apart)
                self.assertEqual((seen["size"], seen["good"], seen["digest_matches"]), (len(image), True, True))
                self.assertEqual(seen["encryption"], "A128GCM")
                self.assertEqual([len(r) for r in seen["recipients"]], [len("A128KW ") + 16] * 2)
            self.assertFalse(self.verify(*apart, code=3)["good"])  # nobody can say without a key
            self.run_it("inspect", self.package, *apart)
        self.sign("--encrypt-to", kek)
        self.assertIn("not encrypted to the key",
                      self.run_it("verify", self.package, "--key", self.public, "--decrypt-with", other, code=3).stderr)
        good = self.package.read_bytes()
        for back in (1, 16, 17, 2000):
            self.package.write_bytes(good[:-back] + bytes([good[-back] ^ 1]) + good[len(good) - back + 1:])
            self.assertFalse(self.verify("--decrypt-with", kek, code=3)["good"])
        kek.write_text("no key")
        self.sign("--encrypt-to", kek, code=4)

    def test_what_a_package_says_does_not_drive_the_terminal(self):
        (self.tree / os.fsdecode(b"share/x\xff\x9b\x1b[1m")).write_bytes(b"x")
        self.keygen()
        self.make()
        said = b"a\x1b[2Jb\x07c\xc2\x9bde\xe2\x80\xaef\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xa1"
        done = subprocess.run([TESSERA, "package", "sign", self.image, "--key", self.key, "--out", self.package, *IDS,
                               "--component", "main", "--sequence", "7", "--version", "2.1.0", "--description", said],
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(said, self.package.read_bytes())  # taken as it is, so that inspect has something to do
        shown = subprocess.run([TESSERA, "package", "inspect", self.package], capture_output=True, timeout=60).stdout
        self.assertIn("a?[2Jb?c?de?f\u00e4\u20ac\U0001f4a1\n".encode(), shown)
        self.assertIn(b" share/x???[1m\n", shown)
        self.assertNotIn(b"\x1b", shown)

    def test_more_than_eight_signatures_are_refused(self):
        self.signed("--layout", "bundled")
        good = self.package.read_bytes()
        inner = good[6:6 + good[5]]
        digest, block = inner[1:1 + 2 + 36], inner[1 + 2 + 36:]
        self.assertEqual((inner[0], digest[:2]), (0x82, b"\x58\x24"))
        for count, code in ((8, 0), (9, 3)):
            more = bytes([0x80 + count + 1]) + digest + count * block
            self.package.write_bytes(good[:4] + b"\x59" + len(more).to_bytes(2, "big") + more + good[6 + good[5]:])
            done = self.run_it("verify", self.package, "--key", self.public, code=code)
            self.assertEqual("more than 8 signatures" in done.stderr, code == 3)

    # Bundles

    def test_bundle_is_what_tarfile_reads(self):
        self.make()
        with tarfile.open(self.image) as tar:
            members = tar.getmembers()
            self.assertEqual([m.name for m in members], ["bin/tesserad", "share/a", "share/z"])
            for m in members:
                self.assertEqual((m.uid, m.gid, m.mtime, m.uname, m.gname, m.type), (0, 0, 0, "", "", tarfile.REGTYPE))
                self.assertEqual(tar.extractfile(m).read(), (self.tree / m.name).read_bytes())
            self.assertEqual([m.mode for m in members], [0o755, 0o644, 0o644])
        self.assertEqual(self.image.stat().st_size % 512, 0)

    def test_bundle_says_nothing_of_where_it_was_made(self):
        self.make()
        first = self.image.read_bytes()
        other = self.dir / "other"
        (other / "share").mkdir(parents=True)
        (other / "bin").mkdir()
        for name in ("share/z", "bin/tesserad", "share/a"):  # made in another order, at another time
            (other / name).write_bytes((self.tree / name).read_bytes())
            os.utime(other / name, (1, 1))
        (other / "bin/tesserad").chmod(0o711)
        self.run_it("make", other, "--out", self.image)
        self.assertEqual(self.image.read_bytes(), first)

    def test_bundle_refuses_what_is_no_plain_file(self):
        (self.tree / "link").symlink_to("/etc/passwd")
        done = self.run_it("make", self.tree, "--out", self.image, code=2)
        self.assertIn("link", done.stderr)
        self.assertFalse(self.image.exists())

    def test_bundle_refuses_an_empty_or_missing_directory(self):
        (self.dir / "empty").mkdir()
        self.run_it("make", self.dir / "empty", "--out", self.image, code=2)
        self.run_it("make", self.dir / "missing", "--out", self.image, code=2)
        self.run_it("make", self.public.parent / "tree/share/a", "--out", self.image, code=1)

    # Keys

    def test_key_is_private_and_never_replaced(self):
        self.keygen()
        self.assertEqual(self.key.stat().st_mode & 0o777, 0o600)
        before = self.key.read_bytes()
        done = self.run_it("keygen", "--out", self.key, code=2)
        self.assertIn("never replaced", done.stderr)
        self.assertEqual(self.key.read_bytes(), before)

    def test_keys_of_openssl_are_taken(self):
        self.make()
        for form in ("PEM", "DER"):
            for kind in ("pkcs8", "sec1"):
                with self.subTest(form=form, kind=kind):
                    made = self.dir / "made.pem"
                    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", made],
                                   check=True, capture_output=True)
                    how = ["pkcs8", "-topk8", "-nocrypt"] if kind == "pkcs8" else ["ec"]
                    subprocess.run(["openssl", *how, "-in", made, "-outform", form, "-out", self.key], check=True,
                                   capture_output=True)
                    subprocess.run(["openssl", "ec", "-in", made, "-pubout", "-outform", form, "-out", self.public],
                                   check=True, capture_output=True)
                    self.sign()
                    self.assertTrue(self.verify()["good"])
                    self.key.unlink()

    def test_openssl_reads_our_keys(self):
        self.keygen()
        out = subprocess.run(["openssl", "ec", "-in", self.key, "-pubout"], check=True, capture_output=True).stdout
        self.assertEqual(out, self.public.read_bytes())

    def test_wrong_keys_are_refused(self):
        self.signed()
        for name, command in {
                "p384": ["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout"],
                "k256": ["openssl", "ecparam", "-name", "secp256k1", "-genkey", "-noout"],
                "rsa": ["openssl", "genrsa", "2048"]}.items():
            wrong = self.dir / name
            wrong.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
            self.run_it("verify", self.package, "--key", wrong, code=4)
        done = self.run_it("sign", self.image, "--key", self.public, "--out", self.package, *IDS, "--component", "main",
                           "--sequence", 1, "--version", "1.0.0", code=4)
        self.assertIn("public key", done.stderr)

    # Packages

    def test_every_layout_verifies_and_says_what_was_signed(self):
        self.keygen()
        self.make()
        image = self.image.read_bytes()
        vendor = uuid.uuid5(uuid.NAMESPACE_DNS, "example.com")  # RFC 4122 §4.3, which hashes with RFC 3174 §6.1
        for layout in ("integrated", "bundled", "detached"):
            with self.subTest(layout=layout):
                self.sign("--layout", layout, "--needs", "radio=1.2.3", "--description", "better")
                said = self.verify(*(["--payload", self.image] if layout == "detached" else []))
                self.assertEqual(said["layout"], layout)
                self.assertEqual((said["vendor_id"], said["class_id"]),
                                 (str(vendor), str(uuid.uuid5(vendor, "light"))))
                self.assertEqual((said["sequence"], said["component"], said["version"], said["size"], said["digest"]),
                                 (7, "main", "2.1.300+9", len(image), hashlib.sha256(image).hexdigest()))
                self.assertEqual(said["needs"], ["radio >= 1.2.3+0"])
                self.assertEqual((said["description"], said["model_name"]), ("better", "light"))
                self.assertEqual([f["name"] for f in said["files"]], ["bin/tesserad", "share/a", "share/z"])
                self.assertTrue(said["good"])
                text = self.run_it("inspect", self.package).stdout
                for words in (str(vendor), "2.1.300+9", said["digest"], "radio >= 1.2.3+0"):
                    self.assertIn(words, text)

    def test_same_input_gives_the_same_package(self):
        self.signed()
        self.sign(out=self.dir / "again")
        self.assertEqual(self.package.read_bytes(), (self.dir / "again").read_bytes())

    def test_ids_may_be_given(self):
        self.keygen()
        self.make()
        vendor, kind = uuid.uuid4(), uuid.uuid4()  # given as text, RFC 4122 §3
        self.run_it("sign", self.image, "--key", self.key, "--out", self.package, "--vendor", vendor, "--class", kind,
                    "--component", "main", "--sequence", 1, "--version", "1.0.0")
        said = self.verify("--vendor", vendor, "--class", kind)
        self.assertEqual((said["vendor_id"], said["class_id"]), (str(vendor), str(kind)))

    def test_every_flipped_byte_of_the_envelope_is_refused(self):
        self.signed("--layout", "bundled")
        good = self.package.read_bytes()
        size = len(good) - self.image.stat().st_size
        passed = []
        for at in range(size):
            self.package.write_bytes(good[:at] + bytes([good[at] ^ 0x01]) + good[at + 1:])
            done = subprocess.run([TESSERA, "package", "verify", self.package, "--key", self.public], capture_output=True,
                                  timeout=60)
            if done.returncode == 0:
                passed.append(at)
            else:
                self.assertEqual(done.returncode, 3, (at, done.stderr))
        # Only the signer's name beside the signature is not signed: a hint of 32 bytes, and its label.
        self.assertEqual(passed[-32:], list(range(passed[-1] - 31, passed[-1] + 1)))
        self.assertEqual(passed[:-32], [passed[-1] - 34])

    def test_every_cut_is_refused(self):
        self.signed("--layout", "integrated")
        good = self.package.read_bytes()
        size = len(good) - self.image.stat().st_size
        for n in [*range(0, size, 7), size, size + 1, len(good) - 512, len(good) - 1]:
            self.package.write_bytes(good[:n])
            self.run_it("verify", self.package, "--key", self.public, code=3)

    def test_changed_image_is_refused(self):
        self.signed()
        good = self.package.read_bytes()
        self.package.write_bytes(good[:-700] + bytes([good[-700] ^ 1]) + good[-699:])
        said = self.verify(code=3)
        self.assertEqual((said["digest_matches"], said["size_matches"], said["good"]), (False, True, False))
        self.package.write_bytes(good + b"x")
        self.verify(code=3)

    def test_demands_are_checked(self):
        self.signed()
        self.assertTrue(self.verify(*IDS, "--component", "main", "--sequence", 7)["good"])
        for field, *words in (("vendor_matches", "--vendor", "example.org"),
                              ("class_matches", "--vendor", "example.com", "--class", "lamp"),
                              ("component_matches", "--component", "radio"),
                              ("sequence_allowed", "--sequence", 8)):
            said = self.verify(*words, code=3)
            self.assertEqual((said[field], said["good"]), (False, False))

    def test_another_signer_is_refused(self):
        self.signed()
        self.key.unlink()
        self.keygen()
        self.verify(code=3)

    def test_detached_image_is_wanted(self):
        self.signed("--layout", "detached", "--uri", "https://example.com/light-2.img")
        said = self.verify(code=3)
        self.assertEqual((said["image_there"], said["uri"]), (False, "https://example.com/light-2.img"))
        self.assertEqual(json.loads(self.run_it("inspect", self.package, "--json").stdout)["good"], True)

    def test_nonsense_is_refused(self):
        self.keygen()
        for content in (b"", b"\x00", os.urandom(1000), b"\xd8\x6b\xa0", b"\xd8\x6b\xbb" + b"\xff" * 8):
            self.package.write_bytes(content)
            self.run_it("verify", self.package, "--key", self.public, code=3)
            self.run_it("inspect", self.package, code=3)
        self.run_it("verify", self.dir / "missing", "--key", self.public, code=2)

    def test_raw_and_mcuboot_images_are_taken_as_they_are(self):
        self.keygen()
        raw = self.dir / "raw"
        raw.write_bytes(b"\x01\x02\x03")
        self.sign(image=raw)
        self.assertEqual(self.verify()["image"], "raw")
        mcuboot = self.dir / "mcuboot"
        mcuboot.write_bytes((0x96f3b83d).to_bytes(4, "little") + bytes(4) + (32).to_bytes(2, "little") + bytes(2) +
                            (100).to_bytes(4, "little") + bytes(4) + bytes([3, 4]) + (5).to_bytes(2, "little") +
                            (6).to_bytes(4, "little") + bytes(4) + bytes(100))
        self.run_it("sign", mcuboot, "--key", self.key, "--out", self.package, *IDS, "--component", "main",
                    "--sequence", 1)
        said = self.verify()
        self.assertEqual((said["image"], said["version"], said["mcuboot_image_size"]), ("mcuboot", "3.4.5+6", 100))

    # The command line

    def test_wrong_command_lines_are_explained(self):
        self.signed()
        for words, said in ((("sign", self.image), "--key"), (("sign",), "one file"), (("bake",), "no command"),
                            (("verify", self.package), "--key"), (("make", self.tree), "--out"),
                            (("inspect", self.package, "--layout", "round"), "integrated"),
                            (("inspect", self.package, "--colour"), "colour")):
            done = self.run_it(*words, code=1)
            self.assertIn(said, done.stderr)
        for version in ("1", "1.2", "1.2.3.4", "256.0.0", "1.0.65536", "1.0.0+4294967296", "x", "1.2.3+"):
            self.run_it("sign", self.image, "--key", self.key, "--out", self.package, *IDS, "--component", "main",
                        "--sequence", 1, "--version", version, code=1)
        for sequence in ("0", "-1", "18446744073709551616", "one"):
            self.sign(sequence=sequence, code=1)
        self.assertIn("exit codes", self.run_it("--help").stdout)

    def test_failure_leaves_the_old_package(self):
        self.signed()
        before = self.package.read_bytes()
        self.sign("--description", "x" * 5000, code=1)
        self.assertEqual(self.package.read_bytes(), before)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["image", "key.pem", "package", "public.pem", "tree"])


if __name__ == "__main__":
    unittest.main()
