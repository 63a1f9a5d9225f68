# SPDX-License-Identifier: Apache-2.0
"""A LwM2M server small enough to read: plain CoAP over UDP, enough to play the other side of tesserad.

It answers Register, Update and De-register, and sends requests. Written from RFC 7252 alone, so that it
shares no code, and no mistakes, with tessera/coap."""
import os
import socket
import struct
import time

GET, POST, PUT, DELETE = 1, 2, 3, 4
CON, NON, ACK, RST = 0, 1, 2, 3
OBSERVE, LOCATION_PATH, URI_PATH, CONTENT_FORMAT, URI_QUERY, ACCEPT = 6, 8, 11, 12, 15, 17


def uint(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def extended(n):
    if n < 13:
        return n, b""
    if n < 269:
        return 13, bytes([n - 13])
    return 14, struct.pack(">H", n - 269)


def build(kind, code, mid, token=b"", options=(), payload=b""):
    out = bytes([0x40 | kind << 4 | len(token), code]) + struct.pack(">H", mid) + token
    last = 0
    for number, value in sorted(options, key=lambda o: o[0]):
        delta, delta_more = extended(number - last)
        length, length_more = extended(len(value))
        out += bytes([delta << 4 | length]) + delta_more + length_more + value
        last = number
    return out + (b"\xff" + payload if payload else b"")


class Message:
    def __init__(self, data):
        self.kind, self.code = data[0] >> 4 & 3, data[1]
        self.mid = struct.unpack(">H", data[2:4])[0]
        length = data[0] & 15
        self.token, data = data[4:4 + length], data[4 + length:]
        self.options, number = [], 0
        while data and data[0] != 0xFF:
            delta, length, data = data[0] >> 4, data[0] & 15, data[1:]
            delta, data = self.extend(delta, data)
            length, data = self.extend(length, data)
            number += delta
            self.options.append((number, data[:length]))
            data = data[length:]
        self.payload = data[1:]

    @staticmethod
    def extend(n, data):
        if n == 13:
            return data[0] + 13, data[1:]
        if n == 14:
            return struct.unpack(">H", data[:2])[0] + 269, data[2:]
        return n, data

    def all(self, number):
        return [value for n, value in self.options if n == number]

    def number(self, number):
        values = self.all(number)
        return int.from_bytes(values[0], "big") if values else None

    @property
    def path(self):
        return "/" + "/".join(v.decode() for v in self.all(URI_PATH))

    @property
    def queries(self):
        return [v.decode() for v in self.all(URI_QUERY)]

    @property
    def dotted(self):
        return f"{self.code >> 5}.{self.code & 31:02}"


class Peer:
    """`refuse` maps a version such as "1.2" to the code that a Register with it gets."""

    def __init__(self, port=0, refuse=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.refuse = refuse or {}
        self.registers, self.updates, self.deregisters, self.notifications = [], [], [], []
        self.client, self.location, self.known = None, None, set()
        self.mid = int.from_bytes(os.urandom(2), "big")
        self.seen = {}

    def close(self):
        self.socket.close()

    def receive(self, timeout):
        """One message that is no duplicate; registrations are answered on the way. None: time is over."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                data, source = self.socket.recvfrom(2048)
            except (TimeoutError, socket.timeout):
                return None
            message = Message(data)
            if 1 <= message.code < 32:
                self.request(message, source)
            elif message.kind in (CON, NON) and message.number(OBSERVE) is not None:
                self.client = source
                self.notifications.append(message)
                if message.kind == CON:
                    self.socket.sendto(build(ACK, 0, message.mid), source)
            return message

    def answer(self, message, source, code, options=()):
        data = build(ACK, code, message.mid, message.token, options)
        self.seen[(source, message.mid)] = data
        self.socket.sendto(data, source)

    def request(self, message, source):
        if (source, message.mid) in self.seen:
            self.socket.sendto(self.seen[(source, message.mid)], source)
            return
        self.client = source
        if message.code == POST and message.path == "/rd":
            self.registers.append(message)
            version = next((q[6:] for q in message.queries if q.startswith("lwm2m=")), None)
            if version in self.refuse:
                self.answer(message, source, self.refuse[version])
                return
            self.location = os.urandom(4).hex()
            self.known.add("/rd/" + self.location)
            self.answer(message, source, 0x41, [(LOCATION_PATH, b"rd"),
                                                (LOCATION_PATH, self.location.encode())])
        elif message.code == POST:
            self.updates.append(message)
            self.answer(message, source, 0x44 if message.path in self.known else 0x84)
        elif message.code == DELETE:
            self.deregisters.append(message)
            self.known.discard(message.path)
            self.answer(message, source, 0x42)

    def wait(self, good, timeout=10, what="it"):
        end = time.monotonic() + timeout
        while not good():
            if self.receive(max(0.01, min(0.2, end - time.monotonic()))) is None and time.monotonic() > end:
                raise AssertionError(f"{what} did not happen in {timeout} s")

    def ask(self, code, path, payload=b"", options=(), timeout=5):
        """Sends a CON request and returns its answer."""
        self.mid = self.mid + 1 & 0xFFFF
        token = os.urandom(4)
        parts = [(URI_PATH, p.encode()) for p in path.partition("?")[0].split("/") if p]
        parts += [(URI_QUERY, q.encode()) for q in path.partition("?")[2].split("&") if q]
        data = build(CON, code, self.mid, token, parts + list(options), payload)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.socket.sendto(data, self.client)
            again = time.monotonic() + 1
            while time.monotonic() < again:
                message = self.receive(again - time.monotonic())
                if message is not None and message.code >= 64 and message.token == token:
                    if message.kind == CON:
                        self.socket.sendto(build(ACK, 0, message.mid), self.client)
                    return message
        raise AssertionError(f"no answer to {path} in {timeout} s")

    def read(self, path, accept=None):
        return self.ask(GET, path, options=[] if accept is None else [(ACCEPT, uint(accept))])

    def write(self, path, text, content_format=0):
        return self.ask(PUT, path, text.encode() if isinstance(text, str) else text,
                        [(CONTENT_FORMAT, uint(content_format))])

    def execute(self, path, arguments=b""):
        return self.ask(POST, path, arguments)

    def observe(self, path, accept=None):
        options = [(OBSERVE, b"")] + ([] if accept is None else [(ACCEPT, uint(accept))])
        return self.ask(GET, path, options=options)
