# SPDX-License-Identifier: Apache-2.0
"""A device made of aiocoap and cbor2 that comes to a bootstrap server and does what it is told.

Arguments: PORT PATH?QUERY [METHOD PATH CODE ...]. What it was asked, and with which values, goes to standard
output, one line each; the triples name requests that it answers with an error. `bspack` is a GET.
"""
import asyncio
import json
import sys

import aiocoap
import cbor2
from aiocoap import resource

LABELS = {-2: "bn", 0: "n", 2: "v", 3: "vs", 4: "vb", 8: "vd"}
NAMES = {aiocoap.GET: "GET", aiocoap.POST: "POST", aiocoap.PUT: "PUT", aiocoap.DELETE: "DELETE"}
GOOD = {aiocoap.GET: aiocoap.CONTENT, aiocoap.POST: aiocoap.CHANGED, aiocoap.PUT: aiocoap.CHANGED,
        aiocoap.DELETE: aiocoap.DELETED}


def senml(payload):
    """SenML CBOR as {path: value}, bytes in hexadecimal digits."""
    base, values = "", {}
    for record in cbor2.loads(payload):
        named = {LABELS.get(key, key): value for key, value in record.items()}
        base = named.get("bn", base)
        value = next((named[k] for k in ("v", "vs", "vb", "vd", "vlo") if k in named), None)
        values[base + named.get("n", "")] = value.hex() if isinstance(value, bytes) else value
    return values


class Device(resource.Resource, resource.PathCapable):
    def __init__(self, errors):
        super().__init__()
        self.errors, self.finished = errors, asyncio.Event()

    async def render(self, request):
        path = "/" + "/".join(request.opt.uri_path)
        what = f"{NAMES[request.code]} {path}"
        written = ""
        if request.code == aiocoap.PUT:
            written = json.dumps(senml(request.payload) if request.opt.content_format == 112 else request.payload.hex())
        print("asked", what, request.opt.content_format if request.payload else "", written, flush=True)
        if what in self.errors:
            return aiocoap.Message(code=self.errors[what], payload=b"as the test wants")
        if what == "POST /bs":
            self.finished.set()
        answer = aiocoap.Message(code=GOOD[request.code])
        if request.code == aiocoap.GET and request.opt.accept == 40:
            answer.opt.content_format = 40
            answer.payload = b'</>;lwm2m=1.1, </0/1/>, </0/0>;ssid=101;uri="coaps://old", </1/0/>;ssid=101,</3/0>,</5>'
        elif request.code == aiocoap.GET:
            answer.opt.content_format = 112
            answer.payload = cbor2.dumps([{0: path + "/0/1", 2: 4711}])
        return answer


async def main(port, target, errors):
    device = Device(errors)
    context = await aiocoap.Context.create_server_context(device, bind=("127.0.0.1", 0), transports=["udp6"])
    pack = target.startswith("bspack")
    request = aiocoap.Message(code=aiocoap.GET if pack or target.startswith("GET ") else aiocoap.POST,
                              uri=f"coap://127.0.0.1:{port}/{target.removeprefix('GET ')}")
    if pack:
        request.opt.accept = 112
    answer = await context.request(request).response
    print("answer", answer.code.dotted, answer.opt.content_format, answer.payload.decode(errors="replace")
          if not answer.code.is_successful() else "", flush=True)
    if pack and answer.code.is_successful():
        print("pack", json.dumps(senml(answer.payload)), flush=True)
    elif answer.code.is_successful():
        try:
            await asyncio.wait_for(device.finished.wait(), 20 if not errors else 3)
            print("finished", flush=True)
        except asyncio.TimeoutError:
            print("given up", flush=True)
    await asyncio.sleep(0.3)  # the last answer is on its way
    await context.shutdown()


if __name__ == "__main__":
    triples = sys.argv[3:]
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], {
        f"{m} {p}": aiocoap.numbers.codes.Code(int(c[0]) << 5 | int(c[2:])) for m, p, c in
        zip(triples[::3], triples[1::3], triples[2::3])}))
