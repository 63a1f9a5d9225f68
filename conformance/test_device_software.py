# SPDX-License-Identifier: Apache-2.0
"""Software Management (object 9) of a device: packages, really signed, pushed and fetched by a server that has nothing of
ours (peer.py); programs that really run; kill -9 of the daemon between the steps and within them. OMA has no cases of it."""
import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest

import lab
import peer
import rooms
from peer import OPAQUE, SENML_CBOR, TEXT, TLV

sys.path.append(str(lab.ROOT / "tests/http"))
import web  # noqa: E402

INITIAL, STARTED, DOWNLOADED, DELIVERED, INSTALLED = range(5)
PROGRAM = """#!/bin/sh
echo {version} > version
echo $$ > pid
cat {state}/client > stolen 2> /dev/null || echo closed > state
while :; do sleep 0.2; done
"""


def children_of(process):
    return pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()


class Room(rooms.UpdateRoom):
    """A device with a folder for software, registered at a server of the peer's."""

    sequence = 0

    def __init__(self, *software, coap=("ack_timeout_ms = 500", "max_retransmit = 2"), update=()):
        super().__init__()
        self.start_secured()
        self.configure([*update, *self.software_lines(), *software], coap=coap)
        self.run_device()

    def package_of(self, version="1.0.0", program=PROGRAM, extra=0, **ids):
        """The bytes of a package whose bundle has one program."""
        self.sequence += 1
        text = program.format(version=version, state=self.device_state)
        return self.software(text, version, more=os.urandom(extra), **{"sequence": self.sequence, **ids}).read_bytes()

    def folder_of(self, instance=0):
        return self.folder / "software" / str(instance)

    def wrote(self, name, instance=0):
        try:
            return (self.folder_of(instance) / "data" / name).read_text().strip()
        except OSError:
            return ""

    def read(self, resource, instance=0):
        return self.server.read(f"/9/{instance}/{resource}", TEXT).payload.decode()

    def stands(self, instance=0):
        return int(self.read(7, instance)), int(self.read(9, instance))

    def active(self, instance=0):
        return self.read(12, instance) == "1"

    def put(self, resource, payload, format=TEXT, instance=0):
        return self.server.ask("PUT", f"/9/{instance}/{resource}", payload, format=format).code

    def push(self, payload, instance=0, **more):
        return self.server.push(self.server.device, f"/9/{instance}/2", payload, **more).code

    def run(self, resource, arguments=b"", instance=0):
        return self.server.ask("POST", f"/9/{instance}/{resource}", arguments, format=TEXT if arguments else None).code

    def ask_and_go(self, resource):
        """An Execute whose answer nobody waits for."""
        m = peer.Message(code=peer.Code.POST)
        m.mtype, m.mid, m.token = peer.CON, self.server.next_mid(), os.urandom(4)
        m.opt.uri_path = ("9", "0", str(resource))
        self.server.socket.sendto(m.encode(), self.server.device)

    def device_says(self):
        lines = self.parts["device"].text().splitlines()
        return "\n".join([line for line in lines if "operation=read" not in line][-30:])

    def stand(self, *expected, instance=0):
        self.waits(lambda: self.stands(instance) == expected, f"state and result {expected}")

    def deliver(self, package, instance=0):
        assert self.push(package, instance) == "2.04"
        self.stand(DELIVERED, 3, instance=instance)

    def install(self, package, instance=0):
        self.deliver(package, instance)
        self.put_in_place(INSTALLED, 2, instance=instance)

    def put_in_place(self, *expected, instance=0):
        """Install, which goes on behind its answer."""
        assert self.run(4, instance=instance) == "2.04"
        self.stand(*expected, instance=instance)

    @staticmethod
    def is_stopped(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
        except OSError:
            return False

    def install_and_hold(self):
        """Install, and the process that unpacks, stopped while it does."""
        daemon = self.parts["device"].pid
        for _ in range(20):
            before = set(children_of(daemon))
            self.ask_and_go(4)
            end = time.monotonic() + 5
            while not (self.folder_of() / "new").exists() and time.monotonic() < end:
                pass
            for child in map(int, set(children_of(daemon)) - before):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGSTOP)
                time.sleep(0.05)
                with contextlib.suppress(AssertionError):  # stopped on its very last step, it is waited for
                    if self.is_stopped(child) and self.stands() == (DELIVERED, 3):
                        return child
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGCONT)
            self.stand(INSTALLED, 2)  # it was faster than we
            assert self.run(6, b"1") == "2.04"
            self.deliver(self.package_of(extra=1000000))
        raise AssertionError("it is too fast to be held")


