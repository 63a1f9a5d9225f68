#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/lossy against real sockets: test_relay.py PATH-OF-LOSSY-RELAY"""
import pathlib
import re
import socket
import subprocess
import sys
import time
import unittest

PROGRAM = sys.argv.pop(1)


class Relay:
    """A relay before an echo-less server socket of the test."""

    def __init__(self, *options):
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.server.settimeout(10)
        to = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.process = subprocess.Popen([PROGRAM, "--listen", "127.0.0.1:0", "--to", to, *options],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r"ready on port (\d+)", self.process.stdout.readline()).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.server.close()

    def client(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("127.0.0.1", self.port))
        s.settimeout(10)
        return s

    def has_read_all(self):
        """proc(5): whether nothing waits in the relay's socket towards its clients."""
        for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
            cells = line.split()
            if int(cells[1].rpartition(":")[2], 16) == self.port:
                return int(cells[4].partition(":")[2], 16) == 0
        return True

    def receive_all(self, silence=0.3):
        """What the server has of all that was sent: the relay may have to wait for a core."""
        end, got = time.monotonic() + 30, []
        while not self.has_read_all() and time.monotonic() < end:
            got += receive(self.server, 0.01)
        return got + receive(self.server, silence)

    def stop(self):
        self.process.terminate()
        out, _ = self.process.communicate(timeout=30)
        return {k: int(v) for k, v in re.findall(r"(\w+) (\d+)", out)}


def receive(sock, silence):
    """Datagrams and where they come from, until none comes for so many seconds."""
    got, before = [], sock.gettimeout()
    sock.settimeout(silence)
    try:
        while True:
            got.append(sock.recvfrom(4096))
    except TimeoutError:
        return got
    finally:
        sock.settimeout(before)


class RelayTest(unittest.TestCase):
    def test_carries_both_ways_and_keeps_clients_apart(self):
        with Relay() as r:
            with r.client() as a, r.client() as b:
                a.send(b"from a")
                b.send(b"from b")
                got = dict(r.server.recvfrom(100) for _ in range(2))
                self.assertEqual(set(got), {b"from a", b"from b"})
                self.assertNotEqual(got[b"from a"], got[b"from b"])
                r.server.sendto(b"to b", got[b"from b"])
                r.server.sendto(b"to a", got[b"from a"])
                self.assertEqual(a.recv(100), b"to a")
                self.assertEqual(b.recv(100), b"to b")
                a.send(b"")  # an empty datagram is a datagram
                self.assertEqual(r.server.recv(100), b"")
            self.assertEqual(r.stop()["delivered"], 5)

    def test_loses_and_doubles_as_told(self):
        with Relay("--loss", "20", "--dup", "10", "--seed", "7") as r:
            with r.client() as a:
                got = []
                for i in range(2000):
                    a.send(b"%d" % i)
                    if i % 100 == 99:  # the kernel's buffers must not add losses of their own
                        got += [data for data, _ in r.receive_all(0.05)]
                got += [data for data, _ in r.receive_all()]
            n = r.stop()
        self.assertEqual(n["received"], 2000)
        self.assertTrue(300 < n["lost"] < 500, n)
        self.assertTrue(100 < n["doubled"] < 220, n)
        self.assertEqual(len(got), n["delivered"])
        self.assertEqual(len(set(got)), 2000 - n["lost"])

    def test_the_seed_repeats_the_dice(self):
        def run():
            with Relay("--loss", "50", "--seed", "42") as r:
                with r.client() as a:
                    for i in range(100):
                        a.send(b"%d" % i)
                    return [data for data, _ in r.receive_all()]
        first = run()
        self.assertTrue(20 < len(first) < 80)
        self.assertEqual(first, run())

    def test_reorders_and_delays(self):
        with Relay("--reorder", "30", "--delay-ms", "20..40") as r:
            with r.client() as a:
                begin = time.monotonic()
                a.send(b"0")
                r.server.recv(100)
                self.assertGreaterEqual(time.monotonic() - begin, 0.019)
                for i in range(1, 101):
                    a.send(b"%d" % i)
                got = [int(r.server.recv(100)) for _ in range(100)]
        self.assertEqual(sorted(got), list(range(1, 101)))
        self.assertNotEqual(got, sorted(got))

    def test_rebinds_as_a_nat_does(self):
        with Relay("--rebind-every", "1") as r:
            with r.client() as a:
                ports = set()
                for _ in range(14):
                    a.send(b"x")
                    ports.add(r.server.recvfrom(100)[1][1])
                    time.sleep(0.2)
                self.assertGreaterEqual(len(ports), 3)
            self.assertGreaterEqual(r.stop()["rebinds"], 2)

    def test_says_what_is_wrong_with_its_options(self):
        for options in (["--loss", "101"], ["--delay-ms", "50"], ["--delay-ms", "9..3"], ["--to", "here"], ["--seed"],
                        ["--loss", "-1"]):
            p = subprocess.run([PROGRAM, "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9", *options],
                               capture_output=True, text=True, timeout=5)
            self.assertEqual(p.returncode, 2, options)
            self.assertIn("lossy-relay", p.stderr)
        self.assertEqual(subprocess.run([PROGRAM], capture_output=True, timeout=5).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
