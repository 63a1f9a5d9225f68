# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's DTLS before a CoAP server that speaks plain UDP: one session at a time.

Python's ssl has no DTLS, so libssl is called by ctypes. Each session is a socket towards the server behind,
which so sees a peer of its own.
"""
import ctypes
import ctypes.util
import select
import socket
import threading
import time

SUITE = b"ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"
PEM, PEER_MUST_SHOW = 1, 3
DTLS_GET_TIMEOUT, DTLS_HANDLE_TIMEOUT, SET_MTU = 73, 74, 17
WANT_READ, CLOSED = 2, 6


def library(name):
    path = ctypes.util.find_library(name)
    return ctypes.CDLL(path) if path else None


class Front(threading.Thread):
    """DTLS on `port`, datagrams to `behind`. `peers` holds the certificate (DER) of each session, in turn."""

    def __init__(self, port, behind, certificate, key, trust):
        super().__init__(daemon=True)
        self.ssl, self.crypto = library("ssl"), library("crypto")
        self.port, self.behind = port, behind
        self.peers, self.errors, self.closing = [], [], False
        for name in ("SSL_CTX_new", "DTLS_server_method", "SSL_new", "SSL_get1_peer_certificate"):
            getattr(self.ssl, name).restype = ctypes.c_void_p
        self.crypto.BIO_new_dgram.restype = ctypes.c_void_p
        self.crypto.ERR_error_string.restype = ctypes.c_char_p
        self.crypto.ERR_get_error.restype = ctypes.c_ulong
        self.ssl.SSL_ctrl.restype = ctypes.c_long
        self.ctx = ctypes.c_void_p(self.ssl.SSL_CTX_new(ctypes.c_void_p(self.ssl.DTLS_server_method())))
        steps = (self.ssl.SSL_CTX_set_cipher_list(self.ctx, SUITE),
                 self.ssl.SSL_CTX_use_certificate_file(self.ctx, str(certificate).encode(), PEM),
                 self.ssl.SSL_CTX_use_PrivateKey_file(self.ctx, str(key).encode(), PEM),
                 self.ssl.SSL_CTX_load_verify_locations(self.ctx, str(trust).encode(), None))
        if steps != (1, 1, 1, 1):
            raise RuntimeError(f"OpenSSL: {self.why()} {steps}")
        self.ssl.SSL_CTX_set_verify(self.ctx, PEER_MUST_SHOW, None)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.start()

    def why(self):
        code = self.crypto.ERR_get_error()
        return self.crypto.ERR_error_string(ctypes.c_ulong(code), None).decode() if code else "no reason"

    def run(self):
        while not self.closing:
            if select.select([self.socket], [], [], 0.1)[0]:
                self.session()
        self.socket.close()

    def session(self):
        ssl = ctypes.c_void_p(self.ssl.SSL_new(self.ctx))
        bio = ctypes.c_void_p(self.crypto.BIO_new_dgram(self.socket.fileno(), 0))
        self.ssl.SSL_set_bio(ssl, bio, bio)
        self.ssl.SSL_ctrl(ssl, SET_MTU, ctypes.c_long(1200), None)
        self.ssl.SSL_set_accept_state(ssl)
        up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        up.connect(self.behind)
        up.setblocking(False)
        try:
            self.carry(ssl, up)
        finally:
            up.close()
            self.ssl.SSL_free(ssl)

    def carry(self, ssl, up):
        room, proved, silent = ctypes.create_string_buffer(2048), False, time.monotonic()
        while not self.closing and time.monotonic() - silent < 60:
            ready, _, _ = select.select([self.socket, up], [], [], 0.1)
            if up in ready:
                data = up.recv(2048)
                self.ssl.SSL_write(ssl, data, len(data))
            self.ssl.SSL_ctrl(ssl, DTLS_HANDLE_TIMEOUT, ctypes.c_long(0), None)
            if self.socket not in ready:
                continue
            silent = time.monotonic()
            while True:
                n = self.ssl.SSL_read(ssl, room, 2048)
                if not proved and self.ssl.SSL_is_init_finished(ssl):
                    proved = True
                    self.peers.append(self.certificate(ssl))
                if n <= 0:
                    break
                up.send(room.raw[:n])
            error = self.ssl.SSL_get_error(ssl, n)
            if error == CLOSED:
                return
            if error != WANT_READ:
                self.errors.append(self.why())
                return

    def certificate(self, ssl):
        shown = ctypes.c_void_p(self.ssl.SSL_get1_peer_certificate(ssl))
        length = self.crypto.i2d_X509(shown, None)
        room = ctypes.create_string_buffer(length)
        at = ctypes.cast(room, ctypes.c_void_p)
        self.crypto.i2d_X509(shown, ctypes.byref(at))
        self.crypto.X509_free(shown)
        return room.raw

    def close(self):
        self.closing = True
        self.join(5)
