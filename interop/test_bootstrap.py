# SPDX-License-Identifier: Apache-2.0
"""The bootstrap server before clients that others wrote: Eclipse Leshan over coap and coaps, aiocoap for each code."""
import base64
import json
import urllib.parse
import unittest

import lab
import leshan
from authority import Authority

PYTHON = lab.ROOT / "build/python/bin/python3"


def start(room, *extra):
    """A server with the bootstrap role; its two ports are room.bs and room.bss."""
    room.bs, room.bss = lab.free_port(), lab.free_port()
    room.start_server("--allow-nosec", "--bootstrap-coap", f"127.0.0.1:{room.bs}",
                      "--bootstrap-coaps", f"127.0.0.1:{room.bss}", *extra)


def put(room, path, body):
    status, answer, _ = room.rest.call("PUT", "/bootstrap" + path, body)
    assert status == 200, answer
    return answer


def state(room, endpoint):
    status, body, _ = room.rest.get("/bootstrap/devices/" + urllib.parse.quote(endpoint, safe=""))
    return body if status == 200 else None


@leshan.needed
class LeshanClientBootstraps(unittest.TestCase):
    def drive(self, room, endpoint, where, *psk):
        leshan.client(room, "-b", endpoint, where, *psk)
        device = room.wait_registered(endpoint, 60)
        self.assertEqual(device["lifetime_s"], 120)
        self.assertEqual(state(room, endpoint)["state"], "finished")
        self.assertEqual(device["bootstrap"]["state"], "finished")
        status, body, _ = room.rest.get(f"/devices/{endpoint}/objects/1")
        self.assertEqual(status, 200, body)
        servers = {v["path"]: v["value"] for v in body["values"]}
        self.assertEqual([v for p, v in servers.items() if p.endswith("/1")], [120])
        room.parts["leshan-client"].stop()
        return device

    def test_int_0_leshan_client_bootstraps_nosec(self):
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            put(room, "/profiles/leshan*", {"plain": True, "servers": [
                {"uri": f"coap://127.0.0.1:{room.coap}", "security": "nosec", "short_server_id": 101,
                 "lifetime": 120}]})
            device = self.drive(room, "leshan1", f"coap://127.0.0.1:{room.bs}")
            self.assertEqual(device["security"], "nosec")

    def test_int_1_leshan_client_bootstraps_psk_and_registers_with_the_new_key(self):
        with lab.Lab() as room:
            start(room)
            key = lab.new_key()
            put(room, "/credentials/leshan1", {"mode": "psk", "identity": "factory-1", "key": key.hex()})
            put(room, "/profiles/*", {"write": "object", "servers": [
                {"uri": f"coaps://127.0.0.1:{room.coaps}", "security": "psk", "generate": True,
                 "identity": "made-for-{endpoint}", "short_server_id": 101, "lifetime": 120}]})
            device = self.drive(room, "leshan1", f"coaps://127.0.0.1:{room.bss}", "factory-1", key.hex())
            self.assertEqual((device["security"], device["identity"]), ("psk", "made-for-leshan1"))
            status, body, _ = room.rest.get("/credentials/leshan1")
            self.assertEqual((status, body["key_bytes"]), (200, 16))


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class AiocoapDeviceBootstraps(unittest.TestCase):
    PROFILE = {"plain": True, "read": ["/1"], "servers": [
        {"uri": "coaps://127.0.0.1:5684", "security": "psk", "key": "00112233445566778899aabbccddeeff",
         "short_server_id": 7, "lifetime": 60, "binding": "U", "retry_count": 2}],
        "access_control": [{"object": 3, "instance": 0, "owner": 7, "acl": {"7": 15}}],
        "writes": [{"path": "/3/0/15", "value": "Europe/Vienna"}]}

    def run_device(self, room, target, *errors):
        device = room.start("aiocoap", [PYTHON, lab.ROOT / "interop/aiocoap_bootstrap.py", room.bs, target, *errors])
        room.wait(lambda: not device.alive(), 60, "the end of the device")
        with open(device.log, "rb") as log:
            log.seek(device.seen)
            lines = log.read().decode().splitlines()
        self.assertEqual(device.stop(), 0, lines)
        return lines

    def code(self, room, target):
        return next(line.split()[1] for line in self.run_device(room, target) if line.startswith("answer"))

    def ended(self, room, endpoint):
        room.wait(lambda: (state(room, endpoint) or {}).get("state") in ("finished", "failed"), 20, "the end")
        return state(room, endpoint)

    def test_int_0_4_8_client_gets_its_profile_step_by_step(self):
        """LwM2M-1.1-int-0, LwM2M-1.1-int-4 (Delete of /0 and /1), LwM2M-1.1-int-8 (Read of /1)"""
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            put(room, "/profiles/py*", self.PROFILE)
            lines = self.run_device(room, "bs?ep=py1&pct=112")
            asked = [line.split()[1:3] for line in lines if line.startswith("asked")]
            # The bootstrap server's own account is /0/1 (it has no short server id), and stays.
            self.assertEqual(asked, [["GET", "/"], ["GET", "/1"], ["DELETE", "/0"], ["DELETE", "/1"], ["DELETE", "/2"],
                                     ["PUT", "/0/0"], ["PUT", "/1/0"], ["PUT", "/2/0"], ["PUT", "/3/0/15"],
                                     ["POST", "/bs"]])
            written = {}
            for line in lines:
                if line.startswith("asked PUT"):
                    written.update(json.loads(line.split(" ", 4)[4]))
            self.assertEqual(written, {
                "/0/0/0": "coaps://127.0.0.1:5684", "/0/0/1": False, "/0/0/2": 0, "/0/0/3": b"py1".hex(), "/0/0/4": "",
                "/0/0/5": "00112233445566778899aabbccddeeff", "/0/0/10": 7,
                "/1/0/0": 7, "/1/0/1": 60, "/1/0/6": True, "/1/0/7": "U", "/1/0/17": 2,
                "/2/0/0": 3, "/2/0/1": 0, "/2/0/2/7": 15, "/2/0/3": 7, "/3/0/15": "Europe/Vienna"})
            seen = self.ended(room, "py1")
            self.assertEqual((seen["state"], seen["writes"], seen["profile"]), ("finished", 4, "py*"))

    def test_client_gets_certificates(self):
        """LwM2M-1.1-int-2: byte for byte what OpenSSL made"""
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            authority = Authority(room.folder, "authority")
            own, key = authority.device(room.folder / "device", "py1")
            given = [path.read_bytes() for path in (own, authority.der(authority.cert), key)]
            names = ("certificate", "server_certificate", "private_key")
            put(room, "/profiles/py*", {"plain": True, "servers": [
                {"uri": "coaps://127.0.0.1:5684", "security": "x509", "short_server_id": 7, "certificate_usage": 2,
                 **{name: base64.b64encode(der).decode() for name, der in zip(names, given)}}]})
            lines = self.run_device(room, "bs?ep=py1&pct=112")
            written = json.loads(next(line for line in lines if line.startswith("asked PUT /0/0")).split(" ", 4)[4])
            self.assertEqual([bytes.fromhex(written[f"/0/0/{n}"]) for n in (3, 4, 5)], given)
            self.assertEqual((written["/0/0/2"], written["/0/0/15"]), (2, 2))
            self.assertEqual(self.ended(room, "py1")["state"], "finished")

    def test_int_12_client_gets_a_pack(self):
        """LwM2M-1.1-int-12"""
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            put(room, "/profiles/py*", self.PROFILE)
            lines = self.run_device(room, "bspack?ep=py1&acc=%3C/0/0%3E")
            pack = json.loads(next(line for line in lines if line.startswith("pack")).split(" ", 1)[1])
            self.assertEqual(pack["/0/1/0"], "coaps://127.0.0.1:5684")
            self.assertEqual((pack["/1/0/0"], pack["/3/0/15"], pack["/2/0/2/7"]), (7, "Europe/Vienna", 15))
            self.assertFalse([p for p in pack if p.startswith("/0/0/")], "its own account stays")
            self.assertEqual(self.ended(room, "py1")["way"], "pack")
            self.assertEqual(self.code(room, "bspack?ep=nobody"), "4.04")
            put(room, "/profiles/py*", {**self.PROFILE, "pack": False})
            self.assertEqual(self.code(room, "bspack?ep=py1"), "4.05")

    def test_request_is_answered_by_the_right_code(self):
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            put(room, "/profiles/py*", self.PROFILE)
            put(room, "/profiles/secret", {**self.PROFILE, "plain": False})
            put(room, "/credentials/py9", {"mode": "psk", "identity": "py9", "key": "00"})
            for target, code in (("bs?ep=nobody", "4.00"), ("bs", "4.00"), ("bs?ep=py1&pct=60", "4.15"),
                                 ("bs?ep=py1&pct=yes", "4.00"), ("bs?ep=secret", "4.03"), ("bs?ep=py9", "4.03"),
                                 ("GET bs?ep=py1", "4.05"), ("rd?ep=py1", "4.04"), ("bs/1?ep=py1", "4.04")):
                with self.subTest(target=target):
                    self.assertEqual(self.code(room, target), code)
            self.assertIsNone(state(room, "py1"))

    def test_int_9_client_refuses_and_the_cause_is_kept(self):
        """LwM2M-1.1-int-9"""
        with lab.Lab() as room:
            start(room, "--bootstrap-nosec")
            events = room.events()
            put(room, "/profiles/py*", self.PROFILE)
            for n, (method, path, code, words) in enumerate((
                    ("POST", "/bs", "4.06", "Finish: the device refused with 4.06: as the test wants"),
                    ("PUT", "/1/0", "4.00", "Write /1/0: the device refused with 4.00"),
                    ("DELETE", "/0", "5.00", "Delete /0: the device refused with 5.00"))):
                self.assertIn("given up", self.run_device(room, f"bs?ep=py{n}&pct=112", method, path, code))
                seen = self.ended(room, f"py{n}")
                self.assertEqual(seen["state"], "failed")
                self.assertIn(words, seen["cause"])
                events.wait(lambda e: e["type"] == "bootstrap-failed" and words in e["data"]["detail"], 10, words)
            # What a device may refuse: to be read, and a format.
            self.assertIn("finished", self.run_device(room, "bs?ep=py7", "GET", "/", "4.05", "GET", "/1", "4.05"))
            self.assertEqual(self.ended(room, "py7")["state"], "finished")
            self.run_device(room, "bs?ep=py8&pct=110", "PUT", "/0/0", "4.15")
            self.assertIn("Write /0/0: the device refused with 4.15", self.ended(room, "py8")["cause"])


if __name__ == "__main__":
    unittest.main()
