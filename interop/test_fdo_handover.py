# SPDX-License-Identifier: Apache-2.0
"""Accounts for LwM2M that our owner hands over to a device that is not ours: FDO on cbor2 and cryptography, DTLS of OpenSSL, CoAP of aiocoap."""
import base64
import subprocess
import unittest

import lab

try:
    import cbor2
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import pkcs7

    import fdo_cose as fdo
    from fdo_device import Device
    from test_fdo import Base
except ImportError:
    cbor2, Device, Base = None, object, unittest.TestCase

PYTHON = lab.ROOT / "build/python/bin/python3"
URI, SHORT_ID, SECURITY, IDENTITY, KEY, LIFETIME, BOOTSTRAP, SERVER_NAME, ENDPOINT = 1, 2, 3, 4, 5, 9, 10, 11, 12


class Handed(Device):
    """Takes accounts, and a certificate."""

    modules = (*getattr(Device, "modules", ()), "fdo.csr", "tessera.lwm2m")
    refuses = None

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self.accounts, self.authorities, self.certificate = [], None, None

    def lwm2m(self, message, value):
        if message != "account":
            return []
        if self.refuses:
            return [("tessera.lwm2m:error", self.refuses)]
        self.accounts.append(value)
        return [("tessera.lwm2m:done", len(self.accounts))]

    def csr(self, message, value):
        if message == "cacerts-res":
            self.authorities = pkcs7.load_der_pkcs7_certificates(base64.b64decode(value))
            self.own = fdo.make_key("ec256")
            return [("fdo.csr:simpleenroll-req", base64.b64encode(fdo.request(self.own, "whatever it calls itself")).decode())]
        if message == "simpleenroll-res":
            self.certificate, = pkcs7.load_der_pkcs7_certificates(base64.b64decode(value))
        return []

    def activated(self, module):
        return [("fdo.csr:cacerts-req", 281)] if module == "fdo.csr" else []


