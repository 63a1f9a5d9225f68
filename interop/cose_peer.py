# SPDX-License-Identifier: Apache-2.0
"""Attestation tokens by code that others wrote: cbor2, pycose and cryptography. Runs in the peers' environment.

    cose_peer.py read TOKEN PUBLIC.pem      verifies it twice and prints its claims as JSON
    cose_peer.py make TOKEN NONCE [OLD]     makes a key and a token; prints the public key (hex of the point)
"""
import hashlib
import json
import os
import sys

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pycose.keys import EC2Key
from pycose.messages import Sign1Message


def hexed(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [hexed(v) for v in value]
    if isinstance(value, dict):
        return {str(k): hexed(v) for k, v in value.items()}
    return value


def by_cryptography(token, key):
    """The signature by hand: RFC 9052 §4.4 written with cbor2 alone."""
    tag = cbor2.loads(token)
    protected, unprotected, payload, signature = tag.value
    assert tag.tag == 18 and cbor2.loads(protected) == {1: -7} and unprotected == {}, tag
    to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
    half = len(signature) // 2
    numbers = (int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    try:
        key.verify(utils.encode_dss_signature(*numbers), to_sign, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return None
    return payload


def by_pycose(token, key):
    numbers = key.public_numbers()
    message = Sign1Message.decode(token)
    message.key = EC2Key(crv="P_256", x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    return message.payload if message.verify_signature() else None


def read(token, pem):
    key = serialization.load_pem_public_key(open(pem, "rb").read())
    data = open(token, "rb").read()
    payloads = by_cryptography(data, key), by_pycose(data, key)
    changed = data[:-1] + bytes([data[-1] ^ 1])
    claims = cbor2.loads(payloads[0]) if payloads[0] is not None else {}
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    print(json.dumps({
        "cryptography": payloads[0] is not None, "pycose": payloads[1] is not None,
        "changed": by_cryptography(changed, key) is not None or by_pycose(changed, key) is not None,
        "canonical": payloads[0] == cbor2.dumps(claims, canonical=True),
        "instance": "01" + hashlib.sha256(point).hexdigest(), "claims": hexed(claims)}))


def make(token, nonce, old):
    key = EC2Key.generate_key(crv="P_256")
    point = b"\x04" + key.x + key.y
    instance = b"\x01" + hashlib.sha256(point).digest()
    component = {1: "PRoT", 2: b"\x33" * 32, 4: "3.1.4", 5: b"\x44" * 32, 6: "sha-256"}
    seed = os.urandom(32)
    claims = {10: nonce, 256: instance, 265: "tag:psacertified.org,2023:psa#tfm", 268: seed, 2394: -7, 2395: 0x3000,
              2396: b"\x22" * 32, 2398: "0604565272829-10010", 2399: [component], 2400: "https://verifier.example"}
    if old:
        claims = {-75000: "PSA_IOT_PROFILE_1", -75001: -7, -75002: 0x3000, -75003: b"\x22" * 32, -75004: seed,
                  -75005: "0604565272829", -75006: [component], -75008: nonce, -75009: instance,
                  -75010: "https://verifier.example"}
    message = Sign1Message(phdr={"ALG": "ES256"}, uhdr={"KID": b"peer"}, payload=cbor2.dumps(claims))
    message.key = key
    with open(token, "wb") as f:
        f.write(message.encode())
    print(point.hex())


if sys.argv[1] == "read":
    read(sys.argv[2], sys.argv[3])
else:
    make(sys.argv[2], bytes.fromhex(sys.argv[3]), len(sys.argv) > 4)
