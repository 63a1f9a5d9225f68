# SPDX-License-Identifier: Apache-2.0
"""Sessions of TLS that go on in another connection, and of DTLS in another handshake: our server with OpenSSL's s_client, our
device with OpenSSL's s_server and with our server. RFC 5077, RFC 5246 §7.3"""
import base64
import datetime
import re
import subprocess
import unittest

import lab
from authority import Authority, openssl

PSK8 = "PSK-AES128-CCM8:@SECLEVEL=0"
ECDSA8 = "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"


def der_parts(der):
    """(tag, start, end) of what a SEQUENCE holds."""
    def head(at):
        n = der[at + 1]
        return (at + 2, n) if n < 128 else (at + 2 + n - 128, int.from_bytes(der[at + 2:at + 2 + n - 128], "big"))
    at, length = head(0)
    end = at + length
    while at < end:
        start, n = head(at)
        yield der[at], start, start + n
        at = start + n


def change_ticket(path, where):
    """One bit of the ticket in a session that s_client wrote (SSL_SESSION, [10])."""
    der = bytearray(base64.b64decode("".join(path.read_text().splitlines()[1:-1])))
    start, end = next((s, e) for tag, s, e in der_parts(der) if tag == 0xAA)
    ticket = start + (2 if der[start + 1] < 128 else der[start + 1] - 128 + 2)
    der[ticket + where if where >= 0 else end + where] ^= 1
    path.write_text("-----BEGIN SSL SESSION PARAMETERS-----\n" + base64.encodebytes(bytes(der)).decode() +
                    "-----END SSL SESSION PARAMETERS-----\n")


