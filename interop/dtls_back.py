# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's DTLS as a client with a pre-shared key, behind a UDP port for a CoAP device that speaks plain: the other way round than
dtls_front.py.

Arguments: PORT SERVER-PORT IDENTITY KEY-IN-HEX
"""
import ctypes
import select
import socket
import sys
import time

from dtls_front import DTLS_HANDLE_TIMEOUT, SET_MTU, WANT_READ, library

SUITE = b"PSK-AES128-CCM8:@SECLEVEL=0"
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_uint,
                            ctypes.POINTER(ctypes.c_ubyte), ctypes.c_uint)


class Back:
    def __init__(self, server, identity, key):
        self.ssl, self.crypto = library("ssl"), library("crypto")
        for name in ("SSL_CTX_new", "DTLS_client_method", "SSL_new"):
            getattr(self.ssl, name).restype = ctypes.c_void_p
        self.crypto.BIO_new_dgram.restype = ctypes.c_void_p
        self.ssl.SSL_ctrl.restype = ctypes.c_long

        def give(_ssl, _hint, room, cap, psk, psk_cap):
            if len(identity) >= cap or len(key) > psk_cap:
                return 0
            ctypes.memmove(room, identity + b"\0", len(identity) + 1)
            ctypes.memmove(psk, key, len(key))
            return len(key)

        self.give = CALLBACK(give)  # OpenSSL keeps the pointer
        ctx = ctypes.c_void_p(self.ssl.SSL_CTX_new(ctypes.c_void_p(self.ssl.DTLS_client_method())))
        if self.ssl.SSL_CTX_set_cipher_list(ctx, SUITE) != 1:
            raise RuntimeError("OpenSSL has no such suite")
        self.ssl.SSL_CTX_set_psk_client_callback(ctx, self.give)
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.connect(("127.0.0.1", server))
        self.server.setblocking(False)
        self.session = ctypes.c_void_p(self.ssl.SSL_new(ctx))
        bio = ctypes.c_void_p(self.crypto.BIO_new_dgram(self.server.fileno(), 0))
        peer = socket.inet_aton("127.0.0.1")
        address = ctypes.create_string_buffer(socket.AF_INET.to_bytes(2, sys.byteorder) + server.to_bytes(2, "big") + peer, 16)
        self.crypto.BIO_ctrl(bio, 32, ctypes.c_long(0), address)  # BIO_CTRL_DGRAM_SET_CONNECTED
        self.ssl.SSL_set_bio(self.session, bio, bio)
        self.ssl.SSL_ctrl(self.session, SET_MTU, ctypes.c_long(1200), None)
        self.ssl.SSL_set_connect_state(self.session)

    def shake_hands(self, timeout=30):
        end = time.monotonic() + timeout
        while self.ssl.SSL_do_handshake(self.session) != 1:
            if time.monotonic() > end or self.ssl.SSL_get_error(self.session, -1) != WANT_READ:
                sys.exit("no handshake")
            select.select([self.server], [], [], 0.1)
            self.ssl.SSL_ctrl(self.session, DTLS_HANDLE_TIMEOUT, ctypes.c_long(0), None)

    def carry(self, near):
        room, device = ctypes.create_string_buffer(2048), None
        while True:
            ready, _, _ = select.select([self.server, near], [], [], 60)
            if near in ready:
                data, device = near.recvfrom(2048)
                self.ssl.SSL_write(self.session, data, len(data))
            n = self.ssl.SSL_read(self.session, room, 2048) if self.server in ready else 0
            while n > 0:
                near.sendto(room.raw[:n], device)
                n = self.ssl.SSL_read(self.session, room, 2048)


def main(port, server, identity, key):
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    near.bind(("127.0.0.1", int(port)))
    back = Back(int(server), identity.encode(), bytes.fromhex(key))
    back.shake_hands()
    print("dtls_back: ready", flush=True)
    back.carry(near)


if __name__ == "__main__":
    main(*sys.argv[1:])
