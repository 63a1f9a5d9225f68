# SPDX-License-Identifier: Apache-2.0
"""PSA calls across the wall over both gates, beside the same call with the same core in the process and beside a bare
ping-pong of the same kind (64 bytes between two processes, nothing done with them). The three take turns in blocks of
20 calls; each pair of blocks gives one ratio, and the median of all pairs is the figure. What is compared is the time
that both ends spend on a core, by the scheduler's count: on a machine with nothing else to do and both ends on one core
that is the round trip; on a busy one it hardly moves, and the round trip does. Three places: both ends pinned to one
core; each pinned to its own; free, where the pairs count in which the scheduler treated both alike. Then what grows with
keys and assets, tokens, and how fast an image is written."""
import contextlib
import pathlib
import re
import subprocess
import tempfile

import measure
from measure import Figure

PAIRS = 200
KEYS = 10000
ASSETS = 10000
LONG = 3  # ping-pongs: beyond that, a few percent of the call itself are more than its way across
IMAGE = 8 << 20
NAMES = {"empty": "empty call", "random": "16 random bytes", "aead": "AES-128-CCM-8 of 40 B",
         "mac": "HMAC-SHA-256 of 64 B", "get": "64 B out of ITS", "import": "import and destroy a key",
         "hash": "SHA-256 of 64 B", "sign": "ECDSA P-256 signature"}
WAYS = {"socket": "socket", "shm": "shared memory"}
PLACES = {"one core": (0, 0), "two cores": (0, 1), "free": (None, None)}  # of the service, of the program


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
    return {line.split()[0]: dict((k, float(v)) for k, v in re.findall(r"(\w+)=(\S+)", line))
            for line in text.splitlines()}


def calls(way, place):
    """{call: its medians} of one turn."""
    wall, inside = measure.program("bench_psa_wall"), measure.program("bench_psa_inside")
    there, here = PLACES[place]
    with secured(free=there is None) as (socket, service):
        command = [wall, socket, way, str(PAIRS), str(service.process.pid), inside]
        return lines(measure.call(command if here is None else measure.pinned(here, command)))


def take_turns():
    """{(way, place): {call: [medians of a turn, ...]}}"""
    taken = {}
    for turn in range(3):
        for place in PLACES:
            for way in WAYS:
                measure.progress(f"psa: turn {turn + 1} of 3, {WAYS[way]}, {place}")
                for name, row in calls(way, place).items():
                    taken.setdefault((way, place), {}).setdefault(name, []).append(row)
    return taken


def column(rows, n):
    return [r[n] for r in rows]


def note_of(rows, crossings, ratios):
    def of(n):
        return measure.middle(column(rows, n))
    note = f"{crossings:.2f} crossings; "
    if ratios:
        note += "beyond the call itself " + ", ".join(f"{r:.2f}" for r in ratios) + " ping-pongs a crossing; "
        note += f"by the clock {of('ratio'):.2f}; "
    elif crossings >= 1:
        note += "the call is too long for its way across to be seen beside it; "
    note += f"round trip {of('trip'):.1f} us, ping-pong {of('ping'):.1f}, in the process {of('inside'):.1f}"
    if of("counted") < 1:
        note += f"; {of('counted') * 100:.0f} % of the pairs count, {of('together') * 100:.0f} % of them on one core"
    return note


def figures(way, place, rows):
    """A call may cost what it costs in the process, and 1.3 ping-pongs for each time that it crosses."""
    where = f"{WAYS[way]}, {place}"
    pings = column(rows["empty"], "cpu_ping")
    yield Figure("psa", f"bare ping-pong, {where}", measure.middle(pings), "us CPU", values=pings)
    for name, what in NAMES.items():
        counted = [r for r in rows[name] if r["counted"] >= 0.05]
        if not counted:
            continue  # the scheduler never treated both alike
        inside, ping = measure.middle(column(counted, "cpu_inside")), measure.middle(column(counted, "cpu_ping"))
        crossings = measure.middle(column(counted, "crossings"))
        judged = crossings >= 1 and inside < LONG * ping
        ratios = column(counted, "cpu_ratio") if judged else []
        value = inside + measure.middle(ratios) * ping * crossings if judged else measure.middle(column(counted, "cpu"))
        yield Figure("psa", f"{what}, {where}", value, "us CPU",
                     "ping-pong" if name == "empty" else "in the process", ping if name == "empty" else inside,
                     values=column(counted, "cpu"), goal=inside + 1.3 * ping * crossings if judged else None,
                     goal_text="1.3 ping-pongs" if name == "empty" else "in the process + 1.3 ping-pongs",
                     note=note_of(counted, crossings, ratios))


def fast_scratch():
    """Memory, so that the medium's own time does not hide what the number of keys does."""
    return "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None


def flat(what, many, few, note):
    ratio = measure.middle([m / f for m, f in zip(many, few)])
    return Figure("psa", what, ratio * measure.middle(few), "us", "of 1,000", measure.middle(few),
                  goal=1.25 * measure.middle(few), goal_text="flat: <= 1.25 x of 1,000", values=many, peer_values=few,
                  note=note)


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
            few = [r[f"{verb}_few"] * r["empty"] for r in runs]
            many = [r[f"{verb}_many"] * r["empty"] for r in runs]
            yield flat(f"{verb} a {kind} key, of {KEYS:,}", many, few,
                       "medians of 1,000 calls, by the empty calls made between; the store in memory")


def many_assets():
    """Each asset is in two stores: its anchor in ITS, its content on Protected Storage's medium."""
    world, runs = measure.program("bench_psa_world"), []
    for turn in range(3):
        measure.progress(f"psa: {ASSETS:,} assets in Protected Storage, turn {turn + 1} of 3")
        room = ("--bytes", "3000000")
        with secured(*room, scratch=fast_scratch()) as (few, _), secured(*room, scratch=fast_scratch()) as (many, _):
            runs.append(measure.key_values(measure.call(
                measure.pinned(0, [world, many, "assets", str(ASSETS), few]))))
    for verb, what in (("set", "set a new asset"), ("replace", "replace an asset"), ("get", "get an asset"),
                       ("remove", "remove an asset")):
        many, few = column(runs, f"{verb}_many"), column(runs, f"{verb}_few")
        yield flat(f"{what} in Protected Storage, of {ASSETS:,}", many, few,
                   "64 bytes; medians of 1,000 calls that two services take in turns; the stores in memory")


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
    for (way, place), rows in take_turns().items():
        yield from figures(way, place, rows)
    yield from many_keys()
    yield from many_assets()
    yield from tokens()
    yield from update()
    yield from handshakes()
