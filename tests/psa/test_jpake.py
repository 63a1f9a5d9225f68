# SPDX-License-Identifier: Apache-2.0
"""J-PAKE against an end written apart from it, on nothing but Python's integers: RFC 8236 over P-256 in the encoding
of EC J-PAKE in TLS (draft-cragie-tls-ecjpake-01), which PSA Crypto's J-PAKE has. RFC 8236 has no vectors."""
import hashlib
import hmac
import secrets
import subprocess
import unittest

import installed
from installed import SOURCE, STRICT

# P-256: FIPS 186-4 D.1.2.3
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    k, out = k % N, None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def minus(point):
    return point[0], P - point[1]


def encode(point):
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def decode(data):
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    assert len(data) == 65 and data[0] == 4 and (y * y - x**3 + 3 * x - B) % P == 0
    return x, y


def challenge(generator, v, x, name):
    """Each part is preceded by its length in 4 bytes."""
    parts = [encode(generator), encode(v), encode(x), name]
    return int.from_bytes(hashlib.sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest(), "big") % N


def prove(secret, generator, name):
    """RFC 8236 §2.2 with §3: share, commitment, response."""
    v, share = secrets.randbelow(N - 1) + 1, times(secret, generator)
    commitment = times(v, generator)
    return [encode(share), encode(commitment),
            ((v - secret * challenge(generator, commitment, share, name)) % N).to_bytes(32, "big")]


def proven(triple, generator, name):
    share, commitment = decode(triple[0]), decode(triple[1])
    h = challenge(generator, commitment, share, name)
    assert add(times(int.from_bytes(triple[2], "big"), generator), times(h, share)) == commitment, "the proof is wrong"
    return share


class Peer:
    """The other end of one exchange with a running jpake_end."""

    def __init__(self, process, name, peer, password):
        self.process, self.name, self.peer = process, name.encode(), peer.encode()
        self.s = int.from_bytes(password.encode(), "big") % N

    def hear(self, n):
        lines = [self.process.stdout.readline().strip() for _ in range(n)]
        return [bytes.fromhex(line) for line in lines]

    def say(self, values):
        for value in values:
            self.process.stdin.write(value.hex() + "\n")
        self.process.stdin.flush()

    def exchange(self, spoil=None):
        """RFC 8236 §2.1; the encoded point K."""
        x1, x2 = (secrets.randbelow(N - 1) + 1 for _ in range(2))
        theirs = self.hear(6)
        t1, t2 = proven(theirs[:3], G, self.peer), proven(theirs[3:], G, self.peer)
        mine = prove(x1, G, self.name) + prove(x2, G, self.name)
        m1, m2 = decode(mine[0]), decode(mine[3])
        if spoil == "proof":
            mine[5] = bytes([mine[5][0] ^ 1]) + mine[5][1:]
        self.say(mine)
        if spoil == "proof":
            return None
        their_generator, my_generator = add(add(t1, m1), m2), add(add(m1, t1), t2)
        a = proven(self.hear(3), their_generator, self.peer)
        self.say(prove(x2 * self.s % N, my_generator, self.name))
        return encode(times(x2, add(a, minus(times(x2 * self.s, t2)))))


def hkdf(secret, info):
    prk = hmac.new(bytes(32), secret, "sha256").digest()
    return hmac.new(prk, info + b"\x01", "sha256").digest()


class Jpake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.at = installed.Installed().__enter__()
        cls.addClassCleanup(cls.at.__exit__)
        cls.at.start()
        cls.program = cls.at.compile("jpake_end", [SOURCE / "tests/psa/jpake_end.c"], before=STRICT)

    def end(self, *words):
        process = subprocess.Popen([self.program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env=self.at.environment())
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdin.close(), process.stdout.close()))
        return process

    def test_both_roles_agree_with_an_independent_end(self):
        for user, peer in (("client", "server"), ("server", "client")):
            for password in ("threadjpaketest", "x", "a password longer than the order of P-256 has bytes"):
                process = self.end(user, peer, password)
                other = Peer(process, peer, user, password)
                k = other.exchange()
                self.assertEqual(other.hear(1)[0], hkdf(k, b"tessera"))
                k = other.exchange()
                self.assertEqual(other.hear(1)[0], hashlib.sha256(k[1:33]).digest())
                self.assertEqual(process.wait(20), 0)

    def test_another_password_makes_another_key(self):
        process = self.end("client", "server", "right")
        other = Peer(process, "server", "client", "wrong")
        k = other.exchange()
        self.assertNotEqual(other.hear(1)[0], hkdf(k, b"tessera"))

    def test_a_wrong_proof_is_refused(self):
        process = self.end("client", "server", "right")
        Peer(process, "server", "client", "right").exchange(spoil="proof")
        self.assertRegex(process.stdout.readline(), r"psa_pake_input.*: -149")  # PSA_ERROR_INVALID_SIGNATURE
        self.assertEqual(process.wait(20), 1)


if __name__ == "__main__":
    unittest.main()
