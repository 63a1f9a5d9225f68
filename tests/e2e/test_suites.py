# SPDX-License-Identifier: Apache-2.0
"""/0/x/16 between our two ends: the suites that the device is told to offer."""
import unittest

import lab


class Suites(unittest.TestCase):
    def test_device_registers_over_a_listed_suite(self):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.start_secured()
            room.credentials("dev1", "dev1", key)
            room.configure_device("dev1", f"coaps://127.0.0.1:{room.coaps}", True, "ciphersuites = 0xc0a5 0x00a8")
            room.provision(key)
            room.run_device()
            room.wait_registered("dev1")  # the server has the second of them
            self.assertEqual(room.rest.get("/devices/dev1/objects/3/0/0")[0], 200)

    def test_device_without_a_suite_says_so(self):
        with lab.Lab() as room:
            room.start_secured()
            room.configure_device("dev1", f"coaps://127.0.0.1:{room.coaps}", True, "ciphersuites = 0x00ae")
            room.provision(lab.new_key())
            device = room.run_device()
            device.popen.wait(30)
            self.assertNotEqual(device.popen.returncode, 0)
            self.assertIn("event=no-ciphersuite server=1", device.text())
