# SPDX-License-Identifier: Apache-2.0
"""What the services of FIDO Device Onboard refuse, with which code, and that the peer's next try works. The names are those of
the FIDO Alliance's conformance cases; those that begin with `own` are ours."""
import http.client
import os
import random
import unittest

import test_fdo
from test_fdo import cbor2

if cbor2:
    import fdo_cose as fdo
    import fdo_owner
    from fdo_device import Device, Wire

SEED = random.Random(5)


def spoil(data):
    """The first quarter at random, the rest zero."""
    n = max(1, len(data) // 4)
    return bytes(SEED.randrange(256) for _ in range(n)) + bytes(len(data) - n)


def spoil_item(data):
    """Bytes that are no CBOR, whatever chance has it."""
    return b"\xff" + spoil(data)[1:]


def of(kind, change):
    """Damages that one message."""
    return lambda at, body: change(body) if at == kind else body


def resign(key, change):
    """Changes the payload of a COSE_Sign1, and signs it anew."""
    def run(body):
        _, unprotected, payload, _ = cbor2.loads(body).value
        return fdo.sign1(key, change(payload), unprotected)
    return run


def bad_signature(body):
    tag = cbor2.loads(body)
    protected, unprotected, payload, signature = tag.value
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, bytes([signature[0] ^ 1]) + signature[1:]]))


def damaged_hash(value, alg=False):
    return [-43 if value[0] == -16 else -16, value[1]] if alg else [value[0], os.urandom(len(value[1]))]


