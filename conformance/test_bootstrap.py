# SPDX-License-Identifier: Apache-2.0
"""OMA's bootstrap cases, server side: tessera-server in the role of the bootstrap server, before a device that has nothing
of ours (peer.py) and keeps what it is told in a dictionary, as bytes of SenML CBOR."""
import unittest

from aiocoap import Code, Message

import lab
import peer
import stream_peer
from peer import LINKS, SENML_CBOR, senml_cbor

EP = "dev1"


class Boots:
    """Does what a bootstrap server says, and says what it has: its own account /0/0, and what was written."""

    def __init__(self, bootstrap_port, resources=None, *more):
        self.resources, self.finished = dict(resources or {}), 0
        super().__init__(bootstrap_port, *more)

    def handle(self, m, address):
        path = "/" + "/".join(m.opt.uri_path)
        if path not in ("/", "/bs") and m.opt.uri_path[0] not in ("0", "1", "2", "3"):
            return super().handle(m, address)
        super().handle(m, address)  # notes it
        return {Code.GET: self.get, Code.PUT: self.put, Code.DELETE: self.delete, Code.POST: self.finish}[m.code](path, m)

    def get(self, path, m):
        if m.opt.accept == LINKS:
            answer = Message(code=Code.CONTENT, payload=self.what_is_there().encode())
            answer.opt.content_format = LINKS
            return answer
        records = [{0: p, (3 if isinstance(v, str) else 2): v} for p, v in self.resources.items()
                   if p.startswith(path + "/")]
        answer = Message(code=Code.CONTENT, payload=peer.cbor2.dumps(records))
        answer.opt.content_format = SENML_CBOR
        return answer

    def what_is_there(self):
        found = ["</>;lwm2m=1.2", "</0/0>"]
        for at in sorted({"/".join(p.split("/")[:3]) for p in self.resources}):
            ssid = self.resources.get(at + ("/10" if at.startswith("/0/") else "/0"))
            found.append(f"<{at}>" + (f";ssid={ssid}" if ssid is not None and at[1] in "01" else ""))
        return ",".join(found) + ",</3/0>"

    def put(self, path, m):
        self.resources.update(senml_cbor(m.payload))
        return Message(code=Code.CHANGED)

    def delete(self, path, m):
        self.resources = {p: v for p, v in self.resources.items() if not p.startswith(path + "/")}
        return Message(code=Code.DELETED)

    def finish(self, path, m):
        self.finished += 1
        return Message(code=Code.CHANGED)

    def bootstrap(self, count=1):
        answer = self.request(self.server, "POST", "/bs", query=(f"ep={EP}", "pct=112"))
        if answer.code != "2.04":
            raise AssertionError(answer)
        self.wait(lambda: self.finished >= count, 20, f"Bootstrap-Finish {count}")

    def steps(self):
        return [(seen["method"], seen["path"]) for seen in self.asked]

    def register_as_told(self, known):
        """At the server that the only account names, with its lifetime."""
        uri = next(v for p, v in self.resources.items() if p.startswith("/0/") and p.endswith("/0") and p.count("/") == 3)
        lifetime = next(v for p, v in self.resources.items() if p.startswith("/1/") and p.endswith("/1"))
        self.server = ("127.0.0.1", int(uri.rsplit(":", 1)[1]))
        return self.register(EP, known, "lwm2m=1.2", f"lt={lifetime}", "b=U")


class BootDevice(Boots, peer.Device):
    pass


class StreamBootDevice(Boots, stream_peer.StreamDevice):
    """Over TCP, or TLS when `link` makes such a connection."""


