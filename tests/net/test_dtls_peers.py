#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The DTLS engine against OpenSSL, both ways: test_dtls_peers.py DTLS_HOST [LOSSY_RELAY]"""
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from ports import free_port

HOST = sys.argv.pop(1)
RELAY = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors/dtls"
KEY = "000102030405060708090a0b0c0d0e0f"
PSK8 = "PSK-AES128-CCM8:@SECLEVEL=0"
ECDSA8 = "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"


class Child:
    """A process whose output can be waited for."""

    def __init__(self, *command):
        self.text = ""
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern, timeout=30):
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            data = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not data:
                raise AssertionError(f"no {pattern!r} in: {self.text}")
            self.text += data.decode(errors="replace")
        return found


def host(*arguments):
    return Child(HOST, *arguments)


def certificate_files(folder, name):
    """PEM files for OpenSSL made from the DER certificate and the raw key."""
    key = (VECTORS / f"{name}.key").read_bytes()
    # RFC 5915 §3: ECPrivateKey without the public key
    der = bytes([0x30, 0x31, 2, 1, 1, 4, 32]) + key + bytes([0xA0, 10, 6, 8]) + bytes.fromhex("2a8648ce3d030107")
    subprocess.run(["openssl", "ec", "-inform", "DER", "-out", f"{folder}/{name}.key.pem"], input=der, check=True,
                   capture_output=True)
    for n in (name, "ca"):
        subprocess.run(["openssl", "x509", "-inform", "DER", "-in", VECTORS / f"{n}.der", "-out", f"{folder}/{n}.pem"],
                       check=True, capture_output=True)
    return ["-cert", f"{folder}/{name}.pem", "-key", f"{folder}/{name}.key.pem", "-CAfile", f"{folder}/ca.pem"]


def s_server(port, *options):
    child = Child("openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", *options)
    child.expect("ACCEPT")
    return child


