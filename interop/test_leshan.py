# SPDX-License-Identifier: Apache-2.0
"""Eclipse Leshan as a peer: its server drives tesserad, its client is driven by tessera-server."""
import json
import os
import unittest

import lab
import leshan


@leshan.needed
class DeviceAtLeshan(unittest.TestCase):
    def drive(self, secure):
        with lab.Lab() as room:
            key = lab.new_key()
            peer = leshan.Server(room, *(("dev1", "dev1", key.hex()) if secure else ()))
            room.start_secured()
            uri = f"coaps://127.0.0.1:{peer.coaps}" if secure else f"coap://127.0.0.1:{peer.coap}"
            room.start_device("dev1", uri, key if secure else None)
            seen = room.wait(lambda: peer.client("dev1"), 40, "the registration at Leshan")
            self.assertEqual(seen["version"], "1.1", "Leshan answers 1.2 with 4.12, so the device falls back")
            self.assertIn("</3/0>", seen["objects"])
            self.read_write_execute(peer)
            self.observe(room, peer)
            room.parts["device"].stop()
            room.wait(lambda: peer.client("dev1") is None, 20, "the de-registration at Leshan")

    def read_write_execute(self, peer):
        for form in ("", "?format=TLV", "?format=SENML_CBOR", "?format=SENML_JSON"):
            answer = peer.call("GET", "clients/dev1/3/0" + form)
            self.assertTrue(answer.get("success"), f"read /3/0{form}: {answer}")
        model = peer.call("GET", "clients/dev1/3/0/1")
        self.assertTrue(model["success"], model)
        clock = peer.call("GET", "clients/dev1/3/0/13")
        self.assertTrue(clock["success"], clock)
        missing = peer.call("GET", "clients/dev1/3/0/9999")
        self.assertEqual(missing["status"], "NOT_FOUND(404)")
        denied = peer.call("PUT", "clients/dev1/3/0/0?type=STRING", "nobody")
        self.assertEqual(denied["status"], "METHOD_NOT_ALLOWED(405)")
        on = peer.call("PUT", "clients/dev1/3311/0/5850?type=BOOLEAN", "true")
        self.assertEqual(on["status"], "CHANGED(204)")
        self.assertIn("true", peer.call("GET", "clients/dev1/3311/0/5850")["content"])
        dimmer = peer.call("PUT", "clients/dev1/3311/0/5851?type=INTEGER&format=TLV", "42")
        self.assertEqual(dimmer["status"], "CHANGED(204)")
        self.assertIn("42", peer.call("GET", "clients/dev1/3311/0/5851")["content"])
        executed = peer.call("POST", "clients/dev1/1/0/8")
        self.assertEqual(executed["status"], "CHANGED(204)")
        links = peer.call("GET", "clients/dev1/3/discover")
        self.assertIn("</3/0/0>", links["content"])

    def observe(self, room, peer):
        limits = peer.call("PUT", "clients/dev1/3/0/13/attributes?pmin=1&pmax=2")
        self.assertTrue(limits["success"], limits)
        started = peer.call("POST", "clients/dev1/3/0/13/observe")
        self.assertTrue(started["success"], started)
        room.wait(lambda: len(peer.events("NOTIFICATION")) >= 2, 20, "two notifications at Leshan")
        self.assertEqual(peer.call("DELETE", "clients/dev1/3/0/13/observe")["cancelled"], 1)
        self.assertTrue(peer.events("UPDATED"), "the Execute of /1/0/8 must have made an Update")

    def test_device_in_queue_mode_at_leshan_server(self):
        with lab.Lab() as room:
            peer = leshan.Server(room)
            room.start_secured()
            room.configure_device("dev1", f"coap://127.0.0.1:{peer.coap}", False, "lifetime = 10",
                                  device=(*lab.DEVICE_LINES, "queue = yes", "awake = 1"))
            room.run_device()
            seen = room.wait(lambda: peer.client("dev1"), 40, "the registration at Leshan")
            self.assertTrue(seen["queue"], seen)
            self.assertTrue(peer.call("GET", "clients/dev1/3/0/0")["success"])
            room.parts["device"].expect("event=asleep")
            updates = len(peer.events("UPDATED"))
            room.wait(lambda: len(peer.events("UPDATED")) > updates, 20, "the Update that ends the sleep")
            self.assertTrue(peer.call("GET", "clients/dev1/3/0/0")["success"], "asked while it is awake")

    def test_composite_operations_and_send_at_leshan_server(self):
        """Read-, Write-, Observe- and Cancel-Composite in both SenML formats, and Send (LwM2M 1.1)"""
        with lab.Lab() as room:
            peer = leshan.Server(room)
            room.start_secured()
            room.configure_device("dev1", f"coap://127.0.0.1:{peer.coap}", False, "mute_send = no", "[send]",
                                  "paths = /3300/0/5700 /3/0/0", "every = 1", "mode = con")
            room.run_device()
            room.wait(lambda: peer.client("dev1"), 40, "the registration at Leshan")
            for form, on in (("SENML_CBOR", True), ("SENML_JSON", False)):
                def call(what, body=None, paths="/3311/0/5850,/3311/0/5851,/3/0/0", form=form):
                    answer = peer.call("POST", f"clients/dev1/composite/{what}?format={form}&paths={paths}", body)
                    self.assertIn("status", answer, f"{what} in {form}: {answer}")
                    return answer
                written = call("write", json.dumps({"/3311/0/5850": on, "/3311/0/5851": 42 + on}))
                self.assertEqual(written["status"], "CHANGED(204)", written)
                seen = call("read")
                self.assertEqual(seen["status"], "CONTENT(205)", seen)
                for part in ("Tessera", str(on).lower(), str(42 + on)):
                    self.assertIn(part, seen["content"])
                refused = call("write", json.dumps({"/3311/0/5851": 1, "/3/0/0": "nobody"}))
                self.assertEqual(refused["status"], "METHOD_NOT_ALLOWED(405)", refused)
                self.assertIn(str(42 + on), call("read")["content"], "a refused write changes nothing")

                begun = call("observe", paths="/3311/0/5850,/3311/0/5851")
                self.assertEqual(begun["status"], "CONTENT(205)", begun)
                before = len(peer.events("NOTIFICATION"))
                call("write", json.dumps({"/3311/0/5850": not on, "/3311/0/5851": 77}))
                room.wait(lambda n=before: any("77" in e["detail"] for e in peer.events("NOTIFICATION")[n:]), 20,
                          "the notification at Leshan")
                self.assertTrue(call("cancel")["success"])
                room.wait_device("request", operation="cancel-composite")
            sent = room.wait(lambda: peer.events("SEND"), 20, "a Send at Leshan")
            self.assertIn("/3300/0/5700", sent[0]["detail"])
            room.wait_device("sent", code="2.04")

    def test_device_at_leshan_server_nosec(self):
        self.drive(secure=False)

    def test_device_at_leshan_server_psk(self):
        """LwM2M-1.1-int-401"""
        self.drive(secure=True)


