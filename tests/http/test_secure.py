#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""https against OpenSSL, by way of Python's ssl and s_server: test_secure.py FETCH_HOST TESSERA-SECURED"""
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).resolve().parents[2] / "tools")]
from ports import free_port  # noqa: E402
from web import Ca, Web, digest, openssl  # noqa: E402

HOST, SECURED = sys.argv.pop(1), sys.argv.pop(1)


def setUpModule():
    global FOLDER, SERVICE, CA, OTHER, GOOD
    FOLDER = pathlib.Path(tempfile.mkdtemp())
    read, write = os.pipe()
    SERVICE = subprocess.Popen([SECURED, "--socket", FOLDER / "s", "--store", FOLDER / "store", "--ready-fd",
                                str(write)], pass_fds=[write], stderr=(FOLDER / "log").open("wb"))
    os.close(write)
    assert os.read(read, 64).startswith(b"READY"), (FOLDER / "log").read_text()
    os.close(read)
    CA, OTHER = Ca(FOLDER, "Good"), Ca(FOLDER, "Other")
    GOOD = CA.server("good")


def tearDownModule():
    SERVICE.terminate()
    SERVICE.wait(timeout=30)
    shutil.rmtree(FOLDER)


def pattern(length):
    return bytes((i * 7 + (i >> 8)) & 255 for i in range(length))


class Case(unittest.TestCase):
    def web(self, certificate=None, **how):
        made = Web(certificate, **how)
        self.addCleanup(made.close)
        made.server.files["/"] = (b"hello", None)
        made.server.files["/long"] = (pattern(300000), '"1"')
        return made

    def fetch(self, *words, out="out"):
        target = FOLDER / out
        done = subprocess.run([HOST, "-s", FOLDER / "s", "-o", target, *map(str, words)], capture_output=True,
                              text=True, timeout=120, check=True)
        return re.findall(r'^RESULT (\S.*) status=(\d+) keep=(\d) cause="(.*)"', done.stdout, re.M), target.read_bytes()

    def good(self, *words, body=b"hello"):
        results, got = self.fetch(*words)
        self.assertEqual([r[:2] for r in results], [("ok", "200")] * len(results), results)
        self.assertEqual(got, body)

    def until(self, holds):
        deadline = time.monotonic() + 30
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(holds())

    def bad(self, cause, *words):
        results, got = self.fetch(*words)
        self.assertNotEqual(results[-1][0], "ok")
        self.assertIn(cause, results[-1][3])
        return got


