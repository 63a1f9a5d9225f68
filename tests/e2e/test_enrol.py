# SPDX-License-Identifier: Apache-2.0
"""Enrolment over coaps at the server: libcoap's client and OpenSSL as the device, then our own device."""
import re
import shutil
import subprocess
import unittest

import lab
from authority import Pki, openssl

EP = "urn:dev:ops:32473-lamp,1"
CLIENT = shutil.which("coap-client-openssl")
KEYED, KEYS = {"mode": "psk", "identity": "keyed", "key": "30" * 16}, ["-u", "keyed", "-k", "0" * 16]


class Room(unittest.TestCase):
    options = ()

    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.pki = Pki(self.room.folder / "pki")
        self.bs, self.bs_plain = lab.free_port(), lab.free_port()
        self.room.start_server(
            "--bootstrap-coaps", f"127.0.0.1:{self.bs}", "--bootstrap-coap", f"127.0.0.1:{self.bs_plain}",
            "--certificate", self.pki.path("server"), "--key", self.pki.path("server", "key"), "--trust",
            self.pki.path("maker"), "--enrol-certificate", self.pki.path("authority"), "--enrol-key",
            self.pki.path("authority", "key"), *self.options)

    def put(self, path, body):
        status, answer, _ = self.room.rest.call("PUT", path, body)
        self.assertIn(status, (200, 201), answer)

    def admit(self, endpoint=EP, credential=None):
        self.put(f"/bootstrap/credentials/{endpoint}", credential or {"mode": "x509", "identity": endpoint})
        self.put(f"/bootstrap/profiles/{endpoint}", {"servers": [{
            "short_server_id": 101, "uri": f"coaps://127.0.0.1:{self.room.coaps}", "security": "est", "lifetime": 300,
            "server_certificate": self.base64(self.pki.path("server"))}]})

    def base64(self, pem):
        return "".join(line for line in pem.read_text().splitlines() if not line.startswith("-----"))

    def issued(self):
        status, answer, _ = self.room.rest.get("/bootstrap/certificates")
        self.assertEqual(status, 200, answer)
        return answer["items"]


class Client(Room):
    """libcoap's client, and OpenSSL beside it."""

    def setUp(self):
        super().setUp()
        self.admit()
        self.pki.certificate("born", f"/CN={EP}", "maker")

    def ask(self, path, *more, shown="born", body=None, form=286, scheme="coaps", port=None, keys=None):
        """Returns (what came, what the client said)."""
        out = self.room.folder / "answer"
        out.unlink(missing_ok=True)
        auth = keys or ["-c", self.pki.path(shown), "-j", self.pki.path(shown, "key"), "-R", self.pki.path("authority")]
        words = [CLIENT, "-v", "6", "-B", "15", *(auth if scheme == "coaps" else []),
                 *(["-m", "post", "-f", body, "-t", form] if body else []),
                 "-o", out, *more, f"{scheme}://127.0.0.1:{port or self.bs}{path}"]
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60)
        return out.read_bytes() if out.exists() else b"", done.stdout + done.stderr

    def certificate(self, message, name="got"):
        """The one certificate of a certs-only message, in a file; read by OpenSSL."""
        self.pki.path(name, "p7").write_bytes(message)
        text = openssl("pkcs7", "-inform", "DER", "-in", self.pki.path(name, "p7"), "-print_certs")
        self.assertEqual(text.count("BEGIN CERTIFICATE"), 1, text)
        self.pki.path(name).write_text(text[text.index("-----BEGIN"):])
        return self.pki.path(name)

    def verified(self, path):
        said = openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.pki.path("authority"), path)
        self.assertIn("OK", said)
        return openssl("x509", "-in", path, "-noout", "-text", "-nameopt", "RFC2253")

    def enrol(self, name="device", function="/est/sen", shown="born", **more):
        request = self.pki.request(name, f"/CN={EP}")
        got, said = self.ask(function, "-A", "281", body=request, shown=shown, **more)
        self.assertTrue(got, said)
        return self.certificate(got, name)


