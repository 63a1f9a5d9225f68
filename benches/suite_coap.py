# SPDX-License-Identifier: Apache-2.0
"""CPU of a CoAP server per plain confirmable GET, with 1, 1,000 and 20,000 peers, beside the UDP echo floor and libcoap.

A peer is a source port of the load. The window of 32 outstanding requests goes round over all of them, so that many
peers exist and few requests are open. CPU is user and system time of the server over one load, divided by the
answers; every turn has a fresh server. Deduplication is on in Tessera's server; libcoap's has none.
"""
import resource
import subprocess
import time

import measure
from measure import Figure, Wrong
from ports import free_port

PING = bytes.fromhex("40001234")  # an empty CON; a CoAP server rejects it, an echo returns it
PEERS = [1, 1000, 20000]
REQUESTS = {1: 60000, 1000: 60000, 20000: 80000}
LIBCOAP_REQUESTS = {1: 60000, 1000: 40000, 20000: 24000}  # its cost grows; shortened, which flatters it
TRIES = 5  # a turn that lost a request does not count and is repeated; on a busy machine a second's stall is enough
WINDOW = 32


def load(port, requests, sockets, mode):
    """One load process, or more where one may not have so many sockets open; together one window."""
    program = measure.program("bench_coap_load")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    parts = 1 if limit < 0 else -(-sockets // limit)
    shares = [(requests // parts, sockets // parts) for _ in range(parts)]
    running = [subprocess.Popen(measure.pinned(1, [program, str(port), str(r), str(WINDOW // parts), str(s), mode]),
                                stdout=subprocess.PIPE, text=True) for r, s in shares]
    texts = [process.communicate()[0] for process in running]
    for text, (share, _) in zip(texts, shares):
        seen = measure.key_values(text)
        if not seen:
            raise Wrong(f"{sockets} peers: the load found no free ports; is another load running?")
        if seen.get("answered") != share or seen["lost"] or seen["bad"] or seen["other"]:
            raise Wrong(f"{sockets} peers, {mode}: {text.strip()}")


def us_per_request(who, sockets, repeated):
    """(all CPU, user CPU) in microseconds per answer, of a fresh server."""
    for attempt in range(TRIES):
        port = free_port()
        command, mode, requests = commands(port, sockets)[who]
        try:
            return one_turn(command, port, requests, sockets, mode)
        except Wrong as wrong:
            measure.progress(f"repeated: {who}, {wrong}")
            repeated.append(who)
            if attempt == TRIES - 1:
                raise
            time.sleep(5)
    return None


def one_turn(command, port, requests, sockets, mode):
    with measure.Server(command, probe=measure.udp_answers(port, PING)) as server:
        before = server.cpu, server.user
        load(port, requests, sockets, mode)
        return tuple((after - b) * 1e6 / requests for after, b in zip((server.cpu, server.user), before))


def commands(port, sockets):
    return {
        "floor": ([measure.program("bench_udp_echo"), str(port)], "echo", REQUESTS[sockets]),
        "ours": ([measure.program("bench_coap_server"), str(port), str(sockets + 64)], "con", REQUESTS[sockets]),
        "libcoap": ([measure.need("coap-server-notls", "libcoap3-bin"), "-A", "127.0.0.1", "-p", str(port)], "con",
                    LIBCOAP_REQUESTS[sockets]),
    }


def run():
    growth = {}
    for sockets in PEERS:
        seen, repeated = {"floor": [], "ours": [], "libcoap": []}, []
        for turn in range(3):
            measure.progress(f"coap: {sockets:,} peers, turn {turn + 1} of 3")
            for who in seen:  # taking turns
                seen[who].append(us_per_request(who, sockets, repeated))
        total = {who: [v[0] for v in values] for who, values in seen.items()}
        user = {who: [v[1] for v in values] for who, values in seen.items()}
        growth[sockets] = {who: measure.middle(v) for who, v in total.items()}
        name = f"CON GET, {sockets:,} peer{'s' if sockets > 1 else ''}"
        floor = measure.middle(total["floor"])
        yield Figure("coap", f"{name}, beside the UDP echo floor", measure.middle(total["ours"]), "us CPU", "UDP echo",
                     floor, 1.6 * floor, "<= 1.6 x floor", values=total["ours"], peer_values=total["floor"],
                     note=f"of it user time {measure.middle(user['ours']):.2f} us, the floor's "
                          f"{measure.middle(user['floor']):.2f} us; turns repeated because requests were lost: "
                          f"{len(repeated)}")
        yield Figure("coap", f"{name}, beside libcoap", measure.middle(total["ours"]), "us CPU", "libcoap 4.3.1",
                     measure.middle(total["libcoap"]), values=total["ours"], peer_values=total["libcoap"],
                     note=f"libcoap got {LIBCOAP_REQUESTS[sockets]:,} requests, Tessera {REQUESTS[sockets]:,}")
    few, many = growth[PEERS[0]], growth[PEERS[-1]]
    ratios = {who: many[who] / few[who] for who in few}
    yield Figure("coap", "growth of the multiple of the floor, 1 to 20,000 peers", ratios["ours"] / ratios["floor"], "x",
                 "libcoap 4.3.1", ratios["libcoap"] / ratios["floor"], 1.10, "<= 1.10 x",
                 note=f"in plain time Tessera grows {ratios['ours']:.2f} x, and the floor, which knows no peers, "
                      f"{ratios['floor']:.2f} x: the kernel's sockets")
    own = (many["ours"] - many["floor"] - few["ours"] + few["floor"]) / few["ours"]
    yield Figure("coap", "growth from 1 to 20,000 peers, floor taken off", 1 + own, "x", goal=1.10, goal_text="<= 1.10 x",
                 note="what the server itself adds per request, as a share of its cost at 1 peer")
