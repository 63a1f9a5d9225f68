# SPDX-License-Identifier: Apache-2.0
"""FIDO Device Onboard: what a device and an owner do beside the public-key operations that the protocol asks of them.

Two real tessera-server processes, one manufacturer and rendezvous server, the other owner, and devices that speak HTTP to
them (benches/fdo_load.c), each with a voucher of one entry. A device's instructions are those of its engine with all
cryptography in the process; an owner's time is what its process spends on the cores. Each stands beside a program that
does the same public-key operations and nothing else (benches/fdo_bare.c): signatures, verifications with a key that is
there already, key exchanges with a fresh pair. Then a thousand devices at once: all have a TO2 under way at the same
time, each on a connection that is kept."""
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time

import measure
from measure import Figure
from ports import free_port
from suite_psa import secured

CURVES = {256: ("P-256", "prime256v1"), 384: ("P-384", "secp384r1")}
# Signatures, verifications, exchanges, and public keys of a pair (PSA makes them from the private one each time):
DI = (1, 0, 0, 1)       # the certificate request
ONBOARD = (2, 4, 1, 0)  # TO1: 32. TO2: 64; 61, the voucher's entry, to1d, 65; the exchange
OWNER = (2, 1, 1, 0)    # 61, 65; 64; the exchange
DEVICES = 1000       # at once


