# SPDX-License-Identifier: Apache-2.0
"""aiocoap as a device: our server's registration, block-wise transfer in both directions, observation."""
import signal
import time
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class DeviceOfAiocoap(unittest.TestCase):
    def test_aiocoap_device_at_server(self):
        with lab.Lab() as room:
            room.start_server("--allow-nosec")
            events = room.events()
            device = room.start("aiocoap", [PYTHON, lab.ROOT / "interop/aiocoap_device.py", room.coap, "py1"],
                                ready="registered 2.01")
            seen = room.wait_registered("py1")
            self.assertEqual(sum(len(o["instances"]) for o in seen["objects"]), 204, "the list came in blocks")
            status, body, _ = room.rest.get("/devices/py1/objects/3/0")
            self.assertEqual(status, 200, body)
            values = {v["path"]: v["value"] for v in body["values"]}
            self.assertEqual((values["/3/0/0"], len(values["/3/0/2"]), values["/3/0/9"]), ("aiocoap", 3000, 77))
            status, body, _ = room.rest.get("/devices/py1/objects/3/0/4711")
            self.assertEqual(status, 404, body)
            status, body, _ = room.rest.call("PUT", "/devices/py1/objects/3311/0/5850", {"value": True})
            self.assertEqual(status, 200, body)
            device.expect("written")
            status, body, _ = room.rest.call("POST", "/devices/py1/objects/1/0/8/execute", {})
            self.assertEqual(status, 200, body)
            device.expect("executed")
            status, body, _ = room.rest.call("PUT", "/devices/py1/observations/3300/0/5700", {})
            self.assertEqual(status, 200, body)
            room.wait(lambda: sum(e["type"] == "notification" for e in events.seen) >= 3, 20, "three notifications")
            numbers = [e["data"]["values"][0]["value"] for e in events.seen if e["type"] == "notification"]
            self.assertEqual(numbers, sorted(numbers))

    def test_aiocoap_device_in_queue_mode_at_server(self):
        with lab.Lab() as room:
            room.start_server("--allow-nosec", "--awake", "1")
            device = room.start("aiocoap", [PYTHON, lab.ROOT / "interop/aiocoap_device.py", room.coap, "py1", "Q"],
                                ready="registered 2.01")
            self.assertTrue(room.wait_registered("py1")["queue_mode"])
            room.wait(lambda: not room.rest.device("py1")["online"], 20, "the end of its time awake")
            ids = []
            for n in range(3):
                status, body, _ = room.rest.call("POST", "/devices/py1/objects/1/0/8/execute?queue=true",
                                                 {"arguments": str(n)})
                self.assertEqual(status, 202, body)
                ids.append(body["id"])
            time.sleep(0.5)
            self.assertNotIn("executed", device.text(), "it sleeps")
            device.popen.send_signal(signal.SIGUSR1)
            room.wait(lambda: room.rest.get(f"/requests/{ids[-1]}")[1]["state"] == "done", 20, "the last request")
            lines = [line for line in device.text().splitlines() if line.startswith(("updated", "executed"))]
            self.assertEqual(lines[-3:], ["executed 0", "executed 1", "executed 2"])
            self.assertIn("updated 2.04 Changed", lines)

    def test_composite_requests_wait_for_an_aiocoap_device(self):
        """Read-Composite and Write-Composite of the queue; the server is killed and started again before it wakes"""
        with lab.Lab() as room:
            room.start_server("--allow-nosec", "--awake", "1")
            device = room.start("aiocoap", [PYTHON, lab.ROOT / "interop/aiocoap_device.py", room.coap, "py1", "Q"],
                                ready="registered 2.01")
            room.wait(lambda: not room.rest.device("py1")["online"], 20, "the end of its time awake")
            ids = []
            for what, body in (("write", {"values": [{"path": "/1/0/1", "value": 600}]}),
                               ("read", {"paths": ["/1/0/1", "/3/0/9", "/3/0/99"]})):
                status, answer, _ = room.rest.call("POST", f"/devices/py1/composite/{what}?queue=true", body)
                self.assertEqual((status, answer["operation"], answer["state"]), (202, f"{what}-composite", "queued"))
                ids.append(answer["id"])
            self.assertEqual(room.rest.call("POST", "/devices/py1/composite/read?queue=true", {"paths": []})[0], 422)
            room.parts["server"].kill()
            room.start_server("--allow-nosec", "--awake", "1")
            self.assertNotIn("patched", device.text(), "it sleeps")
            device.popen.send_signal(signal.SIGUSR1)
            read = room.wait(lambda: self.done(room, ids[1]), 30, "the composite read")
            self.assertEqual({v["path"]: v["value"] for v in read["values"]}, {"/1/0/1": 600, "/3/0/9": 77})
            self.assertEqual(self.done(room, ids[0])["coap_code"], "2.04")
            lines = [line for line in device.text().splitlines() if line.startswith(("patched", "fetched"))]
            self.assertEqual(lines, ["patched /1/0/1 600", "fetched /1/0/1 /3/0/9 /3/0/99"])

    def done(self, room, request):
        seen = room.rest.get(f"/requests/{request}")[1]
        return seen if seen["state"] == "done" else None


if __name__ == "__main__":
    unittest.main()
