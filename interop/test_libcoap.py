# SPDX-License-Identifier: Apache-2.0
"""libcoap for what tests/e2e has not: its OSCORE client at our server, and LwM2M over TCP and TLS with its programs."""
import re
import subprocess
import unittest

import lab

CLIENT = lab.ROOT / "build/libcoap/coap-client"  # of interop/get-peers: Debian 12's knows no OSCORE
LINKS = "</>;rt=\"oma.lwm2m\";ct=\"112 110\",</1/0>,</3/0>,</3303/0>"
KEY = b"a-secret-of-16-b"
SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340"


def ask(method, uri, *options):
    """What coap-client shows of the messages."""
    done = subprocess.run([CLIENT, "-B", "10", "-v", "7", "-m", method, *map(str, options), uri], capture_output=True,
                          text=True, timeout=30)
    return done.stdout + done.stderr


@unittest.skipUnless(CLIENT.exists(), "libcoap is not built (interop/get-peers)")
class Libcoap(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)

    def register(self, base, endpoint, binding, security, *options):
        """Registers, changes the lifetime and goes, by one client process for each request."""
        room = self.room
        said = ask("post", f"{base}/rd?ep={endpoint}&lwm2m=1.1&lt=60&b={binding}", "-t", 40, "-e", LINKS, *options)
        self.assertIn("c:2.01", said)
        seen = room.wait_registered(endpoint)
        self.assertEqual((seen["security"], seen["lifetime_s"], seen["binding"]), (security, 60, binding))
        where = f"{base}/rd/{seen['registration_id']}"
        self.assertIn("c:2.04", ask("post", where + "?lt=120", *options))
        self.assertEqual(room.rest.device(endpoint)["lifetime_s"], 120)
        self.assertIn("c:2.02", ask("delete", where, *options))
        self.assertIsNone(room.rest.device(endpoint))
        return said

    def oscore(self, secret=SECRET, sender="d1", recipient="5e", echo="true", renew="false"):
        """The options that protect; the second file is where it keeps its sequence number."""
        config = self.room.folder / f"oscore-{secret[:4]}-{sender}"
        config.write_text("".join(f"{line}\n" for line in (
            f'master_secret,hex,"{secret}"', f'master_salt,hex,"{SALT}"', f'sender_id,hex,"{sender}"',
            f'recipient_id,hex,"{recipient}"', "replay_window,integer,32", "aead_alg,integer,10", "hkdf_alg,integer,-10",
            f"rfc8613_b_1_2,bool,{echo}", f"rfc8613_b_2,bool,{renew}")))
        return "-E", f"{config},{config}.sequence"

    def test_client_registers_under_oscore(self):
        """LwM2M-1.1-int-405: it answers the challenge (RFC 9175), and is known without one from then on"""
        room = self.room
        room.start_server("--allow-nosec")
        room.oscore("lib1", "d1", "5e", SECRET, SALT)
        base = f"coap://127.0.0.1:{room.coap}"
        self.assertNotIn("c:2.01", ask("post", f"{base}/rd?ep=lib1&lwm2m=1.1", "-t", 40, "-e", LINKS,
                                       *self.oscore("ff" * 16)), "another secret")
        self.assertIsNone(room.rest.device("lib1"))
        said = self.register(base, "lib1", "U", "oscore", *self.oscore())
        self.assertRegex(said, r"c:4\.01 .*Echo:0x[0-9a-f]+")
        self.assertEqual(len(re.findall("kid=0xd1", said)), 2, said)

    def test_client_makes_new_keys(self):
        """RFC 8613 §B.2, begun by their client; it does so at each start, so each request is a run, over a kill too.
        The second time our server has other keys in use"""
        room = self.room
        room.start_server("--allow-nosec")
        room.oscore("lib1", "d1", "5e", SECRET, SALT)
        base = f"coap://127.0.0.1:{room.coap}"
        said = self.register(base, "lib1", "U", "oscore", *self.oscore(renew="true"))
        names = re.findall("kc=0x([0-9a-f]+),kid=0xd1", said)
        self.assertTrue(names[0].startswith("48") and len(names[0]) == 18, names)
        self.assertTrue(names[1].startswith("5818"), names)
        self.assertEqual(names[2], names[1][4:], "then as it is, with Echo")
        room.parts["server"].kill()
        room.start_server("--allow-nosec")
        self.register(base, "lib1", "U", "oscore", *self.oscore(renew="true"))

    def test_device_makes_new_keys(self):
        """RFC 8613 §B.2, begun by our device at its first message (Transport 5.5.3): it takes their answer under the new
        keys, which is that their server has no /rd"""
        room, port = self.room, lab.free_port()
        theirs = room.start("theirs", [CLIENT.parent / "coap-server", "-A", "127.0.0.1", "-p", str(port), "-v", "8",
                                       *self.oscore(sender="5e", recipient="d1", echo="false", renew="true")])
        room.start_secured()
        room.configure_device("lib5", f"coap://127.0.0.1:{port}", False, "oscore_key = 21", "oscore_sender = 0xd1",
                              "oscore_recipient = 0x5e", f"oscore_salt = 0x{SALT}")
        room.provision(bytes.fromhex(SECRET), "--oscore")
        device = room.run_device()
        theirs.expect("Appendix B.2 server step 2 plain response", 20)
        theirs.expect("Appendix B.2 server step 4", 20)
        theirs.expect("Uri-Path:rd, ", 20)
        device.expect('register-failed server=1 code=4.04 cause="refused"', 20)
        self.assertRegex(theirs.text(), r"pIV=0x00,kc=0x48[0-9a-f]{16},kid=0xd1")
        self.assertRegex(theirs.text(), r"pIV=0x00,kc=0x50[0-9a-f]{32},kid=0xd1")

    def test_client_registers_over_tcp_and_tls(self):
        """LwM2M-1.1-int-106: CSM, then registered; over TLS with a pre-shared key"""
        room, tcp, tls = self.room, lab.free_port(), lab.free_port()
        room.start_server("--allow-nosec", "--coap-tcp", f"127.0.0.1:{tcp}", "--coaps-tcp", f"127.0.0.1:{tls}")
        room.credentials("lib3", "lib3", KEY)
        self.register(f"coap+tcp://127.0.0.1:{tcp}", "lib2", "T", "nosec")
        self.register(f"coaps+tcp://127.0.0.1:{tls}", "lib3", "T", "psk", "-u", "lib3", "-k", KEY.decode())
        said = ask("post", f"coaps+tcp://127.0.0.1:{tls}/rd?ep=lib3&lwm2m=1.1", "-t", 40, "-e", LINKS, "-u", "lib3", "-k",
                   "another-key-of16")
        self.assertNotIn("c:2.01", said)
        self.assertIsNone(room.rest.device("lib3"))

    def test_client_fetches_a_pack_over_tcp_and_tls(self):
        """A Bootstrap-Pack (LwM2M-1.2-int-12) over a connection, by whoever may have it"""
        room, tcp, tls = self.room, lab.free_port(), lab.free_port()
        room.start_server("--bootstrap-coap-tcp", f"127.0.0.1:{tcp}", "--bootstrap-coaps-tcp", f"127.0.0.1:{tls}")
        for path, body in (("/bootstrap/credentials/lib4", {"mode": "psk", "identity": "lib4", "key": KEY.hex()}),
                           ("/bootstrap/profiles/lib*", {"servers": [
                               {"uri": "coaps://192.0.2.1", "security": "psk", "identity": "{endpoint}-made", "generate": True,
                                "short_server_id": 101, "lifetime": 120}]})):
            status, answer, _ = room.rest.call("PUT", path, body)
            self.assertIn(status, (200, 201), answer)
        said = ask("get", f"coap+tcp://127.0.0.1:{tcp}/bspack?ep=lib4", "-A", 112)
        self.assertIn("c:4.03", said)
        out = room.folder / "pack"
        said = ask("get", f"coaps+tcp://127.0.0.1:{tls}/bspack?ep=lib4", "-A", 112, "-u", "lib4", "-k", KEY.decode(), "-o", out)
        self.assertIn("c:2.05", said)
        for word in (b"coaps://192.0.2.1", b"lib4-made"):
            self.assertIn(word, out.read_bytes())
        self.assertEqual(room.rest.call("GET", "/credentials/lib4")[0], 200, "its new key was not kept")

    def directory(self):
        """Its resource directory, whose port for TLS is the next one."""
        port = lab.free_port(2)
        self.room.start("coap-rd", ["coap-rd-openssl", "-A", "127.0.0.1", "-p", port, "-k", KEY.decode(), "-v", "7"])
        self.room.start_secured()
        return port

    def test_device_registers_over_tcp(self):
        """LwM2M-1.1-int-106"""
        port = self.directory()
        self.room.start_device("dev1", f"coap+tcp://127.0.0.1:{port}")
        self.room.wait_device("registered", 40)

    def test_device_registers_over_tls(self):
        port = self.directory()
        self.room.start_device("dev1", f"coaps+tcp://127.0.0.1:{port + 1}", KEY)
        self.room.wait_device("registered", 40)


if __name__ == "__main__":
    unittest.main()
