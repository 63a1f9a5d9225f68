# SPDX-License-Identifier: Apache-2.0
"""Instructions of the device client's usual work: Read of /3/0, Read-Composite of ten resources of two objects, a
notification of /3/0, a registration. Datagram in, datagram out, nothing left out but the socket.

Taken at 20 and at 220 turns, so that the first ones cancel. A notification reads the object twice: to see whether
something has changed, and to send it. Wakaama's figures were published for the same scope without its send; they were
not taken in this run.
"""
import measure
from measure import Figure

FORMATS = [("TLV", 11542, 9053, 4000), ("SenML CBOR", 112, 14967, 5000), ("SenML JSON", 110, 12378, None),
           ("LwM2M CBOR", 11544, None, None)]
FEW, MANY = 20, 220


def taken(client, number, what="read", function="serve_once"):
    """Three times the instructions of one turn, and a word on the size of what is sent."""
    values = []
    for _ in range(3):
        cost = [measure.instructions([client, str(number), str(n), what], function) for n in (FEW, MANY)]
        values.append((cost[1] - cost[0]) / (MANY - FEW))
    size = measure.key_values(measure.call([client, str(number), "20", what]))
    return values, f"{size['datagram']:.0f} B on the wire, {size['payload']:.0f} B payload"


def run():
    client = measure.program("bench_lwm2m_read", released=True)
    for name, number, published, goal in FORMATS:
        values, note = taken(client, number)
        yield Figure("lwm2m", f"Read of /3/0 in {name}", measure.middle(values), "instructions",
                     "Wakaama (published)" if published else "", published, goal, values=values, note=note)
    for name, number, _, _ in FORMATS[1:]:
        values, note = taken(client, number, "composite")
        yield Figure("lwm2m", f"Read-Composite of 10 paths in {name}", measure.middle(values), "instructions",
                     values=values, note=note)
    for name, number, _, _ in FORMATS:
        values, note = taken(client, number, "notify", "notify_once")
        yield Figure("lwm2m", f"notification of /3/0 in {name}", measure.middle(values), "instructions",
                     values=values, note=note)
    values, note = taken(client, 40, "register", "register_once")
    yield Figure("lwm2m", "Register and its answer", measure.middle(values), "instructions", values=values, note=note)