class Bootstrap(unittest.TestCase):
    OLD = {"/0/1/0": "coap://192.0.2.1", "/0/1/1": False, "/0/1/2": 3, "/0/1/10": 55, "/1/1/0": 55, "/1/1/1": 60}

    def setUp(self):
        self.room = room = lab.Lab()
        self.addCleanup(room.close)
        self.port = lab.free_port()
        self.tcp, self.tls = lab.free_port(), lab.free_port()
        room.start_server("--allow-nosec", "--bootstrap-nosec", "--bootstrap-coap", f"127.0.0.1:{self.port}",
                          "--bootstrap-coap-tcp", f"127.0.0.1:{self.tcp}", "--bootstrap-coaps-tcp", f"127.0.0.1:{self.tls}")
        self.profile({})

    def profile(self, more):
        status, answer, _ = self.room.rest.call("PUT", "/bootstrap/profiles/dev*", {"plain": True, "servers": [
            {"uri": f"coap://127.0.0.1:{self.room.coap}", "security": "nosec", "short_server_id": 101, "lifetime": 120}],
            **more})
        self.assertEqual(status, 200, answer)

    def device(self, resources=None):
        device = BootDevice(self.port, resources)
        self.addCleanup(device.close)
        return device

    def test_client_loses_its_accounts_but_that_of_the_bootstrap_server(self):
        """LwM2M-1.1-int-4: Delete of /0 and /1 before the writes, none of which goes to /0/0"""
        self.loses_its_accounts(self.device(self.OLD))

    def loses_its_accounts(self, device):
        device.bootstrap()
        self.assertEqual(device.steps(), [("GET", "/"), ("DELETE", "/0"), ("DELETE", "/1"), ("PUT", "/0/1"),
                                          ("PUT", "/1/0"), ("POST", "/bs")])
        self.assertNotIn(55, device.resources.values())
        self.assertEqual((device.resources["/0/1/10"], device.resources["/1/0/1"]), (101, 120))

    def connected(self, link=None):
        device = StreamBootDevice(self.tcp, self.OLD, link)
        self.addCleanup(device.close)
        return device

    def test_client_over_tcp(self):
        """The same steps over a connection; a registration at this port is refused, as is one that ends in the middle"""
        device = self.connected()
        self.loses_its_accounts(device)
        self.room.wait(lambda: self.state("finished"), 20, "the end of the session")
        self.assertEqual(device.register(EP, "</1/0>,</3/0>", "lwm2m=1.2", "lt=60", "b=T").code[0], "4")
        gone = self.connected()
        gone.silent = True
        self.assertEqual(gone.request(gone.server, "POST", "/bs", query=(f"ep={EP}",)).code, "2.04")
        gone.hang_up()
        state = self.room.wait(lambda: self.state("failed"), 20, "the end of the session")
        self.assertIn("its session ended", state["cause"])

    def state(self, wanted):
        seen = self.room.rest.get(f"/bootstrap/devices/{EP}")[1]  # a problem until the first session ends
        return seen if seen.get("state") == wanted else None

    def test_client_over_tls(self):
        """With a pre-shared key, by OpenSSL; its endpoint is then no longer served over plain TCP"""
        key = bytes(range(16))
        status, answer, _ = self.room.rest.call("PUT", f"/bootstrap/credentials/{EP}",
                                                {"mode": "psk", "identity": "factory", "key": key.hex()})
        self.assertEqual(status, 200, answer)
        self.loses_its_accounts(self.connected(lambda: stream_peer.Pipe(
            "s_client", "-connect", f"127.0.0.1:{self.tls}", "-tls1_2", "-psk_identity", "factory", "-psk", key.hex(),
            "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-alpn", "coap")))
        plain = self.connected()
        self.assertEqual(plain.request(plain.server, "POST", "/bs", query=(f"ep={EP}",)).code, "4.03")

    def test_client_with_a_server_registers_and_is_asked_to_bootstrap_later(self):
        """LwM2M-1.1-int-6: factory accounts come first; only then, as a server asks for it (/1/x/9), a bootstrap"""
        device = self.device({"/0/1/0": f"coap://127.0.0.1:{self.room.coap}", "/0/1/10": 101, "/1/1/0": 101, "/1/1/1": 60})
        boot, device.server = device.server, ("127.0.0.1", self.room.coap)
        self.assertEqual(device.register(EP, "</1/1>,</3/0>", "lwm2m=1.2", "lt=60", "b=U").code, "2.01")
        self.assertIsNone(self.room.rest.device(EP)["bootstrap"])
        device.answer("POST", "/1/1/9", Code.CHANGED)
        device.finish = lambda path, m: Message(code=Code.CHANGED)  # an Execute, as yet
        self.assertEqual(self.room.rest.call("POST", f"/devices/{EP}/objects/1/1/9/execute", {})[0], 200)
        self.assertEqual(device.steps(), [("POST", "/1/1/9")])
        del device.finish
        device.server = boot
        device.bootstrap()
        self.assertEqual(device.register_as_told("</1/0>,</3/0>").code, "2.01")
        seen = self.room.rest.device(EP)
        self.assertEqual((seen["lifetime_s"], seen["bootstrap"]["state"]), (120, "finished"))

    def test_client_that_nobody_takes_asks_and_registers_as_told(self):
        """LwM2M-1.1-int-7: its server does not answer; twice, since the first account that it gets is no better"""
        device = self.device(self.OLD)
        dead = lab.free_port()
        self.profile({"servers": [{"uri": f"coap://127.0.0.1:{dead}", "security": "nosec", "short_server_id": 101}]})
        device.bootstrap()
        self.assertIn(f"coap://127.0.0.1:{dead}", device.resources.values())
        self.profile({})
        device.bootstrap(2)
        self.assertNotIn(f"coap://127.0.0.1:{dead}", device.resources.values())
        self.assertEqual(device.register_as_told("</1/0>,</3/0>").code, "2.01")
        self.assertEqual(self.room.rest.device(EP)["lifetime_s"], 120)

    def test_client_is_read_before_it_is_written(self):
        """LwM2M-1.1-int-8: Bootstrap-Read of /1 and /2; other objects cannot be read"""
        self.profile({"read": ["/1", "/2"]})
        device = self.device({**self.OLD, "/2/0/0": 3, "/2/0/1": 0})
        device.bootstrap()
        self.assertEqual(device.steps()[:4], [("GET", "/"), ("GET", "/1"), ("GET", "/2"), ("DELETE", "/0")])
        self.assertEqual([seen["accept"] for seen in device.asked[:3]], [LINKS, SENML_CBOR, SENML_CBOR])
        for path in ("/0", "/3", "/3/0", "/1/0/1"):
            status, answer, _ = self.room.rest.call("PUT", "/bootstrap/profiles/x", {"read": [path]})
            self.assertEqual(status, 422, answer)


if __name__ == "__main__":
    unittest.main()
