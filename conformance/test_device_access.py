# SPDX-License-Identifier: Apache-2.0
"""Access Control (object 2): one tesserad, and two servers that have nothing of ours (peer.py) at the same time.

OMA has no cases for it (ETS 6.6.3 is empty); these are by Core 8."""
import json
import unittest

import cbor2

import lab
import peer
from peer import LINKS, SENML_CBOR, SENML_JSON, TEXT

FETCH_CBOR = 322
READ, WRITE, EXECUTE, DELETE, CREATE = 1, 2, 4, 8, 16


def names(*paths):
    return cbor2.dumps([{0: path} for path in paths])


def senml(payload):
    return peer.senml_cbor(payload)


class Room:
    """A device that is registered at two servers; `first` and `second` are lines of their sections."""

    def __init__(self, first=(), second=("access = none",)):
        self.lab, self.first, self.second = lab.Lab(), peer.Server(), peer.Server()
        self.lab.start_secured()
        self.lab.configure_device("dev1", self.first.uri, False, *first)
        text = self.lab.device_config.read_text()
        section = "\n".join(["[server 2]", f"uri = {self.second.uri}", "mode = nosec", "lifetime = 500", *second])
        self.lab.device_config.write_text(text.replace("[light 0]", section + "\n[light 0]"))
        self.lab.run_device()

    def __enter__(self):
        self.first.registered()
        self.second.registered()
        return self

    def __exit__(self, *_):
        self.lab.close()
        self.first.close()
        self.second.close()

    def about(self, object_id, instance):
        """The instance of object 2 that is about that one, as the first server sees it."""
        for path, value in senml(self.first.read("/2", SENML_CBOR).payload).items():
            i, resource = path.split("/")[2:4]
            if resource == "0" and value == object_id and int(
                    self.first.read(f"/2/{i}/1", TEXT).payload) == instance:
                return int(i)
        raise AssertionError(f"nothing is said about /{object_id}/{instance}")

    def grant(self, object_id, instance, rights):
        row = self.about(object_id, instance)
        pack = [{"bn": f"/2/{row}/2/", "n": "2", "v": rights}]
        code = self.first.ask("POST", f"/2/{row}/2", json.dumps(pack).encode(), format=SENML_JSON).code
        if code != "2.04":
            raise AssertionError(f"granting was answered with {code}")


