# SPDX-License-Identifier: Apache-2.0
"""aiocoap with OSCORE (RFC 8613), as client and as server, with the keys of RFC 8613 Appendix C.1.

    oscore_peer.py client DIRECTORY PORT    the questions of tests/oscore/peer.c, one line for each answer
    oscore_peer.py server DIRECTORY PORT    its resources
"""
import asyncio
import json
import pathlib
import sys

import aiocoap
from aiocoap import resource
from aiocoap.credentials import CredentialsMap
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340"


def directory(path, client):
    path = pathlib.Path(path)
    path.mkdir(exist_ok=True)
    ids = ("", "01") if client else ("01", "")
    (path / "settings.json").write_text(json.dumps({
        "sender-id_hex": ids[0], "recipient-id_hex": ids[1], "secret_hex": SECRET, "salt_hex": SALT}))
    return str(path) + "/"


def say(*words):
    print(*words, flush=True)


async def client(path, port):
    context = await aiocoap.Context.create_client_context()
    base = f"coap://127.0.0.1:{port}"
    context.client_credentials.load_from_dict({base + "/*": {"oscore": {"basedir": directory(path, True)}}})

    async def ask(code, name, payload=b""):
        answer = await context.request(aiocoap.Message(code=code, uri=base + name, payload=payload)).response
        assert type(answer.remote).__name__ == "OSCOREAddress", "the answer is not protected"
        say(name, answer.code.dotted, answer.payload.decode())

    await ask(aiocoap.GET, "/hello")
    await ask(aiocoap.PUT, "/store", b"kept by OSCORE")
    await ask(aiocoap.GET, "/store")
    await ask(aiocoap.GET, "/none")
    watch = context.request(aiocoap.Message(code=aiocoap.GET, uri=base + "/tick", observe=0))
    answer = await watch.response
    say("/tick", answer.code.dotted, answer.payload.decode())
    seen = 0
    async for notification in watch.observation:
        say("/tick", notification.code.dotted, notification.payload.decode())
        seen += 1
        if seen == 3:
            break
    say("done")
    await context.shutdown()


class Hello(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=b"hello from aiocoap")


class Store(resource.Resource):
    kept = b""

    async def render_get(self, request):
        return aiocoap.Message(payload=self.kept)

    async def render_put(self, request):
        self.kept = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)


class Tick(resource.ObservableResource):
    count = 0

    async def run(self):
        while True:
            await asyncio.sleep(0.3)
            self.count += 1
            self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=b"tick %d" % self.count)


async def server(path, port):
    site, tick = resource.Site(), Tick()
    site.add_resource(["hello"], Hello())
    site.add_resource(["store"], Store())
    site.add_resource(["tick"], tick)
    credentials = CredentialsMap()
    credentials.load_from_dict({":device": {"oscore": {"basedir": directory(path, False)}}})
    await aiocoap.Context.create_server_context(OscoreSiteWrapper(site, credentials), bind=("127.0.0.1", port),
                                                server_credentials=credentials, transports=["oscore", "udp6"])
    say("ready")
    await tick.run()


if __name__ == "__main__":
    asyncio.run({"client": client, "server": server}[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
