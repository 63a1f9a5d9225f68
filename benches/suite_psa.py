# SPDX-License-Identifier: Apache-2.0
"""PSA calls across the wall over both gates: the time of a round trip, beside the same call with the core in the
process and beside a bare ping-pong of the same kind (64 bytes between two processes, nothing done with them) that takes
turns with it. Pinned: both ends share core 0. Free: the scheduler has both cores, and waking an idle one is most of what
is seen. Then what grows with keys, tokens, and how fast an image is written."""
import contextlib
import pathlib
import re
import subprocess
import tempfile

import measure
from measure import Figure

CALLS = 6000
KEYS = 10000
IMAGE = 8 << 20
NAMES = {"empty": "empty call", "random": "16 random bytes", "aead": "AES-128-CCM-8 of 40 B",
         "mac": "HMAC-SHA-256 of 64 B", "get": "64 B out of ITS", "import": "import and destroy a key",
         "hash": "SHA-256 of 64 B", "sign": "ECDSA P-256 signature"}
WAYS = {"socket": "socket", "shm": "shared memory"}


@contextlib.contextmanager
def secured(*more, free=False, scratch=None):
    """A real tessera-secured with a store of its own, without a rate; gives its socket and process."""
    binary = measure.program("tessera-secured")
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        socket, store = pathlib.Path(place) / "s", pathlib.Path(place) / "store"
        command = [binary, "--socket", str(socket), "--store", str(store), "--rate", "0", *more]
        with measure.Server(command, probe=socket.exists, free=free) as service:
            yield str(socket), service


def lines(text):
    return {m[1]: (float(m[2]), float(m[3]), float(m[4]))
            for m in re.finditer(r"^(\w+) trip=(\S+) us=(\S+) crossings=(\S+)$", text, re.M)}


def calls(program, socket, way, pid=(), free=False):
    command = [program, socket, way, str(CALLS), *map(str, pid)]
    return lines(measure.call(command if free else measure.pinned(0, command)))


def take_turns():
    """{(way, place): {call: [(trip, cpu, crossings), ...]}} and the same for the core in the process."""
    wall, inside = measure.program("bench_psa_wall"), measure.program("bench_psa_inside")
    across, within = {}, {}
    for turn in range(3):
        for free in (False, True):
            for way in WAYS:
                measure.progress(f"psa: turn {turn + 1} of 3, {WAYS[way]}, {'free' if free else 'pinned'}")
                with secured(free=free) as (socket, service):
                    for name, taken in calls(wall, socket, way, [service.process.pid], free).items():
                        across.setdefault((way, free), {}).setdefault(name, []).append(taken)
        for name, taken in calls(inside, "-", "socket").items():
            within.setdefault(name, []).append(taken)
    return across, within


def column(rows, n):
    return [r[n] for r in rows]


def figures(way, free, rows, within):
    """A call may take as long as in the process, and 1.3 ping-pongs for each time that it crosses."""
    where = f"{WAYS[way]}, {'free' if free else 'pinned'}"
    pings = column(rows["ping"], 0)
    yield Figure("psa", f"bare ping-pong, {where}", measure.middle(pings), "us", values=pings)
    for name, what in NAMES.items():
        trips, inside = column(rows[name], 0), column(within[name], 0)
        crossings = measure.middle(column(rows[name], 2))
        here, ping, trip = measure.middle(inside), measure.middle(pings), measure.middle(trips)
        # turn by turn: what else the machine did then, it did to both
        parts = [(t - here) / p / crossings for t, p in zip(trips, pings)] if crossings >= 1 else []
        note = f"{crossings:.2f} crossings; CPU of both sides {measure.middle(column(rows[name], 1)):.1f} us"
        if parts:
            note += f"; beyond the call itself {measure.middle(parts):.2f} ping-pongs a crossing"
        yield Figure("psa", f"{what}, {where}", trip, "us", "in the process", here, values=trips, peer_values=inside,
                     goal=trip / measure.middle(parts) * 1.3 if parts and name == "empty" else
                     here + 1.3 * ping * crossings if parts else None,
                     goal_text="1.3 ping-pongs" if name == "empty" else "in the process + 1.3 ping-pongs", note=note)


