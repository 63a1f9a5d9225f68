# SPDX-License-Identifier: Apache-2.0
"""One end of CoAP over UDP, made of aiocoap's message codec and nothing of ours: every token, message id and type is
in the hands of the test. `Endpoint` sends and answers; `Server` is what a device registers at, `Device` what a server
manages."""
import collections
import functools
import hashlib
import json
import secrets
import socket
import struct
import threading
import time

import aiocoap
import cbor2
from aiocoap import Code, Message

TEXT, LINKS, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, TLV, LWM2M_CBOR = 0, 40, 42, 60, 110, 112, 11542, 11544
ETCH_JSON, ETCH_CBOR = 320, 322
CON, NON, ACK, RST = aiocoap.CON, aiocoap.NON, aiocoap.ACK, aiocoap.RST
METHODS = {"GET": Code.GET, "POST": Code.POST, "PUT": Code.PUT, "DELETE": Code.DELETE, "FETCH": Code.FETCH,
           "PATCH": Code.PATCH, "iPATCH": Code.iPATCH}


def segments(path):
    return tuple(s for s in path.split("/") if s)


def number(option):
    return None if option is None else int(option)


class Answer:
    """A response or notification: its code as `2.05`, its Content-Format as a number, its whole payload."""

    def __init__(self, message, payload=None):
        self.message = message
        self.code = message.code.dotted
        self.format = number(message.opt.content_format)
        self.payload = message.payload if payload is None else payload
        self.observe = message.opt.observe
        self.confirmable = message.mtype is CON

    def __repr__(self):
        return f"{self.code} format {self.format} {self.payload[:60]!r}"


