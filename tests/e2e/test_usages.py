# SPDX-License-Identifier: Apache-2.0
"""How a device judges its server's certificate (/0/x/13 to /0/x/15), against OpenSSL's s_server, and where alerts go."""
import subprocess
import unittest

import lab

EP = "lamp"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise lab.LabError(f"openssl {words[0]}: {done.stderr}")
    return done.stdout + done.stderr


class Usages(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.folder = self.room.folder / "pki"
        self.folder.mkdir()
        for name in ("authority", "stranger"):
            openssl("req", "-x509", *CURVE, "-days", "30", "-subj", f"/CN={name}", "-keyout", self.path(name, "key"), "-out",
                    self.path(name))
        self.server("server", "authority", "lwm2m.example")
        self.server("impostor", "stranger", "lwm2m.example")
        self.port = self.room.coaps
        self.room.start_secured()

    def path(self, name, kind="pem"):
        return self.folder / f"{name}.{kind}"

    def sign(self, request, out, by, *more):
        openssl("x509", "-req", "-in", request, "-CA", self.path(by), "-CAkey", self.path(by, "key"), "-CAcreateserial",
                "-days", "30", "-out", out, *more)

    def server(self, name, by, host):
        openssl("req", "-new", *CURVE, "-subj", f"/CN={host}", "-keyout", self.path(name, "key"), "-out",
                self.path(name, "csr"))
        extension = self.path(name, "ext")
        extension.write_text(f"subjectAltName=DNS:{host}\n")
        self.sign(self.path(name, "csr"), self.path(name), by, "-extfile", extension)

    def configure(self, usage, pinned, name="lwm2m.example", trust=None):
        room, born = self.room, self.path("device")
        device = lab.DEVICE_LINES + ((f"trust = {self.path(trust)}",) if trust else ())
        room.configure_device(EP, f"coaps://127.0.0.1:{self.port}", True, device=device)
        text = room.device_config.read_text().replace("mode = psk", "mode = certificate")
        text = text.replace(f"identity = {EP}\n", f"certificate = {born}\nserver_certificate = {self.path(pinned)}\n"
                            f"certificate_usage = {usage}\nserver_name = {name}\n")
        room.device_config.write_text(text)
        if not born.exists():
            done = subprocess.run([lab.program("tesserad"), "request", "--server", "1", "--out", self.path("device", "csr"),
                                   "--config", room.device_config], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.sign(self.path("device", "csr"), born, "authority")

    def s_server(self, shown, cipher="ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"):
        """It ends with its standard input, so that is a pipe."""
        log = self.room.folder / "s_server.log"
        with open(log, "wb") as out:
            server = subprocess.Popen([
                "openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{self.port}", "-cert", self.path(shown), "-key",
                self.path(shown, "key"), "-CAfile", self.path("authority"), "-Verify", "3", "-verify_return_error",
                "-cipher", cipher, "-servername", "lwm2m.example", "-servername_fatal", "-cert2", self.path(shown), "-key2",
                self.path(shown, "key")], stdin=subprocess.PIPE, stdout=out, stderr=out)
        self.addCleanup(self.end, server)
        self.room.wait(lambda: "ACCEPT" in log.read_text(errors="replace"), 20, "s_server's start")
        return server

    @staticmethod
    def end(server):
        server.kill()
        server.wait()
        server.stdin.close()

    def outcome(self, shown):
        """The device's first word about a session with an s_server that shows this certificate."""
        server = self.s_server(shown)
        device = self.room.run_device()
        found = []

        def look():
            lines = [line for line in device.text()[device.seen:].splitlines() if "event=" in line]
            found[:] = [line for line in lines if "event=connected" in line or "event=disconnected" in line]
            return found

        self.room.wait(look, 30, "a word about the session")
        device.kill()
        self.end(server)
        return found[0]

    def good(self, shown="server"):
        self.assertIn("event=connected", self.outcome(shown))

    def bad(self, shown="server"):
        line = self.outcome(shown)
        self.assertIn("event=disconnected", line)
        self.assertIn("the peer's certificate is not accepted", line)

    def test_device_wants_the_path_and_the_pinned_ca(self):
        """Usage 0 (CA constraint), Transport 5.2.9.7"""
        self.configure("ca", "authority")
        self.good()
        self.bad("impostor")
        self.configure("ca", "stranger", trust="authority")
        self.bad()  # a good path, without that CA

    def test_device_wants_the_path_and_the_pinned_server(self):
        """Usage 1 (service certificate)"""
        self.configure("service", "server", trust="authority")
        self.good()
        self.configure("service", "impostor", trust="authority")
        self.bad("impostor")  # the pinned one, without a good path
        self.bad("server")    # a good path, but not the pinned one
        self.configure("service", "server")
        self.bad()            # nothing to validate a path by

    def test_device_wants_a_path_to_the_anchor(self):
        """Usage 2 (trust anchor)"""
        self.configure("anchor", "authority")
        self.good()
        self.bad("impostor")

    def test_device_says_the_name_it_wants(self):
        """Transport 5.2.9.3, Transport 5.2.9.4, /0/x/14: SNI, which s_server compares, and the name that the certificate must have"""
        self.configure("anchor", "authority", "other.example")
        self.assertIn("alert=112", self.outcome("server"))  # unrecognized_name
        self.server("misnamed", "authority", "elsewhere.example")
        self.configure("anchor", "authority")
        self.bad("misnamed")

    def test_device_wants_the_very_certificate(self):
        """Usage 3 (domain-issued): no path, and no name"""
        self.server("misnamed", "stranger", "elsewhere.example")
        self.configure("exact", "misnamed")
        self.good("misnamed")
        self.configure("exact", "impostor")
        self.good("impostor")
        self.bad("server")

    def test_device_tells_the_last_alert(self):
        """/1/x/11: what OpenSSL refused is read by the server that did not"""
        self.configure("exact", "server", "lwm2m.example")
        refusing = self.s_server("server", "ECDHE-ECDSA-AES256-GCM-SHA384")
        self.room.run_device()
        self.assertIn("the peer refused", self.room.wait_device("disconnected", 30, alert="40"))  # handshake_failure
        self.end(refusing)
        self.room.start_server("--certificate", self.path("server"), "--key", self.path("server", "key"), "--trust",
                               self.path("authority"))
        status, answer, _ = self.room.rest.call("PUT", f"/credentials/{EP}", {"mode": "x509", "identity": EP})
        self.assertIn(status, (200, 201), answer)
        self.room.wait_registered(EP, 60)
        status, answer, _ = self.room.rest.get(f"/devices/{EP}/objects/1/0/11")
        self.assertEqual((status, answer["values"][0]["value"]), (200, 40))


if __name__ == "__main__":
    unittest.main()