@unittest.skipUnless(CLIENT, "libcoap's programs are not installed")
class Enrol(Client):
    def test_authority_is_given(self):
        """And which attributes a request should have: RFC 7030 §4.5.2"""
        for root in ("/est", "/.well-known/est"):
            got, said = self.ask(f"{root}/crts")
            self.assertTrue(got, said)
            self.assertEqual(openssl("x509", "-in", self.certificate(got), "-outform", "PEM"),
                             openssl("x509", "-in", self.pki.path("authority"), "-outform", "PEM"))
        got, _ = self.ask("/est/crts", "-A", "287")
        self.pki.path("bare", "der").write_bytes(got)
        self.assertIn("CN = authority", openssl("x509", "-inform", "DER", "-in", self.pki.path("bare", "der"), "-noout",
                                                "-subject"))
        got, _ = self.ask("/.well-known/core")
        for word in (b'</est/crts>;rt="ace.est.crts";ct="281 287"', b"</est/sen>", b"</est/sren>", b"</est/att>"):
            self.assertIn(word, got)
        got, _ = self.ask("/est/att", "-A", "285")
        self.pki.path("att", "der").write_bytes(got)
        said = openssl("asn1parse", "-inform", "DER", "-in", self.pki.path("att", "der"))
        for word in ("id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"):
            self.assertIn(word, said)

    def test_client_of_libcoap_enrols_and_renews(self):
        """LwM2M-1.1-int-10, the server's side: OpenSSL writes the request and judges the certificate"""
        text = self.verified(self.enrol())
        for word in ("CN=urn:dev:ops:32473-lamp\\,1", "TLS Web Client Authentication", "Digital Signature", "CA:FALSE",
                     "X509v3 Authority Key Identifier"):
            self.assertIn(word, text)
        self.assertEqual(self.key_id("device", "authorityKeyIdentifier"), self.key_id("authority", "subjectKeyIdentifier"))
        self.assertEqual(openssl("x509", "-in", self.pki.path("device"), "-noout", "-pubkey"),
                         openssl("pkey", "-in", self.pki.path("device", "key"), "-pubout"))

        # With it the device renews it, in blocks of 64 bytes and in the other format.
        request = self.pki.request("next", f"/CN={EP}")
        got, said = self.ask("/est/sren", "-A", "287", "-b", "64", body=request, shown="device")
        self.assertTrue(got, said)
        self.pki.path("next", "der").write_bytes(got)
        openssl("x509", "-inform", "DER", "-in", self.pki.path("next", "der"), "-out", self.pki.path("next"))
        self.verified(self.pki.path("next"))

        rows = self.issued()
        self.assertEqual([r["endpoint"] for r in rows], [EP, EP])
        self.assertEqual({r["requested_by"] for r in rows}, {f"x509:{EP}"})
        serials = {openssl("x509", "-in", self.pki.path(n), "-noout", "-serial").strip()[7:].lower()
                   for n in ("device", "next")}
        self.assertEqual({r["serial"] for r in rows}, serials)

    def key_id(self, name, extension):
        """RFC 5280 §4.2.1.1: the twenty bytes by which a certificate names the key that signed it, or its own"""
        text = openssl("x509", "-in", self.pki.path(name), "-noout", "-ext", extension)
        found = re.findall(r"(?:[0-9A-F]{2}:){19}[0-9A-F]{2}", text)
        self.assertEqual(len(found), 1, text)
        return found[0]

    def test_names_of_the_request_are_the_endpoints(self):
        alt = ("-addext", "subjectAltName=URI:urn:dev:ops:32473-lamp")
        for name, subject, more, why in (
                ("a", "/CN=other", (), "common name"), ("b", "/O=nobody", (), "common name"),
                ("c", "/CN=urn:dev:ops:32473-lamp,1/CN=other", (), "common name"),
                ("d", f"/CN={EP}", alt, "subject alternative name")):
            _, said = self.ask("/est/sen", body=self.pki.request(name, subject, *more))
            self.assertIn("4.00", said)
            self.assertIn(why, said)
        self.assertEqual(self.issued(), [])

    def test_request_must_be_signed_by_its_own_key(self):
        """RFC 7030 §4.2.1; and of a curve of 255 bits or more: Transport 5.2.3"""
        request = self.pki.request("forged", f"/CN={EP}")
        der = bytearray(request.read_bytes())
        der[-1] ^= 1
        request.write_bytes(der)
        self.assertIn("verify failure", openssl("req", "-inform", "DER", "-in", request, "-noout", "-verify", good=False))
        _, said = self.ask("/est/sen", body=request)
        self.assertIn("not signed by its own key", said)
        weak = self.pki.path("weak", "csr")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-224", "-nodes", "-subj",
                f"/CN={EP}", "-keyout", self.pki.path("weak", "key"), "-outform", "DER", "-out", weak)
        _, said = self.ask("/est/sen", body=weak)
        self.assertIn("4.00", said)
        rsa = self.pki.path("rsa", "csr")
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={EP}", "-keyout",
                self.pki.path("rsa", "key"), "-outform", "DER", "-out", rsa)
        _, said = self.ask("/est/sen", body=rsa)
        self.assertIn("not on P-256 or a longer curve", said)
        weak.write_bytes(b"0")
        self.assertIn("4.00", self.ask("/est/sen", body=weak)[1])
        self.assertEqual(self.issued(), [])

    def test_others_and_other_ways_are_refused(self):
        request = self.pki.request("device", f"/CN={EP}")
        for path, more, code in (("/est/sen", (), "4.05"), ("/est/crts", ("-A", "60"), "4.06"), ("/est/skg", (), "4.04"),
                                 ("/est", (), "4.04"), ("/est/x/crts", (), "4.04")):
            self.assertIn(code, self.ask(path, *more)[1], path)
        self.assertIn("4.15", self.ask("/est/sen", body=request, form=60)[1])
        self.assertIn("4.03", self.ask("/est/sren", body=request)[1])  # nothing to renew
        self.assertIn("4.01", self.ask("/est/crts", scheme="coap", port=self.bs_plain)[1])
        self.room.rest.call("DELETE", f"/bootstrap/profiles/{EP}")
        self.assertIn("no account with security est", self.ask("/est/sen", body=request)[1])
        self.admit("keyed", KEYED)
        self.assertIn("4.01", self.ask("/est/crts", keys=KEYS)[1])
        self.assertEqual(self.issued(), [])

    def test_revoked_certificate_opens_nothing(self):
        self.enrol()
        self.assertTrue(self.ask("/est/crts", shown="device")[0])
        serial = self.issued()[0]["serial"]
        done = subprocess.run([lab.program("tessera"), "--server", f"http://127.0.0.1:{self.room.http}", "certificates",
                               "revoke", serial], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.issued()[0]["revoked_at"])
        self.assertFalse(self.ask("/est/crts", shown="device")[0])
        self.assertTrue(self.ask("/est/crts")[0])  # the one it was born with