class TheirTlsClient(unittest.TestCase):
    version = "-tls1_2"
    has_tickets = True

    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        self.port, self.second = lab.free_port(), lab.free_port()
        self.authority = Authority(room.folder, "authority")
        self.cert, self.key = self.authority.server(room.folder / "server.pem")
        self.saved = room.folder / "session"

    def start(self):
        self.room.start_server("--coaps-tcp", f"127.0.0.1:{self.port}", "--bootstrap-coaps-tcp",
                               f"127.0.0.1:{self.second}", "--certificate", self.cert, "--key", self.key, "--trust",
                               self.authority.cert)

    def connect(self, *options, port=None, out=True):
        """`New` or `Reused`; else None, and why is in self.said."""
        kept = ("-sess_out", self.saved) if out else ()
        done = subprocess.run(["openssl", "s_client", self.version, "-connect", f"127.0.0.1:{port or self.port}",
                               *map(str, kept), *map(str, options)], input=b"Q\n", capture_output=True, timeout=30)
        self.said = (done.stdout + done.stderr).decode(errors="replace")
        found = re.search(r"^(New|Reused), TLSv1.2, Cipher is (?!\(NONE\))", self.said, re.M)
        return found[1] if found and "alert" not in self.said else None

    def again(self, *options, **more):
        return self.connect("-sess_in", self.saved, *options, out=False, **more)

    @staticmethod
    def psk(identity, key):
        return "-cipher", PSK8, "-psk_identity", identity, "-psk", key.hex()

    def test_key_of_a_device_opens_only_as_long_as_it_stands(self):
        key, other = lab.new_key(), lab.new_key()
        self.start()
        room = self.room
        room.credentials("dev1", "id1", key)
        room.credentials("dev2", "id2", other)
        mine = self.psk("id1", key)
        self.assertEqual(self.connect(*mine), "New", "the first")
        for _ in range(8):  # any shard opens it
            self.assertEqual(self.again(*mine), "Reused", self.said)

        # The key is not asked for again: a session stands for it. Whose session it is, its ticket says.
        self.assertEqual(self.again(*self.psk("id2", other)), "Reused", self.said)

        # The other service has other credentials.
        status, answer, _ = room.rest.call("PUT", "/bootstrap/credentials/dev1", {
            "mode": "psk", "identity": "id1", "key": key.hex()})
        self.assertIn(status, (200, 201), answer)
        self.assertEqual(self.again(*mine, port=self.second), "New", self.said)

        good = self.saved.read_text()
        for where in (0, 8, 12, 24, 60, -17, -1) if self.has_tickets else ():  # name, age, nonce, session, tag
            self.saved.write_text(good)
            change_ticket(self.saved, where)
            self.assertEqual(self.again(*mine), "New", self.said)
        self.saved.write_text(good)
        self.assertEqual(self.again(*mine), "Reused", self.said)

        # The same key once more is the same key; another is another.
        room.credentials("dev1", "id1", key)
        self.assertEqual(self.again(*mine), "Reused", self.said)
        room.credentials("dev1", "id1", other)
        self.assertIsNone(self.again(*mine))
        self.assertEqual(self.again(*self.psk("id1", other)), "New", self.said)
        room.credentials("dev1", "id1", key)
        self.assertEqual(self.again(*mine), "Reused", self.said)
        self.assertEqual(room.rest.call("DELETE", "/credentials/dev1")[0], 204)
        self.assertIsNone(self.again(*mine))

        # A restart makes new keys for tickets.
        room.credentials("dev1", "id1", key)
        self.assertEqual(self.again(*mine), "Reused", self.said)
        room.parts["server"].stop()
        self.start()
        self.assertEqual(self.again(*mine), "New", self.said)

    def test_who_fails_gets_no_ticket(self):
        self.start()
        self.room.credentials("dev1", "id1", lab.new_key())
        self.assertIsNone(self.connect(*self.psk("id1", lab.new_key())))
        self.assertFalse(self.saved.exists() and self.saved.stat().st_size)

    def device(self, name, seconds):
        """A certificate that ends that soon."""
        folder = self.room.folder
        key, cert = folder / f"{name}.key", folder / f"{name}.crt"
        request = folder / f"{name}.csr"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        config, rows = folder / "ca.cnf", folder / "ca.rows"
        rows.write_text("")
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={rows}\nnew_certs_dir={folder}\nrand_serial=yes\n"
                          "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", config, "-cert", self.authority.cert, "-keyfile", self.authority.key, "-in",
                request, "-out", cert, "-notext", "-startdate", "20200101000000Z", "-enddate", f"{ends:%Y%m%d%H%M%SZ}")
        return "-cipher", ECDSA8, "-cert", cert, "-key", key

    def test_certificate_opens_only_as_long_as_it_stands(self):
        self.start()
        room = self.room
        for name in ("dev1", "dev2"):
            self.assertIn(room.rest.call("PUT", f"/credentials/{name}", {"mode": "x509", "identity": name})[0], (200, 201))
        mine = self.device("dev1", 86400)
        self.assertEqual(self.connect(*mine), "New", self.said)
        self.assertEqual(self.again(*mine), "Reused", self.said)
        if self.has_tickets:
            change_ticket(self.saved, 200)
            self.assertEqual(self.again(*mine), "New", self.said)
        self.assertEqual(self.connect(*mine), "New", self.said)
        self.assertEqual(room.rest.call("DELETE", "/credentials/dev1")[0], 204)
        self.assertIsNone(self.again(*mine))

        soon = self.device("dev2", 15)
        ends = datetime.datetime.now() + datetime.timedelta(seconds=16)
        self.assertEqual(self.connect(*soon), "New", self.said)
        self.assertEqual(self.again(*soon), "Reused", self.said)
        room.wait(lambda: datetime.datetime.now() > ends, 30, "the certificate's end")
        self.assertIsNone(self.again(*soon), self.said)


class TheirDtlsClient(TheirTlsClient):
    """The same by session IDs, which a server knows of datagrams (RFC 5246 §7.4.1.2)."""

    version = "-dtls1_2"
    has_tickets = False

    def start(self):
        self.port = self.room.coaps
        self.room.start_server("--bootstrap-coaps", f"127.0.0.1:{self.second}", "--certificate", self.cert, "--key", self.key,
                               "--trust", self.authority.cert)