def s_client(port, *options):
    return Child("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", *options)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Peers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def test_our_psk_client_with_their_server(self):
        port = free_port()
        with s_server(port, "-psk", KEY, "-nocert", "-cipher", PSK8) as server:
            with host("client", "psk", port, "hello openssl", "--key", KEY) as client:
                client.expect(r"connected c0a8 cid 0")  # OpenSSL 3 knows no CID: the offer is passed over
                server.expect("hello openssl")
                server.write("hello tessera\n")
                client.expect("got hello tessera")

    def test_our_psk_client_with_their_server_that_sends_cookies(self):
        port = free_port()
        with s_server(port, "-psk", KEY, "-nocert", "-cipher", PSK8, "-listen") as server:
            with host("client", "psk", port, "cookie", "--key", KEY) as client:
                client.expect(r"connected c0a8")
                server.expect("cookie")

    def test_our_client_offers_the_suites_that_are_listed(self):
        """Their server takes its best of ours, and nothing that is not listed."""
        psk = ("-psk", KEY, "-nocert")
        for theirs, ours, chosen in (
                (PSK8, ("c0a8",), "c0a8"), ("PSK-AES128-CCM", ("c0a8", "c0a4"), "c0a4"),
                ("PSK-AES128-GCM-SHA256:PSK-AES128-CCM", ("00a8",), "00a8"), ("PSK-AES256-CCM", ("c0a5",), "c0a5"),
                ("PSK-AES256-CCM8:@SECLEVEL=0", ("00ae", "c0ae", "c0a9"), "c0a9")):
            port = free_port()
            with s_server(port, *psk, "-cipher", theirs) as server:
                offers = [word for suite in ours for word in ("--suite", suite)]
                with host("client", "psk", port, "hello", "--key", KEY, *offers) as client:
                    client.expect(f"connected {chosen} cid 0")
                    server.expect("hello")
                    server.write("hello tessera\n")
                    client.expect("got hello tessera")
        port = free_port()
        with s_server(port, *psk, "-cipher", "PSK-AES128-GCM-SHA256"):
            with host("client", "psk", port, "x", "--key", KEY, "--suite", "c0a8", "--suite", "c0a4") as client:
                client.expect("failed .*alert 40 handshake_failure")
        with host("client", "psk", port, "x", "--key", KEY, "--suite", "00ae", "--suite", "c02b") as client:
            client.expect("tsr_dtls_config_init")  # nothing is left to offer

    def test_our_certificate_client_offers_the_suites_that_are_listed(self):
        files = certificate_files(self.folder, "server")
        for theirs, ours, chosen in (("ECDHE-ECDSA-AES128-GCM-SHA256", ("c0ae", "c02b"), "c02b"),
                                     ("ECDHE-ECDSA-AES128-CCM", ("c0ac",), "c0ac"),
                                     ("ECDHE-ECDSA-AES256-CCM", ("c0ad",), "c0ad")):
            port = free_port()
            with s_server(port, *files, "-cipher", theirs) as server:
                offers = [word for suite in ours for word in ("--suite", suite)]
                with host("client", "cert", port, "hello", *offers) as client:
                    client.expect(f"connected {chosen} cid 0")
                    server.expect("hello")

    def test_our_psk_client_with_another_key_gives_up(self):
        """OpenSSL drops a Finished that does not verify, as RFC 6347 §4.1.2.7 allows: only time tells."""
        port = free_port()
        with s_server(port, "-psk", KEY, "-nocert", "-cipher", PSK8):
            with host("client", "psk", port, "x", "--key", "ff" * 16, "--patience", "700") as client:
                client.expect("failed the peer does not answer")

    def test_their_psk_client_with_our_server(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "device-1", "-cipher", PSK8) as client:
                server.expect(r"connected c0a8 cid 0")
                client.write("from openssl\n")
                client.expect("echo from openssl")

    def test_their_psk_client_with_the_wrong_key(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", "aa" * 16, "-psk_identity", "device-1", "-cipher", PSK8) as client:
                server.expect("failed the keys do not match")
                client.expect("alert bad record mac")

    def test_their_psk_client_that_nobody_knows(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "mallory", "-cipher", PSK8) as client:
                server.expect("failed unknown PSK identity, alert 115")
                client.expect("unknown psk identity")

    def test_their_client_with_the_suites_of_a_lwm2m_server(self):
        """A LwM2M server must also take CBC; it cannot be saved, and says so."""
        with host("server", "psk", "--key", KEY, "--cbc", "--save", self.folder + "/s", "--wait", "2500") as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "device-1", "-cipher",
                          "PSK-AES128-CBC-SHA256:@SECLEVEL=0") as client:
                server.expect(r"connected 00ae")
                client.write("cbc\n")
                client.expect("echo cbc")
                server.expect("not saved")

    def test_their_client_with_nothing_in_common(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "device-1", "-cipher",
                          "PSK-AES256-CBC-SHA384:@SECLEVEL=0") as client:
                server.expect("failed no common cipher suite, alert 40")
                client.expect("handshake failure")

    def meet(self, mode, cipher, *options):
        """What our server says of a handshake with their client that offers this alone."""
        who = ("-psk", KEY, "-psk_identity", "device-1") if mode == "psk" else certificate_files(self.folder, "device")
        with host("server", mode, *(("--key", KEY) if mode == "psk" else ()), *options) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, *who, "-cipher", cipher + ":@SECLEVEL=0"):
                return server.expect("connected (....)|failed (.*)").group(0)

    def test_their_client_with_each_suite_of_our_server(self):
        """CCM-8, which LwM2M asks for, and GCM; CBC only where it was allowed.

        RFC 6655 §4, RFC 7251 §2, RFC 5487 §2, RFC 5487 §3.1, RFC 5289 §3.1, RFC 5289 §3.2"""
        for mode, cipher, suite in (("psk", "PSK-AES128-CCM8", "c0a8"), ("psk", "PSK-AES128-GCM-SHA256", "00a8"),
                                    ("cert", "ECDHE-ECDSA-AES128-CCM8", "c0ae"),
                                    ("cert", "ECDHE-ECDSA-AES128-GCM-SHA256", "c02b")):
            self.assertEqual(self.meet(mode, cipher), f"connected {suite}")
        for mode, cipher, suite in (("psk", "PSK-AES128-CBC-SHA256", "00ae"),
                                    ("cert", "ECDHE-ECDSA-AES128-SHA256", "c023")):
            self.assertEqual(self.meet(mode, cipher, "--cbc"), f"connected {suite}")
            self.assertIn("no common cipher suite, alert 40", self.meet(mode, cipher))
        self.assertIn("no common cipher suite, alert 40", self.meet("cert", "ECDHE-ECDSA-AES256-GCM-SHA384"))

    def test_their_client_of_another_version(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with Child("openssl", "s_client", "-dtls1", "-connect", f"127.0.0.1:{port}", "-psk", KEY, "-psk_identity",
                       "device-1", "-cipher", "ALL:@SECLEVEL=0") as client:
                server.expect("failed .*alert 70 protocol_version")
                client.expect("alert protocol version")

    def test_their_client_of_another_authority(self):
        files = certificate_files(self.folder, "other")
        with host("server", "cert") as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, *files, "-cipher", ECDSA8) as client:
                server.expect("failed the peer's certificate is not accepted, alert 48")
                client.expect("alert unknown ca")

    def test_their_client_closes(self):
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "device-1", "-cipher", PSK8) as client:
                server.expect("connected c0a8")
                client.write("Q\n")
                server.expect("closed")  # by close_notify

    def test_their_client_negotiates_once(self):
        """A second handshake inside of the session is refused, and the client ends it for that."""
        with host("server", "psk", "--key", KEY) as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-psk", KEY, "-psk_identity", "device-1", "-cipher", PSK8) as client:
                server.expect("connected c0a8")
                client.write("R\n")
                server.expect("failed the peer refused, alert 40")
                self.assertEqual(server.text.count("connected"), 1)

    def test_our_certificate_client_with_their_server(self):
        port = free_port()
        files = certificate_files(self.folder, "server")
        with s_server(port, *files, "-cipher", ECDSA8, "-Verify", "2", "-verify_return_error") as server:
            with host("client", "cert", port, "signed") as client:
                client.expect("connected c0ae")
                server.expect("signed")
                server.write("sealed\n")
                client.expect("got sealed")

    def test_our_certificate_client_refuses_an_impostor(self):
        port = free_port()
        files = certificate_files(self.folder, "other")
        with s_server(port, *files, "-cipher", ECDSA8) as server:
            with host("client", "cert", port, "signed") as client:
                client.expect("failed the peer's certificate is not accepted")
                server.expect("unknown ca")

    def test_their_certificate_client_with_our_server(self):
        files = certificate_files(self.folder, "device")
        with host("server", "cert") as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, *files, "-cipher", ECDSA8, "-servername", "server.example",
                          "-verify_return_error") as client:
                server.expect("connected c0ae")
                client.write("x509\n")
                client.expect("echo x509")

    def test_their_client_without_a_certificate_is_refused(self):
        with host("server", "cert") as server:
            port = server.expect(r"port (\d+)").group(1)
            with s_client(port, "-cipher", ECDSA8) as client:
                server.expect("failed the peer's certificate is not accepted")
                client.expect("alert handshake failure")

    def test_saved_session_goes_on_with_their_server(self):
        port, local = free_port(), free_port()
        image = self.folder + "/session"
        with s_server(port, "-psk", KEY, "-nocert", "-cipher", PSK8) as server:
            with host("client", "psk", port, "before", "--key", KEY, "--save", image, "--local", local) as client:
                server.expect("before")
                server.write("one\n")
                client.expect("got one")
                client.expect("saved")
            for n in range(3):  # the process is another each time, the session the same
                with host("client", "psk", port, f"after {n}", "--key", KEY, "--load", image, "--local", local,
                          "--save", image) as client:
                    client.expect("loaded")
                    server.expect(f"after {n}")
                    server.write(f"two {n}\n")
                    client.expect(f"got two {n}")
                    client.expect("saved")
            self.assertEqual(server.text.count("BEGIN SSL SESSION PARAMETERS"), 1)

    def coap_get(self, client):
        if not shutil.which(client):
            self.skipTest(f"{client} is not installed (package libcoap3-bin)")
        with host("server", "psk", "--key", "sesame-open-wide".encode().hex(), "--cbc", "--coap") as server:
            port = server.expect(r"port (\d+)").group(1)
            out = subprocess.run([client, "-m", "get", "-B", "8", "-u", "device-1", "-k", "sesame-open-wide",
                                  f"coaps://127.0.0.1:{port}/hello"], capture_output=True, text=True, timeout=20)
            self.assertIn("coap over dtls", out.stdout, out.stderr)
            server.expect("connected ")

    def test_libcoap_on_openssl_asks_our_server(self):
        self.coap_get("coap-client-openssl")

    def test_libcoap_on_gnutls_asks_our_server(self):
        self.coap_get("coap-client-gnutls")

    @unittest.skipUnless(RELAY, "needs lossy-relay")
    def test_handshakes_over_a_bad_link(self):
        with host("server", "cert", "--wait", "120000") as server:
            port = server.expect(r"port (\d+)").group(1)
            with Child(RELAY, "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", "--loss", "20", "--dup", "10",
                       "--reorder", "15", "--delay-ms", "0..20", "--seed", "3") as relay:
                through = relay.expect(r"ready on port (\d+)").group(1)
                files = certificate_files(self.folder, "device")
                with s_client(through, *files, "-cipher", ECDSA8, "-servername", "server.example") as client:
                    server.expect("connected c0ae", 100)  # who loses the same flight five times waits for 31 s and more
                    for _ in range(20):
                        client.write("lossy\n")
                        try:
                            client.expect("echo lossy", 0.5)
                            break
                        except AssertionError:
                            continue
                    client.expect("echo lossy", 1)

    @unittest.skipUnless(RELAY, "needs lossy-relay")
    def test_connection_id_survives_a_new_address(self):
        with host("server", "psk", "--key", KEY, "--wait", "30000") as server:
            port = server.expect(r"port (\d+)").group(1)
            with Child(RELAY, "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", "--rebind-every", "1") as relay:
                through = relay.expect(r"ready on port (\d+)").group(1)
                image = self.folder + "/session"
                with host("client", "psk", through, "first", "--key", KEY, "--save", image) as client:
                    client.expect("connected c0a8 cid 0")  # towards the client no CID; towards the server one
                    server.expect("connected c0a8 cid 1")
                    client.expect("got echo first")
                    client.expect("saved")
                for n in range(3):
                    time.sleep(1.2)
                    with host("client", "psk", through, f"again {n}", "--key", KEY, "--load", image, "--save",
                              image) as client:
                        client.expect(f"got echo again {n}")
                        client.expect("saved")
                relay.process.terminate()
                counts = relay.expect(r"rebinds (\d+)")
                self.assertGreaterEqual(int(counts.group(1)), 2)
            self.assertEqual(server.text.count("connected"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