def pem(folder, name, curve):
    """A private key, its public key, and a certificate authority of its own."""
    key, public, authority = (folder / f"{name}.{end}" for end in ("key", "pub", "ca"))
    measure.call(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", str(key)])
    measure.call(["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(public)])
    measure.call(["openssl", "req", "-x509", "-key", str(key), "-days", "30", "-subj", "/CN=bench", "-out", str(authority)])
    return key, public, authority


class Service:
    """A tessera-server whose only business is FDO."""

    def __init__(self, folder, port, *words, under=()):
        self.port, self.rest = port, free_port()
        command = [*under, measure.program("tessera-server"), "--coap", f"127.0.0.1:{free_port()}", "--coaps",
                   f"127.0.0.1:{free_port()}", "--http", f"127.0.0.1:{self.rest}", "--data", str(folder), "--shards", "1",
                   "--log-level", "error", "--fdo", f"127.0.0.1:{port}", "--fdo-rate", "100000", *map(str, words)]
        self.process = measure.Server(command, probe=self.is_up, wait=60, free=True)

    def is_up(self):
        try:
            return self.call("GET", "/fdo/devices?limit=1") is not None
        except OSError:
            return False

    def call(self, method, path, body=None):
        link = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=60)
        try:
            link.request(method, f"/api/v1{path}", json.dumps(body) if body else None, {"Content-Type": "application/json"})
            answer = link.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise measure.Wrong(f"{method} {path}: {answer.status} {text[:200]}")
            return json.loads(text)
        finally:
            link.close()

    def guids(self):
        found, cursor = [], ""
        while True:
            page = self.call("GET", f"/fdo/devices?limit=200{cursor}")
            found += [row["guid"] for row in page["items"]]
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"

    @property
    def resident(self):
        for line in pathlib.Path(f"/proc/{self.process.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


@contextlib.contextmanager
def services(curve, under=()):
    """Manufacturer with rendezvous, and owner, perhaps under another program."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = pathlib.Path(place)
        maker, owner = pem(folder, "maker", curve), pem(folder, "owner", curve)
        first, second = free_port(), free_port()
        made = Service(folder / "made", first, "--fdo-roles", "manufacturer,rendezvous", "--fdo-manufacturer-key", maker[0],
                       "--fdo-device-ca", maker[2], "--fdo-device-ca-key", maker[0], "--fdo-next-owner", owner[1],
                       "--fdo-rendezvous", f"http://127.0.0.1:{first}", "--fdo-owner-trust", maker[1])
        stack.callback(made.process.close)
        owned = Service(folder / "owned", second, "--fdo-roles", "owner", "--fdo-owner-key", owner[0],
                        "--fdo-owner-place", f"http://127.0.0.1:{second}", under=under)
        stack.callback(owned.process.close)
        yield made, owned


class Devices:
    """benches/fdo_load.c, perhaps under another program."""

    def __init__(self, name, bits, count, *words, under=()):
        # Bound at the start: the stack on which the linker looks for a function at its first call is not the engine's.
        self.process = subprocess.Popen([*under, measure.program(name), str(bits), str(count), *words],
                                        env={**os.environ, "LD_BIND_NOW": "1"}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise measure.Wrong(f"the devices stopped at `{text}`: {self.process.stderr.read()[-300:]}")
        return measure.key_values(line)

    def close(self):
        for stream in self.process.stdin, self.process.stdout, self.process.stderr:
            stream.close()
        self.process.wait()


def is_registered(made, guid, bits):
    """Whether the rendezvous server takes the device's first message."""
    link = http.client.HTTPConnection("127.0.0.1", made.port, timeout=60)
    try:
        hello = bytes.fromhex("8250" + guid + "82" + {256: "26", 384: "3822"}[bits] + "40")
        link.request("POST", "/fdo/101/msg/30", hello, {"Content-Type": "application/cbor"})
        answer = link.getresponse()
        answer.read()
        return answer.status == 200
    finally:
        link.close()


def sell(made, owned, bits):
    """Vouchers from the one to the other, which registers them."""
    guids = made.guids()
    for guid in guids:
        voucher = made.call("GET", f"/fdo/devices/{guid}/voucher")["voucher"]
        owned.call("POST", "/fdo/vouchers", {"voucher": voucher})
    for guid in guids:
        measure.wait_until(lambda g=guid: is_registered(made, g, bits), 120, "an owner's registration")
    return guids


# ---- the device ------------------------------------------------------------------------------


def onboard(devices, made, owned, bits):
    """DI, TO1 and TO2 of all; gives what the program says at the end."""
    devices.order(f"di {made.port}")
    sell(made, owned, bits)
    devices.order("to1")
    return devices.order("until 0")


def device_instructions(bits, curve, count):
    """(DI, TO1 and TO2) of so many devices."""
    took = []
    for function in ("di_turn", "onboard_turn"):
        with services(curve) as (made, owned), measure.Callgrind(function) as under:
            devices = Devices("bench_fdo_load", bits, count, under=under.command)
            with contextlib.closing(devices):
                onboard(devices, made, owned, bits)
            took.append(under.instructions)
    return took


def bare(bits, operations):
    """Instructions of these operations once."""
    program = [measure.program("bench_fdo_bare"), str(bits), *map(str, operations)]
    few, more = (measure.instructions([*program, str(runs)], "bare_run") for runs in (2, 6))
    return (more - few) / 4


def words(operations):
    names = ("signature", "verification", "key exchange", "public key")
    return ", ".join(f"{n} {what}{'s' if n > 1 else ''}" for n, what in zip(operations, names) if n)


def device(bits):
    name, curve = CURVES[bits]
    measure.progress(f"fdo: a device with {name} under callgrind")
    few, more = device_instructions(bits, curve, 2), device_instructions(bits, curve, 6)
    for i, (what, operations) in enumerate((("DI", DI), ("TO1 and TO2", ONBOARD))):
        ours = (more[i] - few[i]) / 4
        floor = bare(bits, operations)
        yield Figure("fdo", f"device, {what}, {name}", ours, "instructions", "public-key operations alone", floor,
                     goal=1.15 * floor, goal_text="<= 1.15 x", note=words(operations))


def memory(bits):
    """Painted stacks; the keys behind the wall, as on a device, and then in the process."""
    name, curve = CURVES[bits]
    for program, where in (("bench_fdo_device", "keys behind the wall"), ("bench_fdo_load", "all cryptography in it")):
        with services(curve) as (made, owned), secured() as (socket, _):
            devices = Devices(program, bits, 1, socket)
            with contextlib.closing(devices):
                row = onboard(devices, made, owned, bits)
        yield Figure("fdo", f"device, {name}, {where}", row["engine"] + row["stack"], "B RAM",
                     goal=8192 if program == "bench_fdo_device" else None, goal_text="<= 8 KiB and buffers",
                     note=f"engine {row['engine']:,.0f} and stack {row['stack']:,.0f} at most, on this machine; of its "
                          f"buffers {row['used']:,.0f} were in use at most")


# ---- the owner -------------------------------------------------------------------------------


SILENT = ("until 61", "until 65")  # while the devices only wait: all cores are the owner's


def bare_us(bits):
    program = measure.program("bench_fdo_bare")
    return measure.key_values(measure.call([program, str(bits), *map(str, OWNER), "100"]))["us"]


def owner_instructions(bits, count):
    """Of all its threads, for so many TO2, and until it rests again."""
    with measure.Callgrind() as under, services(CURVES[bits][1], under.command) as (made, owned):
        pid = owned.process.process.pid
        devices = Devices("bench_fdo_load", bits, count)
        with contextlib.closing(devices):
            devices.order(f"di {made.port}")
            sell(made, owned, bits)
            devices.order("to1")
            under.control("-z", pid)
            devices.order("until 0")
            measure.wait_until(lambda: rests(owned), 120, "an owner's rest")
            under.control("-d", pid)
        return under.instructions


def rests(service):
    before = service.process.cpu
    time.sleep(0.5)
    return service.process.cpu - before < 0.02


def crowd(bits, count):
    """So many devices from DI to the end of TO2, one message of all after the other; what the owner spent on it."""
    with services(CURVES[bits][1]) as (made, owned):
        devices = Devices("bench_fdo_load", bits, count)
        with contextlib.closing(devices):
            devices.order(f"di {made.port}")
            sell(made, owned, bits)
            devices.order("to1")
            row = {"floor": bare_us(bits), "idle": owned.resident, "cpu": 0, "wall": 0, "silent": 0, "seconds": 0}
            for order in ("until 61", "until 64", "until 65", "until 70", "until 0"):
                before = owned.process.cpu
                took = devices.order(order)["seconds"]
                spent = owned.process.cpu - before
                row["cpu"] += spent
                row["seconds"] += took
                if order in SILENT:
                    row["wall"] += took
                    row["silent"] += spent
                if order == "until 70":
                    row["full"] = owned.resident
            row["floor"] = (row["floor"] + bare_us(bits)) / 2
        row["onboarded"] = sum(owned.call("GET", f"/fdo/devices/{guid}")["state"] == "onboarded" for guid in owned.guids())
    if row["onboarded"] != count:
        raise measure.Wrong(f"{row['onboarded']} of {count} devices are onboarded by what the owner says")
    return row


def cost(bits, rows, count, what):
    ours = [r["cpu"] * 1e6 / count for r in rows]
    floor = [r["floor"] for r in rows]
    ratio = measure.middle([o / f for o, f in zip(ours, floor)])
    note = (f"{1e6 / measure.middle(ours):,.0f} per second and core, {1e6 / measure.middle(floor):,.0f} by its public-key operations "
            f"alone ({words(OWNER)}); in pairs {ratio:.2f} x")
    return Figure("fdo", f"owner, {what}, {CURVES[bits][0]}", measure.middle(ours), "us CPU", "public-key operations alone",
                  measure.middle(floor), values=ours, peer_values=floor, note=note)


def owner():
    for bits, count in ((256, 100), (384, 50)):
        measure.progress(f"fdo: an owner with {CURVES[bits][0]} under callgrind")
        few, more = owner_instructions(bits, 5), owner_instructions(bits, 15)
        yield Figure("fdo", f"owner, TO2, {CURVES[bits][0]}", (more - few) / 10, "instructions", "public-key operations alone",
                     bare(bits, OWNER), note=f"the whole process: HTTP, store and all; {words(OWNER)}")
        rows = []
        for turn in range(3):
            measure.progress(f"fdo: an owner with {CURVES[bits][0]}, turn {turn + 1} of 3")
            rows.append(crowd(bits, count))
        yield cost(bits, rows, count, f"TO2, {count} devices")
    measure.progress(f"fdo: {DEVICES:,} devices at once")
    row = crowd(256, DEVICES)
    yield cost(256, [row], DEVICES, f"TO2, {DEVICES:,} devices at once")
    cores = len(os.sched_getaffinity(0))
    yield Figure("fdo", f"owner, {DEVICES:,} TO2 at once", row["seconds"], "s",
                 note=f"every one is onboarded; all had 61 before one went on, and 69 before one said 70; while the devices wait "
                      f"the owner uses {row['silent'] / row['wall']:.2f} of {cores} cores")
    yield Figure("fdo", "owner, RAM for each TO2 under way", (row["full"] - row["idle"]) / DEVICES, "B RAM",
                 note=f"with its connection, by what is resident: {row['idle'] / 2**20:,.1f} MiB before, "
                      f"{row['full'] / 2**20:,.1f} MiB with all {DEVICES:,}")


def run():
    for bits in CURVES:
        yield from device(bits)
        yield from memory(bits)
    yield from owner()
