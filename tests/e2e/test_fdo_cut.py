# SPDX-License-Identifier: Apache-2.0
"""The power goes at one storage operation of the secure world while a real device does DI, TO1 and TO2 with real services: every
such operation once, and a second time while it recovers. What is there afterwards is a device that is wholly what it was or wholly what it was to become, and which is
onboarded in the end by the same services."""
import concurrent.futures
import pathlib
import shutil
import tempfile
import time
import unittest

import fdo_site
import lab

ASIDE = 6
CUT = 77  # exit code of a service that lost its power
FAR = 1 << 40
AGAIN = 20  # the second cut is at one of so many operations


class Device(fdo_site.Device):
    """A device whose power goes as a whole."""

    def live(self, cut_at, timeout=60):
        """Until it is onboarded (True) or its power is gone (False)."""
        self.start_secured({"TESSERA_CUT_AT": str(cut_at), "TESSERA_CUT_SEED": str(cut_at)})
        if not self.is_ready():
            return False
        self.run_daemon()
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if not self.secured.alive():
                self.off()
                return False
            if not self.daemon.alive():
                try:
                    return self.ask() == "onboarded"
                except lab.LabError:  # the power went when the daemon was gone, or it went because of that
                    self.secured.popen.wait(30)
                    return False
            time.sleep(0.01)
        raise lab.LabError(f"it did not end; its log:\n{self.log()[-2000:]}")

    def is_ready(self):
        try:
            self.secured.expect("event=ready", 60)
        except lab.LabError:
            if self.secured.popen.poll() != CUT:
                raise
            return False
        return True

    def off(self):
        for process in (self.daemon, self.secured):
            if process:
                process.kill()
        if self.secured.popen.returncode not in (CUT, -9):
            raise lab.LabError(f"the secure service ended with {self.secured.popen.returncode}:\n{self.secured.text()[-2000:]}")


class Cuts(unittest.TestCase):
    """One site for all devices."""

    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="tessera-keys-"))
        cls.addClassCleanup(shutil.rmtree, cls.keys, ignore_errors=True)
        fdo_site.write_keys(cls.keys)
        cls.site = fdo_site.Site(cls.keys)
        cls.addClassCleanup(cls.site.close)
        cls.site.start(plan=False)
        cls.blank = cls.blank_store()

    @classmethod
    def blank_store(cls):
        """A secure world that has been started once: what is cut is the life of FDO, not the first start."""
        device = cls.device("blank")
        device.start_secured()
        device.wait_secured()
        device.off()
        return device.folder / "secure"

    @classmethod
    def device(cls, name):
        device = Device(cls.site.folder / name, cls.site.before_maker.url, f"info = {name}",
                        secured=("tessera-secured-cut",))
        return device

    def play(self, cut_at):
        """(whether anything was cut, what was wrong)."""
        device, trail = self.device(f"cut-{cut_at}"), []
        try:
            shutil.copytree(self.blank, device.folder / "secure")
            cut = not device.live(cut_at)
            if cut:
                trail.append("cut twice" if not device.live(cut_at % AGAIN) else "cut once")
                device.off()
            if cut:
                trail.append(self.state_after(device))
                device.run_daemon()
                if not device.wait_end():
                    return cut, f"cut at {cut_at}: it did not end; {trail}\n{device.log()[-2000:]}"
            return cut, self.judge(device, cut_at, trail)
        except (lab.LabError, OSError) as error:
            return True, f"cut at {cut_at}: {error!r} {trail}"
        finally:
            device.close()
            shutil.rmtree(device.folder, ignore_errors=True)

    def state_after(self, device):
        """Wholly old or wholly new: with power, it says what it is, and an owner has a voucher for what it says."""
        device.start_secured({"TESSERA_CUT_AT": str(FAR)})
        device.wait_secured()
        state, guid = device.ask(), device.ask("--guid")
        known = self.mine(device)
        if (guid == "") != (state == "blank") or (guid and guid not in known):
            raise lab.LabError(f"it is {state} with {guid or 'no GUID'}, of {known}")
        return state

    def mine(self, device):
        return {guid: d for guid, d in self.site.inventory().items() if d["device_info"] == device.folder.name}

    def judge(self, device, cut_at, trail):
        wrong, guid, mine = [], device.ask("--guid"), self.mine(device)
        if device.ask() != "onboarded":
            wrong.append(f"it is {device.ask()}")
        if [g for g, d in mine.items() if d["state"] != "replaced"] != [guid]:
            wrong.append(f"it is {guid}, and the owner has {mine}")
        return f"cut at {cut_at}: {'; '.join(wrong)} {trail}" if wrong else ""

    def test_a_cut_at_every_storage_operation(self):
        start, wrong, at, more = time.monotonic(), [], 0, True
        with concurrent.futures.ThreadPoolExecutor(ASIDE) as pool:
            while more:
                for cut, text in pool.map(self.play, range(at, at + 4 * ASIDE)):
                    more = more and cut
                    at += cut
                    wrong += [text] if text else []
        print(f"power cuts: {at} in {time.monotonic() - start:.0f} s", flush=True)
        self.assertGreater(at, 20)
        self.assertFalse(wrong, f"{len(wrong)} of {at} ended wrong:\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
