# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases, server side, over TCP: tessera-server and a device that has nothing of ours (stream_peer.py)."""
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest

from aiocoap import Code

import lab
import stream_peer
from authority import CURVE, Authority, openssl
from peer import TEXT
from stream_peer import ABORT, CSM, PING, RELEASE

OBJECTS = '</>;rt="oma.lwm2m";ct="60 110 112",</1/0>,</3/0>,</5/0>,</16>'


class Room:
    def __init__(self, *more):
        self.lab, self.tcp = lab.Lab(), lab.free_port()
        self.more = ("--allow-nosec", "--coap-tcp", f"127.0.0.1:{self.tcp}", *more)
        self.devices = []
        self.start()

    def start(self):
        self.lab.start_server(*self.more)
        self.rest = self.lab.rest

    def device(self, endpoint="dev1", size=1152, blocks=True, battery=b"50"):
        class Device(stream_peer.StreamDevice):
            first = staticmethod(lambda: stream_peer.csm(size, blocks))
        device = Device(self.tcp)
        self.devices.append(device)
        device.answer("GET", "/3/0/9", Code.CONTENT, battery, TEXT)
        answer = device.register(endpoint, OBJECTS, "lwm2m=1.2", "lt=300", "b=T")
        assert answer.code == "2.01", answer
        return device

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.close()
        for device in self.devices:
            device.close()


def battery(event):
    """What an event says of the level: its type and the value."""
    return event["type"], (event["data"].get("values") or [{}])[0].get("value")


class OverTcp(unittest.TestCase):
    def test_registers_and_is_managed(self):
        """LwM2M-1.1-int-106"""
        with Room() as room:
            device = room.device()
            self.assertIs(device.signals[0].code, CSM)
            size = [o for o in device.signals[0].opt.option_list() if o.number == 2]
            self.assertGreater(int.from_bytes(size[0].encode(), "big"), 1152)
            seen = room.rest.device("dev1")
            self.assertEqual((seen["binding"], seen["online"]), ("T", True))
            self.assertRegex(seen["address"], r"^127\.0\.0\.1:\d+/tcp$")
            device.answer("GET", "/3/0/0", Code.CONTENT, b"Open Mobile Alliance", TEXT)
            status, body, _ = room.rest.get("/devices/dev1/objects/3/0/0")
            self.assertEqual((status, body["coap_code"]), (200, "2.05"))
            self.assertIn("Open Mobile Alliance", str(body))
            device.answer("PUT", "/3/0/14", Code.CHANGED)
            status, _, _ = room.rest.call("PUT", "/devices/dev1/objects/3/0/14", {"value": "+02:00"})
            self.assertEqual((status, device.last()["path"]), (200, "/3/0/14"))
            device.signal(PING, token=b"hello")
            self.assertEqual(device.update("lt=86400").code, "2.04")
            self.assertEqual(room.rest.device("dev1")["lifetime_s"], 86400)
            self.assertEqual(device.request(device.server, "DELETE", device.location).code, "2.02")
            self.assertIsNone(room.rest.device("dev1"))

    def test_observes(self):
        with Room() as room:
            device = room.device()
            events = room.lab.events()
            self.assertEqual(room.rest.call("PUT", "/devices/dev1/observations/3/0/9", {})[0], 200)
            token = device.last()["token"]
            device.notify(token, 2, b"51", TEXT)
            events.wait(lambda e: battery(e) == ("notification", 51), 20, "the notification")
            device.hang_up()
            room.lab.wait(lambda: not room.rest.device("dev1")["online"], 20, "the end of the connection")
            # A new connection has no observations: what is wanted is asked for anew (RFC 8323, section 7.4).
            again = room.device(battery=b"52")
            again.wait(lambda: [a for a in again.asked if a["observe"] == 0], 20, "the Observe")
            events.wait(lambda e: battery(e) == ("observing", 52), 20, "the answer to it")
            again.notify([a for a in again.asked if a["observe"] == 0][-1]["token"], 2, b"53", TEXT)
            events.wait(lambda e: battery(e) == ("notification", 53), 20, "the notification")

    def test_long_bodies(self):
        for size, blocks in ((1152, True), (8192 + 256, True), (1 << 20, False)):
            with Room() as room:
                device = room.device(size=size, blocks=blocks)
                long = "x" * 6000
                device.answer("GET", "/3/0/0", Code.CONTENT, long.encode(), TEXT)
                if size > 6100:
                    body = room.rest.get("/devices/dev1/objects/3/0/0")[1]
                    self.assertIn(long, str(body))
                links = OBJECTS + "".join(f",</3303/{n}>" for n in range(500))
                if size == 1152:
                    continue  # the peer cuts no blocks
                answer = device.update(links=links)
                self.assertEqual(answer.code, "2.04")

    def test_ends_what_is_over(self):
        with Room() as room:
            device = room.device()
            device.signal(RELEASE)
            device.wait(lambda: device.link is None, 20, "the end of the connection")
            other = room.device("dev2")
            other.signal(ABORT)
            other.wait(lambda: other.link is None, 20, "the end of the connection")
            bad = socket.create_connection(("127.0.0.1", room.tcp))
            bad.settimeout(20)
            bad.sendall(b"GET / HTTP/1.0\r\n\r\n" * 4)
            while bad.recv(4096):
                pass
            bad.close()
            room.lab.wait(lambda: not room.rest.device("dev1")["online"], 20, "the end of the connection")

    def test_serves_many_at_a_time(self):
        with Room("--shards", "2") as room:
            devices = [room.device(f"dev{n}") for n in range(40)]
            for n, device in enumerate(devices):
                device.answer("GET", "/3/0/0", Code.CONTENT, f"number {n}".encode(), TEXT)
                self.assertIn(f"number {n}", str(room.rest.get(f"/devices/dev{n}/objects/3/0/0")[1]))
            # Another one under the same name takes its place, on whichever shard.
            again = room.device("dev7")
            again.answer("GET", "/3/0/0", Code.CONTENT, b"again", TEXT)
            self.assertIn("again", str(room.rest.get("/devices/dev7/objects/3/0/0")[1]))

    def test_a_restart_waits_for_the_device(self):
        with Room() as room:
            device = room.device()
            room.lab.parts["server"].kill()
            room.start()
            seen = room.rest.device("dev1")
            self.assertEqual(seen["online"], False)
            device.wait(lambda: device.link is None, 20, "the end of the connection")
            location = device.location
            back = stream_peer.StreamDevice(room.tcp)
            room.devices.append(back)
            back.location = location
            self.assertEqual(back.update().code, "2.04")
            back.answer("GET", "/3/0/0", Code.CONTENT, b"back", TEXT)
            self.assertIn("back", str(room.rest.get("/devices/dev1/objects/3/0/0")[1]))


