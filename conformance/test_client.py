# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases, client side: tesserad, asked by a server that has nothing of ours (peer.py).

Each test names its cases (LwM2M-1.1-int-N); tools/conformance makes docs/CONFORMANCE.md of them."""
import base64
import hashlib
import json
import pathlib
import tempfile
import time
import unittest

import cbor2

import lab
import peer
import rooms
from peer import CBOR, LWM2M_CBOR, SENML_CBOR, SENML_JSON, TEXT, TLV


class Room(rooms.Room):
    """A device registered at a server of the peer's."""

    def __init__(self, *server_lines, **more):
        super().__init__(peer.Server(), *server_lines, **more)


class Registration(unittest.TestCase):
    def test_registers_with_its_parameters(self):
        """LwM2M-1.1-int-101"""
        with Room() as room:
            seen = room.server.registered()
            self.assertEqual((seen["ep"], seen["lt"], seen["lwm2m"], seen["b"]), ("dev1", "300", "1.2", "U"))
            self.assertEqual((seen["format"], seen["confirmable"]), (40, True))  # Transport 6.8.1
            links = seen["links"].split(",")
            self.assertIn("</1/0>", links)
            self.assertIn("</3/0>", links)
            self.assertTrue(links[0].startswith('</>;rt="oma.lwm2m"'), links[0])
            self.assertNotIn("sms", seen)
            for hidden in ("</0", "</21", "</23"):
                self.assertFalse([link for link in links if link.startswith((hidden + ">", hidden + "/"))], hidden)

    def test_registers_with_its_number(self):
        """Core 6.2.1: sms; an Update says only what changes"""
        with Room("lifetime = 4", device=(*lab.DEVICE_LINES, "sms = 436641234567")) as room:
            self.assertEqual(room.server.registered()["sms"], "436641234567")
            room.server.wait(lambda: room.server.updates, 20, "an Update")
            self.assertNotIn("sms", room.server.updates[0])

    def test_alternate_path(self):
        """Core 6.2.1 and Transport 6.4.1: objects below /lwm2m, in the list, requests, links, names and locations"""
        with Room(*SEND, device=(*lab.DEVICE_LINES, "alternate_path = /lwm2m")) as room:
            server = room.server
            links = server.registered()["links"].split(",")
            self.assertTrue(links[0].startswith('</lwm2m>;rt="oma.lwm2m"'), links[0])
            self.assertIn("</lwm2m/3/0>", links)
            self.assertEqual([link for link in links if not link.startswith("</lwm2m")], [])
            self.assertEqual(server.read("/lwm2m/1/0/1", TEXT).payload, b"300")
            self.assertEqual(server.ask("PUT", "/lwm2m/1/0/1", b"400", format=TEXT).code, "2.04")
            self.assertEqual(server.ask("GET", "/else/1/0/1").code, "4.04")
            self.assertEqual(server.ask("GET", "/lwm2m/1/0/1", accept=peer.LINKS).payload, b"</lwm2m/1/0/1>")
            self.assertEqual(peer.senml_cbor(server.read("/lwm2m/1/0/1", SENML_CBOR).payload), {"/lwm2m/1/0/1": 400})
            wanted = cbor2.dumps([{-2: "/lwm2m/", 0: "1/0/1"}, {0: "3/0/16"}])
            answer = server.ask("FETCH", "/lwm2m", wanted, format=peer.ETCH_CBOR, accept=SENML_CBOR)
            self.assertEqual(peer.senml_cbor(answer.payload), {"/lwm2m/1/0/1": 400, "/lwm2m/3/0/16": "UT"})
            change = cbor2.dumps([{-2: "/lwm2m/", 0: "1/0/1", 2: 500}])
            self.assertEqual(server.ask("iPATCH", "/lwm2m", change, format=peer.ETCH_CBOR).code, "2.04")
            self.assertEqual(server.read("/lwm2m/1/0/1", TEXT).payload, b"500")
            create = cbor2.dumps([{-2: "/lwm2m/16/7/", 0: "0/0", 3: "x"}])
            answer = server.ask("POST", "/lwm2m/16", create, format=SENML_CBOR)
            self.assertEqual((answer.code, answer.message.opt.location_path), ("2.01", ("lwm2m", "16", "7")))
            sent = server.wait(lambda: server.sent, 30, "a Send")[0]
            self.assertEqual([n for n in peer.senml_cbor(sent["payload"]) if not n.startswith("/lwm2m/")], [])

    def test_lifetime_changes_and_is_told(self):
        """LwM2M-1.1-int-102 and LwM2M-1.1-int-107: a shorter and a longer lifetime"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/1/0/1", b"20", format=TEXT).code, "2.04")
            update = server.wait(lambda: [u for u in server.updates if u.get("lt") == "20"], 20, "an Update with lt=20")
            self.assertEqual(update[0]["location"], server.registrations[0]["location"])
            server.wait(lambda: [u for u in server.updates if "lt" not in u], 25, "an Update before 20 s are over")
            self.assertEqual(server.ask("PUT", "/1/0/1", b"86400", format=TEXT).code, "2.04")
            server.wait(lambda: [u for u in server.updates if u.get("lt") == "86400"], 20, "an Update with lt=86400")
            self.assertEqual(len(server.registrations), 1)

    def test_disable_deregisters_until_its_time_is_over(self):
        """LwM2M-1.1-int-103"""
        with Room("disable_timeout = 3") as room:
            self.assertEqual(room.server.ask("POST", "/1/0/4").code, "2.04")
            room.server.wait(lambda: room.server.gone, 20, "the De-register")
            begun = time.monotonic()
            room.server.registered(2)
            self.assertGreater(time.monotonic() - begun, 2)

    def test_update_trigger(self):
        """LwM2M-1.1-int-104"""
        with Room() as room:
            self.assertEqual(room.server.ask("POST", "/1/0/8").code, "2.04")
            room.server.wait(lambda: room.server.updates, 20, "the Update")
            self.assertEqual(len(room.server.registrations), 1)

    def test_update_of_a_dropped_registration_registers_again(self):
        """LwM2M-1.1-int-105"""
        with Room() as room:
            device = room.server.device
            room.server.forget()
            self.assertEqual(room.server.request(device, "POST", "/1/0/8").code, "2.04")
            self.assertEqual(room.server.registered(2)["ep"], "dev1")

    def test_queue_mode_is_told_and_kept(self):
        """LwM2M-1.1-int-108 and LwM2M-1.1-int-109: deaf when its time is over, and heard after its Update"""
        with Room("lifetime = 16", device=(*lab.DEVICE_LINES, "queue = yes", "awake = 2")) as room:
            server = room.server
            seen = server.registered()
            self.assertIn("Q", seen)
            self.assertEqual(seen["b"], "U")
            room.lab.wait_device("asleep", 30)
            with self.assertRaises(AssertionError, msg="it sleeps"):
                server.request(server.device, "GET", "/3/0/0", accept=TEXT, timeout=1)
            had = len(server.updates)
            server.wait(lambda: len(server.updates) > had, 40, "the next Update")
            self.assertEqual(server.read("/3/0/0", TEXT).payload, b"Tessera")
            self.assertEqual(len(server.registrations), 1)

    def test_profile_id_in_the_place_of_the_list(self):
        """LwM2M-1.1-int-110: the name alone; it stays so over an Update"""
        with Room(device=(*lab.DEVICE_LINES, "profile = 6:27354b9a")) as room:
            seen = room.server.registered()
            self.assertEqual((seen["pid"], seen["lwm2m"], seen["links"], seen["format"]), ("6:27354b9a", "1.2", "", None))
            self.assertEqual(room.server.ask("POST", "/1/0/8").code, "2.04")
            update = room.server.wait(lambda: room.server.updates, 20, "the Update")[0]
            self.assertEqual((update.get("pid"), update["payload"]), (None, b""))
            self.assertEqual(room.server.read("/3/0/0", TEXT).payload, b"Tessera")

    def test_profile_id_beside_a_list(self):
        """LwM2M-1.1-int-111: the list has what the name does not stand for"""
        with Room(device=(*lab.DEVICE_LINES, "profile = 6:27354b9a", "profile_covers = </>,</1/0>,</3/0>")) as room:
            seen = room.server.registered()
            links = seen["links"].split(",")
            self.assertEqual((seen["pid"], seen["format"]), ("6:27354b9a", 40))
            self.assertIn("</3311/0>", links)
            for covered in ("</>", "</1/0>", "</3/0>"):
                self.assertFalse([link for link in links if link.startswith(covered)], covered)

    def test_profile_id_that_is_not_known(self):
        """LwM2M-1.1-int-110, when the server answers 4.09: the whole list follows at once"""
        server = peer.Server()
        server.profiles = ()
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", server.uri, device=(*lab.DEVICE_LINES, "profile = auto"))
            refused, seen = (server.registered(n) for n in (1, 2))
            self.assertRegex(refused["pid"], "^5:[0-9a-f]{16}$")
            self.assertEqual((refused["links"], seen.get("pid")), ("", None))
            digest = hashlib.sha256(seen["links"].encode()).hexdigest()
            self.assertEqual(refused["pid"], "5:" + digest[:16])
            server.profiles = (refused["pid"],)
            server.forget()
            self.assertEqual(server.request(seen["from"], "POST", "/1/0/8").code, "2.04")
            again = server.registered(3)
            self.assertEqual((again["pid"], again["links"]), (refused["pid"], ""))
        server.close()

    def test_registration_refused_is_tried_again(self):
        server = peer.Server()
        server.refuse = peer.Code.BAD_REQUEST
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", server.uri)
            server.registered(2, 40)
            server.refuse = None
            server.wait(lambda: server.by_location, 40, "a registration at last")
        server.close()

    def test_requests_wait_for_the_answer_to_the_register(self):
        """Core 6.3 and 6.4: the first answer is lost, and the server asks at once; its CON is heard when it comes again"""
        class Hasty(peer.Server):
            first, order = None, []

            def take_request(self, m, address):
                if self.first is None:
                    with self.changed:
                        self.first = address
                        self.changed.notify_all()
                    return
                super().take_request(m, address)
                self.order.append(str(m.code))

        server = Hasty()
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", server.uri)
            device = server.wait(lambda: server.first, 30, "the Register")
            token = b"soon"
            answer = server.request(device, "GET", "/1/0/1", token=token, observe=0)
            self.assertEqual((answer.code, answer.observe is not None), ("2.05", True))
            self.assertEqual((server.order[:1], len(server.inbox[token])), (["POST"], 1))
            self.assertEqual(len(server.registrations), 1)
        server.close()

    def test_two_servers(self):
        """LwM2M-1.1-int-950 and LwM2M-1.1-int-951: each has its registration and its own attributes"""
        first, second = peer.Server(), peer.Server()
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", first.uri, None)
            room.parts["device"].stop()
            text = room.device_config.read_text().replace(
                "[light 0]", f"[server 2]\nuri = {second.uri}\nmode = nosec\nlifetime = 500\n[light 0]")
            room.device_config.write_text(text)
            first.registrations.clear()
            room.run_device()
            self.assertEqual(second.registered()["lt"], "500")
            self.assertEqual(first.registered()["lt"], "300")
            self.assertIn("</1/0>,</1/1>", second.registered()["links"])
            self.assertEqual(first.ask("PUT", "/3/0", query=("pmin=7",)).code, "2.04")
            self.assertEqual(second.ask("PUT", "/3/0", query=("pmin=9",)).code, "2.04")
            for server, value in ((first, b"7"), (second, b"9")):
                answer = server.ask("GET", "/3/0", accept=peer.LINKS)
                self.assertTrue(answer.payload.startswith(b"</3/0>;pmin=" + value), answer)
        first.close()
        second.close()


class History(unittest.TestCase):
    def place(self, latitude):
        self.file.write_text(json.dumps({"class": "TPV", "mode": 2, "time": "2024-02-22T12:00:00Z", "lat": latitude,
                                         "lon": 16.5}) + "\n")

    def test_hqmax_keeps_values_while_the_server_is_away(self):
        """Core 5.1.2: the newest ones come in one pack, each with its time, when the server is back"""
        with tempfile.TemporaryDirectory() as folder:
            self.file = pathlib.Path(folder) / "position"
            self.place(40)
            with Room("retry_timer = 1", coap=("ack_timeout_ms = 100", "max_retransmit = 1"),
                      device=("deregister_on_exit = no", "[location]", f"file = {self.file}")) as room:
                server, token = room.server, b"hq"
                self.assertEqual(server.ask("PUT", "/6/0/0", query=("hqmax=3", "con=1")).code, "2.04")
                first = server.ask("GET", "/6/0/0", accept=SENML_CBOR, observe=0, token=token)
                self.assertEqual(cbor2.loads(first.payload), [{0: "/6/0/0", 2: 40}])
                server.silent = True
                begun = time.time()
                for kept, latitude in enumerate((41, 42, 43, 44)):  # the first is what nobody acknowledges
                    self.place(latitude)
                    room.lab.wait(lambda: room.lab.parts["device"].text().count("event=kept") >= kept, 30, "a value")
                    if not kept:
                        room.lab.wait_device("notified")
                had = len(server.inbox[token])
                server.silent = False
                told = server.wait(lambda: server.inbox[token][had:], 40, "what was kept")[0]
                self.assertEqual((told.code, told.format, told.confirmable), ("2.05", SENML_CBOR, True))
                pack = cbor2.loads(told.payload)
                self.assertEqual([(r[0], r[2]) for r in pack], [("/6/0/0", v) for v in (42, 43, 44)])
                times = [r[-3] for r in pack]
                self.assertEqual(times, sorted(set(times)))
                self.assertTrue(begun < times[0] and times[2] < time.time(), (begun, times))
                self.assertEqual(len(server.registrations), 1)
                self.place(45)
                last = server.wait(lambda: server.inbox[token][had + 1:], 20, "the next value")[0]
                self.assertEqual(cbor2.loads(last.payload)[-1][2], 45)


class Managed(unittest.TestCase):
    """One device for all; no test leaves a changed value behind."""

    @classmethod
    def setUpClass(cls):
        cls.room = Room(device=("deregister_on_exit = yes", "manufacturer = Tessera", "model = Light", "serial = 4711",
                                "firmware = 7.8", "[location]", "latitude = -43.5723", "longitude = 153.2176",
                                "altitude = 171", "radius = 2.5"))
        cls.server = cls.room.server
        cls.server.registered()

    @classmethod
    def tearDownClass(cls):
        cls.room.__exit__()

    def content(self, path, accept=None, form=None):
        answer = self.server.read(path, accept)
        self.assertEqual((answer.code, answer.format), ("2.05", accept if form is None else form), path)
        return answer.payload

    def written(self, method, path, payload, format):
        self.assertEqual(self.server.ask(method, path, payload, format=format).code, "2.04", path)

    def test_read_text(self):
        """LwM2M-1.1-int-201, LwM2M-1.1-int-224 and LwM2M-1.1-int-652: single resources in plain text"""
        for path, value in (("/3/0/0", b"Tessera"), ("/3/0/1", b"Light"), ("/3/0/2", b"4711"), ("/3/0/3", b"7.8")):
            self.assertEqual(self.content(path, TEXT), value)

    def test_read_tlv(self):
        """LwM2M-1.1-int-203"""
        values = peer.tlv(self.content("/3/0", TLV))
        self.assertEqual((values["/0"], values["/1"], values["/2"]), (b"Tessera", b"Light", b"4711"))
        self.assertEqual(values["/11/0"], b"\0")

    def test_oma_json_is_not_spoken_from_1_1_on(self):
        """LwM2M-1.1-int-204: a 1.0 case; a later client must not use this format"""
        self.assertEqual(self.server.read("/3/0", 11543).code, "4.06")

    def test_write_text(self):
        """LwM2M-1.1-int-205"""
        for path, value in (("/1/0/2", b"101"), ("/1/0/3", b"1010"), ("/1/0/5", b"2000")):
            self.written("PUT", path, value, TEXT)
            self.assertEqual(self.content(path, TEXT), value)

    def test_read_cbor(self):
        """LwM2M-1.1-int-211"""
        self.assertEqual(cbor2.loads(self.content("/1/0/0", CBOR)), 1)
        self.assertIs(cbor2.loads(self.content("/1/0/6", CBOR)), True)
        self.assertEqual(cbor2.loads(self.content("/1/0/7", CBOR)), "U")

    def test_write_cbor(self):
        """LwM2M-1.1-int-212"""
        for path, value in (("/1/0/2", 1), ("/1/0/3", 3000), ("/1/0/6", False), ("/1/0/6", True)):
            self.written("PUT", path, cbor2.dumps(value), CBOR)
            self.assertEqual(cbor2.loads(self.content(path, CBOR)), value)

    def test_update_and_replace_in_tlv(self):
        """LwM2M-1.1-int-215 and LwM2M-1.1-int-226: the bytes of the case; the new lifetime is told in an Update"""
        updates = len(self.server.updates)
        self.written("POST", "/1/0", bytes.fromhex("c10265c20303f2c20507d0c10601c10755"), TLV)
        self.written("POST", "/1/0", peer.tlv_resource(1, b"\x01\x2d"), TLV)
        self.server.wait(lambda: any(u.get("lt") == "301" for u in self.server.updates[updates:]), 20, "lt=301")
        values = peer.tlv(self.content("/1/0", TLV))
        self.assertEqual([peer.tlv_integer(values[n]) for n in ("/2", "/3", "/5", "/1")], [101, 1010, 2000, 301])
        self.written("PUT", "/1/0", bytes.fromhex("c2012710c10601c10755"), TLV)
        values = peer.tlv(self.content("/1/0", TLV))
        self.assertEqual(peer.tlv_integer(values["/1"]), 10000)
        self.assertNotIn("/3", values, "what a replace does not bring is gone")
        self.written("PUT", "/1/0/1", b"300", TEXT)

    def test_security_object_is_out_of_reach(self):
        """LwM2M-1.1-int-221"""
        self.assertEqual(self.server.read("/0/0").code, "4.01")
        self.assertEqual(self.server.ask("PUT", "/0/0/0", b"coap://a", format=TEXT).code, "4.01")
        self.assertEqual(self.server.ask("PUT", "/0/0", query=("pmin=1",)).code, "4.01")
        self.assertEqual(self.server.ask("GET", "/0", accept=peer.LINKS).code, "4.01")

    def test_read_at_every_level(self):
        """LwM2M-1.1-int-222, LwM2M-1.1-int-223, LwM2M-1.1-int-225, LwM2M-1.1-int-231 and LwM2M-1.1-int-232"""
        for accept, decode in ((SENML_CBOR, peer.senml_cbor), (SENML_JSON, peer.senml_json), (LWM2M_CBOR, peer.lwm2m_cbor)):
            for path in ("/1", "/1/0", "/3", "/3/0", "/3/0/0", "/3/0/11", "/3/0/11/0"):
                values = decode(self.content(path, accept))
                self.assertTrue(values, path)
                for name in values:
                    self.assertTrue((name + "/").startswith(path + "/"), (path, name))
            self.assertEqual(decode(self.content("/3", accept)), decode(self.content("/3/0", accept)) | {
                k: v for k, v in decode(self.content("/3", accept)).items() if k == "/3/0/13"})
            self.assertEqual(decode(self.content("/3/0/11/0", accept)), {"/3/0/11/0": 0})

    def test_replace_a_resource(self):
        """LwM2M-1.1-int-227"""
        self.written("PUT", "/1/0/5", b"86400", TEXT)
        self.written("PUT", "/1/0/5", cbor2.dumps(3600), CBOR)
        self.assertEqual(self.content("/1/0/5", TEXT), b"3600")

    def test_write_senml_cbor(self):
        """LwM2M-1.1-int-233"""
        pack = [{-2: "/1/0/", 0: "2", 2: 11}, {0: "3", 2: 12}, {0: "6", 4: True}]
        self.written("POST", "/1/0", cbor2.dumps(pack), SENML_CBOR)
        self.assertEqual(peer.senml_cbor(self.content("/1/0", SENML_CBOR))["/1/0/3"], 12)

    def test_write_senml_json(self):
        """LwM2M-1.1-int-234"""
        pack = [{"bn": "/1/0/", "n": "2", "v": 21}, {"n": "3", "v": 22}, {"n": "6", "vb": True}]
        self.written("POST", "/1/0", json.dumps(pack).encode(), SENML_JSON)
        self.assertEqual(peer.senml_json(self.content("/1/0", SENML_JSON))["/1/0/3"], 22)

    def test_read_without_accept(self):
        """LwM2M-1.1-int-237: the client chooses a format that names the path"""
        answer = self.server.read("/1")
        self.assertEqual(answer.code, "2.05")
        decode = {SENML_CBOR: peer.senml_cbor, SENML_JSON: peer.senml_json, LWM2M_CBOR: peer.lwm2m_cbor}[answer.format]
        self.assertEqual(decode(answer.payload)["/1/0/0"], 1)
        self.assertEqual(self.server.read("/1/0/1").code, "2.05")

    def test_write_to_a_read_only_resource(self):
        """LwM2M-1.1-int-256: 4.05, and the value stays"""
        self.assertEqual(self.server.ask("PUT", "/1/0/0", b"2", format=TEXT).code, "4.05")
        self.assertEqual(self.content("/1/0/0", TEXT), b"1")

    def test_discover_with_attributes(self):
        """LwM2M-1.1-int-260 and LwM2M-1.1-int-261: attributes of object, instance, resource and a multiple resource"""
        def links(path):
            return self.content(path, peer.LINKS).decode().split(",")
        self.assertIn("</3/0/0>", links("/3"))
        for path, query in (("/3", "pmin=10"), ("/3/0", "pmax=200"), ("/3/0/13", "gt=50"), ("/3/0/11", "pmax=60")):
            self.assertEqual(self.server.ask("PUT", path, query=(query,)).code, "2.04", path)
        self.assertEqual(links("/3")[:2], ["</3>;pmin=10", "</3/0>;pmax=200"])
        self.assertIn("</3/0/13>;gt=50", links("/3/0"))
        self.assertIn("</3/0/11>;dim=1;pmax=60", links("/3/0"))
        inherited = links("/3/0/13")[0]
        for part in ("pmin=10", "pmax=200", "gt=50"):
            self.assertIn(part, inherited, "what it inherits is shown for a single resource")
        for path, query in (("/3", "pmin"), ("/3/0", "pmax"), ("/3/0/13", "gt"), ("/3/0/11", "pmax")):
            self.assertEqual(self.server.ask("PUT", path, query=(query,)).code, "2.04", path)
        self.assertEqual(links("/3")[:2], ["</3>", "</3/0>"])

    def test_discover_to_a_depth(self):
        """LwM2M-1.1-int-264 and LwM2M-1.1-int-266"""
        def links(depth):
            answer = self.server.ask("GET", "/3", accept=peer.LINKS, query=(f"depth={depth}",))
            self.assertEqual((answer.code, answer.format), ("2.05", peer.LINKS))
            return [link.partition(";")[0] for link in answer.payload.decode().split(",")]
        self.assertEqual(links(1), ["</3>", "</3/0>"])
        self.assertNotIn("</3/0/11/0>", links(2))
        self.assertIn("</3/0/11/0>", links(3))

    def test_device_time_and_zone(self):
        """LwM2M-1.1-int-651: the bytes of the case, resource by resource"""
        values = peer.tlv(bytes.fromhex("c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973"))
        self.assertEqual(sorted(values), ["/13", "/14", "/15"])
        before = {n: self.content(f"/3/0/{n}", TEXT) for n in (14, 15)}
        for n in (14, 15):
            self.written("PUT", f"/3/0/{n}", values[f"/{n}"], TEXT)
            self.assertEqual(self.content(f"/3/0/{n}", TEXT), values[f"/{n}"])
        self.written("PUT", "/3/0/13", str(peer.tlv_integer(values["/13"])).encode(), TEXT)
        self.assertLessEqual(abs(int(self.content("/3/0/13", TEXT)) - 0x5182428F), 30)
        self.written("PUT", "/3/0/13", str(int(time.time())).encode(), TEXT)
        for n, value in before.items():
            self.written("PUT", f"/3/0/{n}", value, TEXT)

    def test_device_is_neither_created_nor_deleted(self):
        """LwM2M-1.1-int-680 and LwM2M-1.1-int-685"""
        pack = cbor2.dumps([{-2: "/3/1/", 0: "14", 3: "+01"}])
        self.assertEqual(self.server.ask("POST", "/3", pack, format=SENML_CBOR).code, "4.05")
        self.assertEqual(self.server.ask("DELETE", "/3/0").code, "4.05")
        self.assertEqual(self.server.read("/3/0/0").code, "2.05")

    def test_connectivity_monitoring(self):
        """LwM2M-1.1-int-701"""
        values = peer.senml_cbor(self.content("/4/0", SENML_CBOR))
        self.assertIn("/4/0/0", values)
        self.assertIn("/4/0/1/0", values)
        self.assertTrue([name for name in values if name.startswith("/4/0/4/")], "an address")

    def test_connectivity_statistics(self):
        """LwM2M-1.1-int-901 and LwM2M-1.1-int-905: collected from Start on, until Stop or the period's end"""
        self.assertEqual(self.server.ask("POST", "/7/0/6").code, "2.04")
        begun = peer.senml_cbor(self.content("/7/0", SENML_CBOR))
        for _ in range(30):
            self.server.read("/3/0", SENML_CBOR)
        self.server.wait(lambda: sum(peer.senml_cbor(self.content("/7/0", SENML_CBOR)).get(f"/7/0/{n}", 0)
                                     for n in (2, 3)) >= sum(begun.get(f"/7/0/{n}", 0) for n in (2, 3)), 20, "traffic")
        self.assertEqual(self.server.ask("POST", "/7/0/7").code, "2.04")
        stopped = self.content("/7/0/2", TEXT), self.content("/7/0/3", TEXT)
        for _ in range(30):
            self.server.read("/3/0", SENML_CBOR)
        time.sleep(2)
        self.assertEqual((self.content("/7/0/2", TEXT), self.content("/7/0/3", TEXT)), stopped)
        self.written("PUT", "/7/0/8", b"3600", TEXT)
        self.assertEqual(self.content("/7/0/8", TEXT), b"3600")
        self.written("PUT", "/7/0/8", b"0", TEXT)

    def test_location(self):
        """LwM2M-1.1-int-801: where the configuration says, measured when it was written"""
        values = peer.senml_cbor(self.content("/6/0", SENML_CBOR))
        self.assertEqual({k: values[k] for k in ("/6/0/0", "/6/0/1", "/6/0/2", "/6/0/3")},
                         {"/6/0/0": -43.5723, "/6/0/1": 153.2176, "/6/0/2": 171, "/6/0/3": 2.5})
        self.assertLess(abs(values["/6/0/5"] - time.time()), 600)
        self.assertNotIn("/6/0/6", values)
        self.assertEqual(self.content("/6/0/0", TEXT), b"-43.5723")
        self.assertEqual(self.server.ask("PUT", "/6/0/0", b"1", format=TEXT).code, "4.05")

    def test_application_data_is_created_and_written(self):
        """LwM2M-1.1-int-1901: new content in the instances of Data, in each format"""
        body = cbor2.dumps({19: {3: {0: {0: b"\x00\xff", 1: b"second"}, 1: 1, 3: "meter reading", 5: 7}}})
        self.assertEqual(self.server.ask("POST", "/19", body, format=LWM2M_CBOR).code, "2.01")
        self.assertEqual(peer.senml_cbor(self.content("/19/3", SENML_CBOR)), {
            "/19/3/0/0": b"\x00\xff", "/19/3/0/1": b"second", "/19/3/1": 1, "/19/3/3": "meter reading", "/19/3/5": 7})
        self.written("PUT", "/19/3/0/0", b"\x01\x02\x03", peer.OPAQUE)
        self.assertEqual(self.content("/19/3/0/0", peer.OPAQUE), b"\x01\x02\x03")
        self.written("PUT", "/19/3/0", bytes.fromhex("84004200aabb"), TLV)
        self.assertEqual(peer.tlv(self.content("/19/3/0", TLV)), {"/0/0": b"\xaa\xbb"})
        self.written("POST", "/19/3", cbor2.dumps([{-2: "/19/3/", 0: "0/2", 8: b"x"}, {0: "1", 2: 0}]), SENML_CBOR)
        self.assertEqual(peer.lwm2m_cbor(self.content("/19/3", LWM2M_CBOR)), {
            "/19/3/0/0": b"\xaa\xbb", "/19/3/0/2": b"x", "/19/3/1": 0, "/19/3/3": "meter reading", "/19/3/5": 7})
        self.assertEqual(self.server.ask("PUT", "/19/3/0/0", bytes(513), format=peer.OPAQUE).code, "4.00")
        self.assertEqual(self.server.ask("PUT", "/19/3/1", b"256", format=TEXT).code, "4.00")
        self.assertEqual(self.server.ask("DELETE", "/19/3").code, "2.02")
        self.assertEqual(self.server.read("/19/3").code, "4.04")

    def test_event_log_starts_and_stops(self):
        """LwM2M-1.1-int-2000: LogStart empties and collects, LogStop ends it and keeps what is there"""
        def status():
            return int(self.content("/20/0/4013", TEXT))
        self.assertEqual(self.server.ask("POST", "/20/0/4012").code, "2.04")
        self.assertEqual(status() & 1, 1)
        stopped = self.content("/20/0/4014", peer.OPAQUE)
        self.assertEqual(self.content("/20/0/4014", peer.OPAQUE), stopped)
        self.assertEqual(self.server.ask("POST", "/20/0/4011", b"0='0'", format=TEXT).code, "2.04")
        self.assertEqual(status() & 1, 0)
        self.server.read("/3/0/1", TEXT)
        self.assertIn(b"path=/3/0/1", self.content("/20/0/4014", peer.OPAQUE))
        self.assertEqual(status() & 3, 2, "it runs, and has data")
        self.assertNotIn(stopped[:200], self.content("/20/0/4014", peer.OPAQUE))
        self.assertEqual(self.server.ask("POST", "/20/0/4011", b"0='1',1='2'", format=TEXT).code, "2.04")
        end = time.monotonic() + 20
        while not status() & 1:
            self.assertLess(time.monotonic(), end, "a collection of two seconds went on")
            time.sleep(0.2)
        self.assertEqual(self.server.ask("POST", "/20/0/4011", b"0='7'", format=TEXT).code, "4.00")
        self.assertEqual(self.server.ask("POST", "/20/0/4011", b"0='1'", format=TEXT).code, "2.04")

    def test_event_log_is_read(self):
        """LwM2M-1.1-int-2001: class, status, format and data; one instance more, for what concerns security"""
        for _ in range(30):
            self.server.read("/3/0/2", TEXT)
        values = peer.senml_cbor(self.content("/20/0", SENML_CBOR))
        self.assertGreater(len(values["/20/0/4014"]), 2048, "more than one block of it")
        self.assertEqual(sorted(values), [f"/20/0/{n}" for n in (4010, 4013, 4014, 4015)])
        self.assertEqual((values["/20/0/4010"], values["/20/0/4015"]), (0, 0))
        lines = values["/20/0/4014"].decode().split("\n")
        self.assertEqual(lines.pop(), "", "whole lines")
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=\w+ event=")
        self.assertTrue([line for line in lines if "event=request" in line and "path=/3/0/2" in line])
        self.written("PUT", "/20/0/4010", b"5", TEXT)
        self.assertEqual(self.content("/20/0/4010", TEXT), b"5")
        self.written("PUT", "/20/0/4010", b"0", TEXT)
        self.assertEqual(self.server.ask("PUT", "/20/0/4015", b"1", format=TEXT).code, "4.00")
        body = cbor2.dumps({20: {2: {4010: 2}}})
        self.assertEqual(self.server.ask("POST", "/20", body, format=LWM2M_CBOR).code, "2.01")
        self.assertEqual(self.content("/20/2/4013", TEXT), b"1", "it waits for its LogStart")
        self.assertEqual(self.server.ask("DELETE", "/20/2").code, "2.02")

    def test_portfolio_instances_come_and_go(self):
        """LwM2M-1.1-int-1630, LwM2M-1.1-int-1635 and LwM2M-1.1-int-228: the bytes of the case, corrected"""
        body = bytes.fromhex("08012e88002b480011486f737420446576696365204944202332480114"
                             "486f737420446576696365204d6f64656c202332")
        answer = self.server.ask("POST", "/16", body, format=TLV)
        self.assertEqual(answer.code, "2.01")
        self.assertEqual(self.content("/16/1/0/0", TEXT), b"Host Device ID #2")
        self.assertEqual(self.content("/16/1/0/1", TEXT), b"Host Device Model #2")
        self.written("PUT", "/16/1/0/1", b"Another Model", TEXT)
        self.assertEqual(self.content("/16/1/0/1", TEXT), b"Another Model")
        self.assertEqual(self.content("/16/1/0/0", TEXT), b"Host Device ID #2")
        self.assertEqual(self.server.ask("DELETE", "/16/1").code, "2.02")
        self.assertEqual(self.server.read("/16/1").code, "4.04")

    def test_portfolio_instance_whose_number_the_client_chooses(self):
        answer = self.server.ask("POST", "/16", cbor2.dumps({16: {65535: {0: {0: "a", 1: "b"}}}}), format=LWM2M_CBOR)
        self.assertEqual(answer.code, "2.01")
        path = "/" + "/".join(answer.message.opt.location_path)
        self.assertRegex(path, r"^/16/\d+$")
        self.assertEqual(self.content(path + "/0/1", TEXT), b"b")
        self.assertEqual(self.server.ask("DELETE", path).code, "2.02")


