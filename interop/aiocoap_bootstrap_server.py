# SPDX-License-Identifier: Apache-2.0
"""A bootstrap server of aiocoap and cbor2, which has nothing of ours.

    aiocoap_bootstrap_server.py PORT SERVER_URI pack|writes|mend [tcp]
    aiocoap_bootstrap_server.py PORT SERVER_URI certificates CERTIFICATE SERVER_CERTIFICATE PRIVATE_KEY

pack: answers Bootstrap-Pack-Request with a pack in SenML CBOR. writes: knows no packs; discovers, reads, deletes, writes
/0 in SenML CBOR and /1 in TLV, and finishes. mend: the same, but finishes too early first, and writes nonsense.
certificates: as writes, with an account in mode 2 that these files hold in DER.
tcp: over CoAP over TCP. Says each step on standard output.
"""
import asyncio
import pathlib
import struct
import sys

import aiocoap
import aiocoap.resource
import cbor2

SENML_CBOR, TLV, LINK = 112, 11542, 40


def say(*words):
    print(*words, flush=True)


def senml(values):
    """Paths and values as SenML CBOR (RFC 8428 §6)."""
    def record(path, value):
        label = 4 if isinstance(value, bool) else 3 if isinstance(value, str) else 8 if isinstance(value, bytes) else 2
        return {0: path, label: value}
    return cbor2.dumps([record(p, v) for p, v in values.items()])


def tlv(number, value):
    """One resource as OMA TLV."""
    head = 0xC0
    if len(value) < 8:
        return bytes([head | len(value), number]) + value
    return bytes([head | 0x08, number, len(value)]) + value


def security(uri, instance=1):
    return {f"/0/{instance}/0": uri, f"/0/{instance}/1": False, f"/0/{instance}/2": 3, f"/0/{instance}/3": b"",
            f"/0/{instance}/4": b"", f"/0/{instance}/5": b"", f"/0/{instance}/10": 101}


def with_certificates(uri, files):
    own, theirs, key = (pathlib.Path(name).read_bytes() for name in files)
    return {**security(uri), "/0/1/2": 2, "/0/1/3": own, "/0/1/4": theirs, "/0/1/5": key}


def server(instance=1):
    return {f"/1/{instance}/0": 101, f"/1/{instance}/1": 120, f"/1/{instance}/6": True, f"/1/{instance}/7": "U"}


class Pack(aiocoap.resource.Resource):
    def __init__(self, uri, mode):
        super().__init__()
        self.uri, self.mode = uri, mode

    async def render_get(self, request):
        say("pack-request", *request.opt.uri_query, "accept", int(request.opt.accept))
        if self.mode != "pack":
            return aiocoap.Message(code=aiocoap.NOT_IMPLEMENTED)
        return aiocoap.Message(code=aiocoap.CONTENT, content_format=SENML_CBOR,
                               payload=senml({**security(self.uri), **server()}))


class Request(aiocoap.resource.Resource):
    def __init__(self, uri, mode):
        super().__init__()
        self.uri, self.mode, self.context, self.task = uri, mode, None, None
        self.security = security(uri)

    async def render_post(self, request):
        say("request", *request.opt.uri_query)
        self.task = asyncio.get_running_loop().create_task(self.configure(request.remote))
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def ask(self, remote, code, path, payload=b"", form=None, accept=None):
        message = aiocoap.Message(code=code, uri_path=path, payload=payload)
        message.remote = remote
        if form is not None:
            message.opt.content_format = form
        if accept is not None:
            message.opt.accept = accept
        answer = await self.context.request(message).response
        say(code, "/" + "/".join(path), str(answer.code))
        return answer

    async def configure(self, remote):
        await asyncio.sleep(0.2)
        try:
            await self.steps(remote)
        except Exception as error:  # shown to the test
            say("failed", repr(error))

    async def steps(self, remote):
        links = await self.ask(remote, aiocoap.GET, (), accept=LINK)
        say("links", links.payload.decode())
        await self.ask(remote, aiocoap.GET, ("1",), accept=SENML_CBOR)
        await self.ask(remote, aiocoap.DELETE, ("0",))
        await self.ask(remote, aiocoap.DELETE, ("1",))
        if self.mode == "mend":
            await self.ask(remote, aiocoap.PUT, ("0", "1"), b"\xff\xff", SENML_CBOR)
            await self.ask(remote, aiocoap.PUT, ("0", "1"), b"{}", 50)
            await self.ask(remote, aiocoap.GET, ("3", "0"))
            await self.ask(remote, aiocoap.POST, ("bs",))
        await self.ask(remote, aiocoap.PUT, ("0",), senml(self.security), SENML_CBOR)
        values = tlv(0, bytes([101])) + tlv(1, struct.pack(">H", 120)) + tlv(6, b"\1") + tlv(7, b"U")
        await self.ask(remote, aiocoap.PUT, ("1", "1"), values, TLV)
        await self.ask(remote, aiocoap.POST, ("bs",))
        say("done")


async def main():
    port, uri, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    transport = "tcpserver" if sys.argv[4:] == ["tcp"] else "udp6"
    site, request = aiocoap.resource.Site(), Request(uri, mode)
    if mode == "certificates":
        request.security = with_certificates(uri, sys.argv[4:7])
    site.add_resource(["bs"], request)
    site.add_resource(["bspack"], Pack(uri, mode))
    request.context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port),
                                                                  transports=[transport])
    say("ready")
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
