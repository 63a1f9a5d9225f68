# SPDX-License-Identifier: Apache-2.0
"""Instructions to protect and to verify one request with 32 bytes of payload, beside the AEAD call alone.

AES-CCM-16-64-128 in the process, where a PSA call is cheapest and the rest shows most. The peer is the one AEAD call
of as many bytes; the goal is that plus 800.
"""
import measure
from measure import Figure

LOOPS, EXTRA = 1000, 800
PAIRS = [("protect", "encrypt"), ("unprotect", "decrypt")]


def run():
    program = measure.program("bench_oscore")
    for verb, alone in PAIRS:
        cost = {}
        for name in (verb, alone):
            # main() calls encrypt_once one time more, before the loop
            calls = LOOPS + 1 if name == "encrypt" else LOOPS
            cost[name] = [measure.instructions([program, name], f"{name}_once") / calls for _ in range(3)]
        value, floor = measure.middle(cost[verb]), measure.middle(cost[alone])
        yield Figure("oscore", f"{verb} a request, 32 B payload", value, "instructions", "the AEAD alone", floor,
                     floor + EXTRA, goal_text=f"<= AEAD + {EXTRA}", values=cost[verb], peer_values=cost[alone],
                     note=f"{value - floor:,.0f} more than the AEAD")
