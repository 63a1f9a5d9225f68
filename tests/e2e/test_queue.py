# SPDX-License-Identifier: Apache-2.0
"""Requests to a device that sleeps, over kill -9 of the server.

An operator queues Executes and Reads without a pause, the device (written from RFC 7252 alone) wakes now and
then, and the server is killed and started again. Of what was acknowledged nothing is lost, nothing is done twice,
and nothing out of order; an Execute may be in doubt, and then says so. TESSERA_KILLS says how often (20).
"""
import os
import random
import socket
import sys
import threading
import time
import unittest

import lab

sys.path.insert(0, str(lab.ROOT / "tests/tesserad"))
import peer  # noqa: E402

KILLS = int(os.environ.get("TESSERA_KILLS", "20"))
SEED = int(os.environ.get("TESSERA_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
REGISTER = [(peer.URI_QUERY, q) for q in (b"ep=dev1", b"lt=3600", b"lwm2m=1.1", b"b=U", b"Q")]


class Sleeper(threading.Thread):
    """Wakes, says so, does what it is asked for a while, and goes deaf again."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.random, self.closing, self.location = random.Random(seed), False, []
        self.executed, self.reads, self.answers = [], 0, {}
        self.mid = 0

    def run(self):
        while not self.closing:
            try:
                if self.announce():
                    self.serve(0.6)
                else:
                    self.location = []
            except OSError:  # the server is away: the kernel says so
                time.sleep(0.05)
            self.sleep(self.random.uniform(0.05, 0.4))

    def sleep(self, seconds):
        time.sleep(seconds)
        self.socket.setblocking(False)
        while True:  # what came meanwhile was not heard
            try:
                self.socket.recv(2048)
            except OSError:
                return

    def announce(self):
        self.mid = (self.mid + 1) & 0xFFFF
        path = [(peer.URI_PATH, p) for p in ([b"rd"] + self.location)]
        options = path + ([] if self.location else REGISTER + [(peer.CONTENT_FORMAT, peer.uint(40))])
        self.socket.send(peer.build(peer.CON, peer.POST, self.mid, b"t", options, b"" if self.location else b"</1/0>,</3/0>"))
        message = self.serve(1.0, self.mid)
        if message is None or message.code >> 5 != 2:
            return message is None and bool(self.location)  # silence may be a lost answer, 4.04 is not
        if not self.location:
            self.location = [v for n, v in message.options if n == peer.LOCATION_PATH][1:]
        return True

    def serve(self, seconds, until=None):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                message = peer.Message(self.socket.recv(2048))
            except TimeoutError:
                return None
            if message.kind == peer.ACK and message.mid == until:
                return message
            if message.kind == peer.CON and 0 < message.code < 32:
                self.answer(message)
        return None

    def answer(self, message):
        key = (message.mid, message.token)
        if key not in self.answers:  # else a retransmission: the same answer again
            if message.code == peer.POST:
                self.executed.append(int(message.payload))
                self.answers[key] = peer.build(peer.ACK, 0x44, message.mid, message.token)
            else:
                self.reads += 1
                self.answers[key] = peer.build(peer.ACK, 0x45, message.mid, message.token, [], b"77")
        if self.random.random() > 0.03:  # some answers are lost
            self.socket.send(self.answers[key])


class Operator(threading.Thread):
    """Queues without a pause; keeps the ids of what was acknowledged."""

    def __init__(self, room):
        super().__init__(daemon=True)
        self.room, self.closing, self.number = room, False, 0
        self.executes, self.reads, self.cancelled = {}, [], set()

    def run(self):
        while not self.closing:
            self.number += 1
            self.queue(self.number)
            time.sleep(0.1)

    def queue(self, number):
        read = number % 4 == 0
        method, path = ("GET", "/3/0/9") if read else ("POST", "/3/0/4/execute")
        try:
            status, body, _ = self.room.rest.call(method, f"/devices/dev1/objects{path}?queue=true",
                                                  None if read else {"arguments": str(number)}, timeout=6)
            if status == 202 and number % 10 == 1:
                if self.room.rest.call("DELETE", f"/requests/{body['id']}", timeout=6)[1].get("state") == "cancelled":
                    self.cancelled.add(number)
        except (OSError, ValueError, lab.http.client.HTTPException):
            return  # not acknowledged: it may be queued or not
        if status == 202 and read:
            self.reads.append(body["id"])
        elif status == 202:
            self.executes[number] = body["id"]


class Queue(unittest.TestCase):
    def start(self, room):
        room.start_server("--allow-nosec", "--awake", "1", "--queue-device", "100000")

    def over(self, room, ids):
        """All of them, once none waits any more."""
        def waiting():
            return room.rest.get("/requests?waiting=true")[1]["items"]

        room.wait(lambda: not waiting(), 240, "the end of the queue")
        found = {}
        for number in ids:
            status, body, _ = room.rest.get(f"/requests/{number}")
            self.assertEqual(status, 200, f"request {number} was acknowledged and is lost")
            found[number] = body
        return found

    def test_queue_survives_kills(self):
        chance = random.Random(SEED)
        print(f"seed {SEED}", flush=True)
        with lab.Lab() as room:
            self.start(room)
            device = Sleeper(room.coap, SEED)
            device.start()
            room.wait_registered("dev1")
            operator = Operator(room)
            operator.start()
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.1, 1.2))
                room.parts["server"].kill()
                self.start(room)
            operator.closing = True
            operator.join()
            found = self.over(room, [*operator.executes.values(), *operator.reads])
            device.closing = True
            device.join()
        self.judge(device, operator, found)

    def judge(self, device, operator, found):
        done = doubtful = 0
        self.assertEqual(len(device.executed), len(set(device.executed)), "an Execute was done twice")
        self.assertEqual(device.executed, sorted(device.executed), "out of order")
        for number, request in operator.executes.items():
            state, times = found[request]["state"], device.executed.count(number)
            if number in operator.cancelled:
                self.assertEqual(state, "cancelled")
                continue
            self.assertIn(state, ("done", "failed", "cancelled"), found[request])
            if state == "done":
                done += 1
                self.assertEqual(times, 1, found[request])
            elif state == "failed":
                doubtful += 1
                self.assertIn("may have been carried out", found[request]["detail"])
        for request in operator.reads:
            self.assertEqual(found[request]["state"], "done", found[request])
            self.assertEqual(found[request]["values"][0]["value"], 77)
        self.assertGreater(done, KILLS // 2)
        print(f"{done} done, {doubtful} in doubt after {KILLS} kills, {len(operator.reads)} reads by {device.reads} "
              f"requests, {len(operator.cancelled)} cancelled", flush=True)


if __name__ == "__main__":
    unittest.main()