class OverTls(unittest.TestCase):
    def room(self, *more):
        tls = lab.free_port()
        room = Room("--coaps-tcp", f"127.0.0.1:{tls}", *more)
        self.addCleanup(room.__exit__)
        return room, tls

    def register(self, room, link, endpoint="dev1"):
        device = stream_peer.StreamDevice(0, link)
        room.devices.append(device)
        device.answer("GET", "/3/0/0", Code.CONTENT, b"over TLS", TEXT)
        return device, device.register(endpoint, OBJECTS, "lwm2m=1.2", "lt=300", "b=T").code

    def test_registers_with_a_shared_key(self):
        """LwM2M-1.1-int-406"""
        room, tls = self.room()
        key = bytes(range(16))
        room.lab.credentials("dev1", "who", key)
        pipe = lambda: stream_peer.Pipe("s_client", "-connect", f"127.0.0.1:{tls}", "-tls1_2", "-psk_identity", "who",
                                        "-psk", key.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-alpn", "coap")
        device, code = self.register(room, pipe)
        self.assertEqual(code, "2.01")
        seen = room.rest.device("dev1")
        self.assertEqual((seen["security"], seen["online"]), ("psk", True))
        self.assertTrue(seen["address"].endswith("/tcp"))
        self.assertIn("over TLS", str(room.rest.get("/devices/dev1/objects/3/0/0")[1]))
        self.assertEqual(device.update(links=OBJECTS + ",</3303/0>").code, "2.04")
        # The identity names one endpoint, and a plain connection none that has a credential.
        self.assertEqual(self.register(room, pipe, "dev2")[1], "4.00")
        plain = lambda: stream_peer.Link(socket.create_connection(("127.0.0.1", room.tcp)))
        self.assertNotEqual(self.register(room, plain)[1], "2.01")

    def test_refuses_another_key(self):
        room, tls = self.room()
        room.lab.credentials("dev1", "who", bytes(16))
        events = room.lab.events()
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls}", "-tls1_2", "-psk_identity", "who",
                               "-psk", bytes(range(16)).hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        events.wait(lambda e: "not the one set here" in str(e["data"]), 20, "the refusal")

    def test_registers_with_a_certificate(self):
        """LwM2M-1.1-int-404"""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            authority = Authority(folder, "authority")
            cert, key = authority.server(folder / "server.pem")
            room, tls = self.room("--certificate", cert, "--key", key, "--trust", authority.cert)
            self.assertIn(room.rest.call("PUT", "/credentials/dev1", {"mode": "x509", "identity": "dev1"})[0], (200, 201))
            own, own_key = device_paper(authority, folder, "dev1")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname = False
            context.load_cert_chain(own, own_key)
            context.load_verify_locations(authority.cert)
            context.set_ciphers("ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0")
            context.set_alpn_protocols(["coap"])
            link = lambda: stream_peer.Link(context.wrap_socket(socket.create_connection(("127.0.0.1", tls))))
            device, code = self.register(room, link)
            self.assertEqual((code, device.link.tls()), ("2.01", ("TLSv1.2", "coap")))
            self.assertEqual(room.rest.device("dev1")["security"], "x509")
            self.assertIn("over TLS", str(room.rest.get("/devices/dev1/objects/3/0/0")[1]))
            context.set_ecdh_curve("secp224r1")  # Transport 5.2.3: no group of less than 255 bits
            with self.assertRaises(ssl.SSLError):
                link()
            context.set_ecdh_curve("prime256v1")
            self.assertEqual(self.register(room, link)[1], "2.01")


def device_paper(authority, folder, name):
    """A key and its certificate."""
    key, request, cert = folder / "device.key", folder / "device.csr", folder / "device.pem"
    openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    authority.sign(request, cert)
    return cert, key


if __name__ == "__main__":
    unittest.main()