@unittest.skipUnless(CLIENT, "libcoap's programs are not installed")
class KeyedEnrol(Client):
    """An operator who lets pre-shared keys enrol."""

    options = ("--enrol-psk", "--enrol-live", "2")

    def test_client_with_a_key_enrols_and_renews_with_its_certificate(self):
        """What is renewed keeps its names: RFC 7030 §4.2.2"""
        self.admit("keyed", KEYED)
        request = self.pki.request("device", "/CN=keyed", "-addext", "subjectAltName=DNS:keyed")
        got, said = self.ask("/est/sen", body=request, keys=KEYS)
        self.assertTrue(got, said)
        self.assertIn("DNS:keyed", self.verified(self.certificate(got, "device")))
        # It has no bootstrap credential for certificates, but this one was issued here.
        got, said = self.ask("/est/sren", body=request, shown="device")
        self.assertTrue(got, said)
        text = self.verified(self.certificate(got, "renewed"))
        for word in ("CN=keyed", "DNS:keyed"):
            self.assertIn(word, text)
        self.assertEqual({r["requested_by"] for r in self.issued()}, {"psk:keyed", "x509:keyed"})
        # Enough is enough, until one ends or is revoked: RFC 8516 §3
        self.assertIn("4.29", self.ask("/est/sren", body=request, shown="device")[1])
        status, answer, _ = self.room.rest.call("DELETE", f"/bootstrap/certificates/{self.issued()[0]['serial']}")
        self.assertEqual(status, 204, answer)
        self.assertTrue(self.ask("/est/sen", body=request, keys=KEYS)[0])
        self.assertEqual(self.room.rest.call("DELETE", f"/bootstrap/certificates/{'0' * 32}")[0], 404)


class DeviceEnrol(Room):
    options = ("--enrol-lifetime", "60")

    def setUp(self):
        super().setUp()
        self.room.start_secured()
        self.admit()
        room = self.room
        born = self.pki.path("born")
        room.configure_blank(EP, f"coaps://127.0.0.1:{self.bs}", "mode = certificate", "key = 7",
                             f"certificate = {born}", f"server_certificate = {self.pki.path('server')}")
        request = self.pki.path("born", "csr")
        done = subprocess.run([lab.program("tesserad"), "request", "--bootstrap", "--out", request, "--config",
                               room.device_config], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.pki.sign(request, born, "maker", "PEM")

    def test_device_is_bootstrapped_enrols_and_registers(self):
        """LwM2M-1.1-int-10, Transport 5.2.4"""
        self.room.run_device()
        self.assertEqual(self.room.wait_registered(EP, 60)["security"], "x509")
        self.assertEqual(len(self.issued()), 1)

        # Renewed in time, under the certificate that was issued before.
        self.room.wait(lambda: len(self.issued()) == 2, 60, "the renewal")
        self.room.wait_device("enrolled", 30, renewal="1")
        self.room.wait(lambda: (self.room.rest.device(EP) or {}).get("security") == "x509", 30, "the registration")

        # Revoked: the device is out, and cannot come back with it.
        start = self.room.parts["device"].log.stat().st_size
        for row in self.issued():
            status, answer, _ = self.room.rest.call("DELETE", f"/bootstrap/certificates/{row['serial']}")
            self.assertEqual(status, 204, answer)
        self.room.wait_device("disconnected", 40, start=start)
        self.room.parts["device"].kill()
        start = self.room.parts["device"].log.stat().st_size
        self.room.run_device()
        self.room.wait_device("disconnected", 40, start=start)


if __name__ == "__main__":
    unittest.main()