class OurDevice(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        self.port = lab.free_port()
        self.key = lab.new_key()
        room.start_secured()

    def run_device(self, *lines):
        room = self.room
        room.configure_device("dev1", f"coaps+tcp://127.0.0.1:{self.port}", True, *lines)
        room.provision(self.key)
        room.run_device()

    def sessions(self):
        return re.findall(r"event=connected .*session=(\w+)", self.room.parts["device"].text())

    def wait_sessions(self, *wanted):
        self.room.wait(lambda: len(self.sessions()) >= len(wanted), 60, f"sessions {wanted}")
        self.assertEqual(self.sessions()[:len(wanted)], list(wanted))

    def test_device_goes_on_with_our_server(self):
        room = self.room
        room.start_server("--coaps-tcp", f"127.0.0.1:{self.port}")
        room.credentials("dev1", "dev1", self.key)
        self.run_device()
        room.wait_registered("dev1")
        room.credentials("dev1", "dev1", self.key)  # closes its connections
        self.wait_sessions("new", "resumed")
        # Until it has registered in the new connection, its old registration has none.
        room.wait(lambda: room.rest.get("/devices/dev1/objects/3/0/0")[0] == 200, 30, "a read")
        self.assertEqual(room.rest.get("/devices/dev1/objects/3/0/0")[1]["values"][0]["value"], "Tessera")
        room.parts["server"].kill()
        room.start_server("--coaps-tcp", f"127.0.0.1:{self.port}")
        self.wait_sessions("new", "resumed", "new")

    def test_device_goes_on_with_a_certificate(self):
        room, born = self.room, self.room.folder / "device.pem"
        authority = Authority(room.folder, "authority")
        cert, key = authority.server(room.folder / "server.pem")
        room.start_server("--coaps-tcp", f"127.0.0.1:{self.port}", "--certificate", cert, "--key", key, "--trust",
                          authority.cert)

        def known():
            status, answer, _ = room.rest.call("PUT", "/credentials/dev1", {"mode": "x509", "identity": "dev1"})
            self.assertIn(status, (200, 201), answer)

        known()
        room.configure_device("dev1", f"coaps+tcp://127.0.0.1:{self.port}", True)
        text = room.device_config.read_text().replace("mode = psk", "mode = certificate")
        room.device_config.write_text(text.replace("identity = dev1\n", f"certificate = {born}\nserver_certificate = {cert}\n"
                                                   "certificate_usage = exact\n"))
        request = room.folder / "device.csr"
        done = subprocess.run([lab.program("tesserad"), "request", "--server", "1", "--out", request, "--config",
                               room.device_config], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        authority.sign(request, born)
        room.run_device()
        self.assertEqual(room.wait_registered("dev1")["security"], "x509")
        known()  # closes its connections
        self.wait_sessions("new", "resumed")
        room.wait(lambda: room.rest.get("/devices/dev1/objects/3/0/0")[0] == 200, 30, "a read")
        self.assertEqual(room.rest.device("dev1")["security"], "x509")

    def go_on(self, *options):
        """s_server closes a connection when it is told so; the next one is the same process's."""
        log = self.room.folder / "s_server.log"
        with open(log, "wb") as out:
            server = subprocess.Popen(["openssl", "s_server", "-tls1_2", "-accept", f"127.0.0.1:{self.port}", "-nocert",
                                       "-psk", self.key.hex(), "-cipher", PSK8, *options], stdin=subprocess.PIPE, stdout=out,
                                      stderr=out)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.room.wait(lambda: "ACCEPT" in log.read_text(errors="replace"), 20, "s_server's start")
        self.run_device()
        for n in range(3):
            self.room.wait(lambda n=n: len(self.sessions()) == n + 1, 60, f"session {n + 1}")
            server.stdin.write(b"q\n")
            server.stdin.flush()
        return log.read_text(errors="replace")

    def test_device_goes_on_with_their_tickets(self):
        self.go_on()
        self.assertEqual(self.sessions()[:3], ["new", "resumed", "resumed"])

    def test_device_goes_on_by_their_session_id(self):
        self.go_on("-no_ticket")
        self.assertEqual(self.sessions()[:3], ["new", "resumed", "resumed"])

    def test_device_shakes_hands_where_nothing_is_kept(self):
        self.go_on("-no_ticket", "-no_cache")
        self.assertEqual(self.sessions()[:3], ["new", "new", "new"])


if __name__ == "__main__":
    unittest.main()
