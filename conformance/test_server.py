# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases, server side: tessera-server, told by its REST interface what to do with a device that has
nothing of ours (peer.py) and answers with the bytes of the standards.

Each test names its cases (LwM2M-1.1-int-N); tools/conformance makes docs/CONFORMANCE.md of them."""
import json
import time
import unittest

import cbor2
from aiocoap import Code

import lab
import peer
from peer import CBOR, LINKS, LWM2M_CBOR, OPAQUE, SENML_CBOR, SENML_JSON, TEXT, TLV

VECTORS = {v["id"]: v for v in json.loads((lab.ROOT / "tests/vectors/lwm2m-worked-examples.json").read_text())}
OBJECTS = '</>;rt="oma.lwm2m";ct="60 110 112 11542 11544",</1/0>,</3/0>,</4/0>,</5/0>,</6/0>,</7/0>,</10/0>,</11/0>,</13/0>,</16>,</19/0>,</20/0>,</3303/0>'


def vector(name):
    return bytes.fromhex(VECTORS[name]["hex"])


class Room:
    def __init__(self, *options, more=()):
        self.lab, self.more = lab.Lab(), more
        self.lab.start_server("--allow-nosec", *options)
        self.rest = self.lab.rest

    def __enter__(self):
        self.device = self.new_device(more=self.more)
        return self

    def new_device(self, endpoint="dev1", links=OBJECTS, version="1.2", more=()):
        device = peer.Device(self.lab.coap)
        answer = device.register(endpoint, links, f"lwm2m={version}", "lt=300", "b=U", *more)
        assert answer.code == "2.01", answer
        return device

    def __exit__(self, *_):
        self.lab.close()
        self.device.close()


class Registration(unittest.TestCase):
    def test_registers_with_its_parameters(self):
        """LwM2M-1.1-int-101"""
        with Room(more=("sms=436641234567",)) as room:
            self.assertRegex(room.device.location, r"^/rd/[^/]+$")
            seen = room.rest.device("dev1")
            self.assertEqual(seen["sms"], "436641234567")
            self.assertEqual((seen["version"], seen["lifetime_s"], seen["binding"]), ("1.2", 300, "U"))
            self.assertEqual([o["object"] for o in seen["objects"]], [1, 3, 4, 5, 6, 7, 10, 11, 13, 16, 19, 20, 3303])

    def test_refuses_what_is_no_registration(self):
        """LwM2M-1.1-int-101: 4.00 without a name, a lifetime or links; 4.12 for a version that nobody speaks"""
        with Room() as room:
            device = room.device
            for query, code in ((("lwm2m=1.2", "lt=300"), "4.00"), (("ep=a", "lwm2m=1.2", "lt=x"), "4.00"),
                                (("ep=a", "lwm2m=7.0", "lt=300"), "4.12")):
                answer = device.request(device.server, "POST", "/rd", b"</3/0>", format=LINKS, query=query)
                self.assertEqual(answer.code, code, query)
            answer = device.request(device.server, "POST", "/rd", b"<<", format=LINKS,
                                    query=("ep=a", "lwm2m=1.2", "lt=300"))
            self.assertEqual(answer.code, "4.00")
            self.assertIsNone(room.rest.device("a"))

    def test_queue_mode_holds_requests_until_an_update(self):
        """LwM2M-1.1-int-108 and LwM2M-1.1-int-109"""
        with Room("--awake", "1", more=("Q",)) as room:
            rest, device = room.rest, room.device
            self.assertTrue(rest.device("dev1")["queue_mode"])
            room.lab.wait(lambda: not rest.device("dev1")["online"], 20, "the end of its time awake")
            device.answer("POST", "/1/0/8", Code.CHANGED)
            status, body, _ = rest.call("POST", "/devices/dev1/objects/1/0/8/execute?queue=true", {})
            self.assertEqual(status, 202, body)
            time.sleep(1)
            self.assertEqual([a for a in device.asked if a["path"] == "/1/0/8"], [], "it sleeps")
            self.assertEqual(device.update().code, "2.04")
            room.lab.wait(lambda: rest.get(f"/requests/{body['id']}")[1]["state"] == "done", 20, "the Execute")
            self.assertEqual([a["path"] for a in device.asked], ["/1/0/8"])

    def test_profile_id_with_a_list(self):
        """LwM2M-1.1-int-110 and LwM2M-1.1-int-111: by its Profile ID alone, and with further objects in the list"""
        with Room() as room:
            for name, links, objects in (("by-name", "", [1, 3]), ("and-more", "</3303/0>", [1, 3, 3303])):
                device = room.new_device(name, links, more=("pid=6:27354b9a",))
                seen = room.rest.device(name)
                self.assertEqual([o["object"] for o in seen["objects"]], objects)
                device.close()

    def test_lifetime(self):
        """LwM2M-1.1-int-102 and LwM2M-1.1-int-107: told in an Update; when it is over, so is the registration"""
        with Room() as room:
            self.assertEqual(room.device.update("lt=86400").code, "2.04")
            self.assertEqual(room.rest.device("dev1")["lifetime_s"], 86400)
            self.assertEqual(room.device.update("lt=2").code, "2.04")
            room.lab.wait(lambda: room.rest.device("dev1") is None, 30, "the end of the registration")
            self.assertEqual(room.device.update().code, "4.04")

    def test_disable(self):
        """LwM2M-1.1-int-103: Execute of /1/0/4, then the De-register"""
        with Room() as room:
            room.device.answer("POST", "/1/0/4", Code.CHANGED)
            self.assertEqual(room.rest.call("POST", "/devices/dev1/objects/1/0/4/execute", {})[0], 200)
            self.assertEqual(room.device.request(room.device.server, "DELETE", room.device.location).code, "2.02")
            self.assertIsNone(room.rest.device("dev1"))

    def test_update_trigger(self):
        """LwM2M-1.1-int-104: Execute of /1/0/8"""
        with Room() as room:
            room.device.answer("POST", "/1/0/8", Code.CHANGED)
            status, body, _ = room.rest.call("POST", "/devices/dev1/objects/1/0/8/execute", {})
            self.assertEqual((status, body["coap_code"], room.device.last()["payload"]), (200, "2.04", b""))
            self.assertEqual(room.device.update().code, "2.04")

    def test_update_of_a_dropped_registration(self):
        """LwM2M-1.1-int-105"""
        with Room() as room:
            self.assertEqual(room.rest.call("DELETE", "/devices/dev1")[0], 204)
            self.assertEqual(room.device.update().code, "4.04")
            self.assertEqual(room.device.register("dev1", OBJECTS, "lwm2m=1.2", "lt=300", "b=U").code, "2.01")
            self.assertIsNotNone(room.rest.device("dev1"))

    def test_objects_change_in_an_update(self):
        with Room() as room:
            self.assertEqual(room.device.update(links="</1/0>,</3/0>,</16/1>").code, "2.04")
            self.assertEqual([o["object"] for o in room.rest.device("dev1")["objects"]], [1, 3, 16])

    def test_alternate_path(self):
        """Core 6.2.1 and Transport 6.4.1: it stands before the paths of requests and names in SenML; links with it or without"""
        with Room() as room:
            device = room.new_device("dev2", '</lwm2m>;rt="oma.lwm2m";ct="110 112",</lwm2m/1/0>,</lwm2m/3/0>,</other>')
            self.assertEqual([o["object"] for o in room.rest.device("dev2")["objects"]], [1, 3])
            at = "/devices/dev2/objects"
            for name in ("/lwm2m/3/0/9", "/3/0/9"):
                device.answer("GET", "/lwm2m/3/0/9", Code.CONTENT, cbor2.dumps([{0: name, 2: 50}]), SENML_CBOR)
                status, body, _ = room.rest.get(f"{at}/3/0/9")
                self.assertEqual((status, body["values"][0]["value"]), (200, 50), body)
                device.answer("GET", "/lwm2m/3/0", Code.CONTENT, f"<{name[:-2]}>,<{name}>".encode(), LINKS)
                status, body, _ = room.rest.get(f"{at}/3/0/discover")
                self.assertEqual([link["path"] for link in body["links"]], ["/3/0", "/3/0/9"], body)
            device.answer("FETCH", "/lwm2m", Code.CONTENT, cbor2.dumps([{-2: "/lwm2m/", 0: "3/0/9", 2: 50}]), SENML_CBOR)
            status, body, _ = room.rest.call("POST", "/devices/dev2/composite/read", {"paths": ["/3/0/9", "/1/0"]})
            self.assertEqual((status, [(v["path"], v["value"]) for v in body["values"]]), (200, [("/3/0/9", 50)]), body)
            names = []
            for record in cbor2.loads(device.last()["payload"]):
                names.append(record.get(-2, "") + record[0] if not names or -2 in record else "/lwm2m/" + record[0])
            self.assertEqual(sorted(names), ["/lwm2m/1/0", "/lwm2m/3/0/9"])
            device.answer("iPATCH", "/lwm2m", Code.CHANGED)
            status, body, _ = room.rest.call("POST", "/devices/dev2/composite/write", {"values": [{"path": "/1/0/2", "value": 7}]})
            self.assertEqual((status, peer.senml_cbor(device.last()["payload"])), (200, {"/lwm2m/1/0/2": 7}))
            device.answer("PUT", "/lwm2m/1/0/2", Code.CHANGED)
            status, body, _ = room.rest.call("PUT", f"{at}/1/0/2?format=senml-cbor", {"value": 8})
            self.assertEqual((status, peer.senml_cbor(device.last()["payload"])), (200, {"/lwm2m/1/0/2": 8}), body)
            device.close()

    def test_two_devices_and_one_that_comes_back(self):
        """LwM2M-1.1-int-950: each has its registration; a new Register of the same endpoint takes the place of the old"""
        with Room() as room:
            second = room.new_device("dev2")
            again = room.new_device("dev1")
            self.assertNotEqual(again.location, room.device.location)
            self.assertEqual(room.device.update().code, "4.04")
            self.assertEqual(again.update().code, "2.04")
            self.assertEqual(second.update().code, "2.04")
            for device in (second, again):
                device.close()


class Management(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = Room().__enter__()
        cls.device, cls.rest = cls.room.device, cls.room.rest

    @classmethod
    def tearDownClass(cls):
        cls.room.__exit__()

    def call(self, method, path, body=None):
        return self.rest.call(method, "/devices/dev1/objects" + path, body)

    def read(self, path, payload, format, ask=None):
        """What the server makes of an answer; `ask` is its word for the format."""
        self.device.answer("GET", path, Code.CONTENT, payload, format)
        status, body, _ = self.call("GET", path + (f"?format={ask}" if ask else ""))
        self.assertEqual(status, 200, body)
        if ask:
            self.assertEqual(self.device.last()["accept"], format)
        return {v["path"]: v["value"] for v in body["values"]}

    def write(self, method, path, body, query=""):
        """What the device gets: (payload, format)."""
        self.device.answer(method, path, Code.CHANGED)
        status, answer, _ = self.call("PUT", path + query, body)
        self.assertEqual(status, 200, answer)
        seen = self.device.last()
        self.assertEqual((seen["method"], seen["path"]), (method, path))
        return seen["payload"], seen["format"]

    def test_read_text(self):
        """LwM2M-1.1-int-201, LwM2M-1.1-int-224 and LwM2M-1.1-int-652"""
        for path, value in (("/3/0/0", b"Open Mobile Alliance"), ("/3/0/1", b"Lightweight M2M Client"),
                            ("/3/0/2", b"345000123"), ("/3/0/3", b"1.0")):
            self.assertEqual(self.read(path, value, TEXT, "text"), {path: value.decode()})
        self.assertEqual(self.read("/3/0/9", b"100", TEXT, "text"), {"/3/0/9": 100})

    def test_read_tlv(self):
        """LwM2M-1.1-int-203: the standard's answer, its lengths corrected"""
        values = self.read("/3/0", vector("tlv-read-3-0-corrected"), TLV, "tlv")
        self.assertEqual((values["/3/0/0"], values["/3/0/6/1"], values["/3/0/9"]), ("Open Mobile Alliance", 5, 100))

    def test_write_text(self):
        """LwM2M-1.1-int-205"""
        for path, value in (("/1/0/2", 101), ("/1/0/3", 1010), ("/1/0/5", 2000)):
            self.assertEqual(self.write("PUT", path, {"value": value}, "?format=text"), (str(value).encode(), TEXT))

    def test_read_cbor(self):
        """LwM2M-1.1-int-211"""
        for path, value in (("/1/0/0", 1), ("/1/0/6", True), ("/1/0/7", "U")):
            self.assertEqual(self.read(path, cbor2.dumps(value), CBOR, "cbor"), {path: value})

    def test_write_cbor(self):
        """LwM2M-1.1-int-212"""
        for path, value in (("/1/0/2", 1), ("/1/0/6", True), ("/1/0/7", "U")):
            self.assertEqual(self.write("PUT", path, {"value": value}, "?format=cbor"), (cbor2.dumps(value), CBOR))

    def test_update_and_replace_in_tlv(self):
        """LwM2M-1.1-int-215 and LwM2M-1.1-int-226"""
        body = {"values": [{"path": "/1/0/2", "value": 101}, {"path": "/1/0/3", "value": 1010},
                           {"path": "/1/0/5", "value": 2000}, {"path": "/1/0/6", "value": True},
                           {"path": "/1/0/7", "value": "U"}]}
        payload, format = self.write("POST", "/1/0", body, "?mode=update&format=tlv")
        self.assertEqual((payload.hex(), format), ("c10265c20303f2c20507d0c10601c10755", TLV))
        self.assertEqual(self.write("PUT", "/1/0", body, "?mode=replace&format=tlv"), (payload, TLV))

    def test_security_object_is_refused_by_the_device(self):
        """LwM2M-1.1-int-221: 4.01 reaches whoever asked"""
        for method, path in (("GET", "/0/0"), ("PUT", "/0/0/0")):
            self.device.answer(method, path, Code.UNAUTHORIZED)
            status, body, kind = self.call(method, path, {"value": "coap://a"} if method == "PUT" else None)
            self.assertIn("problem+json", kind)
            self.assertTrue(status >= 400 and body.get("coap_code", "4.01") == "4.01", (status, body))

    def test_read_at_every_level(self):
        """LwM2M-1.1-int-222, LwM2M-1.1-int-223, LwM2M-1.1-int-225, LwM2M-1.1-int-231 and LwM2M-1.1-int-232"""
        flat = {"/3/0/0": "Open Mobile Alliance", "/3/0/6/0": 1, "/3/0/6/1": 5, "/3/0/9": 100}
        for path in ("/3", "/3/0", "/3/0/6", "/3/0/6/1"):
            values = {p: v for p, v in flat.items() if (p + "/").startswith(path + "/")}
            pack = [{-2: path, 0: p[len(path):], (3 if isinstance(v, str) else 2): v} for p, v in values.items()]
            self.assertEqual(self.read(path, cbor2.dumps(pack), SENML_CBOR, "senml-cbor"), values)
            pack = [{"bn": path, "n": p[len(path):], ("vs" if isinstance(v, str) else "v"): v} for p, v in values.items()]
            self.assertEqual(self.read(path, json.dumps(pack).encode(), SENML_JSON, "senml-json"), values)
            tree = {tuple(int(s) for s in p.split("/")[1:]): v for p, v in values.items()}
            self.assertEqual(self.read(path, cbor2.dumps(tree), LWM2M_CBOR, "lwm2m-cbor"), values)

    def test_read_lwm2m_cbor_of_the_standard(self):
        values = self.read("/3/0", vector("lwcbor-3-0"), LWM2M_CBOR)
        self.assertEqual((values["/3/0/0"], values["/3/0/7/1"]), ("Open Mobile Alliance", 5000))

    def test_replace_a_resource(self):
        """LwM2M-1.1-int-227"""
        payload, format = self.write("PUT", "/1/0/5", {"value": 3600})
        self.assertIn((payload, format), ((b"3600", TEXT), (cbor2.dumps(3600), CBOR),
                                          (cbor2.dumps([{0: "/1/0/5", 2: 3600}]), SENML_CBOR)))

    def test_write_a_resource_instance(self):
        """LwM2M-1.1-int-228"""
        self.assertEqual(self.write("PUT", "/16/0/0/1", {"value": "Another"}, "?format=text"), (b"Another", TEXT))

    def test_write_senml(self):
        """LwM2M-1.1-int-233 and LwM2M-1.1-int-234"""
        body = {"values": [{"path": "/1/0/2", "value": 11}, {"path": "/1/0/6", "value": True}]}
        for name, number, decode in (("senml-cbor", SENML_CBOR, peer.senml_cbor), ("senml-json", SENML_JSON, peer.senml_json),
                                     ("lwm2m-cbor", LWM2M_CBOR, peer.lwm2m_cbor)):
            payload, format = self.write("POST", "/1/0", body, f"?mode=update&format={name}")
            self.assertEqual((decode(payload), format), ({"/1/0/2": 11, "/1/0/6": True}, number))

    def test_the_device_chooses_the_format(self):
        """LwM2M-1.1-int-237: any answer is understood, whatever was asked for"""
        self.assertEqual(self.read("/1/0/1", b"300", TEXT), {"/1/0/1": 300})
        self.assertEqual(self.read("/3/0", vector("senmlcbor-3-0"), SENML_CBOR)["/3/0/9"], 100)

    def test_reboot(self):
        """LwM2M-1.1-int-241: Execute of /3/0/4, then a new registration"""
        self.device.answer("POST", "/3/0/4", Code.CHANGED)
        self.assertEqual(self.call("POST", "/3/0/4/execute", {})[0], 200)
        self.assertEqual(self.device.register("dev1", OBJECTS, "lwm2m=1.2", "lt=300", "b=U").code, "2.01")
        self.assertIsNotNone(self.rest.device("dev1"))

    def test_refusal_of_a_read_only_resource(self):
        """LwM2M-1.1-int-256"""
        self.device.answer("PUT", "/1/0/0", Code.METHOD_NOT_ALLOWED)
        status, body, _ = self.call("PUT", "/1/0/0", {"value": 2})
        self.assertEqual((status, body.get("coap_code", "4.05")), (405 if status == 405 else status, "4.05"))
        self.assertGreaterEqual(status, 400)

    def test_discover(self):
        """LwM2M-1.1-int-260 and LwM2M-1.1-int-261"""
        links = b"</3>,</3/0>;pmin=10;pmax=60,</3/0/6>;dim=2,</3/0/7>;dim=2;gt=50;lt=42.2,</3/0/9>"
        self.device.answer("GET", "/3", Code.CONTENT, links, LINKS)
        status, body, _ = self.call("GET", "/3/discover")
        self.assertEqual((status, self.device.last()["accept"]), (200, LINKS), body)
        rows = {row["path"]: row["attributes"] for row in body["links"]}
        self.assertEqual((rows["/3/0"]["pmin"], rows["/3/0"]["pmax"]), ("10", "60"))
        self.assertEqual((rows["/3/0/7"]["dim"], rows["/3/0/7"]["lt"]), ("2", "42.2"))

    def test_discover_to_a_depth(self):
        """LwM2M-1.1-int-264 and LwM2M-1.1-int-266"""
        self.device.answer("GET", "/3", Code.CONTENT, b"</3>,</3/0>", LINKS)
        for depth in (1, 3):
            status, body, _ = self.call("GET", f"/3/discover?depth={depth}")
            self.assertEqual((status, self.device.last()["query"]), (200, (f"depth={depth}",)), body)

    def test_write_attributes(self):
        """LwM2M-1.1-int-951: at every level, set and cleared"""
        for path in ("/3", "/3/0", "/3/0/7", "/3/0/7/1"):
            self.device.answer("PUT", path, Code.CHANGED)
            self.assertEqual(self.call("PUT", path + "/attributes", {"pmin": 10, "pmax": None})[0], 200)
            seen = self.device.last()
            self.assertEqual((sorted(seen["query"]), seen["payload"], seen["format"]), (["pmax", "pmin=10"], b"", None))

    def test_device_time_and_zone(self):
        """LwM2M-1.1-int-651"""
        body = {"values": [{"path": "/3/0/13", "value": 0x5182428F}, {"path": "/3/0/14", "value": "+02:00"},
                           {"path": "/3/0/15", "value": "Europe/Paris"}]}
        payload, _ = self.write("POST", "/3/0", body, "?mode=update&format=tlv")
        self.assertEqual(payload.hex(), "c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973")

    def test_device_is_neither_created_nor_deleted(self):
        """LwM2M-1.1-int-680 and LwM2M-1.1-int-685: the device's 4.05 reaches whoever asked"""
        self.device.answer("POST", "/3", Code.METHOD_NOT_ALLOWED)
        self.device.answer("DELETE", "/3/0", Code.METHOD_NOT_ALLOWED)
        for method, path, body in (("POST", "/3", {"values": [{"path": "/3/65535/14", "value": "+01"}]}),
                                   ("DELETE", "/3/0", None)):
            status, answer, _ = self.call(method, path, body)
            self.assertGreaterEqual(status, 400, answer)
            self.assertEqual(answer.get("coap_code"), "4.05", answer)

    def test_connectivity_objects(self):
        """LwM2M-1.1-int-701, LwM2M-1.1-int-901 and LwM2M-1.1-int-905: read, started, stopped, given a period"""
        pack = [{-2: "/4/0/", 0: "0", 2: 41}, {0: "4/0", 3: "192.0.2.1"}]
        self.assertEqual(self.read("/4/0", cbor2.dumps(pack), SENML_CBOR), {"/4/0/0": 41, "/4/0/4/0": "192.0.2.1"})
        for resource in (6, 7):
            self.device.answer("POST", f"/7/0/{resource}", Code.CHANGED)
            self.assertEqual(self.call("POST", f"/7/0/{resource}/execute", {})[0], 200)
        self.assertEqual(self.write("PUT", "/7/0/8", {"value": 3600}, "?format=text"), (b"3600", TEXT))

    def test_firmware_resources(self):
        """LwM2M-1.1-int-751, LwM2M-1.1-int-755 and LwM2M-1.1-int-756: read, a package and an address written"""
        pack = [{-2: "/5/0/", 0: "3", 2: 0}, {0: "5", 2: 0}, {0: "9", 2: 2}]
        self.assertEqual(self.read("/5/0", cbor2.dumps(pack), SENML_CBOR), {"/5/0/3": 0, "/5/0/5": 0, "/5/0/9": 2})
        self.assertEqual(self.write("PUT", "/5/0/0", {"value": "AA=="}, "?format=octets"), (b"\0", OPAQUE))
        self.assertEqual(self.write("PUT", "/5/0/1", {"value": "coap://fw/1"}, "?format=text"), (b"coap://fw/1", TEXT))

    def test_firmware_pushed_and_pulled(self):
        """LwM2M-1.1-int-770 and LwM2M-1.1-int-771: package or address, Update, the new version's result"""
        for path, value, query, payload in (("/5/0/0", "AAEC", "?format=octets", b"\0\1\2"),
                                            ("/5/0/1", "coap://fw/1", "?format=text", b"coap://fw/1")):
            self.assertEqual(self.write("PUT", path, {"value": value}, query)[0], payload)
            self.assertEqual(self.read("/5/0/3", b"2", TEXT), {"/5/0/3": 2})
            self.device.answer("POST", "/5/0/2", Code.CHANGED)
            self.assertEqual(self.call("POST", "/5/0/2/execute", {})[0], 200)
            self.assertEqual(self.read("/5/0/5", b"1", TEXT), {"/5/0/5": 1})

    def test_firmware_update_without_a_package(self):
        """LwM2M-1.1-int-772: the device's 4.05 reaches whoever asked"""
        self.device.answer("POST", "/5/0/2", Code.METHOD_NOT_ALLOWED)
        status, body, _ = self.call("POST", "/5/0/2/execute", {})
        self.assertGreaterEqual(status, 400)
        self.assertEqual(body["coap_code"], "4.05")

    def test_firmware_results(self):
        """LwM2M-1.1-int-773, LwM2M-1.1-int-774, LwM2M-1.1-int-775, LwM2M-1.1-int-776, LwM2M-1.1-int-777,
        LwM2M-1.1-int-778 and LwM2M-1.1-int-779: storage, memory, connection, integrity, type, address, installation"""
        for result in (2, 3, 4, 5, 6, 7, 8):
            pack = [{-2: "/5/0/", 0: "3", 2: 0}, {0: "5", 2: result}]
            self.assertEqual(self.read("/5/0", cbor2.dumps(pack), SENML_CBOR), {"/5/0/3": 0, "/5/0/5": result})

    def test_location_and_modem(self):
        """LwM2M-1.1-int-801, LwM2M-1.1-int-1200, LwM2M-1.1-int-1201 and LwM2M-1.1-int-1202: read; PSM timer set"""
        self.assertEqual(self.read("/6/0", cbor2.dumps([{-2: "/6/0/", 0: "0", 2: 48.25}, {0: "1", 2: 11.5},
                                                        {0: "5", 2: 1700000000}]), SENML_CBOR)["/6/0/1"], 11.5)
        values = self.read("/10/0", cbor2.dumps([{-2: "/10/0/", 0: "4", 2: 60}, {0: "13", 2: 7}]), SENML_CBOR)
        self.assertEqual(values["/10/0/4"], 60)
        self.assertEqual(self.write("PUT", "/10/0/4", {"value": 2}, "?format=tlv"), (bytes.fromhex("c10402"), TLV))

    def test_apn_and_bearer(self):
        """LwM2M-CONMGMT-1250 and LwM2M-CONMGMT-1350"""
        body = {"values": [{"path": "/11/0/0", "value": "profile 1"}, {"path": "/11/0/1", "value": "internet"}]}
        payload, _ = self.write("POST", "/11/0", body, "?mode=update&format=senml-cbor")
        self.assertEqual(peer.senml_cbor(payload), {"/11/0/0": "profile 1", "/11/0/1": "internet"})
        payload, _ = self.write("PUT", "/13/0/0", {"values": [{"path": "/13/0/0/0", "value": 7}]}, "?format=senml-cbor")
        self.assertEqual(peer.senml_cbor(payload), {"/13/0/0/0": 7})

    def test_application_data(self):
        """LwM2M-1.1-int-1901"""
        payload, _ = self.write("PUT", "/19/0/0", {"values": [{"path": "/19/0/0/0", "value": "AAEC"}]}, "?format=senml-cbor")
        self.assertEqual(peer.senml_cbor(payload), {"/19/0/0/0": b"\0\1\2"})

    def test_event_log(self):
        """LwM2M-1.1-int-2000 and LwM2M-1.1-int-2001: started with arguments, then read"""
        self.device.answer("POST", "/20/0/4011", Code.CHANGED)
        self.assertEqual(self.call("POST", "/20/0/4011/execute", {"arguments": "0='60'"})[0], 200)
        self.assertEqual(self.device.last()["payload"], b"0='60'")
        pack = [{-2: "/20/0/", 0: "4014", 8: b"line"}, {0: "4012", 4: False}]
        self.assertEqual(self.read("/20/0", cbor2.dumps(pack), SENML_CBOR)["/20/0/4014"], "bGluZQ==")

    def test_portfolio_instances_come_and_go(self):
        """LwM2M-1.1-int-1630 and LwM2M-1.1-int-1635"""
        def created(seen):
            answer = peer.Message(code=Code.CREATED)
            answer.opt.location_path = ("16", "1")
            return answer
        self.device.answers[("POST", "/16")] = created
        body = {"values": [{"path": "/16/65535/0/0", "value": "Host Device ID #2"},
                           {"path": "/16/65535/0/1", "value": "Host Device Model #2"}]}
        status, answer, _ = self.call("POST", "/16?format=tlv", body)
        self.assertEqual((status, answer["path"]), (201, "/16/1"), answer)
        flat = peer.tlv(self.device.last()["payload"]) if self.device.last()["format"] == TLV else None
        if flat is not None:
            self.assertEqual(set(flat.values()), {b"Host Device ID #2", b"Host Device Model #2"})
        self.device.answer("DELETE", "/16/1", Code.DELETED)
        self.assertEqual(self.call("DELETE", "/16/1")[0], 200)


