# SPDX-License-Identifier: Apache-2.0
"""OMA's conformance cases, client side, over TCP: tesserad, asked by a server that has nothing of ours (stream_peer.py)."""
import ssl
import subprocess
import time
import unittest

import lab
import peer
import stream_peer
from aiocoap import Code, Message
from aiocoap.optiontypes import UintOption
from authority import Authority
from peer import SENML_CBOR, TEXT
from rooms import Room
from stream_peer import ABORT, CSM, PING, RELEASE


class OverTcp(unittest.TestCase):
    def test_registers_after_its_csm(self):
        """LwM2M-1.1-int-106"""
        with Room(stream_peer.StreamServer()) as room:
            server, seen = room.server, room.server.registered()
            self.assertEqual((seen["ep"], seen["lt"], seen["lwm2m"], seen["b"]), ("dev1", "300", "1.2", "T"))
            self.assertIn("</3/0>", seen["links"].split(","))
            self.assertIs(server.signals[0].code, CSM)
            size = [o for o in server.signals[0].opt.option_list() if o.number == 2]
            self.assertGreater(int.from_bytes(size[0].encode(), "big"), 1152)
            self.assertEqual(server.read("/3/0/16", TEXT).payload, b"UT")
            self.assertEqual(server.read("/1/0/7", TEXT).payload, b"T")
            self.assertEqual(server.ask("PUT", "/1/0/1", b"20", format=TEXT).code, "2.04")
            server.wait(lambda: [u for u in server.updates if u.get("lt") == "20"], 20, "an Update with lt=20")
            server.signal(PING, token=b"ping")
            token, first = server.observe("/3/0/13")
            self.assertEqual(first.code, "2.05")
            self.assertEqual(server.ask("PUT", "/3/0/13", b"1367491215", format=TEXT).code, "2.04")
            self.assertTrue(server.notification(token, 1).payload.startswith(b"13674912"))
            room.lab.parts["device"].stop()
            server.wait(lambda: server.gone, 20, "the De-register")
            server.heard(RELEASE)

    def test_long_answers_go_in_blocks_or_whole(self):
        for size, blocks in ((1152, True), (1 << 20, False)):
            server = stream_peer.StreamServer()
            server.first = lambda: stream_peer.csm(size, blocks)
            with Room(server):
                answer = server.read("/", None)
                self.assertEqual(answer.code, "4.05")
                whole = peer.senml_cbor(server.request(server.device, "FETCH", "/", peer.cbor2.dumps(
                    [{0: "/3"}, {0: "/1"}, {0: "/4"}, {0: "/7"}, {0: "/20"}, {0: "/3311"}]), format=SENML_CBOR,
                    accept=SENML_CBOR).payload)
                self.assertIn("/3/0/0", whole)

    def test_comes_back_and_registers_anew(self):
        """A connection that ends, however it does, costs its observations (RFC 8323, section 7.4)."""
        with Room(stream_peer.StreamServer()) as room:
            server = room.server
            server.observe("/3/0/13")
            server.hang_up()
            self.assertEqual(server.registered(2)["ep"], "dev1")
            server.observe("/3/0/13")
            server.signal(ABORT)
            self.assertEqual(server.registered(3)["ep"], "dev1")
            begun = time.monotonic()
            server.signal(RELEASE, UintOption(4, 3))
            self.assertEqual(server.registered(4, 40)["ep"], "dev1")
            self.assertGreater(time.monotonic() - begun, 3)
            room.lab.wait_device("observe-end", path="/3/0/13")

    def test_waits_for_a_server_that_is_not_there(self):
        port = lab.free_port()  # one that is nobody's meanwhile
        with lab.Lab() as room:
            room.start_secured()
            room.configure_device("dev1", f"coap+tcp://127.0.0.1:{port}", False)
            room.run_device()
            room.wait_device("connect-failed")
            room.wait_device("disconnected")
            time.sleep(1)
            late = stream_peer.StreamServer(at=port)
            self.assertEqual(late.registered(1, 60)["ep"], "dev1")
            late.close()


