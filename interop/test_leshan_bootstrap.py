# SPDX-License-Identifier: Apache-2.0
"""Eclipse Leshan's bootstrap server gives our device, which knows nothing else, its account; that must work."""
import unittest

import lab
import leshan
from authority import Authority

EP = "blank"
SECRET, SALT = "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340"
ASKED = ("BootstrapDeleteRequest /0 DELETED", "BootstrapDeleteRequest /1 DELETED", "BootstrapDiscoverRequest / CONTENT",
         "BootstrapWriteRequest /1/0 CHANGED", "BootstrapFinishRequest null CHANGED", "done")


@leshan.needed_m15
class BlankDevice(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.bs, self.bss = lab.free_port(), lab.free_port()
        self.room.start_secured()

    def bootstrap(self, how, account):
        """Leshan's bootstrap server, and what it gives."""
        scheme, port = ("coaps", self.room.coaps) if account[0] in ("psk", "x509") else ("coap", self.room.coap)
        self.peer = leshan.start(self.room, "BootServer", self.bs, self.bss, EP, *how, "--",
                                 f"{scheme}://127.0.0.1:{port}", *account)

    def registered(self, security):
        self.peer.expect("done", 40)
        for words in ASKED:
            self.assertIn(words, self.peer.text())
        seen = self.room.wait_registered(EP, 40)
        self.assertEqual((seen["security"], seen["lifetime_s"]), (security, 120))
        status, body, _ = self.room.rest.get(f"/devices/{EP}/objects/3/0/0")
        self.assertEqual((status, body["values"][0]["value"]), (200, "Tessera"), body)

    def test_device_is_given_a_shared_key_over_dtls(self):
        """LwM2M-1.1-int-1, and LwM2M-1.1-int-5: another bootstrap when the server asks for it (/1/x/9)"""
        room, factory, key = self.room, lab.new_key(), lab.new_key()
        room.start_server()
        room.credentials(EP, "given", key)
        self.bootstrap(("psk", "factory-1", factory.hex()), ("psk", "given", key.hex()))
        room.configure_blank(EP, f"coaps://127.0.0.1:{self.bss}", "mode = psk", "identity = factory-1", "key = 9")
        room.provision(factory, "--bootstrap")
        room.run_device()
        self.registered("psk")
        start = room.parts["device"].log.stat().st_size
        status, answer, _ = room.rest.call("POST", f"/devices/{EP}/objects/1/0/9/execute", {})
        self.assertEqual(status, 200, answer)
        room.wait(lambda: self.peer.text().count("done") == 2, 40, "the second bootstrap")
        room.wait_device("registered", 40, start=start)  # until then a Read goes to the old session
        self.registered("psk")
        self.assertEqual(lab.search_files(room.device_state, key), [])

    def test_device_is_given_a_certificate(self):
        """LwM2M-1.1-int-2"""
        room = self.room
        authority = Authority(room.folder, "authority")
        cert, key = authority.server(room.folder / "server.pem")
        room.start_server("--certificate", cert, "--key", key, "--trust", authority.cert)
        status, answer, _ = room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertEqual(status, 200, answer)
        self.bootstrap(("nosec",), ("x509", *authority.device(room.folder / "device", EP), authority.der(cert)))
        room.configure_blank(EP, f"coap://127.0.0.1:{self.bs}")
        room.run_device()
        self.registered("x509")

    def test_device_is_given_an_account_under_oscore(self):
        """LwM2M-1.1-int-11: bootstrap and registration under OSCORE, of Californium at the other end. Leshan throws
        away what has an ID Context, as the first message has that asks for new keys (Transport 5.5.3), and says nothing"""
        room, factory = self.room, lab.new_key()
        room.start_server("--allow-nosec")
        room.oscore(EP, "d1", "5e", SECRET, SALT)
        self.bootstrap(("oscore", "b1", "b5", factory.hex(), SALT), ("oscore", "d1", "5e", SECRET, SALT))
        room.configure_blank(EP, f"coap://127.0.0.1:{self.bs}", "oscore_key = 31", "oscore_sender = 0xb1",
                             "oscore_recipient = 0xb5", f"oscore_salt = 0x{SALT}", "[coap]", "ack_timeout_ms = 300")
        room.provision(factory, "--bootstrap", "--oscore")
        room.run_device()
        self.registered("oscore")


if __name__ == "__main__":
    unittest.main()
