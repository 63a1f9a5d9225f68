# SPDX-License-Identifier: Apache-2.0
"""The long-term key is nowhere in the daemon: not in its memory, not in its files."""
import os
import unittest

import lab


@unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
class Key(unittest.TestCase):
    def test_key_is_not_in_the_daemon_with_a_session_up(self):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.credentials("dev1", "dev1", key)
            room.start_secured()
            room.provision(key)
            device = room.start_device("dev1", f"coaps://127.0.0.1:{room.coaps}", provisioned=True)
            room.wait_registered("dev1")
            # The search itself must be able to find something: the endpoint's name is there.
            _, names = lab.search_process(device.pid, b"ep=dev1")
            _, words = lab.search_process(device.pid, b"dev1")
            self.assertTrue(names or words, "the search finds nothing at all")
            for form in (key, key[::-1], key.hex().encode(), key.hex().upper().encode()):
                searched, found = lab.search_process(device.pid, form)
                self.assertGreater(searched, 100_000)
                self.assertEqual(found, [])
            # The secure world and the server hold it; nothing else in the folder may.
            found = [f for f in lab.search_files(room.folder, key)
                     if not f.startswith((str(room.folder / "secure"), str(room.folder / "server/")))]
            self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
