# SPDX-License-Identifier: Apache-2.0
"""Instructions to parse and to build one CoAP message: CON GET /3/0/9 with Observe and a 4-byte token."""
import measure
from measure import Figure

LOOPS = 10000
GOALS = {"parse": 250, "build": 300}


def run():
    ours = measure.program("bench_coap_codec")
    theirs = measure.program("bench_libcoap_codec")
    for verb, goal in GOALS.items():
        values, peer_values = [], []
        for _ in range(3):
            values.append(measure.instructions([ours, verb], f"{verb}_once") / LOOPS)
            peer_values.append(measure.instructions([theirs, verb], f"{verb}_once") / LOOPS)
        yield Figure("codec", f"{verb} GET /3/0/9", measure.middle(values), "instructions", "libcoap 4.3.1",
                     measure.middle(peer_values), goal, values=values, peer_values=peer_values)
