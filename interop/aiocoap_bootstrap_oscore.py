# SPDX-License-Identifier: Apache-2.0
"""Bootstrap under OSCORE (RFC 8613) made of aiocoap and cbor2, which have nothing of ours.

    aiocoap_bootstrap_oscore.py server DIRECTORY PORT SERVER_URI SECRET SENDER RECIPIENT SALT pack|writes
        a bootstrap server: gives whoever asks an account under OSCORE with these keys (hexadecimal digits)
    aiocoap_bootstrap_oscore.py device DIRECTORY PORT PATH?QUERY
        a device: asks a bootstrap server, does what it is told, and says so

DIRECTORY has settings.json of the bootstrap connection, and is where aiocoap keeps sequence numbers.
"""
import asyncio
import json
import sys

import aiocoap
import aiocoap.resource
import cbor2
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

import aiocoap_bootstrap as asking
import aiocoap_bootstrap_server as giving
from aiocoap_oscore import credentials_of, say


# ---- a server ----

def account(uri, keys):
    """/0/1, whose messages are under the keys of /21/1, and /1/1, as SenML records by object."""
    secret, sender, recipient, salt = (bytes.fromhex(k) for k in keys)
    records = {path: {0: path, giving_label(value): value} for path, value in {
        **giving.security(uri), "/21/1/0": secret, "/21/1/1": sender, "/21/1/2": recipient, "/21/1/3": 10,
        "/21/1/5": salt, **giving.server()}.items()}
    records["/0/1/17"] = {0: "/0/1/17", "vlo": "21:1"}
    return records


def giving_label(value):
    return 4 if isinstance(value, bool) else 3 if isinstance(value, str) else 8 if isinstance(value, bytes) else 2


class Pack(aiocoap.resource.Resource):
    def __init__(self, records, mode):
        super().__init__()
        self.records, self.mode = records, mode

    async def render_get(self, request):
        say("pack-request", type(request.remote).__name__, *request.opt.uri_query)
        if self.mode != "pack":
            return aiocoap.Message(code=aiocoap.NOT_IMPLEMENTED)
        return aiocoap.Message(code=aiocoap.CONTENT, content_format=giving.SENML_CBOR,
                               payload=cbor2.dumps(list(self.records.values())))


class Request(giving.Request):
    def __init__(self, records, mode):
        super().__init__("", mode)
        self.records = records

    async def render_post(self, request):
        say("from", type(request.remote).__name__)
        return await super().render_post(request)

    async def steps(self, remote):
        links = await self.ask(remote, aiocoap.GET, (), accept=giving.LINK)
        say("links", links.payload.decode())
        for path in ("0", "1", "21"):
            await self.ask(remote, aiocoap.DELETE, (path,))
        for path in ("0/1", "21/1", "1/1"):
            records = [r for p, r in self.records.items() if p.startswith(f"/{path}/")]
            await self.ask(remote, aiocoap.PUT, tuple(path.split("/")), cbor2.dumps(records), giving.SENML_CBOR)
        await self.ask(remote, aiocoap.POST, ("bs",))
        say("done")


async def server(folder, port, uri, *keys_and_mode):
    *keys, mode = keys_and_mode
    credentials, site, records = credentials_of(folder), aiocoap.resource.Site(), account(uri, keys)
    request = Request(records, mode)
    site.add_resource(["bs"], request)
    site.add_resource(["bspack"], Pack(records, mode))
    request.context = await aiocoap.Context.create_server_context(
        OscoreSiteWrapper(site, credentials), bind=("127.0.0.1", int(port)), server_credentials=credentials,
        transports=["oscore", "udp6"])
    say("ready")
    await asyncio.get_running_loop().create_future()


# ---- a device ----

async def device(folder, port, target):
    credentials, own = credentials_of(folder), asking.Device({})
    base = f"coap://127.0.0.1:{port}"
    context = await aiocoap.Context.create_server_context(
        OscoreSiteWrapper(own, credentials), bind=("127.0.0.1", 0), server_credentials=credentials,
        transports=["oscore", "udp6"])
    context.client_credentials[base + "/*"] = credentials[":peer"]
    pack = target.startswith("bspack")
    request = aiocoap.Message(code=aiocoap.GET if pack else aiocoap.POST, uri=f"{base}/{target}")
    if pack:
        request.opt.accept = giving.SENML_CBOR
    answer = await context.request(request).response
    say("answer", answer.code.dotted, type(answer.remote).__name__)
    if pack and answer.code.is_successful():
        say("pack", json.dumps(asking.senml(answer.payload)))
    elif answer.code.is_successful():
        await asyncio.wait_for(own.finished.wait(), 20)
        say("finished")
    await asyncio.sleep(0.3)  # the last answer is on its way
    await context.shutdown()


if __name__ == "__main__":
    asyncio.run({"server": server, "device": device}[sys.argv[1]](*sys.argv[2:]))
