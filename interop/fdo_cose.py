# SPDX-License-Identifier: Apache-2.0
"""Keys, signatures, key exchanges and encrypted messages of FIDO Device Onboard 1.1, on cbor2 and cryptography alone."""

import hashlib
import hmac
import os

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.x509.oid import NameOID

EC_ALGORITHMS = {"secp256r1": (-7, 32, hashes.SHA256()), "secp384r1": (-35, 48, hashes.SHA384())}
RSA_ALGORITHMS = {2048: (-257, hashes.SHA256()), 3072: (-258, hashes.SHA384())}
KEY_TYPES = {"ec256": 10, "ec384": 11, "rsa2048": 1, "rsa3072": 5}



def make_key(kind):
    """Without zeros in front of x and y, which go-fdo leaves out of its COSE_Keys (docs/FDO.md)."""
    while kind.startswith("ec"):
        key = ec.generate_private_key(ec.SECP256R1() if kind == "ec256" else ec.SECP384R1())
        at = key.public_key().public_numbers()
        if min(at.x, at.y).bit_length() > key.curve.key_size - 8:
            return key
    return rsa.generate_private_key(65537, int(kind[3:]))


def algorithm(public):
    """COSE's number for what a key signs with."""
    return (EC_ALGORITHMS[public.curve.name] if isinstance(public, ec.EllipticCurvePublicKey)
            else RSA_ALGORITHMS[public.key_size])[0]


def to_be_signed(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


def sign1(key, payload, unprotected=None, protected=None):
    public = key.public_key()
    protected = cbor2.dumps({1: algorithm(public)}) if protected is None else protected
    data = to_be_signed(protected, payload)
    if isinstance(public, ec.EllipticCurvePublicKey):
        _, size, digest = EC_ALGORITHMS[public.curve.name]
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    else:
        signature = key.sign(data, padding.PKCS1v15(), RSA_ALGORITHMS[public.key_size][1])
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]))


def verify1(public, message):
    """The payload and the unprotected header; raises when the signature is not of this key."""
    tag = cbor2.loads(message) if isinstance(message, bytes) else message
    assert tag.tag == 18, tag
    protected, unprotected, payload, signature = tag.value
    assert cbor2.loads(protected) == {1: algorithm(public)}, protected
    data = to_be_signed(protected, payload)
    if isinstance(public, ec.EllipticCurvePublicKey):
        _, size, digest = EC_ALGORITHMS[public.curve.name]
        assert len(signature) == 2 * size
        encoded = utils.encode_dss_signature(int.from_bytes(signature[:size], "big"),
                                             int.from_bytes(signature[size:], "big"))
        public.verify(encoded, data, ec.ECDSA(digest))
    else:
        public.verify(signature, data, padding.PKCS1v15(), RSA_ALGORITHMS[public.key_size][1])
    return payload, unprotected


def public_of(key):
    """The key in a PublicKey array [type, encoding, body]."""
    kind, encoding, body = key
    if encoding == 1:
        return serialization.load_der_public_key(body)
    if encoding == 2:
        return x509.load_der_x509_certificate(body[0]).public_key()
    curve = {1: ec.SECP256R1(), 2: ec.SECP384R1()}[body[-1]]
    return ec.EllipticCurvePublicNumbers(int.from_bytes(body[-2], "big"), int.from_bytes(body[-3], "big"),
                                         curve).public_key()


def public_key(key, kind):
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return [KEY_TYPES[kind], 1, der]


def same_key(a, b):
    return a.public_numbers() == b.public_numbers()


def request(key, name):
    digest = hashes.SHA384() if algorithm(key.public_key()) in (-35, -258) else hashes.SHA256()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, digest)
    return csr.public_bytes(serialization.Encoding.DER)


def digest(alg, data):
    return [alg, hashlib.new({-16: "sha256", -43: "sha384"}[alg], data).digest()]


def check_digest(want, data):
    assert digest(want[0], data)[1] == want[1], "a hash is wrong"


def mac(alg, key, data):
    return [alg, hmac.new(key, data, {5: "sha256", 6: "sha384"}[alg]).digest()]