class Rendezvous(test_fdo.Base):
    more = ("--fdo-any-owner",)

    def to0(self, voucher=None, damage=None, **more):
        voucher = voucher or fdo_owner.Voucher().seal()
        run = fdo_owner.To0(self.url, voucher.owner, voucher.bytes(), damage)
        run.hello()
        for name, value in more.items():
            setattr(run, name, value)
        return run.sign()

    def test_a_good_registration(self):
        voucher = fdo_owner.Voucher().seal()
        self.assertEqual(self.to0(voucher), 3600)
        self.assertEqual(self.to0(voucher, wait=2 ** 32 - 1), 604800)
        device = Device()
        device.key, device.guid = voucher.device, voucher.guid
        self.assertEqual(device.to1(self.url), ["http://owner.example:8042"])

    def test_rvt_encodings(self):
        """RVT_20_BAD_ENCODING, RVT_22_BAD_OWNERSIGN_ENCODING, RVT_22_BAD_TO0D_ENCODING"""
        self.refused(100, self.to0, damage=of(20, lambda b: b"\xff"))
        self.refused(100, self.to0, damage=of(22, spoil_item))
        self.refused(100, self.to0, damage=of(22, lambda b: cbor2.dumps([b"\xff\xff", cbor2.loads(b)[1]])))

    def test_rvt_signature(self):
        """RVT_22_BAD_SIGNATURE, own: a redirect that a stranger signed"""
        self.refused(3, self.to0, damage=of(22, lambda b: cbor2.dumps(
            [cbor2.loads(b)[0], cbor2.loads(bad_signature(cbor2.dumps(cbor2.loads(b)[1])))])))
        self.refused(3, self.to0, signer=fdo.make_key("ec256"))

    def test_rvt_hash_nonce_and_redirect(self):
        """RVT_22_BAD_TO0D_HASH, RVT_22_BAD_TO0SIGN_NONCE, RVT_22_BAD_RENDEVOUZ_BLOB"""
        self.refused(101, self.to0, hash=[-16, os.urandom(32)])
        self.refused(101, self.to0, nonce=os.urandom(16))
        self.refused(101, self.to0, addresses=[[None, None, 8042, 3]])
        self.refused(101, self.to0, addresses=[])

    def voucher(self, change=None, after=None, kind="ec256", owners=3):
        voucher = fdo_owner.Voucher(kind, owners)
        if change:
            change(voucher)
        voucher.seal()
        if after:
            after(voucher)
        return voucher

    def test_vouchers(self):
        """TEST_VOUCHER_*"""
        def entry(n, run):
            def change(v):
                v.entries[n] = run(v, v.entries[n])
            return change

        def other_next_key(n, key):
            """Everything is signed as it should be but that this key is none."""
            def change(v):
                before = v.entries[n - 1] if n else v.header_bytes + cbor2.dumps(v.mac)
                v.entries[n] = v.entry(n, v.keys[n], before, key)
            return change

        good = fdo.public_key(fdo.make_key("ec256"), "ec256")
        p384 = fdo.public_key(fdo.make_key("ec384"), "ec384")[2]
        bad_keys = [[11, 1, good[2]], [10, 3, good[2]], [10, 1, p384], [10, 1, 7], [10, 1, "text"], [99, 1, good[2]]]
        cases = {
            "BAD_PROT_VERSION": (lambda v: setattr(v, "version", 105), None),
            "HEADER_BAD_PROT_VERSION": (lambda v: setattr(v, "header_version", 10000), None),
            "HEADER_BAD_RVINFO_EMPTY": (lambda v: setattr(v, "rv_info", []), None),
            "HEADER_BAD_DEVICEINFO_EMPTY": (lambda v: setattr(v, "info", ""), None),
            "HEADER_BAD_CERTCHAIN_HASH": (lambda v: setattr(v, "chain_hash", damaged_hash(v.chain_hash)), None),
            "HEADER_BAD_CERTCHAIN_HASH, algorithm": (
                lambda v: setattr(v, "chain_hash", damaged_hash(v.chain_hash, True)), None),
            "BAD_HEADER_BYTES": (None, lambda v: setattr(v, "header_bytes", spoil(v.header_bytes))),
            "BAD_HDR_HMAC": (None, lambda v: setattr(v, "mac", [5, os.urandom(32)])),
            "BAD_HDR_HMAC, certificates swapped": (
                lambda v: v.chain.append(fdo_owner.certificate(fdo.make_key("ec256"), "ca")),
                lambda v: v.chain.reverse()),
            "BAD_CHAIN": (None, lambda v: v.chain.append(spoil(v.chain[0]))),
            "ENTRY_BAD_PREV_HASH": (None, entry(1, lambda v, e: v.entry(1, v.keys[1], b"another"))),
            "ENTRY_BAD_SIGNATURE": (None, entry(2, lambda v, e: bad_signature(e))),
            "own: entries in another order": (None, lambda v: v.entries.reverse()),
            "own: an entry by a stranger": (
                None, entry(2, lambda v, e: v.entry(2, fdo.make_key("ec256"), v.entries[1]))),
            "own: no entries": (None, lambda v: v.entries.clear()),
        }
        for n, key in enumerate(bad_keys):
            cases[f"HEADER_BAD_PUBKEY {n}"] = (lambda v, key=key: setattr(v, "maker", key), None)
            cases[f"ENTRY_BAD_PUBKEY {n}"] = (None, other_next_key(1, key))
        for name, (change, after) in cases.items():
            with self.subTest(name=name):
                voucher = self.voucher(change, after)
                if name == "own: no entries":
                    voucher.keys = voucher.keys[:1]
                self.refused(2, self.to0, voucher)

    def test_a_voucher_that_was_sold_further_is_not_overruled(self):
        voucher = fdo_owner.Voucher(owners=3).seal()
        self.to0(voucher)
        voucher.keys, voucher.entries = voucher.keys[:-1], voucher.entries[:-1]
        self.refused(2, self.to0, voucher)

    def registered(self):
        voucher = fdo_owner.Voucher().seal()
        self.to0(voucher)
        device = Device()
        device.key, device.guid = voucher.device, voucher.guid
        return device

    def test_devt_30(self):
        """DEVT_30_BAD_ENCODING, DEVT_30_BAD_UNKNOWN_GUID, DEVT_30_BAD_SIGINFO"""
        device = self.registered()
        self.refused(100, device.to1, self.url, damage=of(30, spoil_item))
        self.refused(6, device.to1, self.url, damage=of(30, lambda b: cbor2.dumps([os.urandom(16), [-7, b""]])))
        for kind in (100, 6312, -35):
            self.refused(101, device.to1, self.url, damage=of(30, lambda b, k=kind: cbor2.dumps([device.guid, [k, b""]])))
        device.to1(self.url)

    def test_devt_32(self):
        """DEVT_32_BAD_ENCODING, _BAD_PROVE_TO_RV_PAYLOAD_ENCODING, _BAD_SIGNATURE, _BAD_TO1PROOF_NONCE; own: another GUID"""
        device = self.registered()

        def claims(**more):
            return lambda p: cbor2.dumps({**cbor2.loads(p), **{int(k[1:]): v for k, v in more.items()}})

        for code, change in ((100, spoil_item), (100, resign(device.key, spoil_item)), (101, bad_signature),
                             (101, resign(fdo.make_key("ec256"), lambda p: p)),
                             (101, resign(device.key, claims(_10=os.urandom(16)))),
                             (101, resign(device.key, claims(_256=b"\x01" + os.urandom(16))))):
            self.refused(code, device.to1, self.url, damage=of(32, change))
        device.to1(self.url)


