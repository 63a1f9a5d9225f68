# SPDX-License-Identifier: Apache-2.0
"""aiocoap over coap+tcp, for the engine for streams.

    aiocoap_stream.py serve PORT     /big (GET, PUT, DELETE), /time (observable), /ask (POST: asks the client back)
    aiocoap_stream.py ask PORT       asks tests/coap/stream_server.c; a line each, exit 0 only if all were right
"""
import asyncio
import sys

import aiocoap
from aiocoap import resource

LONG = bytes(97 + i % 26 for i in range(30000))


class Big(resource.Resource):
    """Bytes that are put; absent at first."""

    def __init__(self):
        super().__init__()
        self.content = None

    async def render_get(self, request):
        if self.content is None:
            raise aiocoap.error.NotFound()
        return aiocoap.Message(payload=self.content, content_format=42)

    async def render_put(self, request):
        self.content = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_delete(self, request):
        self.content = None
        return aiocoap.Message(code=aiocoap.DELETED)


class Time(resource.ObservableResource):
    """Counts four times a second."""

    def __init__(self):
        super().__init__()
        self.value = 0

    async def run(self):
        while True:
            await asyncio.sleep(0.25)
            self.value += 1
            self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=str(self.value).encode(), content_format=0)


class Ask(resource.Resource):
    """Sends GET /hello over the connection that the request came by, and answers what came back."""

    context = None

    async def render_post(self, request):
        back = aiocoap.Message(code=aiocoap.GET)
        back.remote = request.remote
        back.opt.uri_path = ("hello",)
        answer = await self.context.request(back).response
        return aiocoap.Message(code=aiocoap.CONTENT, payload=answer.payload)


async def serve(port):
    site = resource.Site()
    clock, ask_back = Time(), Ask()
    site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader))
    site.add_resource(["big"], Big())
    site.add_resource(["time"], clock)
    site.add_resource(["ask"], ask_back)
    ask_back.context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port),
                                                                   transports=["tcpserver"])
    print("serving", flush=True)
    await clock.run()


class Failure(Exception):
    pass


def want(what, truth, found=""):
    print(f"{what}: {'ok' if truth else 'WRONG'} {found}", flush=True)
    if not truth:
        raise Failure(what)


async def notifications(context, uri):
    """Three states of /tick, each fetched whole, then the end of the observation."""
    pending = context.request(aiocoap.Message(code=aiocoap.GET, uri=uri + "/tick", observe=0))
    first = await pending.response
    want("observe", first.code == aiocoap.CONTENT and first.opt.observe is not None, first.code)
    seen = []
    async for state in pending.observation:
        seen.append(state.payload)
        if len(seen) == 3:
            break
    want("notifications", all(len(set(s)) == 1 and len(s) == 1500 for s in seen) and len(set(seen)) == 3)


async def ask(port):
    context = await aiocoap.Context.create_client_context(transports=["tcpclient"])
    uri = f"coap+tcp://127.0.0.1:{port}"

    async def request(code, path, payload=b""):
        message = aiocoap.Message(code=code, uri=uri + path, payload=payload)
        return await asyncio.wait_for(context.request(message).response, 60)

    hello = await request(aiocoap.GET, "/hello")
    want("get", hello.payload == b"hello from tessera", hello.payload)
    want("not found", (await request(aiocoap.GET, "/none")).code == aiocoap.NOT_FOUND)
    want("fetch", (await request(aiocoap.FETCH, "/fetch", b"this")).payload == b"this")
    want("long put", (await request(aiocoap.PUT, "/store", LONG)).code == aiocoap.CHANGED)
    back = await request(aiocoap.GET, "/store")
    want("long get", back.payload == LONG, len(back.payload))
    both = await asyncio.gather(request(aiocoap.GET, "/late"), request(aiocoap.GET, "/hello"))
    want("answers out of order", [m.payload for m in both] == [b"at last", b"hello from tessera"])
    await asyncio.wait_for(notifications(context, uri), 60)
    want("answered, then released", (await request(aiocoap.GET, "/release")).code == aiocoap.CONTENT)
    await context.shutdown()


def main():
    role, port = sys.argv[1], int(sys.argv[2])
    try:
        asyncio.run(serve(port) if role == "serve" else ask(port))
    except Failure:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
