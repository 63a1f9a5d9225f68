# SPDX-License-Identifier: Apache-2.0
"""A manufacturer and owners that are not ours: vouchers, and registrations at a rendezvous server (TO0), on cbor2 and cryptography."""

import base64
import datetime
import os

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import fdo_cose as fdo
from fdo_device import Wire

RV_INFO = [[[5, cbor2.dumps("rendezvous.example")], [3, cbor2.dumps(8041)], [4, cbor2.dumps(8041)], [12, cbor2.dumps(1)]]]


def certificate(key, name):
    """Signed by the key itself."""
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()) \
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)) \
        .not_valid_after(now + datetime.timedelta(days=100)).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.DER)


class Voucher:
    """Every part can be damaged before it is put together: `bytes` says what stands there then."""

    def __init__(self, kind="ec256", owners=3):
        self.kind, self.alg = kind, -43 if kind == "ec384" else -16
        self.device, self.secret, self.guid = fdo.make_key(kind), os.urandom(32), os.urandom(16)
        self.keys = [fdo.make_key(kind) for _ in range(owners + 1)]  # the manufacturer's first
        self.chain = [certificate(self.device, "device")]
        self.version = self.header_version = 101
        self.rv_info, self.info = RV_INFO, "python device"
        self.maker = fdo.public_key(self.keys[0], kind)
        self.chain_hash = fdo.digest(self.alg, b"".join(self.chain))
        self.entries = None

    def header(self):
        return cbor2.dumps([self.header_version, self.guid, self.rv_info, self.info, self.maker, self.chain_hash])

    def seal(self):
        """Signs the entries over what stands there now; what is damaged later is damaged."""
        self.header_bytes = self.header()
        self.mac = fdo.mac({-16: 5, -43: 6}[self.alg], self.secret, self.header_bytes)
        previous, self.entries = self.header_bytes + cbor2.dumps(self.mac), []
        for n, key in enumerate(self.keys[:-1]):
            self.entries.append(self.entry(n, key, previous))
            previous = self.entries[-1]
        return self

    def entry(self, n, key, previous, next_key=None):
        info = fdo.digest(self.alg, self.guid + self.info.encode())
        payload = [fdo.digest(self.alg, previous), info, None, next_key or fdo.public_key(self.keys[n + 1], self.kind)]
        return fdo.sign1(key, cbor2.dumps(payload))

    @property
    def owner(self):
        return self.keys[-1]

    def bytes(self):
        return cbor2.dumps([self.version, self.header_bytes, self.mac, self.chain,
                            [cbor2.loads(e) for e in self.entries]])

    def pem(self):
        text = base64.encodebytes(self.bytes()).decode()
        return f"-----BEGIN OWNERSHIP VOUCHER-----\n{text}-----END OWNERSHIP VOUCHER-----\n"


def from_pem(pem):
    lines = pem.strip().splitlines()
    assert lines[0] == "-----BEGIN OWNERSHIP VOUCHER-----" and lines[-1] == "-----END OWNERSHIP VOUCHER-----"
    return base64.b64decode("".join(lines[1:-1]))


def verify(voucher):
    """Every entry of a voucher; the key that it ends with."""
    version, header, mac, chain, entries = cbor2.loads(voucher)
    header_version, guid, rv_info, info, maker, chain_hash = cbor2.loads(header)
    assert version == header_version == 101
    fdo.check_digest(chain_hash, b"".join(chain))
    owner, previous = fdo.public_of(maker), header + cbor2.dumps(mac)
    for entry in entries:
        payload, _ = fdo.verify1(owner, entry)
        previous_hash, info_hash, _, next_key = cbor2.loads(payload)
        fdo.check_digest(previous_hash, previous)
        fdo.check_digest(info_hash, guid + info.encode())
        owner, previous = fdo.public_of(next_key), cbor2.dumps(entry)
    return owner


class To0:
    """One registration; what a test wants to be wrong, it sets between `hello` and `sign`."""

    def __init__(self, url, owner, voucher, damage=None):
        self.wire, self.key, self.voucher = Wire(url, damage), owner, voucher
        self.wait, self.addresses = 3600, [[None, "owner.example", 8042, 3]]
        self.nonce = self.hash = self.signer = None

    def hello(self):
        self.nonce, = cbor2.loads(self.wire.send(20, cbor2.dumps([])))
        return self

    def sign(self):
        to0d = cbor2.dumps([cbor2.loads(self.voucher), self.wait, self.nonce])
        to0d_hash = self.hash or fdo.digest(-16, to0d)
        to1d = fdo.sign1(self.signer or self.key, cbor2.dumps([self.addresses, to0d_hash]))
        wait, = cbor2.loads(self.wire.send(22, cbor2.dumps([to0d, cbor2.loads(to1d)])))
        return wait
