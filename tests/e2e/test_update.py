# SPDX-License-Identifier: Apache-2.0
"""Firmware update of a delivered device: launcher, secure world and daemon against the real server.

Every broken version is a real bundle, signed like the good ones. TESSERA_UPDATE_KILLS says how often something is
killed in the middle of an update (12); TESSERA_SEED repeats a run.
"""
import hashlib
import os
import pathlib
import pwd
import random
import signal
import threading
import time
import unittest

import lab

KILLS = int(os.environ.get("TESSERA_UPDATE_KILLS", "12"))
SEED = int(os.environ.get("TESSERA_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
ENDPOINT = "dev1"


def deaf_tesserad():
    """The real daemon, but every registration it sends says LwM2M 9.x: the server answers 4.12."""
    good = pathlib.Path(lab.program("tesserad")).read_bytes()
    bad = good.replace(b"lwm2m=1.\0", b"lwm2m=9.\0")
    if bad == good:
        raise lab.LabError("the place to break in tesserad was not found")
    return bad


class Device(lab.Lab):
    """A device that left the factory with version 1.0.0, and its server."""

    sequence = 1

    def deliver(self, trial=20, made=(), key=None, **more):
        key = key or lab.new_key()
        self.start_server()
        self.credentials(ENDPOINT, ENDPOINT, key)
        self.factory_record = self.factory(*made)
        self.start_secured()
        self.configure_device(ENDPOINT, f"coaps://127.0.0.1:{self.coaps}", True,
                              coap=("ack_timeout_ms = 500", "handshake_ms = 500"), **more)
        self.provision(key)
        self.parts.pop("secured").stop()
        self.install_factory(self.package("1.0.0", 1))
        self.trial = trial
        self.start_boot(trial=trial)
        self.settled("1.0.0")

    def next_package(self, version, daemon=None, **more):
        self.sequence += 1
        return self.package(version, self.sequence, daemon, **more)

    def version(self):
        """What the server reads in /3/0/3; None: it cannot."""
        try:
            status, body, _ = self.rest.get(f"/devices/{ENDPOINT}/objects/3/0/3?timeout=2", timeout=5)
        except OSError:
            return None
        return body["values"][0]["value"] if status == 200 else None

    def settled(self, *versions, states=None, timeout=60):
        """Waits until one of the versions runs, is reachable by the server, and nothing is pending."""
        def look():
            seen = self.version()
            if seen not in versions:
                return None
            done = self.fwu("query", good=False)
            if isinstance(done, dict) and done["version"].startswith(seen) and done["state"] in (
                    states or ("ready", "updated", "failed", "candidate", "writing")):
                return done
            return None
        try:
            return self.wait(look, timeout, f"version {' or '.join(versions)} on the server, settled")
        except lab.LabError as error:
            raise lab.LabError(f"{error}; it says {self.fwu('query', good=False)}; its log:\n"
                               f"{self.parts['device'].text()[-4000:]}") from None

    def slots(self):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                for p in (self.update / "slots" / self.component).glob("*.img")}


class Update(unittest.TestCase):
    def check_log(self, room, since, *words):
        text = room.parts["device"].text()[since:]
        for word in words:
            self.assertIn(word, text)

    def test_new_version_is_accepted_after_it_registered(self):
        with Device() as room:
            room.deliver()
            begun = len(room.parts["device"].text())
            room.fwu("install", room.next_package("2.0.0"), "--reboot")
            after = room.settled("2.0.0", states=("updated",))
            self.assertEqual((after["version"], after["slot"], after["sequence"]), ("2.0.0+0", "b", 2))
            room.wait(lambda: "event=firmware-accepted" in room.parts["device"].text()[begun:], 30, "the daemon's word for it")
            log = room.parts["device"].text()[begun:]
            self.assertLess(log.index("trial=1"), log.index("event=registered"))
            self.assertLess(log.index("event=registered"), log.index("event=firmware-accepted"))
            # It stays: a reboot without a trial starts the same version.
            room.fwu("clean")
            room.fwu("reboot")
            room.wait(lambda: "slot=b version=2.0.0 trial=0" in room.parts["device"].text()[begun:], 30, "the reboot")
            self.assertEqual(room.settled("2.0.0")["state"], "ready")
            # The next one goes to the slot that is free now, from a manifest that came apart.
            apart = room.next_package("2.1.0", layout="detached")
            room.fwu("install", apart.with_name("image"), "--manifest", apart, "--reboot")
            self.assertEqual(room.settled("2.1.0", states=("updated",))["slot"], "a")
            self.assertEqual(room.parts["device"].stop(30), 0)

    def test_encrypted_version_runs_and_is_nowhere_in_clear(self):
        with Device() as room:
            key, others = room.update_key(), room.update_key("others")
            room.deliver(made=("--update-key", key))
            self.assertEqual(room.fwu("query")["flags"] & 2, 2)
            # Meant for other devices: refused, and the old version goes on.
            done = room.fwu("install", room.next_package("2.0.0", encrypt_to=others), "--reboot", good=False)
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn("not for a key of this device", done.stderr)
            room.fwu("clean")
            package = room.next_package("2.0.0", encrypt_to=key)
            said = room.package_tool("inspect", package).stdout
            self.assertIn(room.factory_record["update_key_id"], said)
            image = package.with_name("image").read_bytes()
            piece = image[len(image) // 2:][:64]
            self.assertGreater(len(set(piece)), 8)
            self.assertNotIn(piece, package.read_bytes())
            room.fwu("install", package, "--reboot")
            after = room.settled("2.0.0", states=("updated",))
            self.assertEqual((after["version"], after["slot"]), ("2.0.0+0", "b"))
            files = [p for top in (room.update, room.folder / "secure") for p in top.rglob("*") if p.is_file()]
            self.assertIn(room.update / "slots" / room.component / "b.img", files)
            for path in files:
                if path.name != "a.img":  # version 1.0.0, not encrypted
                    self.assertNotIn(piece, path.read_bytes(), path)
            # From the same slot again, without a trial; then the manifest comes apart.
            room.fwu("clean")
            begun = len(room.parts["device"].text())
            room.fwu("reboot")
            room.wait(lambda: "slot=b version=2.0.0 trial=0" in room.parts["device"].text()[begun:], 30, "the reboot")
            self.assertEqual(room.settled("2.0.0", states=("ready",))["slot"], "b")
            apart = room.next_package("2.1.0", layout="detached", encrypt_to=key)
            room.fwu("install", f"{apart}.image", "--manifest", apart, "--reboot")
            self.assertEqual(room.settled("2.1.0", states=("updated",))["slot"], "a")
            self.assertEqual(room.parts["device"].stop(30), 0)

    def test_broken_versions_come_back_by_themselves(self):
        with Device() as room:
            script, fails = room.folder / "self-test", room.folder / "self-test-fails"
            script.write_text(f"#!/bin/sh\n[ ! -e {fails} ]\n")
            script.chmod(0o755)
            room.deliver(trial=8, device=(*lab.DEVICE_LINES, f"self_test = {script}"))
            for name, daemon, said in (
                    ("crashes", lab.program("broken-crashes"), "the new version ends by itself"),
                    ("hangs", lab.program("broken-hangs"), "the new version was not accepted in time"),
                    ("never registers", deaf_tesserad(), "the new version was not accepted in time"),
                    ("is no program", b"this is no program", "the new version ends by itself"),
                    ("fails its self-test", None, "event=firmware-rejected")):
                with self.subTest(name):
                    begun = len(room.parts["device"].text())
                    fails.write_text("") if name == "fails its self-test" else None
                    room.fwu("install", room.next_package("3.0.0", daemon), "--reboot")
                    room.wait(lambda: "version=3.0.0 trial=1" in room.parts["device"].text()[begun:], 30, "the trial")
                    after = room.settled("1.0.0", states=("failed",))
                    self.assertEqual(after["slot"], "a")
                    self.assertLess(after["error"], 0)
                    self.check_log(room, begun, said)
            # And a good one is taken after all of them.
            fails.unlink()
            room.fwu("install", room.next_package("3.1.0"), "--reboot")
            self.assertEqual(room.settled("3.1.0", states=("updated",))["slot"], "b")

    def test_wrong_packages_are_refused_before_a_byte_is_activated(self):
        with Device() as room:
            room.deliver()
            room.fwu("install", room.next_package("2.0.0"), "--reboot")
            room.settled("2.0.0", states=("updated",))
            good = room.next_package("2.1.0")
            content = good.read_bytes()
            behind = room.package("2.1.0", 3, layout="bundled").read_bytes()
            wrong = room.folder / "wrong"

            def changed(data):
                wrong.write_bytes(data)
                return wrong
            tried = 0
            for why, make in {
                    "older than": lambda: room.package("2.1.0", 1),
                    "not signed by": lambda: room.package("2.1.0", 9, key=room.signing_key("stranger")),
                    "another vendor": lambda: room.package("2.1.0", 9, vendor="example.org"),
                    "another class": lambda: room.package("2.1.0", 9, device_class="lamp"),
                    "another component": lambda: room.package("2.1.0", 9, component="radio"),
                    "other bytes": lambda: changed(content[:-5000] + bytes([content[-5000] ^ 1]) + content[-4999:]),
                    "shorter": lambda: changed(behind[:-4096]),
                    "or longer": lambda: changed(behind + b"more"),
                    "neither an envelope": lambda: changed(content[:-4096]),
                    "nor an image": lambda: changed(os.urandom(5000))}.items():
                with self.subTest(why):
                    active = room.slots()["b.img"]
                    done = room.fwu("install", make(), "--reboot", good=False)
                    self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                    self.assertIn(why, done.stderr)
                    now = room.fwu("query")
                    self.assertEqual((now["state"], now["version"], now["slot"]), ("failed", "2.0.0+0", "b"))
                    self.assertEqual(room.slots()["b.img"], active)
                    tried += 1
            self.assertEqual(tried, 10)
            self.assertEqual(room.version(), "2.0.0")
            # A slot that is changed on the disk, behind everyone's back, is not started; nor is the version before
            # it, which is older than what was accepted. The log says why of each.
            room.fwu("install", good, "--reboot")
            room.settled("2.1.0", states=("updated",))
            self.assertEqual(room.parts["device"].stop(30), 0)
            slot = room.update / "slots" / room.component / "a.img"
            data = bytearray(slot.read_bytes())
            data[len(data) // 2] ^= 1
            slot.write_bytes(data)
            begun = len(room.parts["device"].text())
            room.start_boot()
            room.wait(lambda: not room.parts["device"].alive(), 30, "the launcher's end")
            self.assertEqual(room.parts["device"].popen.returncode, 3)
            self.check_log(room, begun, "event=slot-refused slot=a status=-149", "event=slot-refused slot=b status=-133",
                           "event=no-image")
            self.assertNotIn("event=daemon-started", room.parts["device"].text()[begun:])
            # Whoever services the device puts a signed package back.
            slot.write_bytes(good.read_bytes())
            room.start_boot()
            self.assertEqual(room.settled("2.1.0")["slot"], "a")

    def test_kill_9_in_an_update_ends_on_the_old_or_the_new_version(self):
        dice, ended = random.Random(SEED), {"old": 0, "new": 0}
        with Device() as room:
            room.deliver()
            old = "2.0.0"
            begun = time.monotonic()  # kills are spread over the time that an update takes on this machine
            room.fwu("install", room.next_package(old), "--reboot")
            room.wait_device("firmware-accepted", 60, version=old)
            span = time.monotonic() - begun
            room.settled(old, states=("updated",))
            for n in range(1, KILLS + 1):
                new = f"2.{n}.0"
                package = room.next_package(new)
                thread = threading.Thread(target=room.fwu, args=("install", package, "--reboot"),
                                          kwargs={"good": False}, daemon=True)
                victim = dice.choice(("launcher", "secured", "daemon"))
                thread.start()
                time.sleep(dice.uniform(0, span))
                pid = (room.parts["device"].pid if victim == "launcher" else
                       room.boot_pid("secured-ready" if victim == "secured" else "daemon-started"))
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                if victim == "launcher":
                    room.parts["device"].popen.wait()
                    room.start_boot(trial=room.trial)
                thread.join(60)
                self.assertFalse(thread.is_alive(), "tessera-fwu did not end")
                now = room.settled(old, new, timeout=90)
                ended["new" if now["version"].startswith(new) else "old"] += 1
                old = now["version"].split("+")[0]
            # Whatever was interrupted, the next update goes through.
            room.fwu("install", room.next_package("9.0.0"), "--reboot")
            room.settled("9.0.0", states=("updated",))
            print(f"        seed {SEED}: {KILLS} kills within {span:.1f} s each; ended on {ended}", flush=True)

    def test_daemon_that_crashes_later_is_started_again(self):
        with Device() as room:
            room.deliver()
            for _ in range(2):
                pid = room.boot_pid()
                os.kill(pid, signal.SIGSEGV)
                room.wait(lambda: room.boot_pid() != pid, 20, "another start")
            room.settled("1.0.0")
            # The secure world's end is a reboot of everything.
            begun = len(room.parts["device"].text())
            os.kill(room.boot_pid("secured-ready"), signal.SIGKILL)
            room.wait(lambda: "event=secured-ready" in room.parts["device"].text()[begun:], 20, "the reboot")
            room.settled("1.0.0")
            daemon, secured = room.boot_pid(), room.boot_pid("secured-ready")
            self.assertTrue(os.readlink(f"/proc/{daemon}/exe").startswith("/memfd:daemon"))
            self.assertTrue(os.readlink(f"/proc/{secured}/exe").startswith("/memfd:tessera-secured"))
            room.parts["device"].kill()  # nothing outlives the launcher
            room.wait(lambda: not any(os.path.exists(f"/proc/{p}/exe") for p in (daemon, secured)), 20,
                      "the end of both after the launcher was killed")

    @unittest.skipUnless(os.geteuid() == 0, "starting programs as other users needs root")
    def test_each_program_runs_as_its_own_user(self):
        secured, daemon = pwd.getpwnam("bin"), pwd.getpwnam("daemon")
        with Parted() as room:
            key, key_file = lab.new_key(), room.folder / "psk"
            room.folder.chmod(0o711)
            for name in ("run", "secure", "update"):
                (room.folder / name).mkdir()
                (room.folder / name).chmod(0o755 if name == "run" else 0o700)
                os.chown(room.folder / name, secured.pw_uid, secured.pw_gid)
            room.start_server()
            room.credentials(ENDPOINT, ENDPOINT, key)
            key_file.write_text(key.hex())
            room.factory("--user", secured.pw_name, "--psk", f"{daemon.pw_uid}:1={key_file}",
                         updaters=(0, daemon.pw_uid))
            room.install_factory(room.package("1.0.0", 1))
            for path in (room.update / "slots").rglob("*"):
                os.chown(path, secured.pw_uid, secured.pw_gid)
            os.chown(room.update / "slots", secured.pw_uid, secured.pw_gid)
            room.configure_device(ENDPOINT, f"coaps://127.0.0.1:{room.coaps}", True)
            os.chown(room.device_state, daemon.pw_uid, daemon.pw_gid)
            room.start_boot(users=(secured.pw_name, daemon.pw_name))
            room.settled("1.0.0")
            room.fwu("install", room.next_package("2.0.0"), "--reboot")
            room.settled("2.0.0", states=("updated",))
            for event, user in (("secured-ready", secured), ("daemon-started", daemon)):
                status = pathlib.Path(f"/proc/{room.boot_pid(event)}/status").read_text()
                for kind, number in (("Uid", user.pw_uid), ("Gid", user.pw_gid)):
                    line = next(x for x in status.splitlines() if x.startswith(kind + ":"))
                    self.assertEqual(line.split()[1:], [str(number)] * 4)
            self.assertEqual(room.parts["device"].stop(30), 0)


class Parted(Device):
    """What tessera-secured's user makes lies in a folder of that user."""

    @property
    def socket(self):
        return self.folder / "run/secured.sock"

    @property
    def record(self):
        return self.folder / "run/record.json"


if __name__ == "__main__":
    unittest.main()