class Reporting(unittest.TestCase):
    def observed(self, room, path, first, format, body=None):
        room.device.answer("GET", path, Code.CONTENT, first, format)
        status, answer, _ = room.rest.call("PUT", f"/devices/dev1/observations{path}", body or {})
        self.assertEqual((status, room.device.last()["observe"]), (200, 0), answer)
        return room.device.last()["token"]

    def values(self, events, path):
        return [v["value"] for e in events.seen if e["type"] == "notification" for v in e["data"]["values"]
                if v["path"] == path]

    def test_observe(self):
        """LwM2M-1.1-int-301, LwM2M-1.1-int-660, LwM2M-1.1-int-661, LwM2M-1.1-int-710, LwM2M-1.1-int-910 and
        LwM2M-1.1-int-760, LwM2M-1.1-int-810, LwM2M-1.1-int-1203 and LwM2M-1.1-int-1204: every notification
        is kept and told; a CON one is acknowledged"""
        with Room() as room:
            events = room.lab.events()
            for path in ("/3/0/13", "/4/0/2", "/7/0/2", "/5/0/3", "/6/0/5", "/10/0/4", "/10/0/5"):
                token = self.observed(room, path, b"1", TEXT)
                for n in (2, 3):
                    mid = room.device.notify(token, n, str(n).encode(), TEXT)
                    room.device.wait(lambda mid=mid: mid in room.device.answered, 20, "the acknowledgement")
                self.assertNotIn(mid, room.device.resets)
                room.lab.wait(lambda path=path: len(self.values(events, path)) >= 2, 20, f"notifications of {path}")

    def test_observe_application_data(self):
        """LwM2M-1.1-int-1900"""
        with Room() as room:
            events = room.lab.events()
            pack = [{-2: "/19/0/0/", 0: "0", 8: b"a"}]
            token = self.observed(room, "/19/0/0", cbor2.dumps(pack), SENML_CBOR)
            room.device.notify(token, 3, cbor2.dumps([{-2: "/19/0/0/", 0: "0", 8: b"b"}]), SENML_CBOR)
            room.lab.wait(lambda: "Yg==" in self.values(events, "/19/0/0/0"), 20, "the notification")

    def test_an_old_notification_is_not_a_new_one(self):
        """RFC 7641 §3.4"""
        with Room() as room:
            events = room.lab.events()
            token = self.observed(room, "/3303/0/5700", b"20", TEXT)
            for sequence, value in ((10, b"21"), (9, b"22"), (11, b"23")):
                mid = room.device.notify(token, sequence, value, TEXT)
                room.device.wait(lambda mid=mid: mid in room.device.answered, 20, "the acknowledgement")
            room.lab.wait(lambda: 23 in self.values(events, "/3303/0/5700"), 20, "the newest")
            self.assertNotIn(22, self.values(events, "/3303/0/5700"))

    def test_cancel(self):
        """LwM2M-1.1-int-303, and LwM2M-1.1-int-302 for what still comes: Observe=1 on the same token, then a Reset"""
        with Room() as room:
            token = self.observed(room, "/3/0/13", b"1", TEXT)
            self.assertEqual(room.rest.call("DELETE", "/devices/dev1/observations/3/0/13")[0], 200)
            self.assertEqual((room.device.last()["observe"], room.device.last()["token"]), (1, token))
            mid = room.device.notify(token, 5, b"9", TEXT)
            room.device.wait(lambda: mid in room.device.resets, 20, "the Reset")

    def test_attributes_in_the_observe_request(self):
        """LwM2M-1.1-int-312 and LwM2M-1.1-int-313"""
        with Room() as room:
            self.observed(room, "/3/0/13", b"1", TEXT, {"attributes": {"pmin": 5, "pmax": 10}})
            self.assertEqual(sorted(room.device.last()["query"]), ["pmax=10", "pmin=5"])

    def test_observation_outlives_the_server(self):
        with Room() as room:
            token = self.observed(room, "/3303/0/5700", b"20", TEXT)
            room.lab.parts["server"].kill()
            room.lab.start_server("--allow-nosec")
            events = room.lab.events()
            room.device.notify(token, 7, b"24", TEXT)
            room.lab.wait(lambda: 24 in self.values(events, "/3303/0/5700"), 20, "the notification")