class Composite(unittest.TestCase):
    """Names of a pack go to the device in SenML CBOR, as before 1.2, and in the fetch and patch packs of RFC 8790."""

    @classmethod
    def setUpClass(cls):
        cls.room = Room(device=("deregister_on_exit = yes", "manufacturer = Tessera"))
        cls.server = cls.room.server
        cls.server.registered()

    @classmethod
    def tearDownClass(cls):
        cls.room.__exit__()

    def fetch(self, *paths, **more):
        return self.server.ask("FETCH", "/", cbor2.dumps([{0: path} for path in paths]), format=peer.ETCH_CBOR,
                               accept=SENML_CBOR, **more)

    def fetched(self, *paths):
        answer = self.fetch(*paths)
        self.assertEqual((answer.code, answer.format), ("2.05", SENML_CBOR))
        return peer.senml_cbor(answer.payload)

    def test_read_composite(self):
        """LwM2M-1.1-int-229, LwM2M-1.1-int-280 and LwM2M-1.1-int-281: resources, an instance, an object; in each format"""
        values = self.fetched("/3/0/0", "/1/0/1", "/3/0/11/0")
        self.assertEqual(values, {"/3/0/0": "Tessera", "/1/0/1": 300, "/3/0/11/0": 0})
        values = self.fetched("/1/0", "/3/0/0")
        self.assertEqual((values["/1/0/0"], values["/3/0/0"]), (1, "Tessera"))
        body = json.dumps([{"n": "/3/0/0"}, {"n": "/1/0/1"}]).encode()
        answer = self.server.ask("FETCH", "/", body, format=peer.ETCH_JSON, accept=SENML_JSON)
        self.assertEqual(peer.senml_json(answer.payload), {"/3/0/0": "Tessera", "/1/0/1": 300})
        answer = self.server.ask("FETCH", "/", cbor2.dumps([{0: "/3/0/0"}, {0: "/1/0/1"}]), format=SENML_CBOR,
                                 accept=LWM2M_CBOR)
        self.assertEqual(peer.lwm2m_cbor(answer.payload), {"/3/0/0": "Tessera", "/1/0/1": 300})

    def test_read_composite_of_the_root(self):
        """LwM2M-1.1-int-235: everything but what no server may read"""
        values = self.fetched("/")
        self.assertIn("/3/0/0", values)
        self.assertIn("/1/0/0", values)
        self.assertFalse([name for name in values if name.split("/")[1] in ("0", "21", "23")])

    def test_read_composite_of_what_is_partly_not_there(self):
        """LwM2M-1.1-int-236"""
        self.assertEqual(self.fetched("/3/0/0", "/3/0/9999", "/4711/0", "/3/7"), {"/3/0/0": "Tessera"})

    def test_write_composite(self):
        """LwM2M-1.1-int-230 and LwM2M-1.1-int-257: the pack of the case over two objects, all of it or nothing"""
        pack = bytes.fromhex("83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200")
        before = self.fetched("/3/0/14", "/1/0/2", "/1/0/3")
        answer = self.server.ask("iPATCH", "/", pack, format=SENML_CBOR)
        self.assertEqual((answer.code, self.fetched("/1/0/2")["/1/0/2"]), ("2.04", 0x65))
        pack = cbor2.dumps([{0: "/1/0/3", 2: 77}, {0: "/3/0/14", 3: "+09:00"}])
        self.assertEqual(self.server.ask("iPATCH", "/", pack, format=peer.ETCH_CBOR).code, "2.04")
        self.assertEqual(self.fetched("/1/0/3", "/3/0/14"), {"/1/0/3": 77, "/3/0/14": "+09:00"})
        bad = cbor2.dumps([{0: "/1/0/3", 2: 78}, {0: "/1/0/0", 2: 9}])
        self.assertEqual(self.server.ask("iPATCH", "/", bad, format=SENML_CBOR).code, "4.05")
        self.assertEqual(self.fetched("/1/0/3")["/1/0/3"], 77, "nothing of a refused pack was written")
        if "/3/0/14" in before:
            self.server.ask("PUT", "/3/0/14", before["/3/0/14"].encode(), format=TEXT)
        self.server.ask("PUT", "/3/0/13", str(int(time.time())).encode(), format=TEXT)


