# SPDX-License-Identifier: Apache-2.0
"""Instructions of one Read of /3/0, and of one Read-Composite of ten resources of two objects, through the device client:
datagram in, answer out, nothing left out but the socket.

Taken at 20 and at 220 requests, so that the first ones cancel. Wakaama's figures were published for the same scope
without its send; they were not taken in this run.
"""
import measure
from measure import Figure

FORMATS = [("SenML CBOR", 112, 14967, 6000), ("SenML JSON", 110, 12378, None), ("TLV", 11542, 9053, None)]
COMPOSITE = [("SenML CBOR", 112), ("SenML JSON", 110), ("LwM2M CBOR", 11544)]
FEW, MANY = 20, 220


def taken(client, number, *more):
    """Three times the instructions of one request, and a word on the size of its answer."""
    values = []
    for _ in range(3):
        cost = [measure.instructions([client, str(number), str(n), *more], "serve_once") for n in (FEW, MANY)]
        values.append((cost[1] - cost[0]) / (MANY - FEW))
    size = measure.key_values(measure.call([client, str(number), "1", *more]))
    return values, f"answer {size['datagram']:.0f} B on the wire, {size['payload']:.0f} B payload"


def run():
    client = measure.program("bench_lwm2m_read")
    for name, number, published, goal in FORMATS:
        values, note = taken(client, number)
        yield Figure("lwm2m", f"Read of /3/0 in {name}", measure.middle(values), "instructions",
                     "Wakaama (published)", published, goal, values=values, note=note)
    for name, number in COMPOSITE:
        values, note = taken(client, number, "composite")
        yield Figure("lwm2m", f"Read-Composite of 10 paths in {name}", measure.middle(values), "instructions",
                     values=values, note=note)
