# SPDX-License-Identifier: Apache-2.0
"""Eclipse Californium 3 at the other end: Connection IDs (RFC 9146) over changes of address, and blocks (RFC 7959)."""
import json
import re
import unittest

import lab
import leshan

EP = "cal1"


def text(length):
    """What Californium.text makes."""
    return " ".join(map(str, range(length)))[:length]


@leshan.needed_m15
class Californium(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def value(self, path):
        status, body, _ = self.room.rest.get(f"/devices/{EP}/objects{path}")
        self.assertEqual(status, 200, body)
        return body["values"][0]["value"]

    def write(self, path, value):
        status, body, _ = self.room.rest.call("PUT", f"/devices/{EP}/objects{path}", {"value": value})
        self.assertEqual(status, 200, body)

    def blocks(self, theirs):
        """Registered in blocks; both directions of bodies that are longer than one of theirs."""
        seen = self.room.wait_registered(EP, 40)
        self.assertEqual([len(o["instances"]) for o in seen["objects"] if o["object"] == 10000], [200])
        self.assertEqual(self.value("/3/0/0"), text(5000))
        self.write("/3/0/15", text(3000))
        theirs.expect("written 3000", 20)
        self.assertEqual(self.value("/3/0/15"), text(3000))

    def test_blocks_of_client(self):
        room = self.room
        room.start_server("--allow-nosec")
        self.blocks(leshan.start(room, "CoapDevice", room.coap, EP, 64))

    def test_client_goes_on_by_its_connection_id(self):
        """Its address changes each second; what the server sends carries the client's Connection ID and finds it."""
        room, key = self.room, lab.new_key()
        room.start_server()
        room.credentials(EP, EP, key)
        theirs = leshan.start(room, "CoapDevice", room.relay("relay", room.coaps, "--rebind-every", "2"), EP, 1024, EP,
                              key.hex())
        room.wait_registered(EP, 40)
        addresses = set()

        def moved():
            addresses.add(room.rest.device(EP)["address"])
            return len(addresses) > 3

        room.wait(moved, 40, "four addresses")
        self.assertEqual(self.value("/3/0/0"), text(5000))
        self.assertEqual(self.once(theirs, "updated"), {("6", "8")})

    def once(self, theirs, word):
        """The lengths of the Connection IDs to read and to write by, all of one handshake."""
        lines = re.findall(rf"^{word} .*cid (\S+) (\S+) handshake (\d+)", theirs.text(), re.M)
        self.assertEqual(len({handshake for _, _, handshake in lines}), 1, theirs.text()[-2000:])
        return {(read, write) for read, write, _ in lines}

    def managed(self, theirs):
        """What our device answered: in blocks of 16 that were asked for, whole, and to a body in blocks."""
        theirs.expect("value ", 40)
        said = theirs.text()
        small, whole = (int(re.search(rf"^{word} 2.05 (\d+) bytes", said, re.M)[1]) for word in ("small", "whole"))
        self.assertGreater(small, 200)
        self.assertAlmostEqual(small, whole, delta=40)
        records = json.loads(re.search(r"^text (\[.*)", said, re.M)[1])
        self.assertIn("Tessera", [r.get("vs") for r in records])
        self.assertIn("long 2.04", said)
        self.assertIn("value 42", said)

    def test_blocks_of_server(self):
        room, port = self.room, lab.free_port()
        theirs = leshan.start(room, "CoapManager", port, 128)
        room.start_secured()
        room.start_device(EP, f"coap://127.0.0.1:{port}")
        self.managed(theirs)

    def test_device_goes_on_by_its_connection_id(self):
        """The server knows our device's records by the identifier that it chose, from whatever port they come."""
        room, port, key = self.room, lab.free_port(), lab.new_key()
        theirs = leshan.start(room, "CoapManager", port, 0, EP, key.hex())
        room.start_secured()
        room.configure_device(EP, f"coaps://127.0.0.1:{room.relay('relay', port, '--rebind-every', '2')}", True,
                              "lifetime = 10")
        room.provision(key)
        room.run_device()
        ports = rf"^notified port (\d+) "
        room.wait(lambda: len(set(re.findall(ports, theirs.text(), re.M))) > 3, 40, "notifications from four ports")
        self.assertEqual(self.once(theirs, "notified"), {("6", "0")})
        self.assertEqual(theirs.text().count("registration "), 1)


if __name__ == "__main__":
    unittest.main()
