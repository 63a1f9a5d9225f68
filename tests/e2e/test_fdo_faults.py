# SPDX-License-Identifier: Apache-2.0
"""One fault at one message of DI, TO0, TO1 or TO2: the device ends onboarded by itself, with the credential that its owner has a
voucher for, and no other device is in the owner's inventory."""
import concurrent.futures
import pathlib
import shutil
import tempfile
import time
import unittest

import fdo_site
import lab

ASIDE = 8  # cases at a time: they wait for the clock more than for a core
# (message, which of its number)
FACTORY, OWNER, RENDEZVOUS = [(10, 1), (12, 1)], [(60, 1), (62, 1), (64, 1), (66, 1), (68, 1), (68, 3), (70, 1)], [(30, 1), (32, 1)]
REGISTRATION = [(20, 1), (22, 1)]  # the owner's
FAULTS = ["refuse", "lose", "cut", "garble", "late", "slow", "twice", "echo", "twice-last"]
KILLS = ["{}-before", "{}-between", "{}-after"]


def cases():
    for place in FACTORY + OWNER + RENDEZVOUS + REGISTRATION:
        yield from ((how, *place) for how in FAULTS)
        victims = ["rendezvous" if place in RENDEZVOUS + REGISTRATION else "maker"]
        victims += ["maker"] if place in REGISTRATION else ["device"]
        yield from ((kill.format(victim), *place) for victim in victims for kill in KILLS)


class Faults(unittest.TestCase):
    def setUp(self):
        self.keys = pathlib.Path(tempfile.mkdtemp(prefix="tessera-keys-"))
        self.addCleanup(shutil.rmtree, self.keys, ignore_errors=True)
        fdo_site.write_keys(self.keys)

    def play(self, fault):
        """What was wrong; nothing: an empty text."""
        site = fdo_site.Site(self.keys, fault)
        try:
            site.start()
            device = site.device()
            device.start_secured()
            device.wait_secured()
            device.run_daemon()
            ended = device.wait_end()
            wrong = [] if ended else ["it did not end"]
            if not site.relay.over.wait(30):
                wrong.append(f"the fault was not played: {site.relay.seen}")
            wrong += site.judge(device)
            return f"{fault}: {'; '.join(wrong)}\n{device.log()[-3000:]}" if wrong else ""
        except (lab.LabError, OSError) as error:
            return f"{fault}: {error!r}"
        finally:
            site.close()

    def test_one_fault_at_every_message(self):
        chosen = list(cases())
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(ASIDE) as pool:
            wrong = [text for text in pool.map(self.play, chosen) if text]
        print(f"faults: {len(chosen)} in {time.monotonic() - start:.0f} s", flush=True)
        self.assertFalse(wrong, f"{len(wrong)} of {len(chosen)} ended wrong:\n" + "\n".join(wrong))

    def test_runs_that_nobody_is_in_end(self):
        site = fdo_site.Site(self.keys, ("device-before", 64, 1), retire=8)
        self.addCleanup(site.close)
        site.start()
        device = site.device()
        device.start_secured()
        device.wait_secured()
        site.act = site.before_maker.act = lambda: device.daemon.kill()
        device.run_daemon()
        self.assertTrue(device.wait_end())
        self.assertGreaterEqual(site.maker.runs(), 1)
        end = time.monotonic() + 60
        while site.maker.runs() > 0 and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(site.maker.runs(), 0)


if __name__ == "__main__":
    unittest.main()
