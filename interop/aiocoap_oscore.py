# SPDX-License-Identifier: Apache-2.0
"""LwM2M under OSCORE (RFC 8613) made of aiocoap.

    aiocoap_oscore.py server DIRECTORY PORT             a server: reads, writes and observes who registers
    aiocoap_oscore.py device DIRECTORY PORT ENDPOINT    a device: registers and answers
    aiocoap_oscore.py plain - PORT ENDPOINT             the same without OSCORE: one Register, and what came back

DIRECTORY has settings.json and is where aiocoap keeps sequence numbers.
"""
import asyncio
import sys

import aiocoap
import cbor2
from aiocoap import resource
from aiocoap.credentials import CredentialsMap
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper


def say(*words):
    print(*words, flush=True)


def credentials_of(path):
    credentials = CredentialsMap()
    credentials.load_from_dict({":peer": {"oscore": {"basedir": path + "/"}}})
    return credentials


# ---- a server ----

class Registration(resource.Resource):
    """/rd and what is below it; a device is asked things each time it comes from another address."""

    def __init__(self, name, device):
        super().__init__()
        self.name, self.device = name, device

    async def render_post(self, request):
        say(self.name, type(request.remote).__name__, *sorted(request.opt.uri_query))
        self.device(request.remote)
        if self.name == "update":
            return aiocoap.Message(code=aiocoap.CHANGED)
        answer = aiocoap.Message(code=aiocoap.CREATED)
        answer.opt.location_path = ("rd", "1")
        return answer

    async def render_delete(self, request):
        say("deregister")
        return aiocoap.Message(code=aiocoap.DELETED)


async def manage(context, remote):
    async def ask(code, path, **more):
        message = aiocoap.Message(code=code, **more)
        message.opt.uri_path = tuple(path.split("/")[1:])
        message.remote = remote
        return await context.request(message).response

    answer = await ask(aiocoap.GET, "/3/0/0", accept=0)
    say("read", answer.code.dotted, answer.payload.decode())
    answer = await ask(aiocoap.GET, "/3/0", accept=112)
    say("whole", answer.code.dotted, len(cbor2.loads(answer.payload)))
    answer = await ask(aiocoap.PUT, "/3311/0/5851", payload=b"30", content_format=0)
    say("write", answer.code.dotted)
    answer = await ask(aiocoap.GET, "/21/0/0")
    say("secret", answer.code.dotted)
    message = aiocoap.Message(code=aiocoap.GET, observe=0, accept=0)
    message.opt.uri_path = ("3", "0", "13")
    message.opt.uri_query = ("pmin=0", "pmax=1")
    message.remote = remote
    watch = context.request(message)
    answer = await watch.response
    say("observe", answer.code.dotted)
    async for notification in watch.observation:
        say("notified", notification.code.dotted)


async def server(path, port):
    credentials, site = credentials_of(path), resource.Site()
    tasks, devices = set(), set()

    def device(remote):
        if remote.hostinfo in devices: # an Update from the same place
            return
        devices.add(remote.hostinfo)
        tasks.add(asyncio.get_running_loop().create_task(later(remote)))

    async def later(remote):
        await asyncio.sleep(0.3)
        await manage(context, remote)

    site.add_resource(["rd"], Registration("register", device))
    site.add_resource(["rd", "1"], Registration("update", device))
    context = await aiocoap.Context.create_server_context(
        OscoreSiteWrapper(site, credentials), bind=("127.0.0.1", port), server_credentials=credentials,
        transports=["oscore", "udp6"])
    say("ready")
    await asyncio.get_running_loop().create_future()


# ---- a device ----

class Text(resource.Resource):
    kept = b"aiocoap"

    async def render_get(self, request):
        return aiocoap.Message(payload=self.kept, content_format=0)

    async def render_put(self, request):
        self.kept = request.payload
        say("written", self.kept.decode())
        return aiocoap.Message(code=aiocoap.CHANGED)


class Counter(resource.ObservableResource):
    value = 0

    async def run(self):
        while True:
            await asyncio.sleep(0.5)
            self.value += 1
            self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=b"%d" % self.value, content_format=0)


LINKS = b'</>;rt="oma.lwm2m",</1/0>,</3/0>,</3300/0>,' + b",".join(b"</10000/%d>" % n for n in range(100))


async def device(path, port, endpoint, protect=True):
    site, counter, text = resource.Site(), Counter(), Text()
    site.add_resource(["3", "0", "0"], text)
    site.add_resource(["3", "0", "15"], text)
    site.add_resource(["3300", "0", "5700"], counter)
    base = f"coap://127.0.0.1:{port}"
    credentials = credentials_of(path) if protect else CredentialsMap()
    wrapped = OscoreSiteWrapper(site, credentials) if protect else site
    context = await aiocoap.Context.create_server_context(
        wrapped, bind=("127.0.0.1", 0), server_credentials=credentials, transports=["oscore", "udp6"])
    if protect:
        context.client_credentials[base + "/*"] = credentials[":peer"]
    request = aiocoap.Message(code=aiocoap.POST, uri=f"{base}/rd?ep={endpoint}&lwm2m=1.1&lt=300&b=U",
                              content_format=40, payload=LINKS)
    answer = await context.request(request).response
    say("registered", answer.code.dotted, type(answer.remote).__name__)
    if protect:
        await counter.run()


if __name__ == "__main__":
    role, folder, number, *rest = sys.argv[1:]
    if role == "server":
        asyncio.run(server(folder, int(number)))
    else:
        asyncio.run(device(folder, int(number), *rest, protect=role == "device"))
