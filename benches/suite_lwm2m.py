# SPDX-License-Identifier: Apache-2.0
"""Instructions of one Read of /3/0 through the device client: datagram in, answer out, nothing left out but the socket.

Taken at 20 and at 220 requests, so that the first ones cancel. Wakaama's figures were published for the same scope
without its send; they were not taken in this run.
"""
import measure
from measure import Figure

FORMATS = [("SenML CBOR", 112, 14967, 6000), ("SenML JSON", 110, 12378, None), ("TLV", 11542, 9053, None)]
FEW, MANY = 20, 220


def run():
    client = measure.program("bench_lwm2m_read")
    for name, number, published, goal in FORMATS:
        values = []
        for _ in range(3):
            cost = [measure.instructions([client, str(number), str(n)], "serve_once") for n in (FEW, MANY)]
            values.append((cost[1] - cost[0]) / (MANY - FEW))
        size = measure.key_values(measure.call([client, str(number), "1"]))
        yield Figure("lwm2m", f"Read of /3/0 in {name}", measure.middle(values), "instructions",
                     "Wakaama (published)", published, goal, values=values,
                     note=f"answer {size['datagram']:.0f} B on the wire, {size['payload']:.0f} B payload")
