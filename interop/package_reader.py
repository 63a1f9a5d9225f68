# SPDX-License-Identifier: Apache-2.0
"""Reads a firmware package with nothing of ours: cbor2, cryptography and tarfile. Ends with 0 only if all is good.

    package_reader.py [--decrypt-with KEY.hex] PACKAGE PUBLIC.pem COMPONENT SEQUENCE VENDOR CLASS [IMAGE]

Written from draft-ietf-suit-manifest, draft-ietf-suit-firmware-encryption and RFC 9052 alone.
"""
import hashlib
import io
import sys
import tarfile
import uuid

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def need(good, what):
    if not good:
        sys.exit(f"refused: {what}")


def sign1(block, payload, key):
    """COSE_Sign1 with a detached payload (RFC 9052, 4.4)."""
    message = cbor2.loads(block)
    need(message.tag == 18, "no COSE_Sign1")
    protected, _, nothing, signature = message.value
    need(nothing is None and cbor2.loads(protected) == {1: -7} and len(signature) == 64, "not ES256 over a detached payload")
    data = cbor2.dumps(["Signature1", protected, b"", payload])
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key.verify(der, data, ECDSA(SHA256()))  # raises


def decrypt(info, ciphertext, kek):
    """COSE_Encrypt with A128GCM and A128KW (RFC 9052, 5.1 and 5.3; RFC 9053, 6.2.1)."""
    message = cbor2.loads(info)
    need(message.tag == 96, "no COSE_Encrypt")
    protected, header, nothing, recipients = message.value
    need(nothing is None and cbor2.loads(protected) == {1: 1} and len(header[5]) == 12, "not A128GCM, detached")
    need(len(recipients) == 1, "not one recipient")
    (empty, wrap, wrapped), = recipients
    need(empty == b"" and wrap[1] == -3, "not A128KW")
    cek = aes_key_unwrap(kek, wrapped)  # raises
    return AESGCM(cek).decrypt(header[5], ciphertext, cbor2.dumps(["Encrypt", protected, b""]))  # raises


def sequence(commands, seen):
    """Pairs of command and argument, in the shapes that the examples of the draft have."""
    items = cbor2.loads(commands)
    for command, argument in zip(items[::2], items[1::2]):
        if command == 12:  # set component index
            seen["component"] = argument
        elif command == 20 and seen["component"] in (0, True):  # override parameters
            seen["parameters"].update(argument)
        elif command in (1, 2, 3, 21) and seen["component"] in (0, True):
            seen["done"].add(command)


def main():
    kek = None
    if sys.argv[1] == "--decrypt-with":
        with open(sys.argv[2]) as f:
            kek = bytes.fromhex(f.read())
        del sys.argv[1:3]
    package, public, component, number, vendor, kind, *image = sys.argv[1:]
    with open(package, "rb") as f:
        stream = io.BytesIO(f.read())
    tag = cbor2.load(stream)
    need(isinstance(tag, cbor2.CBORTag) and tag.tag == 107, "not tagged as a SUIT envelope")
    envelope, behind = tag.value, stream.read()
    with open(public, "rb") as f:
        key = load_pem_public_key(f.read())

    digest, *blocks = cbor2.loads(envelope[2])
    algorithm, value = cbor2.loads(digest)
    need(algorithm == -16 and value == hashlib.sha256(cbor2.dumps(envelope[3])).digest(), "the manifest's digest")
    sign1(blocks[0], digest, key)

    manifest = cbor2.loads(envelope[3])
    need(manifest[1] == 1 and manifest[2] == int(number), "version or sequence number")
    common = cbor2.loads(manifest[3])
    need(common[2][0] == [component.encode()], "the component")
    seen = {"component": 0, "parameters": {}, "done": set()}
    for part in (common[4], manifest[20], manifest[7]):
        sequence(part, seen)
    parameters = seen["parameters"]
    space = uuid.uuid5(uuid.NAMESPACE_DNS, vendor)
    need(parameters[1] == space.bytes and parameters[2] == uuid.uuid5(space, kind).bytes, "vendor or class")
    need({1, 2, 3, 21} <= seen["done"], "a condition or the fetch is not there")

    if image:
        with open(image[0], "rb") as f:
            payload = f.read()
    else:
        payload = envelope.get(parameters[21], behind)
    if kek:
        payload = decrypt(parameters[19], payload, kek)
    algorithm, value = cbor2.loads(parameters[3])
    need(algorithm == -16 and value == hashlib.sha256(payload).digest(), "the image's digest")
    need(parameters[14] == len(payload), "the image's size")
    with tarfile.open(fileobj=io.BytesIO(payload)) as tar:
        print("accepted:", " ".join(tar.getnames()))


main()
