# SPDX-License-Identifier: Apache-2.0
"""A device of FIDO Device Onboard 1.1 that is not ours: DI, TO1, TO2 with the modules fdo.download, fdo.upload and
fdo.command, on cbor2 and cryptography. `damage` lets a test spoil one message: (type, message) -> message."""

import hashlib
import hmac
import http.client
import os
import subprocess
import urllib.parse

import cbor2

import fdo_cose as fdo

MAC_OF = {-16: 5, -43: 6}


class Refused(Exception):
    """The peer answered with message 255."""

    def __init__(self, status, error):
        super().__init__(f"HTTP {status}, error {error}")
        self.status, self.code, self.error = status, error[0], error


class Wire:
    """One protocol with one server: repeats the token that the first answer gave."""

    def __init__(self, url, damage=None):
        self.at, self.token, self.damage = urllib.parse.urlsplit(url), None, damage
        self.status = None

    def send(self, kind, body):
        if self.damage:
            body = self.damage(kind, body)
        headers = {"Content-Type": "application/cbor"}
        if self.token:
            headers["Authorization"] = self.token
        c = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=60)
        try:
            c.request("POST", f"/fdo/101/msg/{kind}", body, headers)
            answer = c.getresponse()
            data = answer.read()
        finally:
            c.close()
        self.status = answer.status
        self.token = answer.headers.get("Authorization", self.token)
        got = int(answer.headers.get("Message-Type", "0"))
        if got == 255:
            raise Refused(answer.status, cbor2.loads(data))
        if kind != 255:
            assert answer.status == 200 and got == kind + 1, (answer.status, got, data)
        return data


