# SPDX-License-Identifier: Apache-2.0
"""libcoap's programs as peers of the server and of the device."""
import subprocess
import unittest

import lab


def coap_client(method, uri, *options, tls=False, timeout=20):
    """Runs coap-client; returns (output, what it said on standard error)."""
    command = [f"coap-client-{'openssl' if tls else 'notls'}", "-B", "5", "-m", method, *options, uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    return done.stdout, done.stderr


LINKS = "</>;rt=\"oma.lwm2m\";ct=\"112 110\",</1/0>,</3/0>,</3303/0>"


class ClientAtServer(unittest.TestCase):
    def register(self, port, tls, *security):
        scheme = "coaps" if tls else "coap"
        return coap_client("post", f"{scheme}://127.0.0.1:{port}/rd?ep=lib1&lwm2m=1.1&lt=60&b=U", "-t", "40",
                           "-v", "7", "-e", LINKS, *security, tls=tls)

    def test_libcoap_registers_plain(self):
        with lab.Lab() as room:
            room.start_server("--allow-nosec")
            out, said = self.register(room.coap, False)
            self.assertIn("2.01", out + said)
            device = room.wait_registered("lib1")
            self.assertEqual((device["version"], device["lifetime_s"]), ("1.1", 60))
            location = f"coap://127.0.0.1:{room.coap}/rd/{device['registration_id']}"
            out, said = coap_client("post", location + "?lt=120", "-v", "7")
            self.assertIn("2.04", out + said)
            self.assertEqual(room.rest.device("lib1")["lifetime_s"], 120)
            out, said = coap_client("delete", location, "-v", "7")
            self.assertIn("2.02", out + said)
            self.assertIsNone(room.rest.device("lib1"))
            out, said = coap_client("post", location, "-v", "7")
            self.assertIn("4.04", out + said)

    def test_libcoap_registers_psk(self):
        with lab.Lab() as room:
            room.start_server()
            key = "a-secret-of-16-b"
            room.credentials("lib1", "lib-identity", key.encode())
            out, said = self.register(room.coaps, True, "-u", "lib-identity", "-k", key)
            self.assertIn("2.01", out + said)
            self.assertEqual(room.wait_registered("lib1")["security"], "psk")

    def test_libcoap_with_wrong_key_is_refused(self):
        with lab.Lab() as room:
            room.start_server()
            room.credentials("lib1", "lib-identity", b"a-secret-of-16-b")
            out, said = self.register(room.coaps, True, "-u", "lib-identity", "-k", "another-key-of16")
            self.assertNotIn("2.01", out + said)
            self.assertIsNone(room.rest.device("lib1"))
            out, said = self.register(room.coaps, True, "-u", "stranger", "-k", "a-secret-of-16-b")
            self.assertNotIn("2.01", out + said)
            self.assertIsNone(room.rest.device("lib1"))

    def test_libcoap_plain_is_refused_unless_allowed(self):
        with lab.Lab() as room:
            room.start_server()
            out, said = self.register(room.coap, False)
            self.assertNotIn("2.01", out + said)
            self.assertIsNone(room.rest.device("lib1"))


class DeviceAtLibcoap(unittest.TestCase):
    """libcoap's resource directory takes the registration, its client plays the server's requests."""

    def test_device_registers_at_coap_rd_plain_and_answers_coap_client(self):
        with lab.Lab() as room:
            port = lab.free_port()
            directory = room.start("coap-rd", ["coap-rd-notls", "-A", "127.0.0.1", "-p", port, "-v", "7"])
            room.start_secured()
            room.start_device("dev1", f"coap://127.0.0.1:{port}", None)
            room.wait_device("registered")
            directory.kill()
            local = room.device_port()
            device = f"coap://127.0.0.1:{local}"
            out, said = coap_client("get", device + "/3/0/1", "-p", str(port), "-A", "0")
            self.assertTrue(out.strip(), said)
            out, said = coap_client("get", device + "/3/0", "-p", str(port), "-A", "110")
            self.assertIn('"bn"', out, said)
            out, said = coap_client("put", device + "/3311/0/5850", "-p", str(port), "-t", "0", "-e", "1", "-v", "7")
            self.assertIn("2.04", out + said)
            out, said = coap_client("get", device + "/3311/0/5850", "-p", str(port), "-A", "0")
            self.assertEqual(out.strip(), "1", said)
            out, said = coap_client("get", device + "/0/0/5", "-p", str(port), "-v", "7")
            self.assertIn("4.01", out + said, "key material is unreadable")

    def test_device_registers_at_coap_rd_psk(self):
        with lab.Lab() as room:
            port = lab.free_port(2)
            key = b"a-secret-of-16-b"
            # the directory's DTLS port is the one after its plain port
            room.start("coap-rd", ["coap-rd-openssl", "-A", "127.0.0.1", "-p", port, "-k", key.decode(), "-v", "7"])
            room.start_secured()
            room.start_device("dev1", f"coaps://127.0.0.1:{port + 1}", key)
            room.wait_device("registered")


if __name__ == "__main__":
    unittest.main()
