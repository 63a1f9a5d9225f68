# SPDX-License-Identifier: Apache-2.0
"""DTLS 1.2: CPU and instructions per handshake and record beside OpenSSL, both ends in one process; and the device
half with its keys behind the wall, where crossings count. The wall's two processes share core 0, the server has 1."""
import contextlib
import re
import subprocess

import measure
from measure import Figure
from suite_psa import secured

MODES = {"psk": ("PSK", 400), "cert": ("ECDHE-ECDSA", 60)}
RECORDS = 20000
KEY = "30313233343536373839616263646566"  # what the device half imports


@contextlib.contextmanager
def server(mode):
    """tests/net/dtls_host.c on core 1; gives its port."""
    measure.build(measure.BUILD, ["-DCMAKE_BUILD_TYPE=RelWithDebInfo"], ["dtls_host"])
    host = str(measure.BUILD / "tessera/net/dtls_host")
    process = subprocess.Popen(measure.pinned(1, [host, "server", mode, "--key", KEY, "--wait", "120000"]),
                               stdout=subprocess.PIPE, text=True)
    try:
        yield re.search(r"port (\d+)", process.stdout.readline()).group(1)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def per_handshake(program, mode):
    """Instructions of the server's side; the second handshake and later ones, so that start-up does not count."""
    few, more = (measure.instructions([program, *mode.split(), str(n)], "server_step") for n in (2, 6))
    return (more - few) / 4


def resumption(name, mode):
    """TLS: the same two ends with a session that goes on, by a ticket, beside the full handshake."""
    program = measure.program("bench_tls_handshake")

    def figure(kind):
        row = measure.key_values(measure.call([program, mode, kind, "20"]))
        note = f"{row['bytes']:,.0f} bytes in {row['flights']:.0f} flights"
        return Figure("dtls", f"TLS {name} handshake, {kind}, server", per_handshake(program, f"{mode} {kind}"), "instructions",
                      note=note)

    return [figure(kind) for kind in ("full", "first", "resumed")]


def run():
    ours, theirs = measure.program("bench_dtls_handshake"), measure.program("bench_openssl_dtls")
    device = measure.program("bench_dtls_wall")
    for mode, (name, count) in MODES.items():
        us, peer, wall = [], [], []
        for turn in range(3):
            measure.progress(f"dtls: {name}, turn {turn + 1} of 3")
            us.append(measure.key_values(measure.call(measure.pinned(0, [ours, mode, str(count), str(RECORDS)]))))
            peer.append(measure.key_values(measure.call(measure.pinned(0, [theirs, mode, str(count), str(RECORDS)]))))
            with secured() as (socket, _), server(mode) as port:
                wall.append(measure.key_values(measure.call(
                    measure.pinned(0, [device, socket, mode, port, str(count // 4), "500"]))))
        yield from figures(name, mode, us, peer, wall)
        yield Figure("dtls", f"{name} handshake, server", per_handshake(ours, mode), "instructions", "OpenSSL",
                     per_handshake(theirs, mode))
        yield from resumption(name, mode)


def column(rows, name):
    return [r[name] for r in rows]


def figures(name, mode, us, peer, wall):
    def beside(what, key, note=""):
        mine, other = column(us, key), column(peer, key)
        return Figure("dtls", what, measure.middle(mine), "us", "OpenSSL", measure.middle(other), values=mine,
                      peer_values=other, note=note)

    per_second = 1e6 / measure.middle(column(us, "server_us"))
    yield beside(f"{name} handshake, server", "server_us",
                 f"{per_second:,.0f} per second and core; {us[0]['bytes']:,.0f} bytes on the wire with cookie and CID")
    if mode == "psk":
        yield beside("record of 64 B, protect", "seal_us")
        yield beside("record of 64 B, open", "open_us")
    times, crossings = column(wall, "handshake_us"), column(wall, "handshake_crossings")
    yield Figure("dtls", f"{name} handshake, device over the wall", measure.middle(crossings), "crossings",
                 goal=20 if mode == "psk" else None, values=crossings,
                 note=f"and {wall[0]['end_crossings']:.0f} more when the session ends")
    yield Figure("dtls", f"{name} handshake, device over the wall", measure.middle(times), "us", values=times,
                 note="time in the engine with its crossings, without waiting for the server")
    if mode == "psk":
        yield Figure("dtls", "record, device over the wall", measure.middle(column(wall, "record_crossings")),
                     "crossings", goal=1, values=column(wall, "record_crossings"))
        yield Figure("dtls", "record, device over the wall", measure.middle(column(wall, "record_us")), "us",
                     values=column(wall, "record_us"))
