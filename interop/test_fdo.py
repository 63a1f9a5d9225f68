# SPDX-License-Identifier: Apache-2.0
"""The services of FIDO Device Onboard with a device, a manufacturer and owners on cbor2 and cryptography: every key type, key
exchange and cipher suite, plans, vouchers, and what has to be refused, under the names of the FIDO Alliance's conformance cases."""
import base64
import functools
import os
import subprocess
import time
import unittest

import lab

try:
    import cbor2
    from cryptography.hazmat.primitives import serialization

    import fdo_cose as fdo
    import fdo_owner
    from fdo_device import Device, Refused, Wire
except ImportError:
    cbor2 = None

KINDS = ("ec256", "ec384", "rsa2048", "rsa3072")
MATRIX = [  # key, encoding of the manufacturer's, key exchange, cipher suite
    ("ec256", 1, "ECDH256", 1), ("ec256", 2, "ECDH256", 32), ("ec256", 3, "ECDH256", 30), ("ec256", 1, "ECDH256", 3),
    ("ec384", 1, "ECDH384", 3), ("ec384", 2, "ECDH384", 33), ("ec384", 3, "ECDH384", 31), ("ec384", 1, "ECDH384", 2),
    ("rsa2048", 1, "DHKEXid14", 1), ("rsa2048", 2, "ASYMKEX2048", 1), ("rsa3072", 1, "DHKEXid15", 3),
    ("rsa3072", 2, "ASYMKEX3072", 3),
]


@functools.cache
def role_key(role, kind):
    """RSA takes its time: once for all tests."""
    return fdo.make_key(kind)


