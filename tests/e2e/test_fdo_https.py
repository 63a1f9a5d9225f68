# SPDX-License-Identifier: Apache-2.0
"""FIDO Device Onboard over https: a blank device, our services, and TLS in front of them by OpenSSL."""
import pathlib
import sys
import time
import unittest

import lab

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from web import Ca, Proxy, openssl  # noqa: E402

EP = "fdo-https"


class Onboarding(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.addCleanup(self.room.close)
        self.port = lab.free_port()
        self.ca = Ca(self.room.folder, "Services")
        self.front = self.proxy(self.ca.server("services"))

    def proxy(self, certificate):
        made = Proxy(certificate, self.port)
        self.addCleanup(made.close)
        return made

    def start(self, *words, rendezvous=None):
        """Owners register where the RendezvousInfo says: at the second place, without TLS, which comes later for
        the device."""
        keys = self.room.folder / "keys"
        keys.mkdir()
        for name in ("maker", "owner"):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", keys / f"{name}.pem")
            openssl("pkey", "-in", keys / f"{name}.pem", "-pubout", "-out", keys / f"{name}.pub")
        authority = Ca(keys, "devices")
        self.room.start_server("--fdo", f"127.0.0.1:{self.port}", "--fdo-device-ca", authority.pem, "--fdo-device-ca-key",
                               authority.key, "--fdo-rendezvous", rendezvous or self.front.url, "--fdo-rendezvous",
                               f"http://127.0.0.1:{self.port}", "--fdo-owner-place", self.front.url, "--fdo-next-owner",
                               "own", "--fdo-manufacturer-key", keys / "maker.pem", "--fdo-owner-key", keys / "owner.pem",
                               "--fdo-owner-trust", keys / "maker.pub", *words)
        self.room.start_secured()

    def run_device(self, *lines):
        state = self.room.device_state
        state.mkdir(mode=0o700, exist_ok=True)
        self.room.device_config.write_text("\n".join((
            "[device]", f"endpoint = {EP}", f"state = {state}", "model = lamp", "[secured]", f"socket = {self.room.socket}",
            "[log]", "level = debug", "[fdo]", f"manufacturer = {self.front.url}", *lines)) + "\n")
        self.room.run_device()

    def run_device_and_its_owner(self, *lines, first=None):
        """The device's first rendezvous server waits until the owner has registered: a pass without success is followed
        by two minutes."""
        if first is None:
            self.front.hold(b"/msg/30 ")
        else:
            first.hold()
        self.run_device(*lines)
        self.room.parts["server"].expect(f"at http://127.0.0.1:{self.port} for ", 60)
        (first or self.front).release()

    def test_manufacturer_rendezvous_and_owner_by_ca(self):
        self.start()
        self.run_device_and_its_owner(f"trust = {self.ca.pem}")
        self.room.wait_device("fdo-onboarded", 90, owner=f"127.0.0.1:{self.front.port}")
        self.room.wait_device("fdo-redirect", 5, rendezvous=f"127.0.0.1:{self.front.port}")

    def test_hash_of_the_ca_in_rendezvous_info(self):
        self.start("--fdo-rendezvous-ca", self.ca.pem)
        self.run_device_and_its_owner()
        self.room.wait_device("fdo-redirect", 90, rendezvous=f"127.0.0.1:{self.front.port}")
        self.room.wait_device("fdo-onboarded", 60)

    def test_impostor_is_passed_over(self):
        """A server with a certificate of another CA stands where the first rendezvous server should be."""
        stranger = self.proxy(Ca(self.room.folder, "Stranger").server("stranger"))
        self.start("--fdo-rendezvous-ca", self.ca.pem, rendezvous=stranger.url)
        self.run_device_and_its_owner(first=stranger)
        self.room.wait_device("fdo-lost", 90, peer=f"127.0.0.1:{stranger.port}")
        self.room.wait_device("fdo-redirect", 60, rendezvous=f"127.0.0.1:{self.port}")
        self.assertEqual(stranger.served, 0)
        self.assertIn("another hash", self.room.parts["device"].text())

    def test_untrusted_manufacturer(self):
        self.start()
        self.run_device(f"trust = {Ca(self.room.folder, 'Elsewhere').pem}")
        self.room.wait_device("fdo-lost", 60)
        self.assertIn("no CA that is trusted", self.room.parts["device"].text())
        end = time.monotonic() + 30
        while not self.front.refused and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.front.served, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
