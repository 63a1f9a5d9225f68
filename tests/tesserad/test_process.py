#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tesserad as a process: signals, kill -9, a full disk, a damaged state, keys by way of tessera-secured.

    test_process.py TESSERAD TESSERA-SECURED
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).resolve().parents[2] / "tools")]
import peer as lwm2m  # noqa: E402
from ports import free_port  # noqa: E402

TESSERAD = SECURED = None
COAP_SERVER = shutil.which("coap-server-openssl")


class Daemon:
    def __init__(self, folder, config, **more):
        self.config = folder / "device.conf"
        self.config.write_text(config)
        self.log = folder / "device.log"
        self.more = more
        self.start()

    def start(self):
        self.out = open(self.log, "ab")
        self.from_here = self.log.stat().st_size
        self.process = subprocess.Popen([TESSERAD, "--config", str(self.config)], stderr=self.out,
                                        stdin=subprocess.DEVNULL, **self.more)

    def text(self):
        return self.log.read_text(errors="replace")[self.from_here:]

    def expect(self, pattern, timeout=10):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = re.search(pattern, self.text())
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"the log never said {pattern!r}:\n{self.text()}")

    def cpu_s(self):
        """proc(5): utime and stime."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.close()

    def stop(self, timeout=40):
        self.process.terminate()
        code = self.process.wait(timeout)
        self.out.close()
        return code


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tesserad-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def peer(self, **more):
        server = lwm2m.Peer(**more)
        self.addCleanup(server.close)
        return server

    def config(self, server, device="", section=""):
        return (f"[device]\nendpoint = dev\nstate = {self.folder}/state\nmanufacturer = ACME\n{device}\n"
                f"[coap]\nack_timeout_ms = 300\n[server 1]\nuri = coap://127.0.0.1:{server.port}\n"
                f"lifetime = 60\nretry_timer = 1\n{section}\n")

    def daemon(self, config, **more):
        daemon = Daemon(self.folder, config, **more)
        self.addCleanup(daemon.kill)
        return daemon

    def registered(self, **more):
        server = self.peer()
        daemon = self.daemon(self.config(server, **more))
        server.wait(lambda: server.registers, what="the Register")
        daemon.expect("event=registered")
        return server, daemon


class Operations(Case):
    def test_int_101_register_over_udp(self):
        server, _ = self.registered()
        self.assertEqual(server.registers[0].queries, ["ep=dev", "lt=60", "lwm2m=1.2", "b=U"])
        self.assertIn(b"</3/0>", server.registers[0].payload)
        self.assertNotIn(b"</0", server.registers[0].payload)

    def test_queue_mode_is_deaf_while_it_sleeps(self):
        server, daemon = self.registered(device="queue = yes\nawake = 1", section="lifetime = 20")
        self.assertEqual(server.registers[0].queries, ["ep=dev", "lt=20", "lwm2m=1.2", "b=U", "Q"])
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")
        daemon.expect("event=asleep")
        asleep, updates = len(daemon.text()), len(server.updates)
        with self.assertRaises(AssertionError):
            server.read("/3/0/0") if server.ask(lwm2m.GET, "/3/0/0", timeout=1.5) else None
        self.assertNotIn("event=request", daemon.text()[asleep:], "it heard while it slept")
        server.wait(lambda: len(server.updates) > updates, timeout=30, what="the Update that ends the sleep")
        daemon.expect("event=awake")
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")
        self.assertEqual(len(server.registers), 1)

    def test_read_gives_figures_of_this_host(self):
        loads = [os.getloadavg()[0]]  # the kernel changes it every five seconds, on a busy machine by more than this test allows
        server, _ = self.registered()
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")
        before = time.time()
        self.assertTrue(before - 3 < int(server.read("/3/0/13").payload) < time.time() + 1)
        with open("/proc/meminfo") as f:
            total = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1))
        self.assertEqual(int(server.read("/3/0/21").payload), total)
        load = float(server.read("/3300/0/5700").payload)
        loads.append(os.getloadavg()[0])
        self.assertTrue(min(loads) - 1.5 < load < max(loads) + 1.5, (load, loads))
        self.assertEqual(server.read("/3/0/99").dotted, "4.04")
        self.assertEqual(server.read("/0/0/0").dotted, "4.01")

    def test_write_switches_the_light(self):
        server, _ = self.registered()
        self.assertEqual(server.write("/3311/0/5851", "30").dotted, "2.04")
        self.assertEqual(server.write("/3311/0/5850", "1").dotted, "2.04")
        self.assertEqual((self.folder / "state/light0").read_text(), "on 30\n")
        self.assertEqual(server.write("/3311/0/5851", "300").dotted, "4.00")
        self.assertEqual(server.write("/3/0/0", "x").dotted, "4.05")

    def test_observe_reports_changes(self):
        server, _ = self.registered()
        self.assertEqual(server.observe("/3311/0/5850").payload, b"0")
        server.write("/3311/0/5850", "1")
        server.wait(lambda: server.notifications, what="the notification")
        self.assertEqual(server.notifications[-1].payload, b"1")

    def test_version_falls_back_on_4_12(self):
        server = self.peer(refuse={"1.2": 0x8C})
        daemon = self.daemon(self.config(server))
        server.wait(lambda: len(server.registers) == 2, what="the second Register")
        daemon.expect("event=registered .*lwm2m=1.1")

    def test_int_241_reboot_registers_again(self):
        server, daemon = self.registered()
        self.assertEqual(server.execute("/3/0/4").dotted, "2.04")
        server.wait(lambda: server.deregisters and len(server.registers) == 2, what="the new registration")
        daemon.expect("event=reboot")


class Containers(Case):
    """Object 19 as a folder: a program of this host at one end, a server at the other."""
    JSON = 110

    def begin(self, more="", device=""):
        self.box = self.folder / "box"
        server = self.peer()
        config = self.config(server, device=device, section=f"[container 3]\ndirectory = {self.box}\n"
                             f"description = meter reading\nformat = UTF8-string\npriority = 1\napp = 77\n{more}")
        daemon = self.daemon(config)
        server.wait(lambda: server.registers, what="the Register")
        daemon.expect("event=registered")
        return server, daemon

    def give(self, part, data):
        beside = self.box / ".tmp"
        beside.write_bytes(data)
        beside.rename(self.box / part)

    def values(self, message):
        base, out = "", {}
        for record in json.loads(message.payload):
            base = record.get("bn", base)
            value = next(v for k, v in record.items() if k in ("v", "vs", "vd"))
            if "vd" in record:
                value = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            out[base + record.get("n", "")] = value
        return out

    def parts(self, message):
        return {path: value for path, value in self.values(message).items() if path.startswith("/19/3/0/")}

    def becomes(self, server, path, *expected):
        """Until a part is read so: a look at the folder is taken ten times a second."""
        end = time.monotonic() + 15
        while True:
            answer = server.read(path, 42)
            if (answer.dotted, answer.payload) == expected or (answer.dotted,) == expected:
                return
            self.assertLess(time.monotonic(), end, (path, answer.dotted, answer.payload))
            time.sleep(0.02)

    def patch(self, server, records):
        return server.ask(7, "/", json.dumps(records).encode(), [(lwm2m.CONTENT_FORMAT, lwm2m.uint(320))])

    def test_a_program_and_a_server_exchange_data(self):
        server, daemon = self.begin()
        self.assertIn(b"</19/3>", server.registers[0].payload)
        self.assertEqual(self.values(server.read("/19/3", self.JSON)),
                         {"/19/3/1": 1, "/19/3/3": "meter reading", "/19/3/4": "UTF8-string", "/19/3/5": 77})
        self.assertEqual(server.read("/19/3/0", self.JSON).dotted, "4.04")
        # observed, and given by a program
        self.assertEqual(server.observe("/19/3", self.JSON).dotted, "2.05")
        before = time.time()
        self.give("0", b"\x00\xff12.5")
        server.wait(lambda: server.notifications, what="the notification")
        told = self.values(server.notifications[-1])
        self.assertEqual(told["/19/3/0/0"], b"\x00\xff12.5")
        self.assertTrue(before - 2 < told["/19/3/2"] < time.time() + 1, told)
        self.assertEqual(server.read("/19/3/0/0", 42).payload, b"\x00\xff12.5")
        # given by the server: there before it has its answer, and no news
        notes = len(server.notifications)
        self.assertEqual(server.write("/19/3/0/0", b"for you", 42).dotted, "2.04")
        self.assertEqual((self.box / "0").read_bytes(), b"for you")
        # all of a request or nothing
        bad = [{"n": "/19/3/0/1", "vd": "AAAA"}, {"n": "/19/3/1", "v": 999}]
        self.assertEqual(server.ask(lwm2m.POST, "/19/3", json.dumps(bad).encode(),
                                    [(lwm2m.CONTENT_FORMAT, lwm2m.uint(110))]).dotted, "4.00")
        self.assertFalse((self.box / "1").exists())
        self.assertEqual(server.write("/19/3/0/9", b"x", 42).code >> 5, 4)
        self.assertEqual(server.write("/19/3/0/1", b"x" * 513, 42).dotted, "4.00")
        # Replace makes and removes
        two = [{"n": "/19/3/0/1", "vd": "b25l"}, {"n": "/19/3/0/2", "vd": "dHdv"}]
        self.assertEqual(server.write("/19/3/0", json.dumps(two), 110).dotted, "2.04")
        self.assertEqual({p.name: p.read_bytes() for p in self.box.iterdir()}, {"1": b"one", "2": b"two"})
        # one is deleted by the server, another by the program
        self.assertEqual(self.patch(server, [{"n": "/19/3/0/1", "v": None}]).dotted, "2.04")
        self.assertFalse((self.box / "1").exists())
        server.wait(lambda: len(server.notifications) > notes, what="what the server itself changed")
        server.wait(lambda: list(self.parts(server.notifications[-1])) == ["/19/3/0/2"], what="the state after both")
        (self.box / "2").unlink()
        server.wait(lambda: not self.parts(server.notifications[-1]), what="the notification of the deletion")
        self.assertEqual(server.read("/19/3/0/2", 42).dotted, "4.04")
        # the configuration's container stays; a server's own comes and goes without a folder
        self.assertEqual(server.ask(lwm2m.DELETE, "/19/3").dotted, "4.05")
        self.assertEqual(server.ask(lwm2m.POST, "/19", b'[{"n":"/19/8/0/0","vd":"AA"}]',
                                    [(lwm2m.CONTENT_FORMAT, lwm2m.uint(110))]).dotted, "2.01")
        self.assertEqual(server.ask(lwm2m.DELETE, "/19/8").dotted, "2.02")
        self.assertNotIn("level=error", daemon.text())

    def test_data_is_sent_without_being_asked_for(self):
        server, _ = self.begin(more="[send]\npaths = /19/3/0\nevery = 1\n")
        self.assertEqual(server.write("/1/0/23", "0").dotted, "2.04")  # Mute Send
        self.give("0", b"to be sent")
        sent = []

        def look():
            message = server.receive(0.2)
            if message is not None and message.code == lwm2m.POST and message.path == "/dp":
                sent.append(message)
            return any(b"to be sent" in m.payload for m in sent)

        end = time.monotonic() + 15
        while not look():
            self.assertLess(time.monotonic(), end, "nothing was sent")

    def test_kill_loses_neither_side(self):
        server, daemon = self.begin()
        self.give("0", b"first")
        self.becomes(server, "/19/3/0/0", "2.05", b"first")
        token = server.observe("/19/3/0", self.JSON).token
        for n in range(5):
            notes, updates = len(server.notifications), len(server.updates)
            self.assertEqual(server.write("/19/3/0/1", f"server {n}".encode(), 42).dotted, "2.04")
            daemon.kill()
            self.assertEqual((self.box / "1").read_bytes(), f"server {n}".encode())
            (self.box / ".1.new").write_bytes(b"left half way")
            self.give("0", f"program {n}".encode())  # while nobody looks
            daemon.start()
            server.wait(lambda: len(server.updates) > updates, what="the Update after kill -9")
            server.wait(lambda: len(server.notifications) > notes and b"cHJvZ3JhbS" in server.notifications[-1].payload,
                        what="the notification after kill -9")
            self.assertEqual(server.notifications[-1].token, token)
            self.assertEqual(self.values(server.read("/19/3/0", self.JSON)),
                             {"/19/3/0/0": f"program {n}".encode(), "/19/3/0/1": f"server {n}".encode()})
        self.assertEqual(len(server.registers), 1)
        # what the server wrote about it is kept, until its section is changed
        self.assertEqual(server.write("/19/3/3", "mine").dotted, "2.04")
        daemon.kill()
        daemon.start()
        daemon.expect("event=ready")
        self.assertEqual(server.read("/19/3/3").payload, b"mine")
        daemon.kill()
        daemon.config.write_text(daemon.config.read_text().replace("meter reading", "heat meter"))
        daemon.start()
        daemon.expect("event=ready")
        self.assertEqual(server.read("/19/3/3").payload, b"heat meter")
        daemon.kill()
        daemon.config.write_text(daemon.config.read_text().partition("[container")[0])
        updates = len(server.updates)
        daemon.start()
        server.wait(lambda: any(b"</19" in u.payload for u in server.updates[updates:]), what="the new object list")
        self.assertEqual(server.read("/19/3", self.JSON).dotted, "4.04")
        self.assertTrue((self.box / "1").exists(), "what is not ours to remove")

    def test_hostile_files_are_left_alone(self):
        server, daemon = self.begin()
        secret = self.folder / "secret"
        secret.write_bytes(b"secret")
        (self.box / ".l").symlink_to(secret)
        (self.box / ".l").rename(self.box / "0")
        os.link(secret, self.box / ".h")
        (self.box / ".h").rename(self.box / "1")
        os.mkfifo(self.box / ".f")
        (self.box / ".f").rename(self.box / "2")
        self.give("3", b"x" * 513)
        self.give("4", b"no such part")
        self.give("name", b"no number")
        daemon.expect("path=/19/3/0/3 .*cause=\"too long\"")
        for part in range(5):
            self.assertEqual(server.read(f"/19/3/0/{part}", 42).dotted, "4.04", part)
        # a server's Write takes their place, and what they led to is as it was
        for part in range(4):
            self.assertEqual(server.write(f"/19/3/0/{part}", b"good", 42).dotted, "2.04", part)
            self.assertEqual(server.read(f"/19/3/0/{part}", 42).payload, b"good")
            self.assertTrue((self.box / str(part)).is_file() and not (self.box / str(part)).is_symlink())
        self.assertEqual(secret.read_bytes(), b"secret")
        # a folder of a part's name cannot be replaced: the request fails, and nothing is told that is not so
        (self.box / "0").unlink()
        (self.box / "0").mkdir()
        (self.box / "0" / "x").write_bytes(b"")
        self.assertEqual(server.write("/19/3/0/0", b"other", 42).dotted, "5.00")
        self.becomes(server, "/19/3/0/0", "4.04")
        # the folder itself becomes a link; then nothing; then it is there again
        self.box.rename(self.folder / "away")
        (self.folder / "elsewhere").mkdir()
        self.box.symlink_to(self.folder / "elsewhere")
        daemon.expect("event=container-failed")
        self.assertEqual(server.write("/19/3/0/1", b"lost", 42).dotted, "5.00")
        self.assertEqual(list((self.folder / "elsewhere").iterdir()), [])
        self.assertEqual(server.read("/19/3/0/1", 42).dotted, "4.04")
        self.box.unlink()
        server.wait(lambda: self.box.is_dir(), timeout=15, what="the folder")
        self.give("1", b"back")
        self.becomes(server, "/19/3/0/1", "2.05", b"back")

    def test_a_program_that_never_stops_writing_stops_nobody(self):
        server, daemon = self.begin()
        writer = subprocess.Popen([sys.executable, "-c", "import sys, os, itertools\n"
                                   "for n in itertools.count():\n"
                                   "    open(sys.argv[1] + '/.w', 'w').write(str(n))\n"
                                   "    os.rename(sys.argv[1] + '/.w', sys.argv[1] + '/0')\n", str(self.box)])
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        server.wait(lambda: server.read("/19/3/0/0", 42).code == 0x45, 20, "the writer's start")
        seen, begun, used = set(), time.monotonic(), daemon.cpu_s()
        while len(seen) <= 5 or time.monotonic() - begun < 1.5:
            self.assertLess(time.monotonic() - begun, 20, seen)
            self.assertEqual(server.read("/3/0/0").payload, b"ACME")
            answer = server.read("/19/3/0/0", 42)
            seen.add(answer.payload if answer.code == 0x45 else None)
            time.sleep(0.15)
        self.assertLess(daemon.cpu_s() - used, 0.7 * (time.monotonic() - begun), "seconds of processor time")


class Restarts(Case):
    def test_kill_loses_nothing(self):
        server, daemon = self.registered()
        server.write("/3311/0/5851", "42")
        server.write("/1/0/1", "90")
        server.wait(lambda: server.updates, what="the Update")
        token = server.observe("/3300/0/5700").token
        for n in range(10):
            updates, notes = len(server.updates), len(server.notifications)
            server.write("/1/0/3", str(1000 + n))
            daemon.kill()
            daemon.start()
            server.wait(lambda: len(server.updates) > updates, what="the Update after kill -9")
            server.wait(lambda: len(server.notifications) > notes, what="the notification after kill -9")
            self.assertEqual(server.notifications[-1].token, token)
            self.assertEqual(server.read("/3311/0/5851").payload, b"42")
            self.assertEqual(server.read("/1/0/1").payload, b"90")
            self.assertEqual(server.read("/1/0/3").payload, str(1000 + n).encode())
        self.assertEqual(len(server.registers), 1)

    def test_server_restart_is_survived(self):
        server = self.peer(port=free_port())  # one that nobody else is given meanwhile
        daemon = self.daemon(self.config(server))
        server.wait(lambda: server.registers, what="the Register")
        daemon.expect("event=registered")
        port = server.port
        server.close()
        time.sleep(0.3)
        again = self.peer(port=port)
        daemon.process.send_signal(signal.SIGUSR1)
        again.wait(lambda: again.registers, what="the Register after 4.04")
        self.assertEqual(again.read("/3/0/0").payload, b"ACME")

    def test_new_address_is_told(self):
        server, daemon = self.registered()
        before = server.client
        daemon.process.send_signal(signal.SIGUSR1)
        server.wait(lambda: server.updates, what="the Update")
        self.assertNotEqual(server.client, before)
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")

    def test_term_ends_at_once_and_keeps_the_registration(self):
        server, daemon = self.registered()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(server.deregisters, [])

    def test_term_deregisters_when_configured(self):
        server, daemon = self.registered(device="deregister_on_exit = yes")
        daemon.process.terminate()
        server.wait(lambda: server.deregisters, what="the De-register")
        self.assertEqual(daemon.process.wait(10), 0)

    def test_stop_waits_for_a_silent_server_without_work(self):
        """values that are due meanwhile are not sent, and not looked at again and again"""
        server, daemon = self.registered(device="deregister_on_exit = yes",
                                         section="mute_send = no\n[send]\npaths = /3/0/13\nevery = 1\n")
        server.wait(lambda: any(m.path == "/dp" for m in server.updates), what="a Send")
        daemon.process.terminate()
        daemon.expect("event=stopping")
        before = daemon.cpu_s()
        time.sleep(3)
        self.assertIsNone(daemon.process.poll(), "it still waits for the answer")
        self.assertLess(daemon.cpu_s() - before, 0.5)

    def test_reload_takes_a_good_configuration_only(self):
        server, daemon = self.registered()
        good = daemon.config.read_text()
        daemon.config.write_text(good + "nonsense = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect(r"event=reload-failed cause=.*unknown key 'nonsense'")
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")
        daemon.config.write_text(good.replace("ACME", "Other").replace("lifetime = 60", "lifetime = 70"))
        daemon.process.send_signal(signal.SIGHUP)
        server.wait(lambda: server.updates, what="the Update after the reload")
        self.assertEqual(server.updates[-1].queries, ["lt=70"])
        self.assertEqual(server.read("/3/0/0").payload, b"Other")
        self.assertEqual(len(server.registers), 1)


class Trouble(Case):
    def test_damaged_state_registers_anew(self):
        server, daemon = self.registered()
        daemon.kill()
        state = self.folder / "state/client"
        state.write_bytes(state.read_bytes()[:-3])
        daemon.start()
        daemon.expect("event=state-damaged")
        server.wait(lambda: len(server.registers) == 2, what="the new Register")
        self.assertTrue((self.folder / "state/client.damaged").exists())

    def test_full_disk_refuses_writes_until_there_is_room(self):
        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

        server = self.peer()
        config = self.config(server)
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        path = self.folder / "device.conf"
        path.write_text(config)
        process = subprocess.Popen([TESSERAD, "--config", str(path)], stderr=write_end, preexec_fn=no_room)
        os.close(write_end)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        server.wait(lambda: server.registers, what="the Register")
        self.assertEqual(server.write("/3311/0/5851", "30").dotted, "5.00")
        self.assertEqual(server.read("/3311/0/5851").payload, b"100")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(server.write("/3311/0/5851", "30").dotted, "2.04")
        log = os.read(read_end, 65536).decode()
        self.assertRegex(log, 'event=save-failed directory=.* cause="File too large" remedy=')

    def test_junk_on_the_wire_is_survived(self):
        server, daemon = self.registered()
        for n in range(300):
            server.socket.sendto(os.urandom(n % 64), server.client)
        self.assertEqual(server.read("/3/0/0").payload, b"ACME")
        self.assertIsNone(daemon.process.poll())

    def test_configuration_errors_end_with_2(self):
        path = self.folder / "bad.conf"
        path.write_text("[device]\nendpoint = x\nstat = y\n")
        for words in (["--check-config"], []):
            done = subprocess.run([TESSERAD, "--config", str(path), *words], capture_output=True, text=True, timeout=10)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{path}:3: unknown key 'stat' in [device]; known are: endpoint", done.stderr)
        path.write_text("[device]\nendpoint = x\nstate = y\n[server 1]\nuri = coap://localhost\n")
        done = subprocess.run([TESSERAD, "--config", str(path), "--check-config"], capture_output=True, text=True,
                              timeout=10)
        self.assertEqual((done.returncode, done.stdout), (0, f"{path}: good, 1 server\n"))

    def test_state_directory_that_cannot_be_had(self):
        server = self.peer()
        config = self.config(server).replace(f"{self.folder}/state", f"{self.folder}/none/state")
        daemon = self.daemon(config)
        self.assertEqual(daemon.process.wait(10), 1)
        daemon.expect('event=state-directory path=.* cause="No such file or directory" remedy=')


@unittest.skipUnless(COAP_SERVER, "coap-server-openssl is not installed")
class Keys(Case):
    """libcoap's server ends the handshake; it knows no /rd, so the answer to Register is 4.04."""

    KEY = "000102030405060708090a0b0c0d0e0f"

    def start(self, name, command, ready=None):
        log = open(self.folder / f"{name}.log", "ab")
        process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + 10
        while ready and ready not in (self.folder / f"{name}.log").read_text(errors="replace"):
            self.assertLess(time.monotonic(), end, f"{name} did not start")
            time.sleep(0.02)
        return process

    def start_secured(self):
        (self.folder / "secured.log").unlink(missing_ok=True)
        return self.start("secured", [SECURED, "--socket", str(self.folder / "s.sock"),
                                      "--store", str(self.folder / "keys")], "ready")

    def start_server(self):
        port = free_port(2)  # the second one is for DTLS
        self.start("server", [COAP_SERVER, "-A", "127.0.0.1", "-p", str(port), "-k", bytes.fromhex(self.KEY).hex()])
        time.sleep(0.3)
        return port + 1

    def secure_config(self, port):
        return (f"[device]\nendpoint = dev\nstate = {self.folder}/state\n[secured]\nsocket = {self.folder}/s.sock\n"
                f"[server 1]\nuri = coaps://127.0.0.1:{port}\nmode = psk\nidentity = dev\nkey = 5\nretry_timer = 1\n")

    def provision(self, config, key):
        path = self.folder / "device.conf"
        path.write_text(config)
        (self.folder / "key").write_text(key)
        return subprocess.run([TESSERAD, "provision", "--config", str(path), "--server", "1", "--key-file",
                               str(self.folder / "key")], capture_output=True, text=True, timeout=20)

    def test_key_goes_behind_the_wall_and_connects(self):
        secured = self.start_secured()
        # libcoap takes the key as text, so the text is the key
        key = bytes.fromhex(self.KEY).hex().encode()
        port = self.start_server()
        done = self.provision(self.secure_config(port), key.hex())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.folder / "key").exists())
        daemon = self.daemon(self.secure_config(port))
        daemon.expect("event=connected .*session=new")
        daemon.expect("event=register-failed .*code=4.04")
        for folder in (self.folder / "state", self.folder):
            for file in folder.glob("*"):
                with contextlib.suppress(FileNotFoundError):  # one that the daemon has renamed since
                    if file.is_file() and file.name != "server.log":
                        self.assertNotIn(key, file.read_bytes(), file)
        # the secure service dies and comes back: nobody has to help
        secured.kill()
        secured.wait()
        self.start_secured()
        daemon.expect("(?s)event=connected.*event=connected", 30)

    def test_session_goes_on_from_another_address(self):
        """OpenSSL, which has no Connection IDs, knows it by its session ID (RFC 5246, section 7.4.1.2)."""
        self.start_secured()
        port = self.start_server()
        self.provision(self.secure_config(port), bytes.fromhex(self.KEY).hex().encode().hex())
        daemon = self.daemon(self.secure_config(port) + "retry_count = 100\n")
        daemon.expect("event=connected .*session=new")
        daemon.expect("event=register-failed .*code=4.04")
        for _ in range(2):
            before = daemon.text().count("session=resumed")
            daemon.process.send_signal(signal.SIGUSR1)
            daemon.expect("(?s)" + "session=resumed.*" * (before + 1), 30)
        self.assertEqual(daemon.text().count("session=new"), 1)

    def test_secure_service_that_comes_late(self):
        port = self.start_server()
        daemon = self.daemon(self.secure_config(port))
        daemon.expect('event=disconnected server=1 cause="secure service not there"')
        self.start_secured()
        self.provision(self.secure_config(port), bytes.fromhex(self.KEY).hex().encode().hex())
        daemon.expect("event=connected", 30)

    def test_provision_says_what_is_wrong(self):
        port = free_port()
        done = self.provision(self.secure_config(port), self.KEY)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the secure service does not answer; start tessera-secured", done.stderr)
        self.assertTrue((self.folder / "key").exists())
        self.start_secured()
        for bad in ("0", "zz", "00" * 65, ""):
            done = self.provision(self.secure_config(port), bad)
            self.assertEqual(done.returncode, 1, bad)
            self.assertIn("; ", done.stderr)


if __name__ == "__main__":
    TESSERAD, SECURED = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