class Endpoint(threading.Thread):
    """A UDP socket on loopback. `handle(message, address)` answers requests, on this thread; None: stays silent."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = self.open()
        self.port = self.socket.getsockname()[1]
        self.changed = threading.Condition()
        self.inbox = collections.defaultdict(list)  # token -> responses in their order
        self.taken, self.answered = collections.OrderedDict(), set()
        self.wanted, self.refused = set(), set()  # tokens of ours that are open; and those that get a Reset
        self.resets, self.mid, self.closing = [], secrets.randbelow(1 << 16), False
        self.afterwards = []  # what is to be done once the answer to a request is out
        self.start()

    at = 0  # a port, or 0: whichever is free

    def open(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", self.at))
        s.settimeout(0.2)
        return s

    def close(self):
        self.closing = True
        self.join(5)
        self.socket.close()

    def handle(self, message, address):
        return Message(code=Code.NOT_FOUND)

    def next_mid(self):
        self.mid = (self.mid + 1) & 0xFFFF
        return self.mid

    def run(self):
        while not self.closing:
            try:
                data, address = self.socket.recvfrom(65536)
                self.take(Message.decode(data), address)
            except TimeoutError:
                continue
            except (OSError, aiocoap.error.UnparsableMessage):
                if not self.closing:
                    time.sleep(0.01)

    def take(self, m, address):
        if m.code.is_request():
            self.take_request(m, address)
        elif m.code is Code.EMPTY:
            with self.changed:
                if m.mtype is RST:
                    self.resets.append(m.mid)
                self.answered.add(m.mid)
                self.changed.notify_all()
        else:
            self.take_response(m, address)

    def take_request(self, m, address):
        key = (address, m.mid)
        if key not in self.taken:
            answer = self.handle(m, address)
            if answer is not None:
                answer.mtype, answer.mid = (ACK, m.mid) if m.mtype is CON else (NON, self.next_mid())
                answer.token = m.token
                answer = answer.encode()
            self.taken[key] = answer
            while len(self.taken) > 500:
                self.taken.popitem(last=False)
        if self.taken[key] is not None:
            self.socket.sendto(self.taken[key], address)
        with self.changed:
            while self.afterwards:
                self.afterwards.pop(0)()
            self.changed.notify_all()

    def take_response(self, m, address):
        with self.changed:
            known = m.token in self.wanted and m.token not in self.refused
            if m.mtype is CON or not known:
                empty = Message(code=Code.EMPTY)
                empty.mtype, empty.mid = (ACK if known else RST), m.mid
                self.socket.sendto(empty.encode(), address)
            if m.mtype is ACK:  # the other end counts its own messages
                self.answered.add(m.mid)
            if known and (address, m.mid, m.token) not in self.taken:
                self.taken[(address, m.mid, m.token)] = None
                self.inbox[m.token].append(Answer(m))
            self.changed.notify_all()

    def wait(self, good, timeout=20, what="what was waited for"):
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                found = good()
                if found:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{what} did not come within {timeout} s")
                self.changed.wait(left)

    def exchange(self, message, to, timeout=20):
        """Sends a CON until it is acknowledged or answered; returns the first answer to its token."""
        message.mtype, message.mid = CON, self.next_mid()
        data, token, end = message.encode(), message.token, time.monotonic() + timeout
        had = len(self.inbox[token])
        self.wanted.add(token)
        while time.monotonic() < end:
            if message.mid not in self.answered:
                self.socket.sendto(data, to)
            with self.changed:
                self.changed.wait_for(lambda: len(self.inbox[token]) > had, 2)
                if len(self.inbox[token]) > had:
                    return self.inbox[token][had]
        raise AssertionError(f"no answer to {message.code} {'/'.join(message.opt.uri_path)} within {timeout} s")

    def request(self, to, method, path, payload=b"", *, format=None, accept=None, query=(), observe=None, token=None,
                block1=None, timeout=20):
        """One request with its whole answer: further blocks are asked for."""
        token, whole, block, first = token or secrets.token_bytes(4), b"", None, None
        while True:
            m = Message(code=METHODS[method], payload=payload if block is None or method == "FETCH" else b"")
            m.token = token if block is None else secrets.token_bytes(4)
            m.opt.uri_path = segments(path)
            m.opt.uri_query = tuple(query)
            for option, value in (("content_format", format), ("accept", accept), ("block1", block1), ("block2", block),
                                  ("observe", observe if block is None else None)):
                if value is not None:
                    setattr(m.opt, option, value)
            answer = self.exchange(m, to, timeout)
            first = first or answer
            whole += answer.payload
            more = answer.message.opt.block2
            if more is None or not more.more:
                return Answer(first.message, whole)
            block = (more.block_number + 1, False, more.size_exponent)

    def push(self, to, path, payload, first=0, last=None, exponent=6, format=OPAQUE):
        """PUTs a payload in blocks of 16 << exponent, from block `first` up to and without `last`, until one is refused;
        returns the last answer. RFC 7959, section 3.2."""
        size, answer = 16 << exponent, None
        count = max(1, -(-len(payload) // size))
        for n in range(first, count if last is None else last):
            answer = self.request(to, "PUT", path, payload[n * size:(n + 1) * size], format=format,
                                  block1=(n, n + 1 < count, exponent))
            if answer.code != "2.31":
                return answer
            if tuple(answer.message.opt.block1) != (n, True, exponent):
                raise AssertionError(f"block {n} was answered with {answer.message.opt.block1}")
        return answer


class Server(Endpoint):
    """Takes registrations as RFC 6690 and Core 6.2 have them; asks devices."""

    def __init__(self):
        self.registrations, self.updates, self.gone, self.sent, self.by_location = [], [], [], [], {}
        self.refuse = None  # a code to answer every Register with
        self.profiles = None  # names that are known; None: all. Another is answered with 4.09
        self.silent = False  # as if it were not there
        super().__init__()

    @property
    def uri(self):
        return f"coap://127.0.0.1:{self.port}"

    def take(self, m, address):
        if not self.silent:
            super().take(m, address)

    def handle(self, m, address):
        path, method = m.opt.uri_path, m.code
        query = dict(q.partition("=")[::2] for q in m.opt.uri_query)
        if path == ("rd",) and method is Code.POST:
            return self.register(m, address, query)
        if path[:1] == ("rd",) and len(path) == 2 and method in (Code.POST, Code.DELETE):
            if path[1] not in self.by_location:
                return Message(code=Code.NOT_FOUND)
            return self.note(self.updates if method is Code.POST else self.gone, m, address, query, path[1])
        if path == ("dp",) and method is Code.POST:
            return self.note(self.sent, m, address, query, None)
        return Message(code=Code.NOT_FOUND)

    def register(self, m, address, query):
        refuse = self.refuse
        if refuse is None and self.profiles is not None and query.get("pid", "") not in ("", *self.profiles):
            refuse = Code.CONFLICT
        if refuse is not None:
            with self.changed:
                self.registrations.append({**query, "links": m.payload.decode(), "refused": True})
                self.changed.notify_all()
            return Message(code=refuse)
        location = secrets.token_hex(4)
        with self.changed:
            self.by_location[location] = {**query, "links": m.payload.decode(), "format": number(m.opt.content_format),
                                          "from": address, "location": location, "confirmable": m.mtype is CON}
            # A test that asks at once must not overtake the 2.01, before which a device hears nothing.
            self.afterwards.append(lambda: self.registrations.append(self.by_location[location]))
        answer = Message(code=Code.CREATED)
        answer.opt.location_path = ("rd", location)
        return answer

    def note(self, row, m, address, query, location):
        with self.changed:
            row.append({**query, "payload": m.payload, "format": number(m.opt.content_format), "from": address,
                        "confirmable": m.mtype is CON, "location": location})
            if row is self.gone:
                del self.by_location[location]
            self.changed.notify_all()
        return Message(code=Code.DELETED if row is self.gone else Code.CHANGED)

    def forget(self):
        """Drops every registration, as a server that lost its memory."""
        with self.changed:
            self.by_location.clear()

    def registered(self, count=1, timeout=30):
        """The registration number `count`, counted from 1."""
        return self.wait(lambda: len(self.registrations) >= count and self.registrations[count - 1], timeout,
                         f"registration {count}")

    @property
    def device(self):
        return self.registrations[-1]["from"]

    def ask(self, method, path, payload=b"", **more):
        return self.request(self.device, method, path, payload, **more)

    def read(self, path, accept=None):
        return self.ask("GET", path, accept=accept)

    def observe(self, path, method="GET", payload=b"", **more):
        """Returns (token, first answer); notifications follow in `inbox[token]`."""
        token = secrets.token_bytes(4)
        return token, self.ask(method, path, payload, token=token, observe=0, **more)

    def notification(self, token, at, timeout=20):
        """Answer number `at` of an observation; 0 is the answer to the request."""
        return self.wait(lambda: len(self.inbox[token]) > at and self.inbox[token][at], timeout,
                         f"notification {at}")


class Device(Endpoint):
    """A device of a few resources: {path: bytes} with a Content-Format, and what was asked of it."""

    def __init__(self, server_port):
        self.asked, self.answers, self.server, self.location = [], {}, ("127.0.0.1", server_port), None
        super().__init__()

    def handle(self, m, address):
        seen = {"method": str(m.code), "path": "/" + "/".join(m.opt.uri_path), "payload": m.payload, "token": m.token,
                "format": number(m.opt.content_format), "accept": number(m.opt.accept), "query": m.opt.uri_query,
                "observe": m.opt.observe}
        with self.changed:
            self.asked.append(seen)
            self.changed.notify_all()
        answer = self.answers.get((seen["method"], seen["path"]), Message(code=Code.NOT_FOUND))
        return answer(seen) if callable(answer) else answer.copy()

    def answer(self, method, path, code, payload=b"", format=None):
        def make(seen):
            m = Message(code=code, payload=payload)
            if format is not None:
                m.opt.content_format = format
            if seen["observe"] == 0 and code is Code.CONTENT:
                m.opt.observe = 1
            return m
        self.answers[(method, path)] = make

    def last(self):
        return self.asked[-1]

    def register(self, endpoint, links, *query):
        answer = self.request(self.server, "POST", "/rd", links.encode(), format=LINKS,
                              query=(f"ep={endpoint}", *query))
        self.location = "/" + "/".join(answer.message.opt.location_path)
        return answer

    def update(self, *query, links=None):
        more = {"payload": links.encode(), "format": LINKS} if links else {}
        return self.request(self.server, "POST", self.location, query=query, **more)

    def notify(self, token, sequence, payload, format):
        m = Message(code=Code.CONTENT, payload=payload)
        m.mtype, m.mid, m.token = CON, self.next_mid(), token
        m.opt.observe, m.opt.content_format = sequence, format
        self.socket.sendto(m.encode(), self.server)
        return m.mid


def senml_cbor(payload):
    """{path: value} of a SenML CBOR pack."""
    base, out = "", {}
    for record in cbor2.loads(payload):
        base = record.get(-2, base)
        value = next((record[k] for k in (2, 3, 4, 8, "vlo") if k in record), None)
        out[base + record.get(0, "")] = value
    return out


def senml_json(payload):
    base, out = "", {}
    for record in json.loads(payload):
        base = record.get("bn", base)
        value = next((record[k] for k in ("v", "vs", "vb", "vd", "vlo") if k in record), None)
        out[base + record.get("n", "")] = value
    return out


def lwm2m_cbor(payload):
    """{path: value} of Core 7.5.4, whatever mix of nested and array keys."""
    out = {}

    def walk(prefix, value):
        if not isinstance(value, dict):
            out["/" + "/".join(map(str, prefix))] = value
            return
        for key, inner in value.items():
            walk(prefix + (list(key) if isinstance(key, (tuple, list)) else [key]), inner)
    walk([], cbor2.loads(payload))
    return out


def tlv(payload, prefix=""):
    """{path: raw bytes} of OMA TLV, relative to `prefix`."""
    out, at = {}, 0
    while at < len(payload):
        head = payload[at]
        wide = head >> 5 & 1
        name = int.from_bytes(payload[at + 1:at + 2 + wide], "big")
        at += 2 + wide
        size = head >> 3 & 3
        length = int.from_bytes(payload[at:at + size], "big") if size else head & 7
        at += size
        value, at = payload[at:at + length], at + length
        path = f"{prefix}/{name}"
        out.update(tlv(value, path) if head >> 6 in (0, 2) else {path: value})
    return out


def tlv_integer(value):
    return int.from_bytes(value, "big", signed=True)


def tlv_resource(number, value):
    """A resource below 256 in at most 7 bytes."""
    return struct.pack("BB", 0xC0 | len(value), number) + value


@functools.lru_cache(8)
def etag(content):
    """Once for each file: of some megabytes it takes longer than a block."""
    return hashlib.sha256(content).digest()[:8]


class Files(Endpoint):
    """A file server over CoAP: {path: bytes}, by Block2, with ETags; counts what was asked for."""

    def __init__(self):
        self.files, self.asked, self.silent_from = {}, [], None
        super().__init__()

    def uri(self, path):
        return f"coap://127.0.0.1:{self.port}{path}".encode()

    def handle(self, m, address):
        block = m.opt.block2
        self.asked.append(block.block_number)
        if self.silent_from is not None and block.block_number >= self.silent_from:
            return None
        content = self.files.get("/" + "/".join(m.opt.uri_path))
        if content is None:
            return Message(code=Code.NOT_FOUND)
        size = 16 << block.size_exponent
        at = block.block_number * size
        answer = Message(code=Code.CONTENT, payload=content[at:at + size])
        answer.opt.etag = etag(content)
        answer.opt.block2 = (block.block_number, at + size < len(content), block.size_exponent)
        return answer