class ObserveComposite(unittest.TestCase):
    PACK = cbor2.dumps([{0: "/3/0/13"}, {0: "/1/0/2"}])

    def observed(self, server, pack=PACK, **more):
        token, first = server.observe("/", "FETCH", pack, format=peer.ETCH_CBOR, accept=SENML_CBOR, **more)
        self.assertEqual((first.code, first.observe is not None), ("2.05", True), first)
        return token, first

    def test_observe_composite_and_cancel(self):
        """LwM2M-1.1-int-304 and LwM2M-1.1-int-305"""
        with Room() as room:
            server = room.server
            token, first = self.observed(server, query=("pmax=2",))
            self.assertIn("/3/0/13", peer.senml_cbor(first.payload))
            again = server.notification(token, 1)
            self.assertEqual(set(peer.senml_cbor(again.payload)), set(peer.senml_cbor(first.payload)))
            answer = server.ask("FETCH", "/", self.PACK, format=peer.ETCH_CBOR, accept=SENML_CBOR, token=token, observe=1)
            self.assertEqual((answer.code, answer.observe), ("2.05", None))
            time.sleep(1)
            had = len(server.inbox[token])
            time.sleep(4)
            self.assertEqual(len(server.inbox[token]), had)

    def test_observe_composite_while_instances_come_and_go(self):
        """LwM2M-1.1-int-308 and LwM2M-1.1-int-309"""
        with Room() as room:
            server = room.server
            token, first = self.observed(server, cbor2.dumps([{0: "/16"}, {0: "/1/0/2"}]), query=("pmax=2",))
            self.assertFalse([p for p in peer.senml_cbor(first.payload) if p.startswith("/16/")])
            body = cbor2.dumps({16: {4: {0: {0: "a"}}}})
            self.assertEqual(server.ask("POST", "/16", body, format=LWM2M_CBOR).code, "2.01")
            server.wait(lambda: "/16/4/0/0" in peer.senml_cbor(server.inbox[token][-1].payload), 20, "the new instance")
            self.assertEqual(server.ask("DELETE", "/16/4").code, "2.02")
            server.wait(lambda: "/16/4/0/0" not in peer.senml_cbor(server.inbox[token][-1].payload), 20, "its end")

    def test_observe_composite_with_attributes_of_its_own(self):
        """LwM2M-1.1-int-310"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/3/0/13", query=("pmin=60", "pmax=120")).code, "2.04")
            token, _ = self.observed(server, query=("pmin=0", "pmax=2"))
            server.notification(token, 2, 15)


SEND = ("mute_send = no", "[send]", "paths = /1/0/1 /3/0/11/0", "every = 1")


class Send(unittest.TestCase):
    def sent(self, server, count=1, timeout=30):
        return server.wait(lambda: len(server.sent) >= count and server.sent[count - 1], timeout, f"Send {count}")

    def test_send(self):
        """LwM2M-1.1-int-306 and LwM2M-1.1-int-311: /1/0/1 and /3/0/11/0, in SenML CBOR with their time"""
        with Room(*SEND) as room:
            seen = self.sent(room.server)
            self.assertEqual((seen["format"], seen["confirmable"]), (SENML_CBOR, True))
            pack = cbor2.loads(seen["payload"])
            self.assertEqual(peer.senml_cbor(seen["payload"]), {"/1/0/1": 300, "/3/0/11/0": 0})
            self.assertLess(abs(pack[0][-3] - time.time()), 60)
            self.sent(room.server, 3)

    def test_send_as_non(self):
        """LwM2M-1.1-int-306: not confirmable, and it goes on though nobody answers"""
        with Room(*SEND, "mode = non") as room:
            self.assertFalse(self.sent(room.server, 3)["confirmable"])

    def test_mute_send(self):
        """LwM2M-1.1-int-307: true, and absent, is mute; false is not"""
        with Room(*SEND[1:]) as room:
            server = room.server
            time.sleep(4)
            self.assertEqual(server.sent, [], "without /1/0/23 nothing may be sent")
            self.assertEqual(server.ask("PUT", "/1/0/23", b"0", format=TEXT).code, "2.04")
            self.sent(server)
            self.assertEqual(server.ask("PUT", "/1/0/23", b"1", format=TEXT).code, "2.04")
            time.sleep(1)
            had = len(server.sent)
            time.sleep(4)
            self.assertEqual(len(server.sent), had)

    def test_send_waits_for_the_server_and_a_restart(self):
        """Values that found nobody come with the times they had, in their order and each once"""
        with Room(*SEND) as room:
            server = room.server
            self.sent(server)
            server.silent = True
            had, begun = len(server.sent), time.time()
            time.sleep(8)
            ended = time.time()
            room.lab.parts["device"].kill()
            room.lab.run_device()
            time.sleep(1)
            server.silent = False
            self.sent(server, had + 2, 60)
            times = []
            for one in server.sent:
                at = 0
                for record in cbor2.loads(one["payload"]):
                    at = record.get(-3, at)
                    if record[0].endswith("1/0/1"):
                        times.append(at)
            self.assertEqual(times, sorted(times))
            unheard = [t for t in times if begun < t < ended]
            self.assertGreaterEqual(len(unheard), 3, "what was measured while nobody listened is there too")
            self.assertEqual(len(set(times)), len(times), "each once")


class Reporting(unittest.TestCase):
    def test_observe_with_periods(self):
        """LwM2M-1.1-int-301, LwM2M-1.1-int-660 and LwM2M-1.1-int-661: not before pmin, not after pmax"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/3/0/13", query=("pmin=2", "pmax=4")).code, "2.04")
            begun = seen = time.monotonic()
            token, first = server.observe("/3/0/13")
            self.assertEqual((first.code, first.observe is not None), ("2.05", True))
            last = first.observe
            for n in (1, 2, 3):
                answer = server.notification(token, n)
                now = time.monotonic()
                self.assertGreater(answer.observe, last)
                self.assertGreater(now - begun, 2 * n - 0.1)  # from the request on: one that is seen late shortens no gap
                self.assertLess(now - seen, 5.5)
                seen, last = now, answer.observe

    def test_cancel_by_reset(self):
        """LwM2M-1.1-int-302"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/3/0/13", query=("pmax=1",)).code, "2.04")
            token, _ = server.observe("/3/0/13")
            server.notification(token, 1)
            server.refused.add(token)
            time.sleep(3)
            server.refused.clear()
            had = len(server.inbox[token])
            time.sleep(4)
            self.assertEqual(len(server.inbox[token]), had)

    def test_cancel_by_observe_1(self):
        """LwM2M-1.1-int-303"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("PUT", "/3/0/13", query=("pmax=1",)).code, "2.04")
            token, _ = server.observe("/3/0/13")
            server.notification(token, 1)
            answer = server.ask("GET", "/3/0/13", token=token, observe=1)
            self.assertEqual((answer.code, answer.observe), ("2.05", None))
            time.sleep(1)
            had = len(server.inbox[token])
            time.sleep(4)
            self.assertEqual(len(server.inbox[token]), had)

    def test_attributes_in_the_observe_request(self):
        """LwM2M-1.1-int-312 and LwM2M-1.1-int-313: they hold for this observation, and over the attached ones"""
        with Room() as room:
            server = room.server
            token, first = server.observe("/3/0/13", query=("pmax=2",))
            self.assertEqual(first.code, "2.05")
            server.notification(token, 2, 15)
            self.assertNotIn(b"pmax", server.ask("GET", "/3/0/13", accept=peer.LINKS).payload)
            self.assertEqual(server.ask("PUT", "/3/0/19", query=("pmin=60", "pmax=120")).code, "2.04")
            token, first = server.observe("/3/0/19", query=("pmin=0", "pmax=2"))
            self.assertEqual(first.code, "2.05")
            server.notification(token, 2, 15)

    def test_observe_an_instance(self):
        """LwM2M-1.1-int-710 and LwM2M-1.1-int-910: whole instances, within pmax"""
        with Room() as room:
            server = room.server
            for path in ("/4/0", "/7/0"):
                self.assertEqual(server.ask("PUT", path, query=("pmax=2",)).code, "2.04")
                token, first = server.observe(path, accept=SENML_CBOR)
                self.assertEqual(first.code, "2.05")
                again = server.notification(token, 1)
                self.assertEqual(set(peer.senml_cbor(again.payload)), set(peer.senml_cbor(first.payload)))

    def test_observe_the_location(self):
        """LwM2M-1.1-int-810: reports of a receiver; before the first one there is no instance"""
        report = '{"class":"TPV","mode":3,"time":"2026-01-31T23:59:5%d.000Z","lat":48.25,"lon":%d.5}\n'
        with tempfile.TemporaryDirectory() as folder:
            reports = pathlib.Path(folder, "reports")
            with Room(device=("deregister_on_exit = yes", "[location]", f"file = {reports}")) as room:
                server = room.server
                self.assertNotIn("</6/0>", server.registered()["links"])
                self.assertEqual(server.read("/6/0", SENML_CBOR).code, "4.04")
                reports.write_text(report % (1, 16))
                server.wait(lambda: [u for u in server.updates if b"</6/0>" in u["payload"]], 20, "the instance")
                token, first = server.observe("/6/0", accept=SENML_CBOR)
                self.assertEqual(peer.senml_cbor(first.payload), {"/6/0/0": 48.25, "/6/0/1": 16.5, "/6/0/5": 1769903991})
                with open(reports, "a", encoding="ascii") as f:
                    f.write(report % (2, 17))
                answer = server.notification(token, 1)
                self.assertEqual(peer.senml_cbor(answer.payload), {"/6/0/0": 48.25, "/6/0/1": 17.5, "/6/0/5": 1769903992})

    def test_observe_application_data(self):
        """LwM2M-1.1-int-1900; and it outlives kill -9"""
        with Room() as room:
            server = room.server
            body = cbor2.dumps({19: {0: {0: {0: b"one"}}}})
            self.assertEqual(server.ask("POST", "/19", body, format=LWM2M_CBOR).code, "2.01")
            token, first = server.observe("/19/0/0", accept=SENML_CBOR)
            self.assertEqual(peer.senml_cbor(first.payload), {"/19/0/0/0": b"one"})
            self.assertEqual(server.ask("PUT", "/19/0/0/0", b"two", format=peer.OPAQUE).code, "2.04")
            self.assertEqual(peer.senml_cbor(server.notification(token, 1).payload), {"/19/0/0/0": b"two"})
            room.lab.parts["device"].kill()
            had = len(server.updates)
            room.lab.run_device()
            back = server.wait(lambda: server.updates[had:], 30, "the Update after the restart")[0]["from"]
            answer = server.request(back, "GET", "/19/0/0", accept=SENML_CBOR)
            self.assertEqual(peer.senml_cbor(answer.payload), {"/19/0/0/0": b"two"})

    def test_observe_the_event_log(self):
        """New lines are notified, and the notifications themselves are no new lines"""
        with Room() as room:
            server = room.server
            self.assertEqual(server.ask("POST", "/20/0/4011").code, "2.04", "so that one block is enough")
            token, first = server.observe("/20/0/4014", accept=peer.OPAQUE)
            self.assertEqual(first.code, "2.05")
            server.read("/3/0/2", TEXT)
            server.wait(lambda: b"path=/3/0/2" in server.inbox[token][-1].payload, 20, "the line of that Read")
            time.sleep(2)
            had = len(server.inbox[token])
            time.sleep(3)
            self.assertLess(len(server.inbox[token]) - had, 4)

    def test_reboot_registers_again(self):
        """LwM2M-1.1-int-241 and LwM2M-1.1-int-655"""
        with Room() as room:
            self.assertEqual(room.server.ask("POST", "/3/0/4").code, "2.04")
            room.server.registered(2)


if __name__ == "__main__":
    unittest.main()
