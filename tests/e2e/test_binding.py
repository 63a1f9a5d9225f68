# SPDX-License-Identifier: Apache-2.0
"""A device that goes over from DTLS to TLS and back because its server wants it, with one key and one port number (Core E.2,
/1/x/8 and /1/x/22); what the server asked of it before is asked again."""
import re
import unittest

import lab


class OverDtlsAndTls(unittest.TestCase):
    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        room.start_server("--coaps-tcp", f"127.0.0.1:{room.coaps}")
        room.start_secured()
        self.events = room.events()
        key = lab.new_key()
        room.credentials("dev1", "dev1", key)
        room.start_device("dev1", f"coaps://127.0.0.1:{room.coaps}", key)
        room.wait_registered("dev1")

    def ask(self, method, path, body=None, good=(200, 201, 204)):
        status, answer, _ = self.room.rest.call(method, f"/devices/dev1{path}", body)
        self.assertIn(status, good, answer)
        return answer

    def trigger(self, *arguments):
        self.ask("POST", "/objects/1/0/8/execute", {"arguments": arguments[0]} if arguments else None)

    def rebound(self, count):
        """So many times the device has another transport, and can be read."""
        self.room.wait(lambda: len(re.findall("event=registered ", self.room.parts["device"].text())) > count, 30,
                       f"registration {count + 1}")
        self.room.wait(lambda: self.room.rest.get("/devices/dev1/objects/3/0/0")[0] == 200, 30, "a read")
        return self.room.rest.device("dev1")

    def notified(self, last):
        """A value that is set now is reported."""
        seen = self.events.wait(lambda e: e["type"] == "notification" and e["id"] > last, 30, "a notification")
        self.assertEqual(seen["data"]["endpoint"], "dev1")
        return seen["id"]

    def test_trigger_with_a_binding_and_back(self):
        self.ask("PUT", "/observations/3/0/13", {"attributes": {"pmax": 1}})
        last = self.notified(0)
        before = self.room.rest.device("dev1")
        self.trigger("0='T'")
        after = self.rebound(1)
        self.assertEqual((after["security"], after["endpoint"]), (before["security"], "dev1"))
        self.assertIn("transport=tls", self.room.parts["device"].text())
        last = self.notified(self.events.seen[-1]["id"])
        self.trigger("0='U'")
        self.rebound(2)
        self.notified(self.events.seen[-1]["id"])
        self.trigger()  # no other binding: an Update alone
        self.room.wait_device("updated")
        self.assertEqual(len(re.findall("event=registered ", self.room.parts["device"].text())), 3)

    def test_preferred_transport_outlives_a_kill(self):
        self.ask("PUT", "/objects/1/0/22", {"value": "T"})
        self.trigger()
        self.rebound(1)
        self.room.parts["device"].kill()
        self.room.run_device()
        self.room.wait_device("registered")
        self.assertIn("transport=tls", self.room.parts["device"].text().rpartition("event=daemon-started")[2])
        self.assertEqual(self.ask("GET", "/objects/1/0/22")["values"][0]["value"], "T")


if __name__ == "__main__":
    unittest.main()