class Trust(Case):
    def test_ca_and_name(self):
        web = self.web(GOOD)
        self.good("-a", CA.pem, f"https://localhost:{web.port}/")
        self.good("-a", CA.pem, f"https://127.0.0.1:{web.port}/")
        self.assertEqual(web.server.names, ["localhost", None])  # no SNI for an address: RFC 6066 §3
        self.bad("no CA that is trusted", "-a", OTHER.pem, web.url)
        self.bad("nobody is trusted", web.url)

    def test_records_of_16_kilobytes_and_kept_connections(self):
        web = self.web(GOOD)
        self.good("-a", CA.pem, *[f"{web.url}/long"] * 5, f"{web.url}/", body=pattern(300000) * 5 + b"hello")
        self.assertEqual(web.server.connections, 1)

    def test_bundle_with_certificates_of_every_kind(self):
        bundle = FOLDER / "bundle.pem"
        system = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        bundle.write_text((system.read_text() if system.exists() else OTHER.pem.read_text()) + CA.pem.read_text())
        self.good("-a", bundle, self.web(GOOD).url)

    def test_rsa_and_p384(self):
        rsa, large = Ca(FOLDER, "Rsa", "rsa"), Ca(FOLDER, "Large", "P-384")
        for ca, kind in ((rsa, "rsa"), (rsa, "P-256"), (large, "P-384")):
            with self.subTest(ca=ca.name, kind=kind):
                web = self.web(ca.server(f"{ca.name}-{kind}", kind=kind))
                self.good("-a", ca.pem, f"{web.url}/long", body=pattern(300000))
                self.bad("no CA that is trusted", "-a", CA.pem, web.url)

    def test_wrong_name(self):
        """Names and addresses are those of subjectAltName: RFC 5280 §4.2.1.6."""
        web = self.web(CA.server("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2"))
        self.bad("for another name", "-a", CA.pem, f"https://localhost:{web.port}/")
        self.bad("for another name", "-a", CA.pem, web.url)
        self.assertEqual(web.server.requests, [])

    def test_wildcard_is_one_label(self):
        web = self.web(CA.server("wild", "DNS:*.localhost"))
        self.bad("for another name", "-a", CA.pem, f"https://localhost:{web.port}/")

    def test_dates(self):
        self.bad("has expired", "-a", CA.pem, self.web(CA.server("old", days=(-2, -1))).url)
        self.bad("not valid yet", "-a", CA.pem, self.web(CA.server("early", days=(1, 2))).url)

    def test_self_signed(self):
        own = Ca(FOLDER, "Own")
        whole = FOLDER / "own.all"
        whole.write_text(own.pem.read_text() + own.key.read_text())
        web = self.web(whole)
        self.bad("no CA that is trusted", "-a", CA.pem, web.url)
        self.until(lambda: any("alert bad certificate" in r for r in web.server.refused))

    def test_hashes(self):
        web = self.web(GOOD)
        self.good("-H", digest(GOOD), web.url)
        self.good("-C", CA.hash, web.url)
        self.good("-C", CA.hash, "-H", digest(GOOD), web.url)
        self.bad("another hash", "-H", CA.hash, web.url)
        self.bad("another hash", "-C", OTHER.hash, web.url)
        self.bad("another hash", "-a", CA.pem, "-H", OTHER.hash, web.url)  # a hash says more than a CA
        self.good("-H", digest(GOOD), "-a", OTHER.pem, web.url)
        expired = CA.server("late", days=(-2, -1))
        self.good("-H", digest(expired), self.web(expired).url)  # that certificate, whatever its dates say
        self.bad("has expired", "-C", CA.hash, self.web(expired).url)
        self.bad("another hash", "-C", CA.hash, self.web(CA.server("alone", chain=False)).url)

    def test_anyone(self):
        self.good("-A", self.web(CA.server("stranger", "DNS:other.example", days=(-2, -1))).url)

    def test_usage(self):
        ca = Ca(FOLDER, "Leaf")
        made = ca.server("client")
        extensions = FOLDER / "client.ext"
        extensions.write_text("extendedKeyUsage=clientAuth\nsubjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", FOLDER / "client.csr", "-CA", ca.pem, "-CAkey", ca.key, "-CAcreateserial",
                "-days", "3", "-extfile", extensions, "-out", FOLDER / "client.crt")
        made.write_text((FOLDER / "client.crt").read_text() + (FOLDER / "client.k").read_text())
        self.bad("not accepted", "-a", ca.pem, self.web(made).url)