class Software(unittest.TestCase):
    def test_software_lives_its_life(self):
        """pushed, installed, activated, deactivated, updated, uninstalled; and the sandbox it runs in"""
        with Room() as room:
            self.assertIn("</9/0>", room.server.registered()["links"])
            self.assertEqual(room.stands(), (INITIAL, 0))
            self.assertEqual([room.run(r) for r in (4, 6, 10, 11)], ["4.05"] * 4)
            room.install(room.package_of())
            self.assertEqual((room.read(0), room.read(1), room.active()), ("hello", "1.0.0", False))
            self.assertFalse((room.folder_of() / "package").exists(), "the package is not needed any more")
            self.assertEqual(room.run(10), "2.04")
            self.assertTrue(room.active())
            room.wait(lambda: room.wrote("state"), 20, "the program")
            self.assertEqual((room.wrote("version"), room.wrote("state"), room.wrote("stolen")), ("1.0.0", "closed", ""))
            pid = room.wrote("pid")
            self.assertTrue(lab.process_runs(pid))
            self.assertEqual(room.run(11), "2.04")
            self.assertFalse(lab.process_runs(pid), "it ended before the answer")
            self.assertFalse(room.active())
            # An update: the old one stays until the new one is there.
            self.assertEqual(room.run(10), "2.04")
            self.assertEqual(room.run(6, b"1"), "2.04")
            self.assertEqual((room.stands(), room.active()), ((INITIAL, 0), False))
            self.assertTrue((room.folder_of() / "app/start").exists())
            room.install(room.package_of("2.0.0", layout="bundled"))
            self.assertEqual(room.run(10), "2.04")
            room.wait(lambda: room.wrote("version") == "2.0.0", 20, "the new program")
            self.assertEqual(room.run(6), "2.04")
            self.assertEqual((room.stands(), room.active(), room.read(0)), ((INITIAL, 0), False, ""))
            self.assertFalse(room.folder_of().exists())

    def test_software_is_read_in_every_format(self):
        with Room() as room:
            values = peer.senml_cbor(room.server.read("/9/0", SENML_CBOR).payload)
            self.assertEqual({k: values[f"/9/0/{k}"] for k in (0, 1, 5, 7, 8, 9, 12)},
                             {0: "", 1: "", 5: "65535:65535", 7: 0, 8: False, 9: 0, 12: False})
            self.assertNotIn("/9/0/2", values)
            self.assertEqual(peer.tlv_integer(peer.tlv(room.server.read("/9/0", TLV).payload)["/7"]), INITIAL)
            self.assertEqual(room.server.read("/9/0/2", OPAQUE).code, "4.05")
            self.assertEqual(room.put(8, b"1"), "2.04")
            room.kill()
            self.assertEqual(room.read(8), "1")

    def test_software_is_refused(self):
        """nothing unsigned, changed, older, too large, or for others is installed"""
        with Room("size = 100000") as room:
            good = room.package_of(sequence=5)
            changed = good[:-700] + bytes([good[-700] ^ 1]) + good[-699:]
            for result, package in ((53, changed), (53, good[:-1]), (53, good + b"\0"),
                                    (53, room.package_of(key=room.signing_key("stranger"))),
                                    (54, room.package_of(vendor="example.org")), (54, room.package_of(device_class="lamp")),
                                    (54, os.urandom(3000)), (54, b"#!/bin/sh\n")):
                self.assertEqual(room.push(package), "2.04")
                room.stand(INITIAL, result)
                self.assertTrue(room.read(16))
                self.assertEqual(room.run(4), "4.05")
            self.assertEqual(room.push(bytes(100001)), "4.13")
            self.assertEqual(room.stands(), (INITIAL, 50))
            self.assertFalse(room.folder_of().exists())
            # Signed, but no software: it is delivered, and stays there.
            room.deliver(room.package_of(name="other", sequence=5))
            room.put_in_place(DELIVERED, 58)
            self.assertEqual(room.run(6), "2.04")
            # What was newer stays so when it is gone.
            room.install(good)
            self.assertEqual(room.run(6), "2.04")
            self.assertEqual(room.push(room.package_of(sequence=4)), "2.04")
            room.stand(INITIAL, 54)
            self.assertIn("older", room.read(16))
            room.install(room.package_of(sequence=4, component="another"))

    def test_software_is_fetched(self):
        """Package URI: block by block, on after kill -9, and why it cannot be had"""
        files = peer.Files()
        self.addCleanup(files.close)
        with Room(update=("pull_tries = 1",)) as room:
            package = room.package_of(extra=100000)
            files.files["/app"] = package
            for uri in (b"coap://", b"app", b"ftp://127.0.0.1/app", b"coaps://127.0.0.1/app", b"http://a:99999/app", files.uri("/none")):
                self.assertEqual(room.put(3, uri), "2.04")
                room.stand(INITIAL, 56)
            files.silent_from = 50
            self.assertEqual(room.put(3, files.uri("/app")), "2.04")
            room.wait(lambda: 50 in files.asked, 40, "block 50")
            self.assertEqual(room.stands(), (STARTED, 1))
            files.asked.clear()
            room.kill()
            files.silent_from = None
            room.stand(DELIVERED, 3)
            self.assertEqual(min(files.asked), 50, "it goes on where it was")
            self.assertEqual((room.folder_of() / "package").read_bytes(), package)
            self.assertEqual(room.run(6), "2.04")
            files.silent_from = 20
            self.assertEqual(room.put(3, files.uri("/app")), "2.04")
            room.waits(lambda: room.stands() == (INITIAL, 52), "the end of patience", 60)

    def test_software_is_fetched_from_the_web(self):
        """by http and https: on after a cut and kill -9, anew when it has changed, and why it cannot be had"""
        with tempfile.TemporaryDirectory() as folder:
            ca = web.Ca(folder, "maker")
            with web.Web() as plain, web.Web(ca.server("good")) as safe, web.Web(web.Ca(folder, "other").server("bad")) as bad, \
                    Room(update=(f"trust = {ca.pem}", "pull_tries = 1")) as room:
                package, changed = room.package_of(extra=100000), room.package_of("2.0.0", extra=90000)
                for at in (plain, safe, bad):
                    at.server.files["/app"] = (package, '"one"')
                plain.server.moved.update({"/safe": (301, safe.url + "/app"), "/loop": (301, "/loop")})
                for result, uri in ((56, plain.url + "/none"), (56, plain.url + "/loop"), (52, bad.url + "/app"),
                                    (52, "http://127.0.0.1:1/app")):
                    self.assertEqual(room.put(3, uri.encode()), "2.04")
                    room.stand(INITIAL, result)
                self.assertEqual(bad.server.requests, [])
                for at, uri in ((plain, plain.url + "/app"), (safe, plain.url + "/safe")):
                    first, second = web.Cut(20000), web.Cut(50000, hold=True)
                    at.server.faults += [first, second]
                    self.assertEqual(room.put(3, uri.encode()), "2.04")
                    room.wait(lambda: second.reached.is_set(), 40, "half of it")
                    room.wait(lambda: (room.folder_of() / "part").stat().st_size >= 48 * 1024, 40, "that it is there")
                    self.assertEqual(room.stands(), (STARTED, 1))
                    room.kill()
                    second.release()
                    room.stand(DELIVERED, 3)
                    self.assertEqual([a for a, _ in at.server.sent], [0, 19 * 1024, 48 * 1024])
                    self.assertEqual((room.folder_of() / "package").read_bytes(), package)
                    self.assertEqual(room.run(6), "2.04")
                held = web.Cut(50000, hold=True)
                safe.server.faults.append(held)
                del safe.server.sent[:]
                self.assertEqual(room.put(3, (safe.url + "/app").encode()), "2.04")
                room.wait(lambda: held.reached.is_set(), 40, "half of it")
                safe.server.files["/app"] = (changed, '"two"')
                held.release()
                room.stand(DELIVERED, 3)
                self.assertEqual([a for a, _ in safe.server.sent], [0, 0])
                self.assertEqual((room.folder_of() / "package").read_bytes(), changed)
                self.assertEqual(room.run(6), "2.04")
        with Room("size = 50000") as room, web.Web() as plain:
            plain.server.files["/app"] = (bytes(50001), None)
            self.assertEqual(room.put(3, (plain.url + "/app").encode()), "2.04")
            room.stand(INITIAL, 50)

    def test_software_in_several_instances(self):
        with Room() as room:
            created = room.server.ask("POST", "/9", peer.tlv_resource(8, b"\1"), format=TLV)
            self.assertEqual(created.code, "2.01")
            self.assertEqual(room.server.ask("POST", "/9", b"", format=TLV).code, "2.01")
            packages = {i: room.package_of(f"1.0.{i}", component=f"app{i}") for i in (0, 1, 2)}
            for i, package in packages.items():
                room.install(package, i)
                self.assertEqual(room.run(10, instance=i), "2.04")
            room.wait(lambda: all(room.wrote("state", i) for i in packages), 20, "three programs")
            self.assertEqual([room.wrote("version", i) for i in packages], ["1.0.0", "1.0.1", "1.0.2"])
            pids = [room.wrote("pid", i) for i in packages]
            self.assertEqual(room.server.ask("DELETE", "/9/1").code, "2.02")
            self.assertEqual([lab.process_runs(p) for p in pids], [True, False, True])
            self.assertFalse(room.folder_of(1).exists())
            self.assertEqual(room.server.read("/9/1/7", TEXT).code, "4.04")
            self.assertEqual(room.parts["device"].stop(), 0)
            self.assertEqual([lab.process_runs(p) for p in pids], [False] * 3)

    def test_software_that_ends_is_started_again_then_given_up(self):
        with Room() as room:
            room.install(room.package_of(program="#!/bin/sh\necho x >> runs\nexit 9\n"))
            token, first = room.server.observe("/9/0/12", accept=TEXT)
            self.assertEqual(first.payload, b"0")
            self.assertEqual(room.run(10), "2.04")
            room.waits(lambda: not room.active(), "that it is given up", 60)
            self.assertEqual(room.wrote("runs").split(), ["x"] * 5)
            self.assertIn("9", room.read(16))
            self.assertEqual(room.stands(), (INSTALLED, 2))
            room.waits(lambda: room.server.notification(token, 2).payload == b"0", "the notification")

    def test_software_is_unpacked_while_the_device_answers(self):
        """Install goes on in a process of its own, stopped here: reads, a second Install, Uninstall, kill -9"""
        with Room() as room:
            package = room.package_of(extra=1000000)
            room.deliver(package)
            child = room.install_and_hold()
            self.assertEqual(room.stands(), (DELIVERED, 3))
            self.assertEqual(room.server.read("/3/0/16", TEXT).code, "2.05")
            self.assertEqual((room.run(4), room.run(10)), ("4.05", "4.05"))
            os.kill(child, signal.SIGCONT)
            room.stand(INSTALLED, 2)
            self.assertEqual((room.folder_of() / "app/more").stat().st_size, 1000000)
            self.assertEqual(room.run(6), "2.04")
            room.deliver(package)
            child = room.install_and_hold()
            self.assertEqual(room.run(6), "2.04")
            self.assertEqual((room.stands(), lab.process_runs(child)), ((INITIAL, 0), False))
            self.assertFalse(room.folder_of().exists())
            room.deliver(package)
            child = room.install_and_hold()
            room.kill()
            room.wait(lambda: not lab.process_runs(child), 10, "the end of it with the daemon")
            self.assertEqual(room.stands(), (DELIVERED, 3))
            self.assertFalse((room.folder_of() / "new").exists())
            room.put_in_place(INSTALLED, 2)

    def test_software_exchanges_data_with_the_server(self):
        """by a container (object 19) that its sandbox leaves open, also after a restart"""
        program = ("#!/bin/sh\ncd {box} || exit 1\necho 21.5 > .t && mv .t 0 || exit 2\n"
                   "while :; do test -f 1 && cp 1 $HOME/got; sleep 0.1; done\n")
        with tempfile.TemporaryDirectory() as folder, \
                Room("[container 0]", f"directory = {folder}/box", "software = 0") as room:
            room.install(room.package_of(program=program.replace("{box}", f"{folder}/box")))
            self.assertEqual(room.run(10), "2.04")
            room.waits(lambda: room.server.read("/19/0/0/0", OPAQUE).payload == b"21.5\n", "what it says")
            self.assertEqual(room.server.ask("PUT", "/19/0/0/1", b"warmer", format=OPAQUE).code, "2.04")
            room.wait(lambda: room.wrote("got") == "warmer", 20, "what the server says")
            room.kill()
            self.assertEqual(room.server.ask("PUT", "/19/0/0/1", b"colder", format=OPAQUE).code, "2.04")
            room.wait(lambda: room.wrote("got") == "colder", 20, "what the server says now")

    def test_software_is_as_the_state_that_is_kept_says(self):
        """a state that cannot be stored: 5.00, and what was started for it is ended, what was ended is started"""
        with Room() as room:
            room.install(room.package_of())
            in_the_way = room.device_state / "client.new"
            in_the_way.mkdir()
            self.assertEqual(room.run(10), "5.00")
            in_the_way.rmdir()
            room.wait(lambda: not children_of(room.parts["device"].pid), 20, "the end of it")
            self.assertFalse(room.active())
            self.assertEqual(room.run(10), "2.04")
            first = room.waits(lambda: room.wrote("pid"), "the program")
            in_the_way.mkdir()
            self.assertEqual(room.run(11), "5.00")
            in_the_way.rmdir()
            self.assertTrue(room.active())
            again = room.waits(lambda: room.wrote("pid") != first and room.wrote("pid"), "another one")
            self.assertEqual(room.run(11), "2.04")
            self.assertFalse(lab.process_runs(first) or lab.process_runs(again))

    def test_software_that_fills_its_folder_is_ended(self):
        """many files, each within its bound: 50 and a reason, also over a restart; Uninstall makes room"""
        with Room("data = 2") as room:
            room.install(room.package_of(program="#!/bin/sh\necho $$ > pid\nfor i in 1 2 3; do\n"
                                         "head -c 1000000 /dev/zero > $i\ndone\nwhile :; do sleep 0.2; done\n"))
            self.assertEqual(room.run(10), "2.04")
            pid = room.waits(lambda: room.wrote("pid"), "the program")
            room.stand(INSTALLED, 50)
            self.assertFalse(room.active() or lab.process_runs(pid))
            self.assertIn("2 MB", room.read(16))
            room.kill()
            self.assertEqual((room.stands(), room.active()), ((INSTALLED, 50), False))
            self.assertEqual(room.run(10), "2.04")
            room.waits(lambda: not room.active(), "that it is not even started")
            self.assertEqual((room.stands(), room.wrote("pid")), ((INSTALLED, 50), pid))
            self.assertEqual(room.run(6), "2.04")
            room.install(room.package_of())
            self.assertEqual(room.run(10), "2.04")
            room.waits(lambda: room.wrote("state"), "another program")
            self.assertTrue(room.active())


