# SPDX-License-Identifier: Apache-2.0
"""Tokens across implementations: ours read by cbor2, pycose and cryptography; pycose's verified by us."""
import hashlib
import json
import os
import subprocess
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"
PEER = lab.ROOT / "interop/cose_peer.py"


def has_pycose():
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pycose, cbor2, cryptography"],
                                              capture_output=True).returncode == 0


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)


def peer(*words):
    done = run(PYTHON, PEER, *words)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


@unittest.skipUnless(has_pycose(), "pycose is not installed (interop/get-peers)")
class TokensAcrossImplementations(unittest.TestCase):
    def test_our_token_is_read_by_others(self):
        with lab.Lab() as room:
            room.start_secured()
            token, pem, nonce = room.folder / "token", room.folder / "key.pem", os.urandom(48)
            tool = [lab.program("tessera-token"), "--socket", room.socket]
            self.assertEqual(run(*tool, "--nonce", nonce.hex(), "--out", token).returncode, 0)
            self.assertEqual(run(*tool, "--public-key", "--out", pem).returncode, 0)
            seen = json.loads(peer("read", token, pem))
            self.assertTrue(seen["cryptography"] and seen["pycose"], "both verify the signature")
            self.assertFalse(seen["changed"], "and refuse a changed one")
            self.assertTrue(seen["canonical"], "the claims are in deterministic encoding")
            claims = seen["claims"]
            with open(lab.program("tessera-secured"), "rb") as f:
                measurement = hashlib.file_digest(f, "sha256").hexdigest()
            self.assertEqual(claims.pop("10"), nonce.hex())
            self.assertEqual(claims.pop("256"), seen["instance"])
            self.assertEqual(claims.pop("265"), "tag:psacertified.org,2023:psa#tfm")
            self.assertEqual(len(bytes.fromhex(claims.pop("268"))), 32)
            self.assertEqual(claims.pop("2394"), -os.geteuid() - 1)
            self.assertEqual(claims.pop("2395"), 0x2000)
            self.assertEqual(claims.pop("2396"), "00" * 32)
            [component] = claims.pop("2399")
            self.assertEqual((component["1"], component["2"], component["5"], component["6"]),
                             ("PRoT", measurement, "00" * 32, "sha-256"))
            self.assertEqual(claims, {}, "and nothing else")

    def test_token_of_pycose_is_verified_by_us(self):
        with lab.Lab() as room:
            token, trust, reference = (room.folder / name for name in ("token", "trust.json", "reference.json"))
            nonce = os.urandom(64).hex()
            reference.write_text(json.dumps({
                "profiles": ["tag:psacertified.org,2023:psa#tfm", "PSA_IOT_PROFILE_1"],
                "implementation_id": "22" * 32, "lifecycle": "secured", "client_id": -7,
                "certification_reference": "0604565272829-10010", "verification_service": "https://verifier.example",
                "components": [{"type": "PRoT", "measurements": "33" * 32, "signers": "44" * 32, "versions": "3.1.4"}]}))
            for profile in ([], ["old"]):
                trust.write_text(json.dumps({"attestation_public_key": peer("make", token, nonce, *profile).strip()}))
                words = [lab.program("tessera"), "attest", "verify", "--json", "--token", token, "--reference", reference,
                         "--trust", trust, "--nonce"]
                done = run(*words, nonce)
                report = json.loads(done.stdout)
                self.assertEqual((done.returncode, report["passed"]), (0, True), done.stdout)
                self.assertGreaterEqual(sum(c["verdict"] == "pass" for c in report["checks"]), 14)
                self.assertEqual(run(*words, os.urandom(64).hex()).returncode, 3)
                good = token.read_bytes()
                token.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
                done = run(*words, nonce)
                self.assertIn(("signature", "fail"), {(c["claim"], c["verdict"]) for c in json.loads(done.stdout)["checks"]})


if __name__ == "__main__":
    unittest.main()
