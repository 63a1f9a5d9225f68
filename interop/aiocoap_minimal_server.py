# SPDX-License-Identifier: Apache-2.0
"""A management server of aiocoap for one device that speaks TLV alone; it has nothing of ours.

    aiocoap_minimal_server.py PORT

Takes a registration, does every operation of the minimal client once, waits for two notifications and an Update, and says
what came on standard output.
"""
import asyncio
import sys

import aiocoap
import aiocoap.resource

TLV, LINK = 11542, 40


def say(*words):
    print(*words, flush=True)


def entries(data):
    """OMA TLV (Core 7.5.5) as {(kind, id): bytes or entries}."""
    found = {}
    while data:
        kind, wide, width = data[0] >> 6, data[0] >> 5 & 1, data[0] >> 3 & 3
        at = 2 + wide
        number = int.from_bytes(data[1:at], "big")
        length = int.from_bytes(data[at:at + width], "big") if width else data[0] & 7
        value = data[at + width:at + width + length]
        assert len(value) == length, "cut off"
        data = data[at + width + length:]
        found[kind, number] = entries(value) if kind in (0, 2) else value
    return found


class Registrations(aiocoap.resource.Resource):
    def __init__(self):
        super().__init__()
        self.came = asyncio.get_running_loop().create_future()

    async def render_post(self, request):
        say("registered", *sorted(request.opt.uri_query), request.payload.decode())
        if not self.came.done():
            self.came.set_result(request.remote)
        return aiocoap.Message(code=aiocoap.CREATED, location_path=("rd", "7"))


class Registered(aiocoap.resource.Resource):
    def __init__(self):
        super().__init__()
        self.updated = asyncio.Event()

    async def render_post(self, request):
        say("updated", *request.opt.uri_query)
        self.updated.set()
        return aiocoap.Message(code=aiocoap.CHANGED)


async def operations(context, device, registered):
    async def ask(code, path, payload=b"", **options):
        message = aiocoap.Message(code=code, payload=payload, uri_path=path.strip("/").split("/"), **options)
        message.remote = device
        answer = await context.request(message).response
        say(code, path, answer.code.dotted, answer.opt.content_format and int(answer.opt.content_format))
        return answer

    read = entries((await ask(aiocoap.GET, "/3/0", accept=TLV)).payload)
    say("device", read[3, 0].decode(), read[3, 16].decode(), read[2, 11])
    plain = await ask(aiocoap.GET, "/3/0/0")
    say("without accept", entries(plain.payload))
    await ask(aiocoap.GET, "/3/0", accept=112)
    say((await ask(aiocoap.GET, "/3", accept=LINK)).payload.decode())
    await ask(aiocoap.PUT, "/1/0/1", bytes([0xC1, 1, 60]), content_format=TLV)
    await ask(aiocoap.POST, "/1/0", bytes([0xC1, 2, 1, 0xC1, 3, 1]), content_format=TLV)
    say("server", entries((await ask(aiocoap.GET, "/1/0", accept=TLV)).payload))
    await ask(aiocoap.PUT, "/1/0/7", bytes([0xC2, 7]) + b"UQ", content_format=TLV)
    await ask(aiocoap.PUT, "/1/0/1", bytes([0xC4, 1, 60]), content_format=TLV)
    await ask(aiocoap.POST, "/3/0/4", b"0='x'")
    await ask(aiocoap.POST, "/3/0/4")
    await ask(aiocoap.PUT, "/3/0", uri_query=["pmin=1", "pmax=2"])
    message = aiocoap.Message(code=aiocoap.GET, uri_path=["3", "0", "11"], observe=0, accept=TLV)
    message.remote = device
    observation = context.request(message)
    say("observed", entries((await observation.response).payload))
    seen = 0
    async for notification in observation.observation:
        say("notified", entries(notification.payload))
        seen += 1
        if seen == 2:
            break
    observation.observation.cancel()
    registered.updated.clear()
    await ask(aiocoap.POST, "/1/0/8")
    await registered.updated.wait()


async def main():
    site = aiocoap.resource.Site()
    registrations, registered = Registrations(), Registered()
    site.add_resource(["rd"], registrations)
    site.add_resource(["rd", "7"], registered)
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", int(sys.argv[1])), transports=["udp6"])
    say("listening")
    device = await registrations.came
    await operations(context, device, registered)
    say("done")
    await context.shutdown()


asyncio.run(asyncio.wait_for(main(), 60))