class Access(unittest.TestCase):
    def assertCode(self, answer, code):
        self.assertEqual(answer.code, code, answer)

    def test_device_refuses_every_operation_without_right(self):
        with Room() as room:
            one, two = room.first, room.second
            portfolio = json.dumps([{"bn": "/16/3/0/", "n": "0", "vs": "mine"}]).encode()
            self.assertCode(one.ask("POST", "/16", portfolio, format=SENML_JSON), "2.01")
            for method, path, payload, more in (
                    ("GET", "/3/0/0", b"", {}), ("GET", "/3/0", b"", {}), ("GET", "/3", b"", {}),
                    ("GET", "/3/0/13", b"", {"observe": 0}), ("GET", "/3/0/13", b"", {"observe": 1}),
                    ("PUT", "/3/0/14", b"+01:00", {"format": TEXT}), ("PUT", "/3/0/0", b"x", {"format": TEXT}),
                    ("POST", "/3311/0", b"[]", {"format": SENML_JSON}), ("PUT", "/3311/0", b"[]", {"format": SENML_JSON}),
                    ("PUT", "/3/0/13", b"", {"query": ("pmin=1",)}), ("POST", "/3/0/12", b"", {}),
                    ("POST", "/16", portfolio, {"format": SENML_JSON}), ("DELETE", "/16/3", b"", {}),
                    ("FETCH", "/", names("/3/0/0"), {"format": FETCH_CBOR}),
                    ("FETCH", "/", names("/3/0"), {"format": FETCH_CBOR, "observe": 0}),
                    ("iPATCH", "/", cbor2.dumps([{0: "/3/0/14", 3: "+01:00"}]), {"format": FETCH_CBOR}),
                    ("GET", "/1/0/1", b"", {}), ("GET", "/2/0", b"", {})):
                with self.subTest(method=method, path=path):
                    self.assertCode(two.ask(method, path, payload, **more), "4.01")
            self.assertCode(two.ask("GET", "/3", accept=LINKS), "2.05")
            self.assertCode(two.ask("PUT", "/3", query=("pmin=1",)), "2.04")
            self.assertCode(two.read("/1/1/1", TEXT), "2.05")
            self.assertCode(one.read("/3/0/0", TEXT), "2.05")

    def test_device_creator_owns_shares_and_deletes(self):
        with Room(second=("access = C",)) as room:
            one, two = room.first, room.second
            portfolio = json.dumps([{"bn": "/16/3/0/", "n": "0", "vs": "mine"}]).encode()
            self.assertCode(one.ask("POST", "/16", portfolio, format=SENML_JSON), "2.01")
            self.assertCode(two.read("/16/3/0/0", TEXT), "4.01")
            room.grant(16, 3, READ)
            self.assertEqual(two.read("/16/3/0/0", TEXT).payload, b"mine")
            self.assertCode(two.ask("DELETE", "/16/3"), "4.01")
            links = two.ask("GET", "/16", accept=LINKS).payload.decode()
            self.assertIn("</16/3>", links)
            room.grant(16, 3, READ | DELETE)
            self.assertCode(two.ask("DELETE", "/16/3"), "2.02")
            self.assertCode(one.read("/16/3/0/0", TEXT), "4.04")
            portfolio = portfolio.replace(b"/16/3/", b"/16/4/")
            self.assertCode(two.ask("POST", "/16", portfolio, format=SENML_JSON), "2.01")
            self.assertCode(one.read("/16/4/0/0", TEXT), "4.01")

    def test_device_composite_leaves_out_or_refuses(self):
        with Room(first=("owner = yes",)) as room:
            two = room.second
            room.grant(3311, 0, READ | WRITE)
            answer = two.ask("FETCH", "/", names("/3311/0/5851", "/3/0/0"), format=FETCH_CBOR)
            self.assertCode(answer, "2.05")
            self.assertEqual(list(senml(answer.payload)), ["/3311/0/5851"])
            both = [{0: "/3311/0/5851", 2: 40}, {0: "/3/0/14", 3: "+01:00"}]
            self.assertCode(two.ask("iPATCH", "/", cbor2.dumps(both), format=FETCH_CBOR), "4.01")
            self.assertCode(two.ask("iPATCH", "/", cbor2.dumps(both[:1]), format=FETCH_CBOR), "2.04")
            self.assertEqual(room.first.read("/3311/0/5851", TEXT).payload, b"40")

    def test_device_notifies_as_long_as_the_right_is_there(self):
        with Room(first=("owner = yes",)) as room:
            one, two = room.first, room.second
            room.grant(3311, 0, READ)
            token, answer = two.observe("/3311/0/5851", accept=TEXT)
            self.assertCode(answer, "2.05")
            self.assertCode(one.ask("PUT", "/3311/0/5851", b"61", format=TEXT), "2.04")
            self.assertEqual(two.notification(token, 1).payload, b"61")
            room.grant(3311, 0, 0)
            self.assertCode(one.ask("PUT", "/3311/0/5851", b"62", format=TEXT), "2.04")
            self.assertCode(two.read("/3311/0/5851", TEXT), "4.01")
            room.grant(3311, 0, READ)
            self.assertEqual(two.notification(token, 2).payload, b"62")

    def test_device_keeps_rights_attributes_and_observations(self):
        with Room(first=("owner = yes",)) as room:
            one, two = room.first, room.second
            room.grant(3311, 0, READ)
            self.assertCode(two.ask("PUT", "/3311/0/5851", query=("pmin=1",)), "2.04")
            token, _ = two.observe("/3311/0/5851", accept=TEXT)
            room.lab.parts["device"].kill()
            room.lab.run_device()
            for server in (one, two):
                server.wait(lambda server=server: server.updates, 30, "the Update after the restart")
                self.assertEqual(len(server.registrations), 1)
                server.registrations[0]["from"] = server.updates[0]["from"]  # its new socket
            seen = len(two.inbox[token])
            self.assertCode(one.ask("PUT", "/3311/0/5851", b"63", format=TEXT), "2.04")
            two.wait(lambda: any(a.payload == b"63" for a in two.inbox[token][seen - 1:]), 20, "the value 63")
            self.assertIn(";pmin=1", two.ask("GET", "/3311/0/5851", accept=LINKS).payload.decode())
            self.assertCode(two.ask("PUT", "/3311/0/5851", b"1", format=TEXT), "4.01")
            self.assertCode(two.read("/3/0/0", TEXT), "4.01")


if __name__ == "__main__":
    unittest.main()