class Device:
    modules = ("fdo.download", "fdo.upload", "fdo.command")

    def __init__(self, kind="ec256", encoding=1, serial="device-1", directory=None):
        self.kind, self.encoding, self.serial = kind, encoding, serial
        self.key, self.secret = fdo.make_key(kind), os.urandom(32)
        self.directory = directory
        self.header = self.guid = self.maker_hash = None
        self.downloaded, self.modules_seen, self.rounds = {}, [], 0
        self.info_size, self.owner_info_size = 1300, None

    # --- DI

    def app_start(self):
        info = [fdo.KEY_TYPES[self.kind], self.encoding, self.serial, "python device",
                fdo.request(self.key, self.serial)]
        return cbor2.dumps([cbor2.dumps(info)])

    def adopt(self, header):
        """A voucher's header becomes the credential."""
        self.header = cbor2.loads(header)
        version, self.guid, self.rv_info, self.info, maker, self.chain_hash = self.header
        assert version == 101
        self.alg = self.chain_hash[0]
        self.maker_hash = fdo.digest(self.alg, cbor2.dumps(maker))

    def di(self, url, damage=None):
        wire = Wire(url, damage)
        header, = cbor2.loads(wire.send(10, self.app_start()))
        self.adopt(header)
        wire.send(12, cbor2.dumps([fdo.mac(MAC_OF[self.alg], self.secret, header)]))
        return header

    def rendezvous(self):
        """The URLs of RendezvousInfo."""
        for directive in self.rv_info:
            d = {item[0]: cbor2.loads(item[1]) if len(item) > 1 else True for item in directive}
            host = d.get(5) or ".".join(str(b) for b in d[2])
            yield f"http://{host}:{d[3]}"

    # --- TO1

    def eat(self, nonce, more=None):
        return cbor2.dumps({10: nonce, 256: b"\x01" + self.guid, **(more or {})}, canonical=False)

    def sig_info(self):
        return [fdo.algorithm(self.key.public_key()), b""]

    def to1(self, url, damage=None):
        wire = Wire(url, damage)
        nonce, sig_info = cbor2.loads(wire.send(30, cbor2.dumps([self.guid, self.sig_info()])))
        assert sig_info == self.sig_info()
        self.redirect = wire.send(32, fdo.sign1(self.key, self.eat(nonce)))
        addresses, self.to0d_hash = cbor2.loads(cbor2.loads(self.redirect).value[2])
        return [f"http://{dns or '.'.join(str(b) for b in ip)}:{port}" for ip, dns, port, _ in addresses]

    # --- TO2

    def to2(self, url, suite, cipher, damage=None, redirect=None):
        wire = self.wire = Wire(url, damage)
        owner, x_a, nonce_dv = self.prove_owner(wire, suite, cipher)
        if redirect:
            fdo.verify1(owner, redirect)
        channel = fdo.Channel(suite, cipher, x_a, owner)
        nonce_setup = os.urandom(16)
        self.sealed = lambda kind, body: channel.open(wire.send(kind, channel.seal(body)))
        proof = fdo.sign1(self.key, self.eat(nonce_dv, {-257: [channel.x_b]}), {-259: nonce_setup})
        setup = channel.open(wire.send(64, proof))
        hmac_new = self.setup(setup, nonce_setup)
        size, = cbor2.loads(self.sealed(66, cbor2.dumps([hmac_new, self.info_size])))
        self.owner_info_size = size or 1300
        self.exchange_info()
        nonce, = cbor2.loads(self.sealed(70, cbor2.dumps([nonce_dv])))
        assert nonce == nonce_setup
        if self.new_header:
            self.adopt(self.new_header)
        return hmac_new is not None

    def prove_owner(self, wire, suite, cipher):
        nonce = os.urandom(16)
        hello = cbor2.dumps([65535, self.guid, nonce, suite, cipher, self.sig_info()])
        message = wire.send(60, hello)
        owner_key = cbor2.loads(message).value[1][257]
        owner = fdo.public_of(owner_key)
        payload, unprotected = fdo.verify1(owner, message)
        header, entries, header_mac, got, sig_info, x_a, hello_hash, _ = cbor2.loads(payload)
        assert got == nonce and sig_info == self.sig_info()
        fdo.check_digest(hello_hash, hello)
        assert hmac.compare_digest(header_mac[1], fdo.mac(header_mac[0], self.secret, header)[1]), "another device's"
        maker = cbor2.loads(header)[4]
        fdo.check_digest(self.maker_hash, cbor2.dumps(maker))
        signer, previous = fdo.public_of(maker), header + cbor2.dumps(header_mac)
        for n in range(entries):
            number, entry = cbor2.loads(wire.send(62, cbor2.dumps([n])))
            assert number == n
            entry_payload, _ = fdo.verify1(signer, entry)
            previous_hash, info_hash, _, next_key = cbor2.loads(entry_payload)
            fdo.check_digest(previous_hash, previous)
            fdo.check_digest(info_hash, self.guid + self.info.encode())
            signer, previous = fdo.public_of(next_key), cbor2.dumps(entry)
        assert entries > 0 and fdo.same_key(signer, owner), "the owner is not the voucher's"
        self.owner_key = owner_key
        return owner, x_a, unprotected[256]

    def setup(self, message, nonce):
        payload = cbor2.loads(message).value[2]
        rv_info, guid, got, owner2 = cbor2.loads(payload)
        fdo.verify1(fdo.public_of(owner2), message)
        assert got == nonce
        self.new_header = None
        if guid == self.guid and rv_info == self.rv_info and \
                fdo.same_key(fdo.public_of(owner2), fdo.public_of(self.owner_key)):
            return None
        self.new_header = cbor2.dumps([101, guid, rv_info, self.info, owner2, self.chain_hash])
        return fdo.mac(MAC_OF[self.alg], self.secret, self.new_header)

    # --- service info

    def exchange_info(self):
        names = list(self.modules)
        queue = [("devmod:active", True), ("devmod:os", "linux"), ("devmod:arch", "amd64"), ("devmod:version", "1"),
                 ("devmod:device", self.info), ("devmod:sep", ";"), ("devmod:bin", "amd64"),
                 ("devmod:nummodules", len(names)), ("devmod:modules", [0, len(names), *names])]
        for self.rounds in range(10000):
            pairs, used = [], 10
            while queue:
                pair = [queue[0][0], cbor2.dumps(queue[0][1])]
                used += len(cbor2.dumps(pair))
                if used > self.owner_info_size:
                    break
                pairs.append(pair)
                queue.pop(0)
            answer = self.sealed(68, cbor2.dumps([bool(queue), pairs]))
            assert len(answer) <= self.info_size, len(answer)
            more, done, got = cbor2.loads(answer)
            assert not (queue and (more or done or got)), "the owner spoke out of turn"
            while True:
                for name, value in got:
                    queue += self.handle(name, cbor2.loads(value))
                if not more:
                    break
                more, done, got = cbor2.loads(self.sealed(68, cbor2.dumps([False, []])))
            if done:
                return
        raise AssertionError("the owner does not end")

    def handle(self, name, value):
        module, message = name.split(":")
        if message == "active":
            self.modules_seen.append(module)
            return [(name, module in self.modules), *self.activated(module)]
        return getattr(self, module.partition(".")[2])(message, value) if module in self.modules else []

    def activated(self, module):
        """What a module says first."""
        return []

    def download(self, message, value):
        if message == "name":
            self.name, self.data, self.length, self.sha = value, b"", None, None
        elif message == "length":
            self.length = value
        elif message == "sha-384":
            self.sha = value
        elif message == "data":
            assert len(value) <= 1014
            self.data += value
            if len(self.data) == self.length or (self.length is None and value == b""):
                good = self.sha in (None, hashlib.sha384(self.data).digest())
                self.downloaded[self.name] = self.data
                return [("fdo.download:done", len(self.data) if good else -1)]
        return []

    def upload(self, message, value):
        if message == "need-sha":
            self.need_sha = value
        if message != "name":
            return []
        with open(os.path.join(self.directory, value), "rb") as f:
            data = f.read()
        blocks = [data[i:i + 1000] for i in range(0, len(data), 1000)] or [b""]
        out = [("fdo.upload:length", len(data))] + [("fdo.upload:data", b) for b in blocks]
        return out + ([("fdo.upload:sha-384", hashlib.sha384(data).digest())] if self.need_sha else [])

    def command(self, message, value):
        if message == "command":
            self.argv = [value]
        elif message == "args":
            self.argv += cbor2.loads(value) if isinstance(value, bytes) else value
        elif message == "execute":
            run = subprocess.run(self.argv, cwd=self.directory, capture_output=True, timeout=30, check=False)
            return [("fdo.command:stdout", run.stdout), ("fdo.command:stderr", run.stderr),
                    ("fdo.command:exitcode", run.returncode)]
        return []