@leshan.needed
class LeshanClientAtServer(unittest.TestCase):
    def drive(self, secure):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server("--allow-nosec")
            events = room.events()
            where = f"coap://127.0.0.1:{room.coap}"
            psk = []
            if secure:
                room.credentials("leshan1", "leshan1", key)
                where, psk = f"coaps://127.0.0.1:{room.coaps}", ["leshan1", key.hex()]
            leshan.client(room, "leshan1", where, *psk)
            device = room.wait_registered("leshan1", 40)
            self.assertEqual(device["version"], "1.1")
            self.assertEqual(device["security"], "psk" if secure else "nosec")
            self.operate(room)
            self.watch(room, events)
            room.parts["leshan-client"].stop()
            events.wait(lambda e: e["type"] == "deregistered", 20, "the de-registration")

    def value(self, room, path):
        status, body, _ = room.rest.get(f"/devices/leshan1/objects{path}")
        self.assertEqual(status, 200, body)
        return {entry["path"]: entry["value"] for entry in body["values"]}

    def operate(self, room):
        self.assertEqual(self.value(room, "/3/0")["/3/0/0"], "Leshan")
        for form in ("tlv", "senml-json", "senml-cbor"):
            self.assertEqual(self.value(room, f"/3/0?format={form}")["/3/0/1"], "peer client")
        status, body, _ = room.rest.call("PUT", "/devices/leshan1/objects/3311/0/5850", {"value": True})
        self.assertEqual(status, 200, body)
        self.assertIs(self.value(room, "/3311/0/5850")["/3311/0/5850"], True)
        status, body, _ = room.rest.call("POST", "/devices/leshan1/objects/3303/0/5605/execute", {})
        self.assertEqual(status, 200, body)
        status, body, _ = room.rest.get("/devices/leshan1/objects/3/0/9999")
        self.assertEqual(status, 404, body)

    def watch(self, room, events):
        status, body, _ = room.rest.call("PUT", "/devices/leshan1/observations/3303/0/5700", {})
        self.assertIn(status, (200, 201), body)
        for n in range(2):
            events.wait(lambda e: e["type"] == "notification" and sum(
                x["type"] == "notification" for x in events.seen) > n, 20, "a notification")
        status, body, _ = room.rest.call("DELETE", "/devices/leshan1/observations/3303/0/5700")
        self.assertIn(status, (200, 204), body)

    def test_leshan_client_is_believed_again_after_a_kill(self):
        """The session of the store doubts what the client sends by itself, until it has answered a Ping (RFC 7252 §4.3)."""
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.credentials("leshan1", "leshan1", key)
            leshan.client(room, "leshan1", f"coaps://127.0.0.1:{room.coaps}", "leshan1", key.hex())
            room.wait_registered("leshan1", 40)
            status, body, _ = room.rest.call("PUT", "/devices/leshan1/observations/3303/0/5700", {})
            self.assertIn(status, (200, 201), body)
            room.parts["server"].kill()
            room.start_server()
            events = room.events()
            events.wait(lambda e: e["type"] == "notification", 40, "a notification")
            self.assertNotIn("registered", [e["type"] for e in events.seen])

    def test_leshan_client_in_queue_mode_at_server(self):
        with lab.Lab() as room:
            room.start_server("--allow-nosec", "--awake", "1")
            leshan.client(room, "leshan1", f"coap://127.0.0.1:{room.coap}", queue=6)
            self.assertTrue(room.wait_registered("leshan1", 40)["queue_mode"])
            room.wait(lambda: not room.rest.device("leshan1")["online"], 20, "the end of its time awake")
            ids = []
            for method, path, body in (("PUT", "/3311/0/5851", {"value": 7}), ("GET", "/3311/0/5851", None),
                                       ("POST", "/3303/0/5605/execute", {})):
                status, answer, _ = room.rest.call(method, f"/devices/leshan1/objects{path}?queue=true", body)
                self.assertEqual(status, 202, answer)
                ids.append(answer["id"])

            def state(number):
                return room.rest.get(f"/requests/{number}")[1]

            room.wait(lambda: state(ids[-1])["state"] == "done", 30, "the last of the requests")
            self.assertEqual([state(i)["state"] for i in ids], ["done"] * 3)
            self.assertEqual(state(ids[1])["values"][0]["value"], 7, "they went in order")

    def test_composite_operations_and_send_of_leshan_client(self):
        """Read-, Write-, Observe- and Cancel-Composite and Send of LwM2M 1.1, at tessera-server"""
        with lab.Lab() as room:
            room.start_server("--allow-nosec")
            events = room.events()
            leshan.client(room, "leshan1", f"coap://127.0.0.1:{room.coap}", send="SENML_CBOR")
            room.wait_registered("leshan1", 40)

            def call(what, body):
                status, answer, _ = room.rest.call("POST", f"/devices/leshan1/composite/{what}", body)
                return status, answer

            def values(answer):
                return {v["path"]: v["value"] for v in answer["values"]}

            paths = {"paths": ["/3311/0/5850", "/3311/0/5851", "/3/0/0"]}
            status, answer = call("read", paths)
            self.assertEqual((status, values(answer)), (200, {"/3311/0/5850": False, "/3311/0/5851": 50, "/3/0/0": "Leshan"}))
            status, answer = call("write", {"values": [{"path": "/3311/0/5850", "value": True},
                                                       {"path": "/3311/0/5851", "value": 9}]})
            self.assertEqual(status, 200, answer)
            self.assertEqual(values(call("read", paths)[1])["/3311/0/5851"], 9)
            status, answer = call("observe", paths)
            self.assertEqual((status, values(answer)["/3311/0/5851"]), (200, 9), answer)
            self.assertEqual(call("write", {"values": [{"path": "/3311/0/5851", "value": 33}]})[0], 200)
            events.wait(lambda e: e["type"] == "notification" and values(e["data"]).get("/3311/0/5851") == 33, 20,
                        "the composite notification")
            self.assertEqual(call("cancel", paths)[0], 200)
            sent = events.wait(lambda e: e["type"] == "sent" and "/3303/0/5700" in values(e["data"]), 20, "a Send")
            self.assertEqual(values(sent["data"])["/3303/0/5701"], "Cel")
            room.parts["leshan-client"].expect("sent CHANGED")

    def test_leshan_client_at_server_nosec(self):
        self.drive(secure=False)

    def test_leshan_client_at_server_psk(self):
        """LwM2M-1.1-int-401"""
        self.drive(secure=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(lab.ROOT / "tools"))
    unittest.main()
