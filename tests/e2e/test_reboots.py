# SPDX-License-Identifier: Apache-2.0
"""A client that asks for one restart after the other: the launcher gives the device time to run in between."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import test_update  # noqa: E402

HASTY = 4  # restarts in a row that have no pause before them


class Reboots(unittest.TestCase):
    def test_restarts_without_end_have_pauses_between(self):
        with test_update.Device() as room:
            room.deliver()
            log = room.parts["device"].text
            for n in range(HASTY + 3):
                self.assertEqual(log().count("resting"), max(0, n - HASTY))
                boots = log().count("secured-ready")
                room.wait(lambda: room.fwu("reboot", good=False).returncode == 0, 20, "the service that is asked")
                room.wait(lambda: log().count("secured-ready") > boots, 60, "the next boot")
            pauses = [int(ms) for ms in re.findall(r"resting ms=([0-9]+)", log())]
            self.assertEqual(pauses, sorted(set(pauses)), "each is longer than the one before")
            self.assertEqual(len(pauses), 3)
            room.settled("1.0.0")
            self.assertEqual(room.parts["device"].stop(30), 0)


if __name__ == "__main__":
    unittest.main()
