#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client against Python's http.server and libmicrohttpd: test_peers.py FETCH_HOST FETCH_MHD"""
import http.server
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from ports import free_port

HOST, MHD = sys.argv.pop(1), sys.argv.pop(1)


def pattern(length):
    return bytes((i * 7 + (i >> 8)) & 255 for i in range(length))


def fetch(*arguments, body=None):
    """The lines said, and the bodies one after the other."""
    with tempfile.TemporaryDirectory() as place:
        out, data = pathlib.Path(place, "out"), pathlib.Path(place, "data")
        options = ["-o", out]
        if body is not None:
            data.write_bytes(body)
            options += ["-m", "POST", "-d", data]
        done = subprocess.run([HOST, *options, *arguments], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout, out.read_bytes()


def results(text):
    return re.findall(r"^RESULT (\S+) status=(\d+) keep=(\d)", text, re.M)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def log_message(self, *_):
        pass

    def answer(self, body, *headers):
        self.send_response(200)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/lost":  # what a server that restarts does to a connection that it kept
            self.close_connection = True
            if self.server.lose:
                self.server.lose -= 1
                return
        self.answer(pattern(300000) if self.path == "/long" else self.path.encode(), ("Message-Type", "11"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body, ("Authorization", "Bearer " + "x" * 1500), ("Host-Was", self.headers["Host"]))

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()


class Python(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.connections = self.server.lose = 0
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def test_one_connection_serves_many_requests(self):
        text, bodies = fetch(*(f"{self.url}/{i}?q" for i in range(5)))
        self.assertEqual(results(text), [("ok", "200", "1")] * 5)
        self.assertEqual(bodies, b"/0?q/1?q/2?q/3?q/4?q")
        self.assertEqual(self.server.connections, 1)
        self.assertIn("Message-Type: 11", text)

    def test_long_body(self):
        text, body = fetch(f"{self.url}/long", f"{self.url}/x")
        self.assertEqual(body, pattern(300000) + b"/x")

    def test_post_gives_and_takes(self):
        sent = pattern(200000)
        text, body = fetch(f"{self.url}/fdo/101/msg/10", f"{self.url}/b", body=sent)
        self.assertEqual(results(text), [("ok", "200", "1")] * 2)
        self.assertEqual(body, sent + sent)
        self.assertIn("Authorization: Bearer xxx", text)
        self.assertIn(f"Host-Was: {self.url[7:]}", text)
        self.assertEqual(results(fetch(f"{self.url}/empty", body=b"")[0]), [("ok", "200", "1")])

    def test_head_has_no_body(self):
        text, body = fetch("-m", "HEAD", f"{self.url}/a", f"{self.url}/b")
        self.assertEqual(results(text), [("ok", "200", "1")] * 2)
        self.assertEqual(body, b"")

    def test_kept_connection_that_is_gone(self):
        self.server.lose = 1
        text, body = fetch(f"{self.url}/a", f"{self.url}/lost")
        self.assertEqual(results(text), [("ok", "200", "1"), ("ok", "200", "1")])
        self.assertEqual(body, b"/a/lost")
        self.assertEqual(self.server.connections, 2)
        self.server.lose = 1  # on a fresh connection it is the server's answer
        text, _ = fetch(f"{self.url}/lost")
        self.assertIn('RESULT platform failure status=0 keep=0 cause="the peer closed without an answer"', text)

    def test_nobody_there(self):
        text, _ = fetch(f"http://127.0.0.1:{free_port()}/")
        self.assertIn('cause="Connection refused"', text)
        text, _ = fetch("http://no-such-host.invalid/")
        self.assertIn('cause="the name does not resolve"', text)

    def test_old_protocol(self):
        class Old(Handler):
            protocol_version = "HTTP/1.0"

        self.server.RequestHandlerClass = Old
        text, bodies = fetch(f"{self.url}/1", f"{self.url}/2")
        self.assertEqual(results(text), [("ok", "200", "0")] * 2)
        self.assertEqual(bodies, b"/1/2")


class Raw(unittest.TestCase):
    """Answers that no good server gives, over a true connection."""

    def ask(self, *parts):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                peer, _ = server.accept()
                with peer:
                    peer.recv(4096)
                    for part in parts:
                        peer.sendall(part)
            thread = threading.Thread(target=serve)
            thread.start()
            found = fetch(f"http://127.0.0.1:{server.getsockname()[1]}/")
            thread.join()
            return found

    def test_cut_off(self):
        text, _ = self.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n123")
        self.assertIn('RESULT malformed status=200 keep=0 cause="the answer is cut off"', text)

    def test_ends_with_the_connection(self):
        text, body = self.ask(b"HTTP/1.1 200 OK\r\n", b"\r\n", b"123", b"45")
        self.assertEqual((results(text), body), ([("ok", "200", "0")], b"12345"))

    def test_no_http(self):
        text, _ = self.ask(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.assertIn("RESULT malformed", text)


class Microhttpd(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.url = f"http://localhost:{port}"
        self.server = subprocess.Popen([MHD, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(self.server.stdout.readline(), b"ready\n")

    def tearDown(self):
        self.server.stdin.close()
        self.server.wait(timeout=30)
        self.server.stdout.close()

    def test_lengths_and_chunks_on_one_connection(self):
        sizes = 0, 1, 999, 100000
        text, body = fetch(*(f"{self.url}/{kind}/{n}" for n in sizes for kind in ("length", "chunks")))
        self.assertEqual(results(text), [("ok", "200", "1")] * 8)
        self.assertEqual(body, b"".join(2 * pattern(n) for n in sizes))

    def test_close(self):
        text, body = fetch(f"{self.url}/close", f"{self.url}/length/3")
        self.assertEqual(results(text), [("ok", "200", "0"), ("ok", "200", "1")])
        self.assertEqual(body, pattern(5000) + pattern(3))

    def test_post_in_chunks_back(self):
        sent = pattern(150000)
        text, body = fetch(f"{self.url}/a", f"{self.url}/b", body=sent)
        self.assertEqual(results(text), [("ok", "200", "1")] * 2)
        self.assertEqual(body, sent + sent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
