# SPDX-License-Identifier: Apache-2.0
"""A device made of aiocoap and cbor2: registers at a server and answers its requests.

Arguments: SERVER-PORT ENDPOINT [Q]: in queue mode it sends an Update for each SIGUSR1. Its object list is longer than a block, and so is /3/0.
"""
import asyncio
import signal
import sys

import aiocoap
import cbor2
from aiocoap import resource

SENML_CBOR = 112
NAME, VALUE, TEXT, BASE_NAME = 0, 2, 3, -2


class Device(resource.Resource):
    """/3/0 in SenML CBOR, with a serial number long enough for several blocks."""

    async def render_get(self, request):
        pack = [{BASE_NAME: "/3/0/", NAME: "0", TEXT: "aiocoap"}, {NAME: "2", TEXT: "s" * 3000}, {NAME: "9", VALUE: 77}]
        return aiocoap.Message(payload=cbor2.dumps(pack), content_format=SENML_CBOR)


class Counter(resource.ObservableResource):
    """/3300/0/5700 as text: counts up, twice a second."""

    def __init__(self):
        super().__init__()
        self.value = 0

    async def run(self):
        while True:
            await asyncio.sleep(0.5)
            self.value += 1
            self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=cbor2.dumps([{NAME: "/3300/0/5700", VALUE: self.value}]),
                               content_format=SENML_CBOR)


class Light(resource.Resource):
    """/3311/0/5850: keeps what was written last, whatever its format."""

    def __init__(self):
        super().__init__()
        self.kept = b""

    async def render_put(self, request):
        self.kept = request.payload
        print("written", self.kept.hex(), flush=True)
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_post(self, request):
        print("executed", request.payload.decode(), flush=True)
        return aiocoap.Message(code=aiocoap.CHANGED)


class Root(resource.Resource):
    """Composite operations: what is asked for by name, of what this device has, and what was written."""

    def __init__(self):
        super().__init__()
        self.values = {"/3/0/9": 77, "/1/0/1": 300}

    @staticmethod
    def records(payload):
        """RFC 8428 §4.6: with their names resolved."""
        base = ""
        for record in cbor2.loads(payload):
            base = record.get(BASE_NAME, base)
            yield base + record.get(NAME, ""), record

    async def render_fetch(self, request):
        names = [name for name, _ in self.records(request.payload)]
        print("fetched", *names, flush=True)
        pack = [{NAME: n, VALUE: self.values[n]} for n in names if n in self.values]
        return aiocoap.Message(payload=cbor2.dumps(pack), content_format=SENML_CBOR)

    async def render_ipatch(self, request):
        for name, record in self.records(request.payload):
            self.values[name] = record[VALUE]
            print("patched", name, record[VALUE], flush=True)
        return aiocoap.Message(code=aiocoap.CHANGED)


async def update(context, port, location):
    uri = f"coap://127.0.0.1:{port}/" + "/".join(location)
    answer = await context.request(aiocoap.Message(code=aiocoap.POST, uri=uri)).response
    print("updated", answer.code, flush=True)


async def main(port, endpoint, queue=None):
    site, counter, light = resource.Site(), Counter(), Light()
    site.add_resource([], Root())
    site.add_resource(["3", "0"], Device())
    site.add_resource(["3300", "0", "5700"], counter)
    site.add_resource(["3311", "0", "5850"], light)
    site.add_resource(["1", "0", "8"], light)
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", 0), transports=["udp6"])
    links = ["</>;rt=\"oma.lwm2m\";ct=112", "</1/0>", "</3/0>", "</3300/0>", "</3311/0>"]
    links += [f"</10000/{n}>" for n in range(200)]
    uri = f"coap://127.0.0.1:{port}/rd?ep={endpoint}&lwm2m=1.1&lt=300&b=U{'&Q' if queue else ''}"
    answer = await context.request(aiocoap.Message(code=aiocoap.POST, uri=uri, content_format=40,
                                                   payload=",".join(links).encode())).response
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGUSR1, lambda: asyncio.ensure_future(update(context, port, answer.opt.location_path)))
    print("registered", answer.code, "/".join(answer.opt.location_path), flush=True)
    await counter.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