class OverBoth(unittest.TestCase):
    """A server that listens on one port in UDP and in TCP, and says which it wants (Core E.2: /1/x/8 and /1/x/22; RFC 8323 §8)."""

    def setUp(self):
        self.tcp = stream_peer.StreamServer(at=lab.free_port())
        self.addCleanup(self.tcp.close)
        self.udp = type("At", (peer.Server,), {"at": self.tcp.port})()
        self.addCleanup(self.udp.close)
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.room.start_secured()

    def start(self, server):
        self.room.configure_device("dev1", server.uri, False, coap=("ack_timeout_ms = 500", "max_retransmit = 1"))
        self.room.run_device()
        server.registered()

    def trigger(self, server, argument=b""):
        self.assertEqual(server.ask("POST", "/1/0/8", argument, format=TEXT if argument else None).code, "2.04")

    def test_a_trigger_names_the_binding(self):
        self.start(self.udp)
        self.udp.observe("/3/0/13")
        self.trigger(self.udp, b"0='T'")
        self.assertEqual(self.tcp.registered()["ep"], "dev1")
        self.assertEqual(self.udp.updates, [])
        self.room.wait_device("observe-end", path="/3/0/13")
        self.assertEqual(self.tcp.read("/3/0/0", TEXT).payload, b"Tessera")
        self.assertEqual(self.tcp.ask("PUT", "/1/0/1", b"200", format=TEXT).code, "2.04")
        self.tcp.wait(lambda: [u for u in self.tcp.updates if u.get("lt") == "200"], 20, "an Update over TCP")
        had = len(self.tcp.updates)
        self.trigger(self.tcp)  # no word of a binding: the present one
        self.tcp.wait(lambda: len(self.tcp.updates) > had, 20, "an Update over TCP")
        self.trigger(self.tcp, b"0='U'")
        self.assertEqual(self.udp.registered(2)["lt"], "200")
        self.assertEqual(self.udp.read("/3/0/0", TEXT).payload, b"Tessera")

    def test_a_lost_answer_is_given_again(self):
        self.start(self.udp)
        m = Message(code=Code.POST, payload=b"0='T'", token=b"again")
        m.opt.uri_path, m.opt.content_format = ("1", "0", "8"), TEXT
        self.assertEqual(self.udp.exchange(m, self.udp.device).code, "2.04")
        self.udp.taken.clear()
        self.udp.socket.sendto(m.encode(), self.udp.device)
        self.udp.wait(lambda: len(self.udp.inbox[m.token]) == 2, 10, "the answer again")
        self.tcp.registered()

    def test_a_preferred_transport_stays(self):
        self.start(self.udp)
        self.assertEqual(self.udp.ask("PUT", "/1/0/22", b"T", format=TEXT).code, "2.04")
        self.assertEqual(self.udp.ask("PUT", "/1/0/22", b"N", format=TEXT).code, "4.00")
        self.assertEqual(self.udp.read("/1/0/22", TEXT).payload, b"T")
        self.assertEqual(self.udp.read("/3/0/0", TEXT).payload, b"Tessera")  # until it is triggered
        self.trigger(self.udp)
        self.tcp.registered()
        self.room.parts["device"].kill()
        self.room.run_device()
        self.assertEqual(self.tcp.registered(2)["ep"], "dev1")
        self.assertEqual(self.tcp.read("/1/0/22", TEXT).payload, b"T")
        self.assertEqual(len(self.udp.registrations), 1)

    def test_one_that_does_not_work_is_given_up(self):
        self.start(self.udp)
        self.tcp.close()
        self.trigger(self.udp, b"0='T'")
        self.room.wait_device("connect-failed")
        self.assertEqual(self.udp.registered(2, 30)["ep"], "dev1")
        self.assertEqual(self.udp.read("/3/0/0", TEXT).payload, b"Tessera")

    def test_a_preferred_transport_that_ends_is_given_up(self):
        self.start(self.udp)
        self.trigger(self.udp, b"0='T'")
        self.tcp.registered()
        self.tcp.hang_up()
        self.tcp.registered(2)  # it worked before: once more
        self.tcp.close()
        self.assertEqual(self.udp.registered(2, 100)["ep"], "dev1")