class Protocol(Case):
    def test_suites(self):
        """ECDHE with AEAD alone: RFC 9325 §4.2."""
        for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"):
            with self.subTest(suite=suite):
                self.good("-a", CA.pem, self.web(GOOD, ciphers=suite, most=ssl.TLSVersion.TLSv1_2).url)
        self.bad("handshake_failure", "-a", CA.pem, self.web(GOOD, ciphers="ECDHE-ECDSA-AES128-SHA",
                                                              most=ssl.TLSVersion.TLSv1_2).url)

    def test_versions(self):
        self.bad("protocol_version", "-a", CA.pem, self.web(GOOD, least=ssl.TLSVersion.TLSv1_3).url)

    def raw(self, *parts, after=None):
        """A server that says these bytes, whatever it hears."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            peer, _ = server.accept()
            with peer:
                peer.settimeout(30)
                peer.recv(4096)
                for part in parts:
                    peer.sendall(part)
                if after is not None:
                    after.wait(30)
        threading.Thread(target=serve, daemon=True).start()
        return f"https://127.0.0.1:{server.getsockname()[1]}/"

    def test_no_tls(self):
        """RFC 9110 §4.2.2: https is never spoken in the clear."""
        self.bad("", "-A", self.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        self.bad("closed", "-A", self.raw())

    def test_downgrade(self):
        """A ServerHello of TLS 1.1, which we never offered."""
        hello = bytes.fromhex("0302") + bytes(32) + b"\0" + bytes.fromhex("c02b") + b"\0"
        message = b"\x02" + len(hello).to_bytes(3, "big") + hello
        self.bad("", "-A", self.raw(b"\x16\x03\x02" + len(message).to_bytes(2, "big") + message))

    def test_silence(self):
        done = threading.Event()
        begun = time.monotonic()
        self.bad("no answer in time", "-A", "-w", "1000", self.raw(after=done))
        self.assertLess(time.monotonic() - begun, 20)
        done.set()

    def test_truncation(self):
        """A body that ends with the connection is whole only if close_notify says so: RFC 9112 §9.8."""
        def to_end(handler):
            handler.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
            handler.close_connection = True
            if handler.path == "/cut":
                handler.hang_up()
            return True
        web = self.web(GOOD)
        web.server.faults.append(to_end)
        self.good("-a", CA.pem, f"{web.url}/")
        self.assertEqual(self.bad("its end is not proved", "-a", CA.pem, f"{web.url}/cut"), b"hello")

    def test_cut_within_a_length(self):
        def cut(handler):
            handler.send_file(*handler.server.files["/long"], cut=100000)
            handler.hang_up()
            return True
        web = self.web(GOOD)
        web.server.faults.append(cut)
        self.assertTrue(pattern(300000).startswith(self.bad("cut off", "-a", CA.pem, f"{web.url}/long")))

    def test_server_that_renegotiates(self):
        port = free_port()
        server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", GOOD, "-key", GOOD,
                                   "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        heard, asked = bytearray(), []

        def drive():
            while chunk := server.stdout.read1(4096):
                heard.extend(chunk)
                if b"GET / HTTP" in heard and not asked:
                    asked.append(server.stdin.write(b"R\n"))  # HelloRequest
                    server.stdin.flush()
        thread = threading.Thread(target=drive)
        thread.start()
        try:
            self.until(lambda: b"ACCEPT" in heard)
            self.bad("handshake_failure", "-a", CA.pem, f"https://127.0.0.1:{port}/")  # what OpenSSL says to our no
            self.until(lambda: b"no renegotiation" in heard)
        finally:
            server.terminate()
            server.wait()
            thread.join()
            server.stdin.close()
            server.stdout.close()
        self.assertEqual((len(asked), heard.count(b"CIPHER is")), (1, 1), heard)

    def test_post_of_many_records(self):
        from http.server import BaseHTTPRequestHandler

        class Echo(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def setup(self):
                super().setup()
                self.server.connections += 1
        web = self.web(GOOD, handler=Echo)
        data = FOLDER / "data"
        data.write_bytes(pattern(200000))
        self.good("-a", CA.pem, "-m", "POST", "-d", data, web.url, f"{web.url}/b", body=pattern(200000) * 2)
        self.assertEqual(web.server.connections, 1)


class Redirections(Case):
    """RFC 9110 §15.4, by Location: RFC 9110 §10.2.2."""

    def test_followed(self):
        far = self.web(GOOD)
        web = self.web()
        web.server.moved.update({"/1": (301, "/2"), "/2": (302, "a/b"), "/a/b": (307, "../4"),
                                 "/4": (308, f"{far.url}/"), "/p": (303, "?x")})
        web.server.files["/p?x"] = (b"hello", None)
        self.good("-f", "-a", CA.pem, f"{web.url}/1")
        self.good("-f", f"{web.url}/p")
        results, _ = self.fetch(f"{web.url}/1")
        self.assertEqual(results[0][:2], ("ok", "301"))

    def test_refused(self):
        web, plain = self.web(GOOD), self.web()
        web.server.moved["/"] = (302, plain.url)
        web.server.moved["/here"] = (302, "ftp://127.0.0.1/")
        web.server.moved["/none"] = (302, "")
        self.bad("from https to http", "-f", "-a", CA.pem, web.url)
        self.assertEqual(plain.server.requests, [])
        self.bad("to no URL", "-f", "-a", CA.pem, f"{web.url}/here")
        self.bad("does not say", "-f", "-a", CA.pem, f"{web.url}/none")
        plain.server.moved.update({f"/{i}": (302, f"/{i + 1}") for i in range(10)})
        plain.server.files["/15"] = plain.server.files["/5"] = (b"hello", None)
        plain.server.moved["/14"] = (302, "/15")
        self.bad("more than five", "-f", f"{plain.url}/0")
        self.assertEqual(len(plain.server.requests), 6)
        del plain.server.moved["/5"]
        self.good("-f", f"{plain.url}/0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
