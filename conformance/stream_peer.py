# SPDX-License-Identifier: Apache-2.0
"""The ends of peer.py over TCP: aiocoap's framing and options, and nothing of ours. TLS is Python's own (certificates) or
that of the program `openssl` (pre-shared keys), which carries the bytes between a socket and its standard streams."""
import select
import socket
import subprocess
import time

from aiocoap import Code, Message
from aiocoap.optiontypes import OpaqueOption, UintOption
from aiocoap.transports.tcp import _decode_message, _extract_message_size, _serialize

import peer

CSM, PING, PONG, RELEASE, ABORT = (Code(0xE1 + i) for i in range(5))


def csm(size=1152, blocks=True):
    m = Message(code=CSM)
    m.opt.add_option(UintOption(2, size))
    if blocks:
        m.opt.add_option(OpaqueOption(4, b""))
    return m


class Link:
    """A socket, with TLS around it or not."""

    def __init__(self, sock):
        self.socket, self.room = sock, b""
        sock.settimeout(0.2)

    def send(self, data):
        end = time.monotonic() + 20
        while data:
            try:
                data = data[self.socket.send(data):]
            except TimeoutError:
                if time.monotonic() > end:
                    raise

    def receive(self):
        """Some bytes; b"": over; None: none now."""
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def close(self):
        self.socket.close()

    def tls(self):
        return self.socket.version(), self.socket.selected_alpn_protocol()


class Pipe:
    """The standard streams of `openssl s_client` or `openssl s_server`."""

    def __init__(self, *command):
        self.room = b""
        self.process = subprocess.Popen(["openssl", *command, "-quiet"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self):
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.2)
            return self.process.stdout.read1(65536) if ready else None
        except ValueError:  # closed meanwhile
            return b""

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Streams:
    """Before Endpoint in the row of bases: its sockets are streams. An address is a link."""

    first = staticmethod(csm)  # our CSM

    def __init__(self, *more):
        self.link, self.signals, self.links = None, [], []
        super().__init__(*more)

    def serve(self, link):
        """One connection to its end."""
        link.send(_serialize(self.first()))
        with self.changed:
            self.link = link
            self.links.append(link)
            self.changed.notify_all()
        while not self.closing and self.link is link:
            data = link.receive()
            if data == b"":
                break
            link.room += data or b""
            self.take_all(link)
        link.close()
        with self.changed:
            self.link = None
            self.changed.notify_all()

    def take_all(self, link):
        while True:
            length = _extract_message_size(link.room)
            if length is None or sum(length) > len(link.room):
                return
            whole, link.room = link.room[:sum(length)], link.room[sum(length):]
            m = _decode_message(whole)
            if m.code in (CSM, PING, PONG, RELEASE, ABORT):
                self.take_signal(m, link)
            elif m.code.is_request():
                self.take_request(m, link)
            elif m.code is not Code.EMPTY:
                self.take_response(m, link)

    def take_signal(self, m, link):
        if m.code is PING:
            pong = Message(code=PONG)
            pong.token = m.token
            link.send(_serialize(pong))
        with self.changed:
            self.signals.append(m)
            self.changed.notify_all()

    def take_request(self, m, link):
        answer = None if getattr(self, "silent", False) else self.handle(m, link)
        if answer is not None:
            answer.token = m.token
            link.send(_serialize(answer))
        with self.changed:
            while self.afterwards:
                self.afterwards.pop(0)()
            self.changed.notify_all()

    def take_response(self, m, link):
        with self.changed:
            self.inbox[m.token].append(peer.Answer(m))
            self.changed.notify_all()

    def exchange(self, message, to, timeout=20):
        token = message.token
        had = len(self.inbox[token])
        to.send(_serialize(message))
        return self.wait(lambda: len(self.inbox[token]) > had and self.inbox[token][had], timeout,
                         f"an answer to {message.code} {'/'.join(message.opt.uri_path)}")

    def signal(self, code, *options, token=b"", timeout=20):
        """Sends a signalling message; of a Ping, waits for the Pong."""
        m = Message(code=code)
        m.token = token
        for option in options:
            m.opt.add_option(option)
        self.link.send(_serialize(m))
        return code is not PING or self.heard(PONG, token, timeout)

    def heard(self, code, token=None, timeout=20):
        return self.wait(lambda: [m for m in self.signals if m.code is code and token in (None, m.token)], timeout,
                         f"signal {code}")[0]

    def hang_up(self):
        """Closes the connection without a word."""
        link, self.link = self.link, None
        self.wait(lambda: link is None or (link.close() or True), 5)


class StreamServer(Streams, peer.Server):
    """`context`: an ssl.SSLContext; `psk`: (identity, key in hex), by `openssl s_server`; neither: plain TCP."""

    def __init__(self, context=None, psk=None, at=0):
        self.context, self.psk, self.at = context, psk, at
        super().__init__()

    def open(self):
        listening = socket.create_server(("127.0.0.1", self.at))
        listening.settimeout(0.2)
        return listening

    @property
    def uri(self):
        return f"{'coaps' if self.context or self.psk else 'coap'}+tcp://127.0.0.1:{self.port}"

    def run(self):
        if self.psk:
            self.socket.close()
        while not self.closing:
            if self.psk:
                self.serve(Pipe("s_server", "-accept", f"127.0.0.1:{self.port}", "-nocert", "-tls1_2", "-alpn", "coap",
                                "-psk_identity", self.psk[0], "-psk", self.psk[1], "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0",
                                "-naccept", "1"))
                continue
            try:
                link, _ = self.socket.accept()
                if self.context:
                    link.settimeout(20)
                    link = self.context.wrap_socket(link, server_side=True)
                self.serve(Link(link))
            except TimeoutError:
                continue
            except OSError as error:
                self.refused_because = error


class StreamDevice(Streams, peer.Device):
    """A device at a server's port; `link` makes its connection."""

    def __init__(self, server_port, link=None):
        self.make = link or (lambda: Link(socket.create_connection(("127.0.0.1", server_port))))
        super().__init__(server_port)
        self.wait(lambda: self.link, 20, "the connection")
        self.server = self.link

    def open(self):
        return socket.socket()

    def run(self):
        self.serve(self.make())

    def notify(self, token, sequence, payload, format):
        m = Message(code=Code.CONTENT, payload=payload)
        m.token = token
        m.opt.observe, m.opt.content_format = sequence, format
        self.link.send(_serialize(m))