class Owner(test_fdo.Base):
    def setUp(self):
        self.device = self.born()
        self.to1(self.device)

    def wrong(self, code, damage, **more):
        """Refused, and then the device onboards as if nothing had been."""
        self.refused(code, self.device.to2, self.url, "ECDH256", 1, damage=damage, **more)

    def tearDown(self):
        self.assertTrue(self.device.to2(self.url, "ECDH256", 1))

    def test_dot_60(self):
        """DOT_60_BAD_ENCODING; own: unknown and downgraded suites, an exchange for another key"""
        self.wrong(100, of(60, spoil_item))
        for at, value in ((3, "ECDH384"), (3, "DHKEXid14"), (3, "NONE"), (4, 0), (4, 10), (4, -65534), (5, [-35, b""])):
            def change(body, at=at, value=value):
                items = cbor2.loads(body)
                items[at] = value
                return cbor2.dumps(items)
            with self.subTest(at=at, value=value):
                self.wrong(101, of(60, change))
        self.wrong(6, of(60, lambda b: cbor2.dumps([*cbor2.loads(b)[:1], os.urandom(16), *cbor2.loads(b)[2:]])))

    def test_dot_62(self):
        """DOT_62_BAD_ENCODING, DOT_62_GETOVNEXT_BAD_INDEX; own: count, -1, 2^63"""
        self.wrong(100, of(62, spoil_item))
        for n in (1, 2, 255, 2 ** 63, 2 ** 64 - 1):
            self.wrong(101, of(62, lambda b, n=n: cbor2.dumps([n])))
        self.wrong(100, of(62, lambda b: cbor2.dumps([-1])))

    def test_dot_64(self):
        """DOT_64_BAD_ENCODING, _BAD_EAT_PAYLOAD, _BAD_SIGNATURE, _BAD_NONCE_PROVEDV61; own: another key, a point off the curve"""
        def claims(**more):
            return lambda p: cbor2.dumps({**cbor2.loads(p), **{(-257 if k == "kex" else int(k[1:])): v
                                                               for k, v in more.items()}})
        key = self.device.key
        self.wrong(100, of(64, spoil_item))
        self.wrong(100, of(64, resign(key, spoil_item)))
        self.wrong(101, of(64, bad_signature))
        self.wrong(101, of(64, resign(key, claims(_10=os.urandom(16)))))
        self.wrong(101, of(64, resign(key, claims(_256=b"\x01" + os.urandom(16)))))
        self.wrong(101, of(64, resign(fdo.make_key("ec256"), lambda p: p)))
        self.wrong(101, of(64, resign(key, claims(kex=[bytes([0, 32]) + os.urandom(32) + bytes([0, 32]) + os.urandom(32) +
                                                       bytes([0, 16]) + os.urandom(16)]))))

    def test_encryption(self):
        """DOT_66, _68, _70: _BAD_ENCODING and _BAD_ENCRYPTION"""
        def other_iv(body):
            protected, unprotected, data = cbor2.loads(body).value
            return cbor2.dumps(cbor2.CBORTag(16, [protected, {5: os.urandom(len(unprotected[5]))}, data]))

        for kind in (66, 68, 70):
            for change in (spoil_item, other_iv, lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:-1], lambda b: b""):
                with self.subTest(kind=kind):
                    self.wrong(100, of(kind, change))

    def test_dot_68_completion_logic(self):
        """DOT_68_BAD_COMPLETION_LOGIC: the device goes on where it has to listen"""
        guid = self.device.guid.hex()
        self.rest("PUT", f"/fdo/plans/{guid}", {"steps": [{"module": "fdo.download", "name": "x", "text": "y" * 9000}]})
        real = self.device.handle

        def talk(name, value):
            if name == "fdo.download:data" and len(self.device.data) == 0:
                self.device.sealed(68, cbor2.dumps([True, [["fdo.download:done", cbor2.dumps(0)]]]))
            return real(name, value)

        self.device.handle = talk
        self.wrong(101, None)
        self.device.handle = real
        self.rest("DELETE", f"/fdo/plans/{guid}")

    def test_dot_70_nonce(self):
        """DOT_70_BAD_NONCE_PROVE_DV_61; own: 70 before the owner is done, out of turn, twice, another's token"""
        self.with_sealed(101, lambda kind, body: (kind, cbor2.dumps([os.urandom(16)])) if kind == 70 else (kind, body))
        self.with_sealed(101, lambda kind, body: (70, body) if kind == 66 else (kind, body))
        self.with_sealed(101, lambda kind, body: (66, body) if kind == 68 else (kind, body))

    def with_sealed(self, code, change):
        """Changes number and plain text of encrypted messages."""
        real, real_send, state = fdo.Channel.seal, Wire.send, {}

        def seal(channel, body):
            state["plain"], state["channel"] = body, channel
            return real(channel, body)

        def send(wire, kind, body):
            if kind >= 66 and kind != 255:
                number, plain = change(kind, state["plain"])
                body, kind = real(state["channel"], plain), number
            return real_send(wire, kind, body)

        fdo.Channel.seal, Wire.send = seal, send
        try:
            self.refused(code, self.device.to2, self.url, "ECDH256", 1)
        finally:
            fdo.Channel.seal, Wire.send = real, real_send

    def test_service_info_that_is_none(self):
        """own: encrypted as it should be, and no service info; sizes that are too small"""
        for bad in (b"\xff", b"\x80", cbor2.dumps([False]), cbor2.dumps([1, []]), cbor2.dumps([False, [["devmod:os"]]]),
                    cbor2.dumps([False, [[1, b"\xf5"]]]), cbor2.dumps([False, [["devmod:os", b"\xff"]]])):
            self.with_sealed(100, lambda kind, body, bad=bad: (kind, bad if kind == 68 else body))
        for size in (1, 4, 255):
            self.with_sealed(101, lambda kind, body, size=size: (
                kind, cbor2.dumps([cbor2.loads(body)[0], size]) if kind == 66 else body))

    def test_tokens(self):
        """own: no token, an unknown one, one of another protocol or of another device, a message twice, an error ends it"""
        def hello(device):
            wire = Wire(self.url)
            wire.send(60, cbor2.dumps([65535, device.guid, os.urandom(16), "ECDH256", 1, device.sig_info()]))
            return wire

        for token in (None, "Bearer 00000000000000000000000000000000", "Bearer x", "Bearer " + "0" * 4000):
            wire = Wire(self.url)
            wire.token = token
            self.refused(1, wire.send, 62, cbor2.dumps([0]))
        wire = hello(self.device)
        wire.send(62, cbor2.dumps([0]))
        wire.send(255, cbor2.dumps([500, 63, "gave up", 0, None]))
        self.refused(1, wire.send, 62, cbor2.dumps([0]))
        wire = hello(self.device)
        self.refused(101, wire.send, 32, cbor2.dumps([]))  # of TO1
        self.refused(1, wire.send, 62, cbor2.dumps([0]))   # and the run is over
        other = self.born()
        wire, mine = hello(other), self.device
        self.refused(101, wire.send, 64, fdo.sign1(mine.key, mine.eat(os.urandom(16), {-257: [b"x"]}), {-259: bytes(16)}))

    def test_messages_that_come_again(self):
        """own: 64, 66, 68 and 70 twice, and the 68 before the last one"""
        real = Wire.send

        def again(at, earlier, code):
            heard = []

            def send(wire, kind, body):
                answer = real(wire, kind, body)
                if kind == at:
                    heard.append(body)
                    if len(heard) > earlier:
                        real(wire, kind, heard[-1 - earlier])
                return answer

            Wire.send = send
            try:
                self.refused(code, self.device.to2, self.url, "ECDH256", 1)
            finally:
                Wire.send = real

        guid = self.device.guid.hex()
        self.rest("PUT", f"/fdo/plans/{guid}", {"steps": [{"module": "fdo.download", "name": "x", "text": "y" * 9000}]})
        self.addCleanup(self.rest, "DELETE", f"/fdo/plans/{guid}")
        for at, earlier, code in ((64, 0, 101), (66, 0, 101), (68, 0, 101), (68, 1, 101)):
            with self.subTest(at=at, earlier=earlier):
                again(at, earlier, code)
        again(70, 0, 1)  # the run is over; the device has not seen 71, and comes again

    def test_http(self):
        """own: other paths, methods and sizes"""
        at = Wire(self.url).at
        for method, path, status in (("GET", "/fdo/101/msg/60", 405), ("POST", "/fdo/100/msg/60", 404),
                                     ("POST", "/fdo/101/msg/x", 404), ("POST", "/fdo/101/msg/999", 404)):
            c = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
            c.request(method, path, b"")
            self.assertEqual(c.getresponse().status, status, path)
            c.close()
        for kind in (1, 11, 61, 200):
            self.refused(101, Wire(self.url).send, kind, b"")
        c = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
        c.putrequest("POST", "/fdo/101/msg/60")
        c.putheader("Content-Length", "70000")
        c.endheaders()
        self.assertEqual(c.getresponse().status, 413)
        c.close()


class Maker(test_fdo.Base):
    def test_di(self):
        """own: DI with what is none; then it works"""
        device = Device()
        self.refused(100, device.di, self.url, damage=of(10, spoil_item))
        info = cbor2.loads(cbor2.loads(device.app_start())[0])
        for at, value, code in ((0, 99, 101), (1, 9, 101), (2, "x" * 300, 101), (4, b"no request", 100)):
            bad = list(info)
            bad[at] = value
            self.refused(code, device.di, self.url, damage=of(10, lambda b, v=bad: cbor2.dumps([cbor2.dumps(v)])))
        csr = bytearray(info[4])
        csr[-1] ^= 1
        self.refused(101, device.di, self.url, damage=of(10, lambda b: cbor2.dumps(
            [cbor2.dumps([*info[:4], bytes(csr)])])))
        self.refused(100, device.di, self.url, damage=of(12, spoil_item))
        self.refused(101, device.di, self.url, damage=of(12, lambda b: cbor2.dumps([[-16, os.urandom(32)]])))
        device.di(self.url)


if __name__ == "__main__":
    unittest.main()
