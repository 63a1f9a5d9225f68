# SPDX-License-Identifier: Apache-2.0
"""An hour in the life of a client, in seconds: the real engine in a process of its own (long_life.c), whose clock,
network and server are played here. The network loses, doubles and swaps datagrams and gives the device another
address each minute; the server restarts, and sometimes forgets everything. The server is written from RFC 7252,
7641 and Core 6 alone; conformance/ plays the same with aiocoap's codec. Every run of a seed is the same.

No observation is lost, no Execute happens twice, the process does not grow.
"""
import collections
import heapq
import importlib.util
import pathlib
import random
import re
import resource
import struct
import subprocess
import unittest

import lab


def load(name, path):
    """conformance/ has a module of the same name."""
    spec = importlib.util.spec_from_file_location(name, lab.ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peer = load("plain_peer", "tests/tesserad/peer.py")

HOUR, QUIET = 3_600_000, 200_000
SILENCE = 180_000  # the longest between two notifications: pmax, an outage, and a retransmitted Update
OBSERVED = ("/3303/0/5700", "/3303/0")
NEVER = 1 << 64


class Codec:
    """One CoAP message each way."""

    @staticmethod
    def parse(data):
        return peer.Message(data)

    @staticmethod
    def build(kind, code, mid, token=b"", options=(), payload=b""):
        return peer.build(kind, code, mid, token, options, payload)


class Server:
    """Registrations and observations are durable; what is under way, and which messages were seen, is not."""

    def __init__(self, world):
        self.world, self.random, self.up = world, world.random, True
        self.locations, self.address, self.tokens = {}, None, {}
        self.values, self.heard, self.order = {}, {}, {}
        self.numbers, self.done, self.resets, self.registrations = 0, set(), 0, 0
        self.fresh()

    def fresh(self):
        self.pending, self.seen, self.mid = {}, {}, self.random.randrange(1 << 16)

    def restart(self, forget):
        self.up = True
        self.fresh()
        if forget:
            self.locations, self.address, self.tokens = {}, None, {}

    # ---- requests of its own ----

    def ask(self, code, path, token, options=(), payload=b"", then=None):
        self.mid = (self.mid + 1) & 0xFFFF
        options = [(peer.URI_PATH, p.encode()) for p in path.strip("/").split("/")] + list(options)
        data = self.world.codec.build(peer.CON, code, self.mid, token, options, payload)
        self.pending[self.mid] = (token, then)
        self.transmit(self.mid, self.pending[self.mid], data, 0, self.random.uniform(2000, 3000))

    def transmit(self, mid, entry, data, tries, wait):
        """RFC 7252 §4.2: four times more, and then it is given up."""
        if self.pending.get(mid) is not entry:
            return
        if tries == 5:
            del self.pending[mid]
            self.finish(entry, None)
            return
        if self.address is not None:
            self.world.to_device(data, self.address)
        self.world.at(wait, lambda: self.transmit(mid, entry, data, tries + 1, wait * 2))

    def finish(self, entry, code):
        if entry[1]:
            entry[1](code)

    def observe(self, path, token):
        def then(code):  # unanswered: again with the same token (RFC 7641 §3.1)
            if code is None and token in self.tokens:
                self.observe(path, token)
            elif code is not None:
                self.world.check(code == "2.05", f"Observe of {path} was answered {code}")
        self.ask(peer.GET, path, token, [(peer.OBSERVE, b""), (peer.ACCEPT, peer.uint(112)),
                                         (peer.URI_QUERY, b"pmin=1"), (peer.URI_QUERY, b"pmax=30")], then=then)

    def execute(self):
        if not self.up or self.address is None:
            return
        self.numbers += 1
        number = self.numbers

        def then(code):
            if code is not None:
                self.world.check(code == "2.04", f"Execute was answered {code}")
                self.done.add(number)
        self.ask(peer.POST, "/26241/0/0", b"x" + number.to_bytes(4, "big"), payload=f"0='{number}'".encode(), then=then)

    # ---- what comes in ----

    def take(self, data, source):
        m = self.world.codec.parse(data)
        if 0 < m.code < 32:
            self.take_request(m, source)
        elif m.kind in (peer.ACK, peer.RST):
            if m.kind == peer.RST or m.code != 0:
                entry = self.pending.pop(m.mid, None)
                if entry and m.code != 0:
                    self.note(entry[0], m)
                    self.finish(entry, m.dotted)
        elif m.token in self.tokens and source == self.address:
            if m.kind == peer.CON:
                self.world.to_device(self.world.codec.build(peer.ACK, 0, m.mid), source)
            self.note(m.token, m)
        else:
            self.resets += 1
            self.world.to_device(self.world.codec.build(peer.RST, 0, m.mid), source)

    def note(self, token, m):
        """RFC 7641 §3.4: the newest counts, whatever came when."""
        number = m.number(peer.OBSERVE)
        if token not in self.tokens or number is None:
            return
        now, (last, when) = self.world.now, self.order.get(token, (None, 0))
        self.world.gap(token, now)
        self.heard[token] = now
        if last is None or 0 < (number - last) % (1 << 24) < 1 << 23 or now - when > 128_000:
            self.order[token] = (number, now)
            self.values[token] = m.payload

    def take_request(self, m, source):
        if (source, m.mid) not in self.seen:
            self.seen[(source, m.mid)] = self.answer(m, source)
        code, options = self.seen[(source, m.mid)]
        self.world.to_device(self.world.codec.build(peer.ACK, code, m.mid, m.token, options), source)

    def answer(self, m, source):
        parts = m.path.strip("/").split("/")
        if m.code == peer.POST and parts == ["rd"]:
            location = f"{self.random.randrange(1 << 32):x}"
            self.locations, self.address, self.tokens, self.pending = {location: source}, source, {}, {}
            self.registrations += 1
            self.world.at(50, self.begin)
            return 0x41, [(peer.LOCATION_PATH, b"rd"), (peer.LOCATION_PATH, location.encode())]
        if m.code == peer.POST and parts[-1] in self.locations:
            self.address = source
            return 0x44, []
        return 0x84, []

    def begin(self):
        if self.tokens or not self.up:
            return
        for n, path in enumerate(OBSERVED):
            token = bytes([n]) + self.random.randbytes(4)
            self.tokens[token] = path
            self.heard[token] = self.world.now
            self.observe(path, token)


class World:
    def __init__(self, seed, codec=Codec):
        self.random, self.codec, self.now, self.events, self.count = random.Random(seed), codec, 1000, [], 0
        self.loss, self.stormy, self.location, self.value = 0.10, True, 1, 20.0
        self.faults, self.executed, self.runs, self.ends = [], collections.Counter(), 0, []
        self.process = subprocess.Popen([lab.program("long-life")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wakes, self.longest = NEVER, 0
        self.server = Server(self)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def check(self, good, what):
        if not good:
            self.faults.append(f"{self.now / 1000:.1f} s: {what}")

    def at(self, wait_ms, what):
        self.count += 1
        heapq.heappush(self.events, (self.now + int(wait_ms), self.count, what))

    # ---- the network ----

    def carry(self, deliver):
        if self.random.random() < self.loss:
            return
        for _ in range(2 if self.random.random() < self.loss / 2 else 1):
            self.at(self.random.uniform(10, 250), deliver)

    def to_server(self, data):
        source = self.location
        self.carry(lambda: self.server.up and self.server.take(data, source))

    def to_device(self, data, address):
        self.carry(lambda: address == self.location and self.device(f"feed {data.hex()}"))

    # ---- the device ----

    def device(self, command):
        self.runs += 1
        print(self.now, command, file=self.process.stdin, flush=True)
        while True:
            word, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
            if word == "send":
                self.to_server(bytes.fromhex(rest))
            elif word == "execute":
                self.executed[int(rest.split("'")[1])] += 1
            elif word == "event" and rest.split(" ")[0] == "9":  # TSR_LWM2M_E_OBSERVE_END
                self.ends.append((rest.split(" ", 1)[1], self.server.address is None))
            elif word == "done":
                self.wakes = max(int(rest), self.now + 1)
                return
            elif word not in ("event",):
                raise AssertionError(f"the device ended: {self.process.wait(5)}")

    def resident(self):
        """Pages of its own: those of files come as they are run, and statm may be wrong by 32 pages for each processor."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Anonymous: +(\d+) kB$", text, re.M)[1]) * 1024 // resource.getpagesize()

    # ---- what happens ----

    def change(self):
        if self.stormy:
            self.value = round(self.random.uniform(-40, 80), 2)
            self.device(f"value {self.value}")
            self.at(self.random.uniform(1000, 8000), self.change)

    def move(self):
        if self.stormy:
            self.location += 1
            self.device("moved")
            self.at(60_000, self.move)

    def execute(self):
        if self.stormy:
            self.server.execute()
            self.at(self.random.uniform(2000, 12000), self.execute)

    def outage(self):
        if self.stormy:
            self.server.up = False
            forget = self.random.random() < 0.3
            self.at(self.random.uniform(2000, 40_000), lambda: self.server.restart(forget))
            self.at(self.random.uniform(120_000, 300_000), self.outage)

    def gap(self, token, now):
        if token in self.server.tokens:
            self.longest = max(self.longest, now - self.server.heard.get(token, now))

    def until(self, end):
        while True:
            first = self.events[0][0] if self.events else NEVER
            if min(first, self.wakes) > end:
                break
            self.now = min(first, self.wakes)
            if first <= self.wakes:
                heapq.heappop(self.events)[2]()
            else:
                self.device("run")
        self.now = end

    def hour(self):
        self.device(f"value {self.value}")
        for wait, what in ((3000, self.change), (60_000, self.move), (5000, self.execute), (90_000, self.outage)):
            self.at(wait, what)
        self.until(600_000)
        before = self.resident()
        self.until(HOUR)
        self.grown = self.resident() - before
        self.stormy, self.loss = False, 0.0
        self.until(HOUR + QUIET)


class LongLife(unittest.TestCase):
    codec = Codec

    def value_in(self, payload):
        """The SenML CBOR record of resource 5700 holds the value as float, wherever it stands."""
        return [struct.unpack(f">{kind}", payload[i + 1:i + 1 + size])[0] for i, byte in enumerate(payload)
                for head, kind, size in ((0xF9, "e", 2), (0xFA, "f", 4), (0xFB, "d", 8))
                if byte == head and len(payload) >= i + 1 + size]

    def play(self, seed):
        world = World(seed, self.codec)
        self.addCleanup(world.close)
        world.hour()
        server = world.server
        self.assertEqual(world.faults, [], f"seed {seed}")
        self.assertEqual([n for n, times in world.executed.items() if times != 1], [], "executed more than once")
        self.assertEqual(server.done - set(world.executed), set(), "acknowledged and not executed")
        self.assertGreater(len(server.done), 300, "hardly anything was executed")
        lost = [why for why, forgotten in world.ends if why != "registered anew" and not forgotten]
        self.assertEqual(lost, [], f"seed {seed}: observations that ended, though the server knew them")
        self.assertEqual(len(server.tokens), len(OBSERVED))
        self.assertLess(world.longest, SILENCE, "an observation was silent")
        for token, path in server.tokens.items():
            self.assertGreater(server.heard[token], HOUR + QUIET - 40_000, f"{path} is not heard any more")
            self.assertIn(world.value, [round(v, 2) for v in self.value_in(server.values[token])], path)
        self.assertLessEqual(world.grown, 16, "pages of memory that came after ten minutes")
        self.assertLess(world.runs, 20 * HOUR // 1000, "the device is busy without a cause")
        return world

    def test_an_hour_with_loss_moves_and_restarts(self):
        self.play(1)

    def test_another_hour(self):
        self.play(2)

    def test_a_third_hour(self):
        self.play(3)


if __name__ == "__main__":
    unittest.main()