def write_keys(folder):
    folder.mkdir()
    for role in ("maker", "owner", "next"):
        for kind in KINDS:
            key = role_key(role, kind)
            (folder / f"{role}-{kind}.pem").write_bytes(key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            (folder / f"{role}-{kind}.pub").write_bytes(key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-days", "30", "-subj", "/CN=device authority", "-keyout", folder / "ca.key", "-out",
                           folder / "ca.pem"], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise lab.LabError(done.stderr)


@unittest.skipUnless(cbor2, "cbor2 and cryptography are not installed (interop/get-peers)")
class Base(unittest.TestCase):
    more = ("--fdo-device-trust", "{}/ca.pem")
    next_owner = ("--fdo-next-owner", "own")

    @classmethod
    def setUpClass(cls):
        cls.room = lab.Lab()
        cls.addClassCleanup(cls.room.close)
        cls.keys = cls.room.folder / "keys"
        write_keys(cls.keys)
        port = lab.free_port()
        cls.url = f"http://127.0.0.1:{port}"
        words = ["--fdo", f"127.0.0.1:{port}", "--fdo-device-ca", cls.keys / "ca.pem", "--fdo-device-ca-key",
                 cls.keys / "ca.key", "--fdo-rendezvous", cls.url, "--fdo-owner-place", cls.url, *cls.next_owner, "--fdo-rate", "2000", "--fdo-peer-rate", "2000",
                 *(str(word).format(cls.keys) for word in cls.more)]
        for kind in KINDS:
            words += ["--fdo-manufacturer-key", cls.keys / f"maker-{kind}.pem", "--fdo-owner-key",
                      cls.keys / f"owner-{kind}.pem", "--fdo-owner-trust", cls.keys / f"maker-{kind}.pub"]
        cls.room.start_server(*words)

    def to1(self, device, **more):
        """The owner registers by itself, and soon."""
        end = time.monotonic() + 60
        while True:
            try:
                return device.to1(self.url, **more)
            except Refused as refused:
                if refused.code != 6 or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def born(self, kind="ec256", encoding=1, **more):
        device = Device(kind, encoding, **more)
        device.di(self.url)
        return device

    def refused(self, code, run, *words, **more):
        """With message 255, that code and a status other than 200; a token that is void then."""
        with self.assertRaises(Refused) as got:
            run(*words, **more)
        self.assertNotEqual(got.exception.status, 200)
        self.assertEqual(got.exception.code, code, got.exception.error)
        return got.exception

    def rest(self, method, path, body=None):
        status, answer, _ = self.room.rest.call(method, path, body)
        self.assertIn(status, (200, 204), answer)
        return answer


class Onboarding(Base):
    def test_every_key_exchange_and_cipher(self):
        for kind, encoding, suite, cipher in MATRIX:
            with self.subTest(kind=kind, encoding=encoding, suite=suite, cipher=cipher):
                device = self.born(kind, encoding)
                before = device.guid
                url, = self.to1(device)
                self.assertTrue(device.to2(url, suite, cipher, redirect=device.redirect))
                self.assertNotEqual(device.guid, before)
                self.assertEqual(self.rest("GET", f"/fdo/devices/{device.guid.hex()}")["state"], "onboarded")

    def test_plan(self):
        folder = self.room.folder / "device"
        folder.mkdir()
        (folder / "log.txt").write_bytes(os.urandom(5000))
        content = "line\n" * 2000
        self.rest("PUT", "/fdo/plans/default", {"steps": [
            {"module": "fdo.download", "name": "a.conf", "text": content},
            {"module": "fdo.download", "name": "empty", "text": ""},
            {"module": "fdo.upload", "name": "log.txt"},
            {"module": "fdo.command", "command": "printf", "args": ["%s-%s", "a", "b"], "save": "said"}]})
        self.addCleanup(self.rest, "DELETE", "/fdo/plans/default")
        device = self.born(directory=folder)
        device.info_size = 400  # both sides have to split what they say
        before = device.guid.hex()
        self.to1(device)
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        self.assertEqual(device.downloaded, {"a.conf": content.encode(), "empty": b""})
        self.assertEqual(self.result(f"{before}%2Flog.txt"), (folder / "log.txt").read_bytes())
        self.assertEqual(self.result(f"{before}%2Fsaid"), b"a-b")

    def result(self, name):
        return base64.b64decode(self.rest("GET", f"/fdo/results/{name}")["data"])

    def test_plan_that_fails_leaves_the_device_as_it_was(self):
        device = self.born(directory=self.room.folder)
        guid = device.guid
        self.rest("PUT", f"/fdo/plans/{guid.hex()}", {"steps": [
            {"module": "fdo.command", "command": "false"}]})
        self.to1(device)
        self.refused(101, device.to2, self.url, "ECDH256", 1)
        self.assertEqual(self.rest("GET", f"/fdo/devices/{guid.hex()}")["state"], "manufactured")
        self.rest("DELETE", f"/fdo/plans/{guid.hex()}")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))

    def test_plans_that_cannot_be_used_are_refused(self):
        for steps in ("no list", [{"module": "fdo.none"}], [{"module": "fdo.download", "name": "x"}],
                      [{"module": "fdo.upload"}], [{"module": "fdo.command", "command": "x", "args": [1]}]):
            status, answer, _ = self.room.rest.call("PUT", "/fdo/plans/default", {"steps": steps})
            self.assertEqual(status, 422, answer)

    def test_a_lost_last_answer_leaves_a_way_back(self):
        """The device never sees 71: it comes again with the credential that it has."""
        device = self.born()
        self.to1(device)

        def lose(kind, body):
            if kind == 70:
                Wire.send(wire_of_70, kind, body)
                raise ConnectionError("lost")
            return body

        real, wires = Wire.__init__, []

        def keep(wire, *words):
            real(wire, *words)
            wires.append(wire)

        Wire.__init__ = keep
        self.addCleanup(setattr, Wire, "__init__", real)
        wire_of_70 = None

        def damage(kind, body):
            nonlocal wire_of_70
            if kind == 70:
                wires[-1].damage, wire_of_70 = None, wires[-1]
                return lose(kind, body)
            return body

        with self.assertRaises(ConnectionError):
            device.to2(self.url, "ECDH256", 1, damage=damage)
        self.assertTrue(device.to2(self.url, "ECDH256", 1))

    def test_resale(self):
        device = self.born("ec384")
        self.to1(device)
        device.to2(self.url, "ECDH384", 3)
        guid = device.guid.hex()
        to = (self.keys / "next-ec384.pub").read_text()
        self.assertEqual(self.rest("POST", f"/fdo/devices/{guid}/extend", {"to": to})["entries"], 1)
        voucher = fdo_owner.from_pem(self.rest("GET", f"/fdo/devices/{guid}/voucher")["voucher"])
        self.assertTrue(fdo.same_key(fdo_owner.verify(voucher), serialization.load_pem_public_key(to.encode())))
        version, header, mac, _, _ = cbor2.loads(voucher)
        self.assertEqual(fdo.mac(mac[0], device.secret, header), mac)  # the device takes it for its own
        status, answer, _ = self.room.rest.call("POST", f"/fdo/devices/{guid}/extend", {"to": to})
        self.assertEqual(status, 422, answer)  # it is another's now

    def test_extension_to_a_key_of_another_type_is_refused(self):
        device = self.born("ec256")
        self.to1(device)
        device.to2(self.url, "ECDH256", 1)
        status, answer, _ = self.room.rest.call("POST", f"/fdo/devices/{device.guid.hex()}/extend", {
            "to": (self.keys / "next-ec384.pub").read_text()})
        self.assertEqual(status, 422, answer)


