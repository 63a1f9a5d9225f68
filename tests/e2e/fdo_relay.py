# SPDX-License-Identifier: Apache-2.0
"""A relay between FDO's devices and a service: it knows requests and answers of HTTP, and does one thing wrong, once.

A fault is (how, message, which): at the `which`-th message of that number the relay

    refuse        closes the connection before the request is passed on
    lose          passes the request on, and closes when the answer is there
    cut           closes in the middle of the answer
    garble        passes on an answer whose second half is rubbish
    late          passes the request on when its sender has given up
    slow          keeps the answer until then
    twice         sends the request twice, and gives the first answer
    twice-last    sends it twice, and gives the second answer
    echo          sends the answer twice
    *-before, *-after, *-between    calls `act` before the request is passed on, after its answer was given, or instead of giving it
"""
import os
import re
import socket
import threading

from ports import free_port


class Gone(Exception):
    """The connection is to be closed."""


def read_message(stream):
    """One request or answer: (head, body); None: the other side closed."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(65536)
        if not line:
            return None
        head += line
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    size = int(length[1]) if length else 0
    if re.search(rb"(?im)^expect:\s*100-continue", head):
        stream.raw._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = stream.read(size)
    return (head, body) if len(body) == size else None


class Relay(threading.Thread):
    """`seen` lists the numbers of all requests; `fired` is set when the fault is played, `over` when it has been."""

    def __init__(self, to, fault=None, act=None, patience=2.0):
        super().__init__(daemon=True)
        self.port, self.to, self.fault, self.act, self.patience = free_port(), to, fault, act, patience
        self.seen, self.fired, self.over, self.closing = [], threading.Event(), threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self):
        while not self.closing.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def close(self):
        self.closing.set()
        self.listener.close()

    def left(self):
        """Protocols that were begun and whose last message was never sent: on a busy machine a device may give several up."""
        with self.lock:
            return sum(self.seen.count(n) for n in (10, 20, 30, 60)) - sum(self.seen.count(n) for n in (12, 22, 32, 70))

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            try:
                while message := read_message(stream):
                    self.exchange(client, *message)
            except (OSError, Gone):
                pass

    def forward(self, head, body):
        with socket.create_connection(("127.0.0.1", self.to), timeout=60) as link, link.makefile("rb") as stream:
            link.sendall(head + body)
            answer = read_message(stream)
        if answer is None:
            raise Gone
        return answer[0] + answer[1], len(answer[1])

    def due(self, number):
        """How to do it wrong now; None: as it should be."""
        with self.lock:
            self.seen.append(number)
            if self.fault is None or self.fired.is_set():
                return None
            how, message, which = self.fault
            if message != number or self.seen.count(number) != which:
                return None
            self.fired.set()
            return how

    def exchange(self, client, head, body):
        number = re.match(rb"POST \S*/msg/(\d+) ", head)
        how = self.due(int(number[1]) if number else 0)
        try:
            self.play(client, head, body, how)
        finally:
            if how:
                self.over.set()

    def play(self, client, head, body, how):
        if how == "refuse":
            raise Gone
        if how == "late":
            self.closing.wait(self.patience)
        if how and how.endswith("-before"):
            self.act()
        answer, size = self.forward(head, body)
        if how and how.startswith("twice"):
            second, _ = self.forward(head, body)
            answer = second if how == "twice-last" else answer
        if how == "slow":
            self.closing.wait(self.patience)
        if how and how.endswith("-between"):
            self.act()
        if how in ("lose", "late") or how and how.endswith("-between"):
            raise Gone
        self.give(client, how, answer, size)
        if how and how.endswith("-after"):
            self.act()

    @staticmethod
    def give(client, how, answer, size):
        half = len(answer) - (size + 1) // 2
        if how == "garble":
            answer = answer[:half] + os.urandom(len(answer) - half)
        client.sendall(answer[:half] if how == "cut" else answer)
        if how == "cut":
            raise Gone
        if how == "echo":
            client.sendall(answer)
