# SPDX-License-Identifier: Apache-2.0
"""Who recorded the records of a session brings them in again after a kill -9: neither end takes one twice (RFC 6347 §4.1.2.6)."""
import selectors
import socket
import threading
import time
import unittest

import lab


class Wiretap(threading.Thread):
    """Between a device and the server: passes all on, keeps it, and sends again what it kept."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.device, self.server = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.device.bind(("127.0.0.1", 0))
        self.server.connect(("127.0.0.1", port))
        self.port, self.back, self.closing = self.device.getsockname()[1], None, False
        self.from_device, self.from_server = [], []

    def run(self):
        ends = selectors.DefaultSelector()
        ends.register(self.device, selectors.EVENT_READ)
        ends.register(self.server, selectors.EVENT_READ)
        while not self.closing:
            for key, _ in ends.select(0.2):
                try:
                    if key.fileobj is self.device:
                        datagram, self.back = self.device.recvfrom(2048)
                        self.from_device.append(datagram)
                        self.server.send(datagram)
                    else:
                        datagram = self.server.recv(2048)
                        self.from_server.append(datagram)
                        self.device.sendto(datagram, self.back)
                except OSError:  # nobody is there at the moment
                    pass

    def again_to_server(self, datagrams):
        for datagram in datagrams:
            self.server.send(datagram)

    def again_to_device(self, datagrams):
        for datagram in datagrams:
            self.device.sendto(datagram, self.back)


class Replay(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        key = lab.new_key()
        room.start_server()
        room.credentials("dev1", "dev1", key)
        room.start_secured("--persistent", "4096")
        self.tap = Wiretap(room.coaps)
        self.tap.start()
        self.addCleanup(setattr, self.tap, "closing", True)
        room.start_device("dev1", f"coaps://127.0.0.1:{self.tap.port}", key, coap=("ack_timeout_ms = 300",))
        room.wait_registered("dev1")
        room.wait_device("registered")  # it knows it too, and has kept its session: it may be killed

    def lifetime(self):
        return self.room.rest.device("dev1")["lifetime_s"]

    def set_lifetime(self, seconds):
        """A Write to the device, which answers with an Update of its registration."""
        status, body, _ = self.room.rest.call("PUT", "/devices/dev1/objects/1/0/1", {"value": seconds})
        self.assertEqual(status, 200, body)
        self.room.wait(lambda: self.lifetime() == seconds, 20, "the Update")

    def read(self):
        status, body, _ = self.room.rest.get("/devices/dev1/objects/1/0/1?timeout=20", timeout=30)
        self.assertEqual(status, 200, body)
        return body["values"][0]["value"]

    def change_twice(self):
        """What both ends sent for 1111 s, and then it is 2222 s."""
        before = len(self.tap.from_device), len(self.tap.from_server)
        self.set_lifetime(1111)
        old = self.tap.from_device[before[0]:], self.tap.from_server[before[1]:]
        self.set_lifetime(2222)
        return old

    def test_server_believes_no_old_record_after_a_kill(self):
        old, _ = self.change_twice()
        room = self.room
        room.parts["server"].kill()
        room.start_server()
        self.assertEqual(self.lifetime(), 2222)
        self.tap.again_to_server(old)
        time.sleep(1)
        self.assertEqual(self.lifetime(), 2222, "before the device was heard")
        self.assertEqual(self.read(), 2222)
        self.tap.again_to_server(old)
        time.sleep(1)
        self.assertEqual(self.lifetime(), 2222, "after it")
        self.set_lifetime(3333)
        self.assertEqual(room.parts["device"].text().count("event=connected"), 1, "no handshake was needed")

    def test_device_obeys_no_old_record_after_a_kill(self):
        _, old = self.change_twice()
        room = self.room
        room.parts["device"].kill()
        updates = room.rest.device("dev1")
        room.run_device()
        self.tap.again_to_device(old)
        room.wait(lambda: room.rest.device("dev1") != updates, 20, "the Update")
        self.tap.again_to_device(old)
        self.assertEqual(self.read(), 2222)
        self.assertEqual(self.lifetime(), 2222)

    def test_both_ends_believe_each_other_again_without_a_handshake(self):
        """Neither takes the other's word at once: the server asks by a Ping (RFC 7252 §4.3), the device by its Update."""
        room = self.room
        room.parts["device"].kill()
        room.parts["server"].kill()
        room.start_server()
        events = room.events()
        room.run_device()
        room.wait(lambda: any(e["type"] == "updated" for e in events.seen), 20, "the Update")
        self.assertEqual(self.read(), 300)
        room.wait_device("connected", session="resumed")
        self.assertEqual(room.parts["device"].text().count("session=new"), 1, "that of its first start")


if __name__ == "__main__":
    unittest.main()