class OverTls(unittest.TestCase):
    def test_registers_with_a_shared_key(self):
        """LwM2M-1.1-int-406"""
        key = bytes(range(16))
        server = stream_peer.StreamServer(psk=("dev1", key.hex()))
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", server.uri, key)
            self.assertEqual(server.registered()["b"], "T")
            self.assertEqual(server.read("/3/0/0", TEXT).payload, b"Tessera")
            whole = server.request(server.device, "FETCH", "/", peer.cbor2.dumps(
                [{0: "/3"}, {0: "/1"}, {0: "/4"}, {0: "/7"}, {0: "/3311"}]), format=SENML_CBOR, accept=SENML_CBOR)
            self.assertIn("/3/0/0", peer.senml_cbor(whole.payload))
            server.hang_up()
            # The next s_server may not be there yet when the device comes: it tries again after 60 s (/1/x/18).
            self.assertEqual(server.registered(2, 100)["ep"], "dev1")
        server.close()

    def test_refuses_a_server_with_another_key(self):
        server = stream_peer.StreamServer(psk=("dev1", bytes(16).hex()))
        with lab.Lab() as room:
            room.start_secured()
            room.start_device("dev1", server.uri, bytes(range(16)))
            room.wait_device("disconnected")
            self.assertEqual(server.registrations, [])
        server.close()

    def certificates(self, room):
        authority = Authority(room.folder, "authority")
        cert, key = authority.server(room.folder / "server.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(cert, key)
        context.load_verify_locations(authority.cert)
        context.verify_mode = ssl.CERT_REQUIRED
        context.set_ciphers("ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0")
        context.set_alpn_protocols(["coap"])
        return authority, cert, context

    def configure(self, room, uri, pinned):
        room.configure_device("dev1", uri, True)
        own = room.folder / "device.pem"
        text = room.device_config.read_text().replace("mode = psk", "mode = certificate")
        room.device_config.write_text(text.replace("identity = dev1\n", f"certificate = {own}\n"
                                      f"server_certificate = {pinned}\ncertificate_usage = exact\n"))
        request = room.folder / "device.csr"
        subprocess.run([lab.program("tesserad"), "request", "--server", "1", "--out", request, "--config",
                        room.device_config], check=True, capture_output=True, timeout=30)
        return request, own

    def test_registers_with_a_certificate(self):
        """LwM2M-1.1-int-404"""
        with lab.Lab() as room:
            authority, cert, context = self.certificates(room)
            server = stream_peer.StreamServer(context=context)
            room.start_secured()
            request, own = self.configure(room, server.uri, cert)
            authority.sign(request, own)
            room.run_device()
            self.assertEqual(server.registered()["b"], "T")
            self.assertEqual(server.link.tls(), ("TLSv1.2", "coap"))
            self.assertEqual(server.read("/3/0/0", TEXT).payload, b"Tessera")
            server.close()

    def test_refuses_another_server(self):
        with lab.Lab() as room:
            authority, _, context = self.certificates(room)
            other, _ = Authority(room.folder, "stranger").server(room.folder / "other.pem")
            server = stream_peer.StreamServer(context=context)
            room.start_secured()
            request, own = self.configure(room, server.uri, other)
            authority.sign(request, own)
            room.run_device()
            self.assertIn("certificate is not accepted", room.wait_device("disconnected"))
            server.wait(lambda: getattr(server, "refused_because", None), 20, "the alert")
            server.close()


if __name__ == "__main__":
    unittest.main()