class Composite(unittest.TestCase):
    """The device answers with packs of its own making; what it was asked is read with cbor2 alone."""

    def call(self, room, what, body):
        status, answer, _ = room.rest.call("POST", f"/devices/dev1/composite/{what}", body)
        return status, answer

    def values(self, answer):
        return {v["path"]: v["value"] for v in answer["values"]}

    def names(self, seen):
        base, out = "", []
        for record in cbor2.loads(seen["payload"]):
            self.assertLessEqual(set(record), {-2, 0}, "a fetch pack has nothing but names")
            base = record.get(-2, base)
            out.append(base + record.get(0, ""))
        return out

    def test_read_composite(self):
        """LwM2M-1.1-int-229, LwM2M-1.1-int-280, LwM2M-1.1-int-281 and LwM2M-1.1-int-236: in each format; what is missing"""
        with Room() as room:
            paths = ["/3/0/0", "/3/0/9", "/1/0/1", "/4711/0"]
            for pack, format in ((cbor2.dumps([{-2: "/3/0/", 0: "0", 3: "x"}, {0: "9", 2: 50}]), SENML_CBOR),
                                 (json.dumps([{"n": "/3/0/0", "vs": "x"}, {"n": "/3/0/9", "v": 50}]).encode(), SENML_JSON),
                                 (cbor2.dumps({3: {0: {0: "x", 9: 50}}}), LWM2M_CBOR)):
                room.device.answer("FETCH", "/", Code.CONTENT, pack, format)
                status, answer = self.call(room, "read", {"paths": paths})
                self.assertEqual((status, self.values(answer)), (200, {"/3/0/0": "x", "/3/0/9": 50}), answer)
                seen = room.device.last()
                self.assertEqual((seen["format"], seen["observe"]), (peer.ETCH_CBOR, None))
                self.assertEqual(sorted(self.names(seen)), sorted(paths))

    def test_read_composite_of_the_root(self):
        """LwM2M-1.1-int-235"""
        with Room() as room:
            room.device.answer("FETCH", "/", Code.CONTENT, cbor2.dumps([{0: "/3/0/9", 2: 50}]), SENML_CBOR)
            status, answer = self.call(room, "read", {"paths": ["/"]})
            self.assertEqual((status, self.values(answer)), (200, {"/3/0/9": 50}))
            self.assertEqual(self.names(room.device.last()), ["/"])

    def test_write_composite(self):
        """LwM2M-1.1-int-230 and LwM2M-1.1-int-257: /1/0/2, /1/0/6 and /3/0/13 in one iPATCH; a null; a refusal"""
        with Room() as room:
            room.device.answer("iPATCH", "/", Code.CHANGED)
            status, answer = self.call(room, "write", {"values": [
                {"path": "/1/0/2", "value": 101}, {"path": "/1/0/6", "value": True}, {"path": "/3/0/13", "value": 0}]})
            self.assertEqual((status, answer["coap_code"]), (200, "2.04"))
            seen = room.device.last()
            self.assertEqual((seen["method"], seen["format"]), ("iPATCH", peer.ETCH_CBOR))
            self.assertEqual(peer.senml_cbor(seen["payload"]), {"/1/0/2": 101, "/1/0/6": True, "/3/0/13": 0})
            self.call(room, "write", {"values": [{"path": "/16/0/0/1", "value": None}]})
            self.assertEqual(cbor2.loads(room.device.last()["payload"]), [{-2: "/", 0: "16/0/0/1", 2: None}])
            room.device.answer("iPATCH", "/", Code.METHOD_NOT_ALLOWED)
            status, answer = self.call(room, "write", {"values": [{"path": "/1/0/2", "value": 1}]})
            self.assertEqual((status, answer["coap_code"]), (409, "4.05"))

    def test_observe_composite_and_cancel(self):
        """LwM2M-1.1-int-304, LwM2M-1.1-int-305, LwM2M-1.1-int-308, LwM2M-1.1-int-309 and LwM2M-1.1-int-310"""
        with Room() as room:
            events = room.lab.events()
            body = {"paths": ["/16", "/3/0/9"], "attributes": {"pmin": 1, "pmax": 5}}
            room.device.answer("FETCH", "/", Code.CONTENT, cbor2.dumps([{0: "/3/0/9", 2: 50}]), SENML_CBOR)
            status, answer = self.call(room, "observe", body)
            self.assertEqual((status, self.values(answer)), (200, {"/3/0/9": 50}))
            seen = room.device.last()
            self.assertEqual((seen["observe"], set(seen["query"])), (0, {"pmin=1", "pmax=5"}))
            pack = cbor2.dumps([{0: "/16/0/0/0", 3: "new"}, {0: "/3/0/9", 2: 40}])
            room.device.notify(seen["token"], 2, pack, SENML_CBOR)
            note = events.wait(lambda e: e["type"] == "notification", 20, "a notification")
            self.assertEqual(self.values(note["data"]), {"/16/0/0/0": "new", "/3/0/9": 40})
            room.device.notify(seen["token"], 3, cbor2.dumps([{0: "/3/0/9", 2: 30}]), SENML_CBOR)
            events.wait(lambda e: e["type"] == "notification" and self.values(e["data"]) == {"/3/0/9": 30}, 20, "the next")
            self.assertEqual(self.call(room, "cancel", {"paths": ["/3/0/9", "/16"]})[0], 200)
            last = room.device.last()
            self.assertEqual((last["method"], last["observe"], last["token"]), ("FETCH", 1, seen["token"]))
            mid = room.device.notify(seen["token"], 4, pack, SENML_CBOR)
            room.device.wait(lambda: mid in room.device.resets, 20, "the Reset of what is not observed any more")