# --- key exchange: the device's side --------------------------------------------------------

def split3(data):
    parts = []
    while data:
        size = int.from_bytes(data[:2], "big")
        parts.append(data[2:2 + size])
        data = data[2 + size:]
    assert len(parts) == 3
    return parts


def ecdh(suite, x_a, owner):
    curve, size, length = (ec.SECP256R1(), 32, 16) if suite == "ECDH256" else (ec.SECP384R1(), 48, 48)
    x, y, owner_random = split3(x_a)
    assert len(owner_random) == length and len(x) == len(y) == size
    peer = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve).public_key()
    mine = ec.generate_private_key(curve)
    numbers = mine.public_key().public_numbers()
    device_random = os.urandom(length)
    x_b = b"".join(len(v).to_bytes(2, "big") + v for v in
                   (numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big"), device_random))
    return x_b, mine.exchange(ec.ECDH(), peer) + device_random + owner_random, b""


def prime(bits, offset):
    """RFC 3526 §3, RFC 3526 §4: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + offset)"""
    scale = 1 << (bits - 130 + 64)

    def arctan(inverse):  # of 1 / inverse, by Machin's series
        total = term = scale // inverse
        n, sign = 3, -1
        while term:
            term //= inverse * inverse
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total

    pi = (4 * (4 * arctan(5) - arctan(239))) >> 64
    return 2 ** bits - 2 ** (bits - 64) - 1 + 2 ** 64 * (pi + offset)


def dh(suite, x_a, owner):
    bits, offset, size = (2048, 124476, 32) if suite == "DHKEXid14" else (3072, 1690314, 96)
    p = prime(bits, offset)
    secret = int.from_bytes(os.urandom(size), "big")
    shared = pow(int.from_bytes(x_a, "big"), secret, p).to_bytes(bits // 8, "big")
    return pow(2, secret, p).to_bytes(bits // 8, "big"), shared, b""


def asymkex(suite, x_a, owner):
    size = 32 if suite == "ASYMKEX2048" else 96
    assert len(x_a) == size
    secret = os.urandom(size)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return owner.encrypt(secret, oaep), secret, x_a


EXCHANGES = {"ECDH256": ecdh, "ECDH384": ecdh, "DHKEXid14": dh, "DHKEXid15": dh, "ASYMKEX2048": asymkex,
             "ASYMKEX3072": asymkex}


# --- encrypted messages ----------------------------------------------------------------------

CIPHERS = {  # key bytes, IV bytes, class
    1: (16, 12, AESGCM), 2: (24, 12, AESGCM), 3: (32, 12, AESGCM),
    30: (16, 13, AESCCM), 31: (32, 13, AESCCM), 32: (16, 7, AESCCM), 33: (32, 7, AESCCM),
}


def derive(secret, context, length):
    out, bits = b"", (8 * length).to_bytes(2, "big")
    for i in range(1, 9):
        out += hmac.new(secret, bytes([i]) + b"FIDO-KDF\0AutomaticOnboardTunnel" + context + bits, "sha256").digest()
    return out[:length]


class Channel:
    """Messages from 65 on."""

    def __init__(self, suite, cipher, x_a, owner):
        self.cipher = cipher
        length, self.iv_length, kind = CIPHERS[cipher]
        self.x_b, secret, context = EXCHANGES[suite](suite, x_a, owner)
        self.aead = kind(derive(secret, context, length))

    def aad(self, protected):
        return cbor2.dumps(["Encrypt0", protected, b""])

    def seal(self, body):
        iv, protected = os.urandom(self.iv_length), cbor2.dumps({1: self.cipher})
        data = self.aead.encrypt(iv, body, self.aad(protected))
        return cbor2.dumps(cbor2.CBORTag(16, [protected, {5: iv}, data]))

    def open(self, message):
        tag = cbor2.loads(message)
        assert tag.tag == 16
        protected, unprotected, data = tag.value
        assert cbor2.loads(protected) == {1: self.cipher}
        return self.aead.decrypt(unprotected[5], data, self.aad(protected))
