# SPDX-License-Identifier: Apache-2.0
"""Instructions to parse and to build one CoAP message: GET /3/0/9 with Observe and a 4-byte token, as a datagram (CON)
and as a frame of a TCP stream. libcoap's public calls do not build a frame, so that line has no peer."""
import measure
from measure import Figure

LOOPS = 10000
# what is measured: our program and its verb, libcoap's verb, and the goal
FIGURES = {
    "parse GET /3/0/9": ("bench_coap_codec", "parse", "parse", 250),
    "build GET /3/0/9": ("bench_coap_codec", "build", "build", 300),
    "parse a frame": ("bench_frame_codec", "parse", "frame", 400),
    "build a frame": ("bench_frame_codec", "build", None, 350),
}


def run():
    theirs = measure.program("bench_libcoap_codec")
    for name, (program, verb, their_verb, goal) in FIGURES.items():
        ours = measure.program(program)
        values, peer_values = [], []
        for _ in range(3):
            values.append(measure.instructions([ours, verb], f"{verb}_once") / LOOPS)
            if their_verb:
                function = "build_once" if their_verb == "build" else "parse_once"
                peer_values.append(measure.instructions([theirs, their_verb], function) / LOOPS)
        yield Figure("codec", name, measure.middle(values), "instructions", "libcoap 4.3.1" if peer_values else "",
                     measure.middle(peer_values) if peer_values else None, goal, values=values, peer_values=peer_values)
