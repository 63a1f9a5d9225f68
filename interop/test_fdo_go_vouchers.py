# SPDX-License-Identifier: Apache-2.0
"""Ownership vouchers between ours and the library go-fdo: made by either, extended by either from the manufacturer to a distributor and on
to the owner, verified by both after each step, imported, and good for an onboarding; and resale."""
import base64
import itertools
import subprocess
import unittest

from cryptography.hazmat.primitives import serialization

import fdo_owner
import go_fdo
import lab
from test_fdo import KINDS
from test_fdo_go import EVERY_MAKER, MAKERS, GoBase

EITHER = ("ours", "go")


class Vouchers(GoBase):
    more = ()  # the certificates of devices are of several authorities
    next_owner = ()

    def key(self, role, kind, public=False):
        return (self.keys / f"{role}-{kind}.{'pub' if public else 'pem'}").read_text()

    def tool(self, *words, data=None):
        done = subprocess.run([lab.program("tessera"), "voucher", *map(str, words)], input=data, capture_output=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def exported(self, guid):
        return self.rest("GET", f"/fdo/devices/{guid}/voucher")["voucher"]

    def make(self, name, maker, encoding, by, device="ec256"):
        """The GUID and the voucher, without an entry."""
        if by == "go":
            made = self.go.voucher("make", b"", name, key=device, type=MAKERS[maker][0], encoding=encoding, url=self.url,
                                   owner=self.key("maker", maker))
            return made["guid"], made["voucher"]
        guid = self.go.ask("di", name, url=self.url, key=device, type=MAKERS[maker][0], encoding=encoding)["guid"]
        return guid, fdo_owner.from_pem(self.exported(guid))

    def extend(self, voucher, maker, by, seller, buyer, encoding=1):
        """Ours takes PEM and CBOR and gives them by turns; go-fdo hands a chain on where keys are chains."""
        if by == "ours":
            words = ("extend", "-", "--key", self.keys / f"{seller}-{maker}.pem", "--to", self.keys / f"{buyer}-{maker}.pub")
            if buyer == "next":
                return self.tool(*words, "--cbor", data=voucher)
            pem = self.tool("convert", "-", data=voucher)
            return fdo_owner.from_pem(self.tool(*words, data=pem).decode())
        chain = encoding == 2
        return self.go.voucher("extend", voucher, owner=self.key(seller, maker), next=self.key(buyer, maker, not chain), chain=chain,
                               extra=buyer == "owner")["voucher"]

    def check(self, voucher, name, owner, entries):
        """Both verify it, go-fdo with what only its device knows."""
        good = self.go.voucher("verify", voucher, name)
        self.assertEqual(good["entries"], entries)
        public = serialization.load_der_public_key(base64.b64decode(good["owner"]))
        self.assertEqual(public, serialization.load_pem_public_key(owner.encode()))
        self.assertIn(f"good: {entries} entries".encode(), self.tool("verify", "-", data=voucher))
        return good["encodings"]

    def onboard(self, name, maker, **more):
        return self.go.ask("to2", name, url=self.url, kex=MAKERS[maker][2][-1], cipher="A128GCM", **more)["guid"]

    def test_made_and_extended_by_either(self):
        for (maker, encoding), (by, first, second) in itertools.product(EVERY_MAKER, itertools.product(EITHER, repeat=3)):
            name = f"{maker}-{encoding}-{by}-{first}-{second}"
            with self.subTest(name):
                guid, voucher = self.make(name, maker, encoding, by)
                voucher = self.extend(voucher, maker, first, "maker", "next", encoding)
                self.check(voucher, name, self.key("next", maker, True), 1)
                voucher = self.extend(voucher, maker, second, "next", "owner", encoding)
                encodings = self.check(voucher, name, self.key("owner", maker, True), 2)
                self.assertEqual(encodings[0], encoding)
                if encoding != 2:  # a chain cannot be made from a key alone
                    self.assertEqual(encodings, [encoding] * 3)
                pem = self.tool("convert", "-", data=voucher).decode()
                taken = self.rest("POST", "/fdo/vouchers", {"voucher": pem})
                self.assertEqual((taken["guid"], taken["entries"]), (guid, 2))
                self.go.to1(name)
                self.onboard(name, maker)

    def test_resale(self):
        """Onboarded, sold to the next owner and bought back: the device takes both changes."""
        for maker, by in itertools.product(KINDS, EITHER):
            name = f"resale-{maker}-{by}"
            with self.subTest(name):
                _, voucher = self.make(name, maker, 1, by)
                voucher = self.extend(voucher, maker, by, "maker", "owner")
                self.rest("POST", "/fdo/vouchers", {"voucher": self.tool("convert", "-", data=voucher).decode()})
                guid = self.onboard(name, maker, bypass=True)
                self.rest("POST", f"/fdo/devices/{guid}/extend", {"to": self.key("next", maker, True)})
                voucher = fdo_owner.from_pem(self.exported(guid))
                self.check(voucher, name, self.key("next", maker, True), 1)
                with self.assertRaises(go_fdo.Refused):  # it is not this owner's any more
                    self.onboard(name, maker, bypass=True)
                voucher = self.extend(voucher, maker, by, "next", "owner")
                self.rest("POST", "/fdo/vouchers", {"voucher": self.tool("convert", "-", data=voucher).decode()})
                self.assertNotEqual(self.onboard(name, maker, bypass=True), guid)

    def test_rsa_key_of_2048_bits_that_is_not_called_restricted(self):
        """go-fdo's type 5 with 2048 bits stays type 5 when ours extends it."""
        made = self.go.voucher("make", b"", "pkcs", key="rsa2048", type=5, encoding=1, url=self.url, owner=self.key("maker", "rsa2048"))
        voucher = self.extend(made["voucher"], "rsa2048", "ours", "maker", "owner")
        self.check(voucher, "pkcs", self.key("owner", "rsa2048", True), 1)
        self.rest("POST", "/fdo/vouchers", {"voucher": self.tool("convert", "-", data=voucher).decode()})
        for kex in MAKERS["rsa2048"][2]:
            guid = self.go.ask("to2", "pkcs", url=self.url, kex=kex, cipher="A256GCM", bypass=True)["guid"]
            self.rest("POST", f"/fdo/devices/{guid}/extend", {"to": self.key("next", "rsa2048", True)})
            voucher = self.extend(fdo_owner.from_pem(self.exported(guid)), "rsa2048", "go", "next", "owner")
            self.rest("POST", "/fdo/vouchers", {"voucher": self.tool("convert", "-", data=voucher).decode()})

    def test_go_refuses_what_was_changed(self):
        _, voucher = self.make("changed", "ec256", 1, "ours")
        voucher = self.extend(voucher, "ec256", "ours", "maker", "owner")
        self.check(voucher, "changed", self.key("owner", "ec256", True), 1)
        for at in (30, len(voucher) // 2, len(voucher) - 1):
            spoilt = bytearray(voucher)
            spoilt[at] ^= 1
            with self.subTest(at=at), self.assertRaises(go_fdo.Refused):
                self.go.voucher("verify", bytes(spoilt), "changed")


if __name__ == "__main__":
    unittest.main()
