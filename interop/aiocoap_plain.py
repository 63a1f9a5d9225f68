# SPDX-License-Identifier: Apache-2.0
"""aiocoap over coap, where uploads to one resource at the same time are told apart by Request-Tags (RFC 9175 §3).

    aiocoap_plain.py serve PORT    /big (GET, PUT); a line for each PUT: its Request-Tags
    aiocoap_plain.py ask PORT      uploads to /store of tests/coap/plain_server.c; exit 0 only if all was right
"""
import asyncio
import sys

import aiocoap
from aiocoap import resource


class Big(resource.Resource):
    kept = b""

    async def render_get(self, request):
        return aiocoap.Message(payload=self.kept)

    async def render_put(self, request):
        self.kept = request.payload
        print("put", *(t.hex() for t in request.opt.request_tag), flush=True)
        return aiocoap.Message(code=aiocoap.CHANGED)


async def serve(port):
    site = resource.Site()
    site.add_resource(["big"], Big())
    await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port))
    print("serving", flush=True)
    await asyncio.get_running_loop().create_future()


async def ask(port):
    context = await aiocoap.Context.create_client_context()
    base = f"coap://127.0.0.1:{port}"
    tags = [[], [b""], [b"a"], [b"a", b"b"], [b"12345678"]]
    bodies = [bytes([97 + n]) * 5000 for n in range(len(tags))]

    async def upload(tag, body):
        message = aiocoap.Message(code=aiocoap.PUT, uri=base + "/store", payload=body)
        message.opt.request_tag = tag
        return (await context.request(message).response).code

    codes = await asyncio.gather(*map(upload, tags, bodies))
    print("codes", *codes)
    answer = await context.request(aiocoap.Message(code=aiocoap.GET, uri=base + "/store")).response
    again = await upload(tags[2], bodies[0])
    print("again", again)
    await context.shutdown()
    return 0 if set(codes) | {again} == {aiocoap.CHANGED} and answer.payload in bodies else 1


if __name__ == "__main__":
    sys.exit(asyncio.run({"serve": serve, "ask": ask}[sys.argv[1]](int(sys.argv[2]))))
