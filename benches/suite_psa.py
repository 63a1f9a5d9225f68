# SPDX-License-Identifier: Apache-2.0
"""PSA calls across the wall, beside the same calls with the core in the process, and the floor of one request and
reply between two processes. CPU of both sides together, all on one core; waiting for that core does not count."""
import contextlib
import pathlib
import re
import subprocess
import tempfile

import measure
from measure import Figure

CALLS = 4000
NAMES = {"hash": "SHA-256 of 64 B", "random": "16 random bytes", "aead": "AES-128-CCM-8 of 40 B",
         "mac": "HMAC-SHA-256 of 64 B", "sign": "ECDSA P-256 signature"}


@contextlib.contextmanager
def secured():
    """A real tessera-secured on core 0 with a store of its own; gives its socket and process id."""
    binary = measure.program("tessera-secured")
    with tempfile.TemporaryDirectory() as scratch:
        socket, store = pathlib.Path(scratch) / "s", pathlib.Path(scratch) / "store"
        command = [binary, "--socket", str(socket), "--store", str(store)]
        with measure.Server(command, probe=socket.exists) as service:
            yield str(socket), service


def lines(text):
    return {m[1]: (float(m[2]), float(m[3])) for m in re.finditer(r"^(\w+) us=(\S+) crossings=(\S+)$", text, re.M)}


def run():
    wall, inside = measure.program("bench_psa_wall"), measure.program("bench_psa_inside")
    floor = measure.program("bench_wall_floor")
    across, within, floors, crossings = {}, {}, [], {}
    for turn in range(3):
        measure.progress(f"psa: turn {turn + 1} of 3")
        floors.append(measure.key_values(measure.call(measure.pinned(0, [floor, str(CALLS * 5)])))["us"])
        with secured() as (socket, service):
            for name, (us, n) in lines(measure.call(measure.pinned(0, [wall, socket, str(CALLS), str(service.process.pid)]))).items():
                across.setdefault(name, []).append(us)
                crossings[name] = n
        for name, (us, _) in lines(measure.call(measure.pinned(0, [inside, "-", str(CALLS)]))).items():
            within.setdefault(name, []).append(us)
    yield Figure("psa", "one crossing, floor", measure.middle(floors), "us CPU", values=floors,
                 note="64 B and back over a SEQPACKET pair, nothing else")
    for name, values in across.items():
        yield Figure("psa", NAMES[name], measure.middle(values), "us CPU", "in the process",
                     measure.middle(within[name]), values=values, peer_values=within[name],
                     note=f"{crossings[name]:.2f} crossings")