class Kills(unittest.TestCase):
    def test_software_outlives_kills_between_steps(self):
        with Room() as room:
            package = room.package_of(extra=30000)
            self.assertEqual(room.push(package, last=10), "2.31")
            self.assertEqual(room.stands(), (STARTED, 1))
            room.kill()
            self.assertEqual(room.stands(), (INITIAL, 52))
            room.deliver(package)
            room.kill()
            self.assertEqual(room.stands(), (DELIVERED, 3))
            room.put_in_place(INSTALLED, 2)
            room.kill()
            self.assertEqual((room.stands(), room.active()), ((INSTALLED, 2), False))
            self.assertEqual(room.run(10), "2.04")
            first = room.waits(lambda: room.wrote("pid"), "the program")
            room.kill()
            room.wait(lambda: not lab.process_runs(first), 10, "the end of it with the daemon before")
            self.assertTrue(room.active())
            second = room.waits(lambda: room.wrote("pid") not in ("", first) and room.wrote("pid"), "the program again")
            self.assertEqual(room.run(11), "2.04")
            room.kill()
            self.assertEqual((room.stands(), room.active(), lab.process_runs(second)), ((INSTALLED, 2), False, False))
            self.assertEqual(room.run(6, b"1"), "2.04")
            room.kill()
            self.assertEqual(room.stands(), (INITIAL, 0))
            self.assertTrue((room.folder_of() / "app/start").exists())
            self.assertEqual(room.run(6), "2.04")
            room.kill()
            self.assertEqual(room.stands(), (INITIAL, 0))
            self.assertFalse(room.folder_of().exists())

    def test_software_outlives_kills_within_steps(self):
        """at any moment of Install and Uninstall: one of the states on either side, and what it says is true"""
        seed = int(os.environ.get("TESSERA_SEED", time.time_ns() % 1000000))
        chance = random.Random(seed)
        with self.subTest(seed=seed), Room() as room:
            package = room.package_of(extra=300000)
            for _ in range(min(int(os.environ.get("TESSERA_KILLS", 4)), 8)):
                room.waits(lambda: room.run(6) in ("2.04", "4.05") and room.stands()[0] == INITIAL, "a beginning")
                room.push(package)
                room.stand(DELIVERED, 3)
                for step, before, after in ((4, DELIVERED, INSTALLED), (6, INSTALLED, INITIAL)):
                    room.ask_and_go(step)
                    time.sleep(chance.random() * 0.05)
                    room.kill()
                    state = room.stands()[0]
                    self.assertIn(state, (before, after))
                    app = room.folder_of() / "app"
                    if state == INSTALLED:
                        self.assertEqual((app / "more").stat().st_size, 300000)
                        self.assertTrue((app / "start").exists())
                    if state == INITIAL:
                        self.assertFalse(app.exists())
                    self.assertFalse((room.folder_of() / "new").exists())
                    if state == before:
                        self.assertEqual(room.run(step), "2.04")
                    room.waits(lambda state=after: room.stands()[0] == state, f"state {after}")


if __name__ == "__main__":
    unittest.main()