def fast_scratch():
    """Memory, so that the medium's own time does not hide what the number of keys does."""
    return "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None


def many_keys():
    world = measure.program("bench_psa_world")
    for kind in ("volatile", "persistent"):
        runs = []
        for turn in range(3):
            measure.progress(f"psa: {KEYS:,} {kind} keys, turn {turn + 1} of 3")
            with secured("--keys", "16384", "--persistent", "16384", "--bytes", "3000000",
                         scratch=fast_scratch()) as (socket, _):
                runs.append(measure.key_values(measure.call(
                    measure.pinned(0, [world, socket, kind, str(KEYS)]))))
        for verb in ("create", "find", "destroy"):
            many, few = column(runs, f"{verb}_many"), column(runs, f"{verb}_few")
            yield Figure("psa", f"{verb} a {kind} key, of {KEYS:,}", measure.middle(many), "us", "of 1,000",
                         measure.middle(few), goal=1.25 * measure.middle(few), goal_text="flat: <= 1.25 x of 1,000",
                         values=many, peer_values=few, note="medians of 1,000 calls; the store in memory")


def tokens():
    world, runs = measure.program("bench_psa_world"), []
    for turn in range(3):
        with secured() as (socket, _):
            runs.append(measure.key_values(measure.call(measure.pinned(0, [world, socket, "token", "300"]))))
    times = column(runs, "token")
    yield Figure("psa", "attestation token", measure.middle(times), "us", values=times,
                 note=f"{runs[0]['bytes']:.0f} bytes, ES256")


def slots(place):
    """A directory with one component whose anchor is a fresh key."""
    place = pathlib.Path(place)
    measure.need("openssl", "openssl")
    key, anchor = place / "key.pem", place / "owner.pem"
    measure.call(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)])
    measure.call(["openssl", "ec", "-in", str(key), "-pubout", "-out", str(anchor)])
    (place / "update.conf").write_text(
        "component bench\nvendor c1f3d3a2-6d3f-5c6b-9d5e-0d3c0f6c5d11\nclass 0b6f5f26-1f0a-5c25-8a3d-3cc19d5b8a41\n"
        f"size {2 * IMAGE}\nanchor owner.pem\n")
    anchor.chmod(0o644)
    (place / "update.conf").chmod(0o644)
    return str(place)


def update():
    world, rates = measure.program("bench_psa_world"), []
    for turn in range(3):
        measure.progress(f"psa: update, turn {turn + 1} of 3")
        with tempfile.TemporaryDirectory() as place, secured("--slots", slots(place)) as (socket, _):
            rates.append(measure.key_values(measure.call(
                measure.pinned(0, [world, socket, "update", str(IMAGE)])))["update_rate"] / 1e6)
    yield Figure("psa", "update, image written", measure.middle(rates), "MB/s", values=rates,
                 note=f"{IMAGE >> 20} MiB in blocks of 16 KiB, durable in its slot as the service sees fit")


def handshakes():
    import suite_dtls  # which needs secured() of this file

    device = measure.program("bench_dtls_wall")
    for mode, (name, _) in suite_dtls.MODES.items():
        measure.progress(f"psa: {name} handshakes")
        with secured() as (socket, _), suite_dtls.server(mode) as port:
            row = measure.key_values(measure.call(measure.pinned(0, [device, socket, mode, port, "20", "100"])))
        yield Figure("psa", f"{name} handshake of a device", row["handshake_crossings"], "crossings",
                     goal=20 if mode == "psk" else None)


def run():
    across, within = take_turns()
    for (way, free), rows in across.items():
        yield from figures(way, free, rows, within)
    yield from many_keys()
    yield from tokens()
    yield from update()
    yield from handshakes()