class OldFormats(unittest.TestCase):
    def test_read_in_oma_json(self):
        """LwM2M-1.1-int-204: what a 1.0 device answers in the JSON of its time"""
        with Room() as room:
            device = room.new_device("old", "</1/0>,</3/0>", "1.0")
            body = {"bn": "/3/0/", "e": [{"n": "0", "sv": "Maker"}, {"n": "9", "v": 95}, {"n": "6/0", "v": 1}, {"n": "6/1", "v": 5}]}
            device.answer("GET", "/3/0", Code.CONTENT, json.dumps(body).encode(), 11543)
            status, answer, _ = room.rest.get("/devices/old/objects/3/0?format=oma-json")
            self.assertEqual(status, 200, answer)
            self.assertEqual({v["path"]: v["value"] for v in answer["values"]},
                             {"/3/0/0": "Maker", "/3/0/9": 95, "/3/0/6/0": 1, "/3/0/6/1": 5})
            self.assertEqual(device.last()["accept"], 11543)
            device.close()


class Send(unittest.TestCase):
    def send(self, room, payload, format, device=None):
        device = device or room.device
        return device.request(device.server, "POST", "/dp", payload, format=format).code

    def test_send(self):
        """LwM2M-1.1-int-306 and LwM2M-1.1-int-311: in each format; the values are in the event stream and shown"""
        with Room() as room:
            events = room.lab.events()
            for battery, payload, format in (
                    (51, cbor2.dumps([{-3: 1700000000, 0: "/1/0/1", 2: 300}, {0: "/3/0/11/0", 2: 0}, {0: "/3/0/9", 2: 51}]), SENML_CBOR),
                    (52, json.dumps([{"bt": 1700000060, "n": "/3/0/9", "v": 52}]).encode(), SENML_JSON),
                    (53, cbor2.dumps({3: {0: {9: 53}}}), LWM2M_CBOR)):
                self.assertEqual(self.send(room, payload, format), "2.04")
                sent = events.wait(lambda e, b=battery: e["type"] == "sent" and e["data"]["values"][-1]["value"] == b, 20, "sent")
                self.assertEqual(sent["data"]["endpoint"], "dev1")
                if format != LWM2M_CBOR:
                    self.assertTrue(sent["data"]["values"][-1]["measured_at"].startswith("2023-11-14T22:1"), sent)
                shown = room.rest.get("/devices/dev1/values?path=/3/0/9")[1]
                self.assertEqual(shown["values"][0]["value"], battery)

    def test_send_of_whom_nobody_knows_and_what_is_no_send(self):
        """LwM2M-1.1-int-306: 4.04 unregistered, 4.00 for what cannot be read"""
        with Room() as room:
            stranger = peer.Device(room.lab.coap)
            pack = cbor2.dumps([{0: "/3/0/9", 2: 51}])
            self.assertEqual(self.send(room, pack, SENML_CBOR, stranger), "4.04")
            stranger.close()
            for payload, format, code in ((b"", SENML_CBOR, "4.00"), (cbor2.dumps([]), SENML_CBOR, "4.00"),
                                          (pack[:-1], SENML_CBOR, "4.00"), (cbor2.dumps([{0: "/3/0/9"}]), SENML_CBOR, "4.00"),
                                          (cbor2.dumps([{0: "/9999/0/1", 2: 1}]), SENML_CBOR, "4.04"), (b"51", TEXT, "4.15")):
                self.assertEqual(self.send(room, payload, format), code, (payload, format))

    def test_mute_send(self):
        """LwM2M-1.1-int-307: the operator writes /1/0/23"""
        with Room() as room:
            room.device.answer("PUT", "/1/0/23", Code.CHANGED)
            self.assertEqual(room.rest.call("PUT", "/devices/dev1/objects/1/0/23", {"value": True})[0], 200)
            self.assertEqual(room.device.last()["payload"], b"1")


if __name__ == "__main__":
    unittest.main()
