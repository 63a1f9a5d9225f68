# SPDX-License-Identifier: Apache-2.0
"""A blank device and our services: the owner's plan ends in an account for LwM2M, and the device registers with it by itself."""
import json
import random
import subprocess
import time
import unittest

import fdolab
import lab
from authority import Pki

EP = "urn:dev:os:lamp"


class Base(unittest.TestCase):
    words = ()

    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.port = lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.bootstrap = lab.free_port()
        self.fdo_words = fdolab.everything(self.room.folder, self.port)
        self.start_server()
        self.room.start_secured()
        fdolab.configure(self.room, "its-own-name", self.url, "info = lamp", "key = p256")

    def start_server(self):
        self.room.start_server("--bootstrap-coaps", f"127.0.0.1:{self.bootstrap}", *self.fdo_words, *self.words)

    def rest(self, method, path, body=None, want=(200, 204)):
        status, answer, _ = self.room.rest.call(method, path, body)
        self.assertIn(status, want, answer)
        return answer

    def plan(self, *steps, name="default", want=(200, 204), **more):
        return self.rest("PUT", f"/fdo/plans/{name}", {"endpoint": "urn:dev:os:{device_info}", "steps": list(steps), **more},
                         want)

    def account(self, **more):
        return {"module": "tessera.lwm2m", "account": "management", "uri": f"coaps://127.0.0.1:{self.room.coaps}",
                "security": "psk", "short_server_id": 101, "lifetime": 300, **more}

    def bootstrap_account(self, **more):
        return {"module": "tessera.lwm2m", "account": "bootstrap", "uri": f"coaps://127.0.0.1:{self.bootstrap}",
                "security": "psk", **more}

    def tool(self, *words):
        done = subprocess.run([lab.program("tesserad"), "fdo", "--config", self.room.device_config, *words],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def again(self):
        """The owner gives the device away and gets it back: its voucher stays here."""
        self.room.parts["device"].stop()
        guid, = (d["guid"] for d in self.onboarded())
        self.rest("POST", f"/fdo/devices/{guid}/extend", {"to": (self.room.folder / "owner.pub").read_text()})
        self.tool("--reset")

    def credential(self, kind=""):
        status, answer, _ = self.room.rest.get(f"{kind}/credentials/{EP}")
        return answer if status == 200 else None

    def onboarded(self):
        return [d for d in self.rest("GET", "/fdo/devices")["items"] if d["state"] == "onboarded" and d["entries"] == 0]

    def registered(self, then="registered"):
        self.room.run_device()
        self.room.wait_device("fdo-onboarded", 30)
        self.room.wait_device(then, 60)
        return self.room.wait_registered(EP)


class Handover(Base):
    def test_account_of_the_managing_server(self):
        """And onboarded again, by another plan: what the first one gave is void."""
        self.plan(self.account())
        seen = self.registered()
        self.assertEqual((seen["security"], seen["lifetime_s"]), ("psk", 300))
        first = self.credential()
        self.assertRegex(first["identity"], "^fdo-[0-9a-f]{32}$")
        self.assertEqual(self.rest("GET", f"/devices/{EP}/objects/1/0/0")["values"][0]["value"], 101)
        self.again()
        self.assertEqual(self.credential(), first, "it holds until TO2 is done")
        self.registered()
        second = self.credential()
        self.assertNotEqual(second["identity"], first["identity"])
        self.again()
        self.plan(self.bootstrap_account())
        self.room.run_device()
        self.room.wait_device("fdo-onboarded", 30)
        self.room.wait(lambda: self.credential("/bootstrap"), 30, "the credential of the bootstrap server")
        self.assertIsNone(self.credential(), "what is not handed over again is taken back")

    def test_account_of_the_bootstrap_server(self):
        self.rest("PUT", "/bootstrap/profiles/urn:dev:os:*", {"servers": [
            {"uri": f"coaps://127.0.0.1:{self.room.coaps}", "security": "psk", "generate": True, "identity": "made-{endpoint}",
             "short_server_id": 5, "lifetime": 200}]})
        self.plan(self.bootstrap_account())
        self.assertEqual(self.registered()["lifetime_s"], 200)
        self.assertEqual(self.credential()["identity"], f"made-{EP}")
        self.assertRegex(self.credential("/bootstrap")["identity"], "^fdo-")

    def test_name_of_another_device(self):
        """A second device of that name is refused, unless the plan says that the first one loses it."""
        self.plan(self.account())
        self.registered()
        first = self.credential()
        self.room.parts["device"].stop()
        self.tool("--erase")
        self.room.run_device()
        self.room.parts["server"].expect("another device has the endpoint's name", 60)
        self.assertEqual(self.credential(), first)
        self.plan(self.account(), replace=True)
        self.room.wait_device("registered", 120)
        self.assertNotEqual(self.credential(), first)


    def test_owner_that_dies_half_way(self):
        """The device has taken the account when the owner is killed: nothing opens anything, and it is handed another one."""
        self.plan(self.account(), {"module": "fdo.command", "command": "wait"})
        fdolab.configure(self.room, "its-own-name", self.url, "info = lamp", f"root = {self.room.folder}",
                         "commands = wait=/bin/sleep")
        self.plan(self.account(), {"module": "fdo.command", "command": "wait", "args": ["3"]})
        self.room.run_device()
        self.room.wait_device("account", 60)
        self.room.parts["server"].kill()
        self.assertNotIn("event=fdo-onboarded", self.room.parts["device"].text())
        self.start_server()
        self.assertIsNone(self.credential())
        self.plan(self.account())
        self.room.wait_device("registered", 120)
        self.assertEqual(self.room.parts["device"].text().count("event=account "), 2)

    def test_owner_killed_at_any_time(self):
        """Whenever it dies, the device is onboarded in the end, with the one credential that is there."""
        self.plan(self.account(), {"module": "fdo.command", "command": "wait", "args": ["0.2"]})
        fdolab.configure(self.room, "its-own-name", self.url, "info = lamp", f"root = {self.room.folder}",
                         "commands = wait=/bin/sleep")
        self.room.run_device()
        for _ in range(6):
            time.sleep(random.uniform(0, 1.0))
            self.room.parts["server"].kill()
            self.start_server()
        self.room.wait_device("fdo-onboarded", 120)
        # RFC 7252 §4.8.2: of a session that died with the server before it was stored the device hears within 93 s
        self.room.wait_device("registered", 150)
        self.room.wait_registered(EP)
        every = self.rest("GET", "/credentials")["items"]
        self.assertEqual([c["endpoint"] for c in every], [EP])

    def test_group(self):
        self.plan(self.account(lifetime=77), name="lamps")
        self.plan(self.account(short_server_id=70000), name="other", want=(422,))
        self.plan({"module": "fdo.command", "command": "nothing"})  # the default plan, which this device cannot do
        self.room.run_device()
        self.room.parts["server"].expect("the device does not know a module of its plan", 60)
        guid = self.rest("GET", "/fdo/devices")["items"][0]["guid"]
        answer = self.rest("PUT", f"/fdo/devices/{guid}/group", {"group": "clocks"}, (422,))
        self.assertIn("there is no group clocks", answer["detail"])
        self.rest("PUT", f"/fdo/devices/{guid}/group", {"groups": "lamps"}, (422,))
        self.rest("PUT", f"/fdo/devices/{'0' * 32}/group", {"group": "lamps"}, (404,))
        self.assertEqual(self.rest("PUT", f"/fdo/devices/{guid}/group", {"group": "lamps"})["group"], "lamps")
        self.room.wait_device("registered", 120)
        self.assertEqual(self.room.wait_registered(EP)["lifetime_s"], 77)
        self.assertEqual([d["group"] for d in self.onboarded()], ["lamps"], "known of it under its new GUID")


    def cli(self, *words, text=""):
        done = subprocess.run([lab.program("tessera"), *words, "--server", f"http://127.0.0.1:{self.room.http}"], input=text,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_plan_and_group_made_by_the_command_line(self):
        """Nothing but `tessera` between a device that is refused and one that is onboarded as its group is."""
        fdolab.configure(self.room, "its-own-name", self.url, "info = lamp", f"root = {self.room.folder}",
                         "commands = say=/bin/echo")
        self.cli("plans", "set", "default", "--file", "-", text='{"steps": [{"module": "fdo.command", "command": "nothing"}]}')
        self.room.run_device()
        self.room.parts["server"].expect("the peer ended TO2", 60)  # it has no such command
        row, = (line.split() for line in self.cli("onboarding", "list").splitlines()[1:])
        guid = row[0]
        self.assertEqual(row[3:5], ["default", "(default)"])
        plan = {"endpoint": "urn:dev:os:{device_info}", "steps": [
            {"module": "fdo.download", "name": "greeting", "text": "welcome"},
            {"module": "fdo.command", "command": "say", "args": ["hello"], "save": "said"}, self.account(lifetime=77)]}
        self.cli("plans", "set", "lamps", "--file", "-", text=json.dumps(plan))
        self.assertIn("is in lamps", self.cli("groups", "add", "lamps", guid))
        self.room.wait_device("registered", 120)
        self.assertEqual(self.room.wait_registered(EP)["lifetime_s"], 77)
        self.assertEqual((self.room.folder / "greeting").read_text(), "welcome")
        rows = {line.split()[0]: line for line in self.cli("groups", "show", "lamps").splitlines()[1:]}
        self.assertIn("replaced", rows.pop(guid))
        (now, line), = rows.items()
        self.assertIn("onboarded", line)
        self.assertRegex(self.cli("groups", "list"), r"(?m)^lamps +1 +yes")
        shown = self.cli("onboarding", "show", now)
        self.assertRegex(shown, f"(?m)^endpoint +{EP}$")
        self.assertRegex(shown, r"(?m)^plan +lamps \(group\)$")
        self.assertRegex(shown, "(?m)^onboarded +20")
        name = self.cli("onboarding", "results").splitlines()[1].split()[0]
        self.assertEqual(self.cli("onboarding", "result", name), "hello\n")


class Certificate(Base):
    def start_server(self):
        self.pki = Pki(self.room.folder / "pki")
        self.pki.certificate("server-of-authority", "/CN=127.0.0.1", "authority")
        self.words = ("--certificate", self.pki.path("server-of-authority"), "--key", self.pki.path("server-of-authority", "key"),
                      "--trust", self.pki.path("authority"), "--enrol-certificate", self.pki.path("authority"),
                      "--enrol-key", self.pki.path("authority", "key"))
        super().start_server()

    def issued(self):
        return self.rest("GET", "/bootstrap/certificates")["items"]

    def test_certificate_of_the_servers_own_authority(self):
        self.plan({"module": "fdo.csr"}, self.account(security="certificate"))
        self.assertEqual(self.registered()["security"], "x509")
        self.assertEqual(self.credential()["identity"], EP)
        first, = self.issued()
        self.assertRegex(first["requested_by"], "^fdo:[0-9a-f]{64}$")
        self.again()
        self.registered()
        rest = {c["serial"]: c for c in self.issued()}
        self.assertEqual(len(rest), 2)
        self.assertIn("revoked_at", rest.pop(first["serial"]), "what the device had before")
        self.assertNotIn("revoked_at", rest.popitem()[1])

    def test_certificate_of_an_onboarding_that_fails_is_revoked(self):
        self.plan({"module": "fdo.csr"}, {"module": "fdo.command", "command": "nothing"})
        self.room.run_device()
        self.room.wait_device("fdo-failed", 60)
        self.room.wait(lambda: [c for c in self.issued() if "revoked_at" in c], 30, "the revocation")
        self.assertIsNone(self.credential())


if __name__ == "__main__":
    unittest.main()
