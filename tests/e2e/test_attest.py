# SPDX-License-Identifier: Apache-2.0
"""A token from a running device through both command lines: fetched, verified, and refused when anything is changed."""
import hashlib
import json
import os
import random
import subprocess
import unittest

import lab

ZERO = "00" * 32


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=60)
    return done.returncode, done.stdout


class Device:
    """A lab with a secure world, and what a verifier knows of it."""

    def __init__(self, room):
        self.room = room
        room.start_secured()
        self.token, self.trust = room.folder / "token", room.folder / "trust.pem"
        self.reference = room.folder / "reference.json"
        self.nonce = os.urandom(32).hex()
        with open(lab.program("tessera-secured"), "rb") as f:
            self.measurement = hashlib.file_digest(f, "sha256").hexdigest()
        self.values = {
            "implementation_id": ZERO, "lifecycle": "psa-rot-provisioning",
            "components": [{"type": "PRoT", "measurements": [self.measurement], "signers": ZERO}]}
        self.say_values()

    def say_values(self, **more):
        self.reference.write_text(json.dumps({**self.values, **more}))

    def tool(self, *words):
        return run(lab.program("tessera-token"), "--socket", self.room.socket, *words)

    def fetch(self):
        code, _ = self.tool("--nonce", self.nonce, "--out", self.token)
        assert code == 0, code
        code, _ = self.tool("--public-key", "--out", self.trust)
        assert code == 0, code

    def verify(self, *more, nonce=None, token=None):
        return run(lab.program("tessera"), "attest", "verify", "--token", token or self.token, "--nonce",
                   nonce or self.nonce, "--reference", self.reference, "--trust", self.trust, *more)


class Attestation(unittest.TestCase):
    def test_token_is_verified_claim_by_claim(self):
        with lab.Lab() as room:
            device = Device(room)
            device.fetch()
            code, out = device.verify("--json")
            report = json.loads(out)
            self.assertEqual(code, 0, out)
            self.assertTrue(report["passed"])
            verdicts = {c["claim"]: c["verdict"] for c in report["checks"]}
            for claim in ("envelope", "trust anchor", "signature", "profile", "instance id", "nonce", "implementation id",
                          "security lifecycle", "component PRoT: measurement", "component PRoT: signer"):
                self.assertEqual(verdicts[claim], "pass", claim)
            for claim in ("client id", "boot seed"):
                self.assertEqual(verdicts[claim], "noted", claim)
            code, out = device.verify()
            self.assertEqual((code, out.splitlines()[-1]), (0, b"The token is good."))

    def test_token_is_refused_for_the_reason_that_it_has(self):
        with lab.Lab() as room:
            device = Device(room)
            device.fetch()

            def refused(claim, *more, **how):
                code, out = device.verify("--json", *more, **how)
                failed = [c["claim"] for c in json.loads(out)["checks"] if c["verdict"] == "fail"]
                self.assertEqual((code, failed), (3, [claim]), out)

            refused("nonce", nonce=os.urandom(32).hex())
            device.say_values(lifecycle="secured")
            refused("security lifecycle")
            device.say_values(**{"implementation_id": "11" * 32})
            refused("implementation id")
            device.say_values(profiles="PSA_IOT_PROFILE_1")
            refused("profile")
            device.say_values(**{"client_id": 77})
            refused("client id")
            device.say_values(components=[{"type": "PRoT", "measurements": "22" * 32}])
            refused("component PRoT: measurement")
            device.say_values(components=[{"type": "App", "signers": ZERO, "optional": True}])
            refused("component PRoT: type")
            device.say_values()
            device.trust.write_text(json.dumps({"attestation_public_key": other_point()}))
            refused("trust anchor")

    def test_changed_token_is_refused(self):
        with lab.Lab() as room:
            device = Device(room)
            device.fetch()
            good = device.token.read_bytes()
            changed = room.folder / "changed"
            places = random.Random(7).sample(range(len(good)), 60)
            for place in places:
                changed.write_bytes(good[:place] + bytes([good[place] ^ 0x01]) + good[place + 1:])
                self.assertEqual(device.verify(token=changed)[0], 3, place)
            for data in (good + b"\0", good[:-1], b"", good[1:]):
                changed.write_bytes(data)
                self.assertEqual(device.verify(token=changed)[0], 3)
            print(f"{len(places) + 4} changed tokens refused", flush=True)

    def test_device_from_the_factory_is_verified_by_its_record(self):
        with lab.Lab() as room:
            store, trust, reference = room.folder / "secure", room.folder / "record.json", room.folder / "reference.json"
            token, nonce = room.folder / "token", os.urandom(64).hex()
            code, out = run(lab.program("tessera-factory"), "--store", store, "--implementation", "ab" * 32, "--record",
                            trust, "--certification", "0604565272829-10010", "--verification", "https://verifier.example")
            self.assertEqual(code, 0, out)
            room.start_secured()
            code, _ = run(lab.program("tessera-token"), "--socket", room.socket, "--nonce", nonce, "--out", token)
            self.assertEqual(code, 0)
            # Strict as it is by default: secured, and nothing but what is listed.
            reference.write_text(json.dumps({
                "implementation_id": "ab" * 32, "certification_reference": "0604565272829-10010",
                "verification_service": "https://verifier.example", "components": [{"type": "PRoT", "signers": ZERO}]}))
            code, out = run(lab.program("tessera"), "attest", "verify", "--json", "--token", token, "--nonce", nonce,
                            "--reference", reference, "--trust", trust)
            report = json.loads(out)
            self.assertEqual((code, report["passed"]), (0, True), out)
            verdicts = {c["claim"]: (c["verdict"], c["found"]) for c in report["checks"]}
            self.assertEqual(verdicts["security lifecycle"], ("pass", "secured (0x3000)"))
            self.assertEqual(verdicts["certification reference"], ("pass", "0604565272829-10010"))
            self.assertEqual(verdicts["trust anchor"], ("pass", json.loads(trust.read_text())["instance_id"]))

    def test_command_lines_say_what_is_wrong(self):
        with lab.Lab() as room:
            device = Device(room)
            device.fetch()
            self.assertEqual(device.tool("--nonce", "11" * 31)[0], 1)
            self.assertEqual(device.tool("--nonce", "zz" * 32)[0], 1)
            self.assertEqual(device.tool()[0], 1)
            self.assertEqual(device.tool("--nonce", device.nonce, "--out", room.folder / "no/where")[0], 2)
            self.assertEqual(device.verify(nonce="11" * 31)[0], 1)
            self.assertEqual(device.verify(token=room.folder / "nothing")[0], 2)
            device.say_values(implementaton_id="11" * 32)
            self.assertEqual(device.verify()[0], 2)
            code, out = run(lab.program("tessera"), "attest", "show", "--token", device.token)
            self.assertEqual(code, 0)
            self.assertTrue(out.startswith(b"NOT VERIFIED"))
            code, out = run(lab.program("tessera"), "attest", "key", "--trust", device.trust)
            self.assertEqual((code, out[:2], out[-7:]), (0, b"01", b" P-256\n"))
            room.parts["secured"].kill()
            self.assertEqual(device.tool("--nonce", device.nonce)[0], 4)


def other_point():
    """The P-256 test key of RFC 9500 §2.3: somebody else's."""
    return ("044225 48f88fb782ffb5eca3744452c72a1e558fbd6f73be5e48e93232cc45c5b16c4cd10c4cb8d5b8a17139e948"
            "82c8992572993425f41419ab7e90a42a494272").replace(" ", "")


if __name__ == "__main__":
    unittest.main()
