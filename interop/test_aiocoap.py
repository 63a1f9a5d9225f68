# SPDX-License-Identifier: Apache-2.0
"""aiocoap as a device: our server's registration, block-wise transfer in both directions, observation."""
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


if __name__ == "__main__":
    unittest.main()
