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
        self.assertLess(time.monotonic() - start, limit)

    def test_demo_plays_every_step_within_a_minute(self):
        self.play(limit=60)

    def test_demo_completes_with_loss_reordering_and_duplication(self):
        self.play("--loss", "20", limit=600)

    def test_demo_leaves_no_process(self):
        self.play(limit=60)
        left = subprocess.run(["pgrep", "-f", "demo-light"], capture_output=True, text=True).stdout.split()
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
