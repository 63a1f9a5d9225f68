# SPDX-License-Identifier: Apache-2.0
"""An enrolment server (RFC 9148) that has nothing of ours: OpenSSL's DTLS, aiocoap, and `cryptography` as the authority.

    aiocoap_est.py PORT FOLDER [slow] [bare] [root=/PATH] [seconds=N]

FOLDER holds server.pem and server.key for DTLS, trust.pem for the devices' certificates, and authority.pem and
authority.key, whose certificates are given. slow: asks to come again first, and answers late then. bare: answers with the
certificate alone (format 287). Says each step on standard output.
"""
import asyncio
import datetime
import pathlib
import sys

import aiocoap
import aiocoap.resource
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dtls_front import Front

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from ports import free_port  # noqa: E402

CERTS_ONLY, REQUEST, CERTIFICATE = 281, 286, 287
DER = serialization.Encoding.DER


def say(*words):
    print(*words, flush=True)


def name_of(thing):
    return thing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


class Authority:
    def __init__(self, folder, seconds):
        self.certificate = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
        self.key = serialization.load_pem_private_key((folder / "authority.key").read_bytes(), None)
        self.seconds = seconds

    def issue(self, request):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            issuer_name=self.certificate.subject, subject_name=request.subject, public_key=request.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=now - datetime.timedelta(seconds=1),
            not_valid_after=now + datetime.timedelta(seconds=self.seconds))
        for extension in (x509.BasicConstraints(ca=False, path_length=None),
                          x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
                          x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())):
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())


class Authorities(aiocoap.resource.Resource):
    def __init__(self, authority):
        super().__init__()
        self.authority = authority

    async def render_get(self, request):
        say("crts accept", int(request.opt.accept))
        return aiocoap.Message(code=aiocoap.CONTENT, content_format=CERTS_ONLY,
                               payload=pkcs7.serialize_certificates([self.authority.certificate], DER))


class Enrol(aiocoap.resource.Resource):
    def __init__(self, authority, front, word, slow, bare):
        super().__init__()
        self.authority, self.front, self.word, self.slow, self.bare = authority, front, word, slow, bare
        self.requests = []

    async def render_post(self, message):
        request = x509.load_der_x509_csr(message.payload)
        if message.opt.content_format != REQUEST or not request.is_signature_valid:
            return aiocoap.Message(code=aiocoap.BAD_REQUEST)
        shown = x509.load_der_x509_certificate(self.front.peers[-1])
        say(self.word, name_of(request), "under", name_of(shown), "issuer", shown.issuer.rfc4514_string(),
            "same" if message.payload in self.requests else "new")
        self.requests.append(message.payload)
        if self.slow and len(self.requests) == 1:
            return aiocoap.Message(code=aiocoap.SERVICE_UNAVAILABLE, max_age=2)
        if self.slow:
            await asyncio.sleep(1)  # aiocoap sends an empty ACK before that
        issued = self.authority.issue(request)
        if self.bare:
            return aiocoap.Message(code=aiocoap.CHANGED, content_format=CERTIFICATE, payload=issued.public_bytes(DER))
        return aiocoap.Message(code=aiocoap.CHANGED, content_format=CERTS_ONLY,
                               payload=pkcs7.serialize_certificates([issued], DER))


async def main(port, folder, *words):
    options = dict(w.split("=", 1) for w in words if "=" in w)
    folder = pathlib.Path(folder)
    behind = ("127.0.0.1", free_port())
    authority = Authority(folder, int(options.get("seconds", 86400)))
    front = Front(int(port), behind, folder / "server.pem", folder / "server.key", folder / "trust.pem")
    root = tuple(options.get("root", "/est").strip("/").split("/"))
    site = aiocoap.resource.Site()
    site.add_resource((*root, "crts"), Authorities(authority))
    for word in ("sen", "sren"):
        site.add_resource((*root, word), Enrol(authority, front, word, "slow" in words and word == "sen", "bare" in words))
    await aiocoap.Context.create_server_context(site, bind=behind, transports=["udp6"])
    say("ready")
    await asyncio.get_running_loop().create_future()


asyncio.run(main(*sys.argv[1:]))