class Vouchers(Base):
    more = ()

    def test_vouchers_of_others_are_taken_and_their_devices_onboarded(self):
        for kind, suite, cipher in (("ec256", "ECDH256", 1), ("ec384", "ECDH384", 3), ("rsa2048", "ASYMKEX2048", 1)):
            with self.subTest(kind=kind):
                voucher = fdo_owner.Voucher(kind, owners=3)
                voucher.keys[-1] = serialization.load_pem_private_key(
                    (self.keys / f"owner-{kind}.pem").read_bytes(), None)
                voucher.seal()
                taken = self.rest("POST", "/fdo/vouchers", {"voucher": voucher.pem()})
                self.assertEqual((taken["guid"], taken["entries"]), (voucher.guid.hex(), 3))
                device = Device(kind)
                device.key, device.secret = voucher.device, voucher.secret
                device.adopt(voucher.header_bytes)
                self.assertTrue(device.to2(self.url, suite, cipher))

    def test_a_voucher_of_somebody_else_is_not_imported(self):
        status, answer, _ = self.room.rest.call("POST", "/fdo/vouchers", {"voucher": fdo_owner.Voucher().seal().pem()})
        self.assertEqual((status, answer["type"].rsplit(":", 1)[-1]), (422, "voucher-refused"), answer)

    def tool(self, *words, data=None):
        return subprocess.run([lab.program("tessera"), "voucher", *map(str, words)], input=data, capture_output=True,
                              timeout=60, check=False)

    def test_tool(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                voucher = fdo_owner.Voucher(kind, owners=2).seal()
                old = self.room.folder / f"{kind}.owner"
                old.write_bytes(voucher.owner.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
                new = self.keys / f"next-{kind}.pub"
                longer = self.tool("extend", "-", "--key", old, "--to", new, "--cbor", data=voucher.pem().encode())
                self.assertEqual(longer.returncode, 0, longer.stderr)
                self.assertTrue(fdo.same_key(fdo_owner.verify(longer.stdout),
                                             serialization.load_pem_public_key(new.read_bytes())))
                again = self.tool("verify", "-", data=longer.stdout)
                self.assertEqual((again.returncode, again.stdout[:15]), (0, b"good: 3 entries"), again.stderr)
                pem = self.tool("convert", "-", data=longer.stdout)
                self.assertEqual(fdo_owner.from_pem(pem.stdout.decode()), longer.stdout)
                self.assertEqual(self.tool("extend", "-", "--key", old, "--to", new, data=longer.stdout).returncode, 3)

    def test_tool_with_vouchers_that_others_made(self):
        folder = lab.ROOT / "tests/vectors/fdo"
        for name, code, entries in (("go-fdo/ov.pem", 0, 0), ("go-fdo/ov_extended.pem", 0, 6),
                                    ("fdo-rs/v101-voucher1.pem", 3, 0), ("fdo-rs/v101-voucher2.pem", 0, 2),
                                    ("fdo-rs/v101-voucher3.pem", 0, 1), ("fdo-rs/v100-voucher1.pem", 2, 0)):
            with self.subTest(name=name):
                done = self.tool("verify", folder / name)
                self.assertEqual(done.returncode, code, done.stderr)
                if code == 0:
                    self.assertIn(f"good: {entries} entries".encode(), done.stdout)


class Reuse(Base):
    more = ("--fdo-reuse",)

    def test_the_device_keeps_its_credential(self):
        device = self.born()
        before = device.guid
        self.to1(device)
        for _ in range(2):
            self.assertFalse(device.to2(self.url, "ECDH256", 1))
            self.assertEqual(device.guid, before)


if __name__ == "__main__":
    unittest.main()