@unittest.skipUnless(cbor2 and PYTHON.exists(), "cbor2, cryptography or aiocoap are not installed (interop/get-peers)")
class Handover(Base):
    @classmethod
    def setUpClass(cls):
        cls.enrol = lab.Lab()
        cls.addClassCleanup(cls.enrol.close)
        ca = cls.enrol.folder / "enrol.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=enrolment", "-keyout", ca.with_suffix(".key"), "-out", ca], capture_output=True, timeout=60,
                       check=True)
        cls.more = (*Base.more, "--certificate", ca, "--key", ca.with_suffix(".key"), "--enrol-certificate", ca, "--enrol-key",
                    ca.with_suffix(".key"))
        super().setUpClass()

    def plan(self, *steps, **more):
        self.rest("PUT", "/fdo/plans/default", {"steps": list(steps), **more})

    def account(self, **more):
        return {"module": "tessera.lwm2m", "account": "management", "uri": f"coaps://127.0.0.1:{self.room.coaps}",
                "security": "psk", "short_server_id": 7, "lifetime": 600, **more}

    def handed(self, **more):
        device = Handed(**more)
        device.di(self.url)
        self.to1(device)
        return device

    def credential(self, endpoint, kind=""):
        status, answer, _ = self.room.rest.get(f"{kind}/credentials/{endpoint}")
        return answer if status == 200 else None

    def shake(self, name, account):
        """OpenSSL's DTLS with what was handed over, behind a port for plain CoAP."""
        port = lab.free_port()
        return port, self.room.start(name, [PYTHON, lab.ROOT / "interop/dtls_back.py", port, self.room.coaps,
                                            account[IDENTITY].decode(), account[KEY].hex()], ready="dtls_back: ready")

    def test_device_registers_with_aiocoap(self):
        self.plan(self.account(server_name="main"), endpoint="py-{serial}")
        device = self.handed(serial="1")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        account, = device.accounts
        self.assertEqual({k: v for k, v in account.items() if k not in (IDENTITY, KEY)}, {
            URI: f"coaps://127.0.0.1:{self.room.coaps}", SHORT_ID: 7, SECURITY: 0, LIFETIME: 600, SERVER_NAME: "main",
            ENDPOINT: "py-1"})
        self.assertEqual((len(account[KEY]), self.credential("py-1")["identity"]), (32, account[IDENTITY].decode()))
        port, _ = self.shake("back", account)
        self.room.start("aiocoap", [PYTHON, lab.ROOT / "interop/aiocoap_device.py", port, "py-1"], ready="registered 2.01")
        self.assertEqual(self.room.wait_registered("py-1")["security"], "psk")
        status, body, _ = self.room.rest.get("/devices/py-1/objects/3/0")
        self.assertEqual((status, {v["path"]: v["value"] for v in body["values"]}["/3/0/0"]), (200, "aiocoap"))

    def test_nothing_holds_before_the_device_says_done(self):
        self.plan(self.account(), {"module": "fdo.upload", "name": "gone"}, endpoint="py-{serial}")
        device = self.handed(serial="2", directory=self.room.folder)
        with self.assertRaises(FileNotFoundError):
            device.to2(self.url, "ECDH256", 1)
        early, = device.accounts
        self.assertIsNone(self.credential("py-2"))
        with self.assertRaises(lab.LabError):
            self.shake("early", early)
        self.plan(self.account(), endpoint="py-{serial}")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        late = device.accounts[1]
        self.assertNotIn(early[KEY], late.values())
        self.shake("late", late)
        self.assertEqual(self.credential("py-2")["identity"], late[IDENTITY].decode())

    def test_message_70_that_was_held_back(self):
        """It comes after a later run has ended, and is refused: what that one gave still holds."""
        self.plan(self.account(), endpoint="py-{serial}")
        device = self.handed(serial="3")
        held = []

        def hold(kind, body):
            if kind == 70 and not held:
                held.append(body)
                raise ConnectionError("held back")
            return body

        with self.assertRaises(ConnectionError):
            device.to2(self.url, "ECDH256", 1, damage=hold)
        wire = device.wire
        wire.damage = None
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        self.refused(101, wire.send, 70, held[0])
        self.assertEqual(self.credential("py-3")["identity"], device.accounts[1][IDENTITY].decode())

    def test_device_that_refuses_its_account(self):
        self.plan(self.account(), endpoint="py-{serial}")
        device = self.handed(serial="4")
        device.refuses = "too many accounts"
        self.refused(101, device.to2, self.url, "ECDH256", 1)
        self.assertIsNone(self.credential("py-4"))
        self.plan(self.account(optional=True), endpoint="py-{serial}")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        self.assertIsNone(self.credential("py-4"), "it did not take it")

    def test_device_without_the_module(self):
        self.plan(self.account(optional=True), endpoint="py-{serial}")
        device = self.handed(serial="5")
        device.modules = ("fdo.download",)
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        self.assertIsNone(self.credential("py-5"))

    def test_bootstrap_account_and_the_name_without_a_word(self):
        self.plan({"module": "tessera.lwm2m", "account": "bootstrap", "security": "psk", "uri": "coaps://bootstrap.example"})
        device = self.handed(serial="6")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        account, = device.accounts
        self.assertEqual(set(account), {URI, SECURITY, IDENTITY, KEY, BOOTSTRAP, ENDPOINT})
        self.assertIs(account[BOOTSTRAP], True)
        self.assertRegex(account[ENDPOINT], "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(self.credential(account[ENDPOINT], "/bootstrap")["identity"], account[IDENTITY].decode())
        self.assertIsNone(self.credential(account[ENDPOINT]))

    def test_certificate(self):
        self.plan({"module": "fdo.csr"}, self.account(security="certificate"), endpoint="py-{serial}")
        device = self.handed(serial="7")
        self.assertTrue(device.to2(self.url, "ECDH256", 1))
        authority, = device.authorities
        device.certificate.verify_directly_issued_by(authority)
        self.assertTrue(fdo.same_key(device.certificate.public_key(), device.own.public_key()))
        name, = device.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        self.assertEqual(name.value, "py-7", "the endpoint's, not what it calls itself")
        account, = device.accounts
        self.assertEqual((account[SECURITY], set(account) & {IDENTITY, KEY}), (2, set()))
        self.assertEqual(self.credential("py-7")["mode"], "x509")

    def test_request_that_its_key_did_not_sign(self):
        self.plan({"module": "fdo.csr"}, endpoint="py-{serial}")
        device = self.handed(serial="8")
        errors, real = [], fdo.request
        self.addCleanup(setattr, fdo, "request", real)
        fdo.request = lambda key, name: (lambda good: good[:-1] + bytes([good[-1] ^ 1]))(real(key, name))

        def csr(message, value):
            if message == "error":
                errors.append(value)
                raise ConnectionError("the device ends it")
            return Handed.csr(device, message, value)

        device.csr = csr
        with self.assertRaises(ConnectionError):
            device.to2(self.url, "ECDH256", 1)
        self.assertEqual(errors, [1])


if __name__ == "__main__":
    unittest.main()
