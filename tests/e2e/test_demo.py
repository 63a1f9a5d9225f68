# SPDX-License-Identifier: Apache-2.0
"""The main job, as a newcomer runs it."""
import subprocess
import time
import unittest

import lab


class Demo(unittest.TestCase):
    def play(self, *options, limit):
        start = time.monotonic()
        done = subprocess.run([lab.ROOT / "demo", "--once", "--built", *options], capture_output=True, text=True,
                              timeout=limit + 60)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        self.assertRegex(done.stdout, r"all \d+ steps were seen on both sides")
        self.onboards(done.stdout)
        self.assertLess(time.monotonic() - start, limit)

    def onboards(self, said):
        """A blank device, its voucher in three hands, its owner found, an account handed over: in that order, and before LwM2M."""
        at = 0
        for words in ("(FDO, DI)", "event=fdo-made ", "manufactured ", "0 entries", "now the distributor's; verified: good: 1 entries",
                      "now the owner's; verified: good: 2 entries", "(TO0)", "2 entries, the last one names this owner",
                      "Secure boot", "(TO1)", "(TO2)", "event=fdo-redirect ", "event=account ", "event=fdo-onboarded ",
                      "The device bootstraps", "event=bootstrapped", "The device registers", "event=registered "):
            found = said.find(words, at)
            self.assertGreaterEqual(found, 0, f"{words!r} does not come behind what should be before it:\n{said}")
            at = found

    def test_demo_plays_every_step_within_a_minute(self):
        self.play(limit=60)

    def test_demo_completes_with_loss_reordering_and_duplication(self):
        self.play("--loss", "20", limit=600)

    def test_demo_leaves_no_process(self):
        self.play(limit=60)
        end, left = time.monotonic() + 10, True
        while left and time.monotonic() < end:  # what its end has killed is gone a moment later
            left = subprocess.run(["pgrep", "-f", "demo-light"], capture_output=True, text=True).stdout.split()
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
