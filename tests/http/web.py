# SPDX-License-Identifier: Apache-2.0
"""Web servers for tests: files with ETags and ranges over http and https, and servers that misbehave."""
import contextlib
import hashlib
import http.server
import pathlib
import re
import select
import socket
import ssl
import subprocess
import threading
import time

DAY = 86400


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")


def key_options(kind):
    return ("-newkey", "rsa:2048", "-nodes") if kind == "rsa" else (
        "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{kind}", "-nodes")


class Ca:
    """An authority; `kind` of its key: P-256, P-384, rsa."""

    def __init__(self, folder, name, kind="P-256"):
        self.folder, self.name, self.kind = pathlib.Path(folder), name, kind
        self.key, self.pem = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        openssl("req", "-x509", *key_options(kind), "-days", "30", "-subj", f"/CN={name}", "-addext",
                "keyUsage=critical,keyCertSign,digitalSignature", "-keyout", self.key, "-out", self.pem)

    def server(self, name, alternative="DNS:localhost,IP:127.0.0.1", kind="P-256", days=None, chain=True):
        """A file with a server's certificate, that of this CA (unless told) and the key. `days`: (from, to), from
        now on; else a month."""
        base = self.folder / name
        key, request, cert = (base.with_suffix(f".{e}") for e in ("k", "csr", "crt"))
        openssl("req", "-new", *key_options(kind), "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={alternative}\nextendedKeyUsage=serverAuth\n")
        if days is None:
            openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial", "-days",
                    "30", "-extfile", extensions, "-out", cert)
        else:
            self.sign_dated(request, extensions, cert, days)
        whole = base.with_suffix(".all")
        whole.write_text(cert.read_text() + (self.pem.read_text() if chain else "") + key.read_text())
        return whole

    def sign_dated(self, request, extensions, cert, days):
        """`openssl x509` of that age begins no certificate in the past; `openssl ca` does."""
        at = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * DAY)) for d in days]
        place = self.folder / f"ca-{cert.stem}"
        place.mkdir()
        (place / "index").write_text("")
        (place / "serial").write_text("01\n")
        (place / "conf").write_text(
            f"[ca]\ndefault_ca=a\n[a]\ndatabase={place}/index\nserial={place}/serial\nnew_certs_dir={place}\n"
            f"default_md=sha256\npolicy=p\ncertificate={self.pem}\nprivate_key={self.key}\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", place / "conf", "-in", request, "-startdate", at[0], "-enddate", at[1],
                "-extfile", extensions, "-notext", "-out", cert)

    @property
    def hash(self):
        return digest(self.pem)


def digest(pem):
    """SHA-256 of the first certificate in a file, in hexadecimal."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(re.search(
        r"-----BEGIN CERT.*?-----END CERTIFICATE-----", pathlib.Path(pem).read_text(), re.S).group(0))).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Files of server.files by path: (bytes, ETag or None). What server.faults says happens first."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def log_message(self, *_):
        pass

    def range_of(self, body, tag):
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if found is None or (condition is not None and (condition != tag or condition.startswith("W/"))):
            return 0
        return int(found.group(1))

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        for fault in list(self.server.faults):
            if fault(self):
                return
        if self.path in self.server.moved:
            status, to = self.server.moved[self.path]
            self.send_response(status)
            self.send_header("Location", to)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"away")
            return
        if self.path not in self.server.files:
            self.send_error(404)
            return
        self.send_file(*self.server.files[self.path])

    def send_file(self, body, tag, cut=None):
        """`cut`: where it ends too early."""
        at = self.range_of(body, tag)
        if at > len(body):
            self.send_error(416)
            return
        self.send_response(206 if at else 200)
        if at:
            self.send_header("Content-Range", f"bytes {at}-{len(body) - 1}/{len(body)}")
        if tag is not None:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - at))
        self.end_headers()
        if self.command != "HEAD":
            part = body[at:] if cut is None else body[at:cut]
            self.server.sent.append((at, len(part)))
            self.wfile.write(part)

    def hang_up(self):
        """The end of the connection, without close_notify."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR) if not isinstance(self.connection, ssl.SSLSocket) else \
                socket.socket.shutdown(self.connection, socket.SHUT_RDWR)


class Cut:
    """A fault: the next answer ends after so many bytes of the file, and with it the connection; `hold`: not before
    release()."""

    def __init__(self, at, hold=False):
        self.at, self.held, self.reached = at, threading.Event(), threading.Event()
        if not hold:
            self.held.set()

    def __call__(self, handler):
        if handler.path not in handler.server.files:
            return False
        handler.server.faults.remove(self)
        handler.send_file(*handler.server.files[handler.path], cut=self.at)
        handler.wfile.flush()
        self.reached.set()
        self.held.wait(120)
        handler.hang_up()
        return True

    def release(self):
        self.held.set()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass

    def get_request(self):
        peer, address = super().get_request()
        peer.settimeout(30)
        return peer, address

    def finish_request(self, request, address):
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError) as error:
                self.refused.append(str(error))
                return
            self.names.append(self.context.last_name)
        try:
            self.RequestHandlerClass(request, address, self)
            if self.context is not None:
                with contextlib.suppress(OSError, ValueError):
                    request.settimeout(1)
                    request.unwrap()
        finally:
            request.close()


class Web:
    """A server on a port of its own; `certificate`: a file of Ca.server(), and then it is https."""

    def __init__(self, certificate=None, handler=Handler, **how):
        self.server = s = Server(("127.0.0.1", 0), handler)
        s.files, s.moved, s.faults, s.requests, s.refused, s.names, s.sent = {}, {}, [], [], [], [], []
        s.connections, s.context = 0, None
        if certificate is not None:
            s.context = self.context(certificate, **how)
        self.port = s.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @staticmethod
    def context(certificate, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3, ciphers=None):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(certificate)
        made.maximum_version, made.minimum_version = most, least
        made.last_name = None
        if ciphers is not None:
            made.set_ciphers(ciphers)

        def named(_, name, context):
            context.last_name = name
        made.sni_callback = named
        return made

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Proxy:
    """TLS in front of a port that has none."""

    def __init__(self, certificate, to):
        self.context, self.to, self.refused, self.served = Web.context(certificate), to, [], 0
        self.held, self.released = None, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.run, daemon=True).start()

    def hold(self, what=b""):
        """What has these words in it waits until release(); without words each connection does."""
        self.held = what

    def release(self):
        self.released.set()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            peer.settimeout(60)
            if self.held == b"":
                self.released.wait(60)
            near = self.context.wrap_socket(peer, server_side=True)
        except OSError as error:
            self.refused.append(str(error))
            peer.close()
            return
        self.served += 1
        with near, socket.create_connection(("127.0.0.1", self.to)) as far, contextlib.suppress(OSError):
            self.pump(near, far)

    def pump(self, near, far):
        """Both ways in one thread: OpenSSL's connection is not for two at once, and Python's ssl did not always see to that."""
        while True:
            ready = [near] if near.pending() else select.select([near, far], [], [])[0]
            for here, there in (near, far), (far, near):
                if here in ready:
                    data = here.recv(16384)
                    if not data:
                        return
                    if self.held and self.held in data:
                        self.released.wait(60)
                    there.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
