# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the field, at the daemons: each is survived, said, and costs nothing that was kept."""
import http.client
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import unittest

import lab


def start_all(room, *server_options):
    key = lab.new_key()
    room.start_server(*server_options)
    room.credentials("dev1", "dev1", key)
    room.start_secured()
    room.start_device("dev1", f"coaps://127.0.0.1:{room.coaps}", key,
                      coap=("ack_timeout_ms = 500", "handshake_ms = 300"))
    room.wait_registered("dev1")
    return key


def reads(room, timeout=30):
    status, body, _ = room.rest.get(f"/devices/dev1/objects/3/0/13?timeout={timeout}", timeout=timeout + 10)
    return status == 200 or body


class Datagrams(unittest.TestCase):
    def test_malformed_datagrams_of_every_kind_leave_server_and_device_at_work(self):
        dice = random.Random(7)
        with lab.Lab() as room:
            start_all(room, "--allow-nosec")
            seeds = [bytes.fromhex(h) for h in (
                "4401123441424344b2726407", "40010001ff", "7f01000141", "4901000100", "400100010fff", "60450001",
                "16feff0000000000000000005001000044", "19fefd00010000000000010102030405060708000a" + "00" * 10,
                "17fefd0001000000000001001a" + "ab" * 26, "14fefd00000000000000010001" + "01")]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for _ in range(20_000):
                    data = bytearray(dice.choice(seeds))
                    for _ in range(dice.randrange(4)):
                        data[dice.randrange(len(data))] = dice.randrange(256)
                    if dice.random() < 0.2:
                        data += os.urandom(dice.randrange(1200))
                    port = dice.choice((room.coap, room.coaps, room.device_port_once))
                    s.sendto(data[:dice.randrange(1, len(data) + 1)], ("127.0.0.1", port))
            self.assertTrue(all(p.alive() for p in room.parts.values()))
            self.assertIs(reads(room), True)

    def test_replayed_and_reordered_records_change_nothing(self):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.credentials("dev1", "dev1", key)
            port = room.relay("relay", room.coaps, "--dup", "60", "--reorder", "40", "--seed", "3")
            room.start_secured()
            room.start_device("dev1", f"coaps://127.0.0.1:{port}", key)
            room.wait_registered("dev1", 60)
            for n in range(30):
                status, body, _ = room.rest.call("PUT", "/devices/dev1/objects/3311/0/5851?timeout=60", {"value": n},
                                                 timeout=70)
                self.assertEqual(status, 200, body)

            def writes():
                return room.parts["device"].text().count("operation=write-replace")

            room.wait(lambda: writes() >= 30, 20, "the last Write's line, which follows its answer")
            self.assertEqual(writes(), 30, "each Write was carried out once")


class Credentials(unittest.TestCase):
    def refuse(self, key, identity, words, stops=False):
        with lab.Lab() as room:
            right = lab.new_key()
            room.start_server()
            events = room.events()
            room.credentials("dev1", identity, right)
            room.start_secured()
            room.start_device("dev1", f"coaps://127.0.0.1:{room.coaps}", key or right)
            refused = events.wait(lambda e: e["type"] == "refused", 20, "the refusal")
            self.assertIn(words, refused["data"]["detail"])
            room.wait_device("disconnected", 20)
            self.assertIsNone(room.rest.device("dev1"))
            room.credentials("dev1", "dev1", key or right)
            if stops:
                # Alert 115 is one that a client must not answer with another try; SIGHUP is the remedy.
                self.assertIn("SIGHUP", room.wait_device("stopped", 20))
                room.parts["device"].popen.send_signal(signal.SIGHUP)
            room.wait_registered("dev1", 60)

    def test_wrong_psk_is_refused_and_said(self):
        self.refuse(lab.new_key(), "dev1", "key")

    def test_unknown_identity_is_refused_and_said(self):
        self.refuse(None, "somebody-else", "identity", stops=True)

    def test_endpoint_of_another_is_refused(self):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.credentials("dev2", "dev1", key)  # the identity belongs to dev2
            room.start_secured()
            room.start_device("dev1", f"coaps://127.0.0.1:{room.coaps}", key)
            room.wait_device("register-failed", 20)
            self.assertIsNone(room.rest.device("dev1"))


class Lifetime(unittest.TestCase):
    def test_expired_lifetime_ends_the_registration(self):
        with lab.Lab() as room:
            room.start_server("--allow-nosec")
            events = room.events()
            subprocess.run(["coap-client-notls", "-B", "3", "-m", "post", "-t", "40", "-e", "</3/0>",
                            f"coap://127.0.0.1:{room.coap}/rd?ep=brief&lwm2m=1.1&lt=2&b=U"], capture_output=True,
                           timeout=20)
            events.wait(lambda e: e["type"] == "registered", 20, "the registration")
            events.wait(lambda e: e["type"] == "expired", 20, "the expiry")
            self.assertIsNone(room.rest.device("brief"))


class Configuration(unittest.TestCase):
    def complain(self, text):
        with lab.Lab() as room:
            path = room.folder / "bad.conf"
            path.write_text(text)
            done = subprocess.run([lab.program("tesserad"), "--check-config", "--config", path], capture_output=True,
                                  text=True, timeout=20)
            self.assertNotEqual(done.returncode, 0)
            return done.stderr.replace(str(path), "bad.conf")

    def test_error_names_line_cause_and_remedy(self):
        said = self.complain("[device]\nendpoint = x\n\n[server 1]\nuri = coap://127.0.0.1:5683\nlifetme = 300\n")
        self.assertIn("bad.conf:6:", said)
        self.assertIn("lifetme", said)
        self.assertIn("lifetime", said, "the remedy names what may stand there")

    def test_bad_value_names_what_may_stand_there(self):
        said = self.complain("[device]\nendpoint = x\n[server 1]\nuri = http://example\nmode = magic\n")
        self.assertRegex(said, r"bad\.conf:[45]:")

    def test_server_refuses_a_bad_file(self):
        with lab.Lab() as room:
            path = room.folder / "server.conf"
            path.write_text("coap = 127.0.0.1:5683\nshards = many\n")
            done = subprocess.run([lab.program("tessera-server"), "--config", path, "--data", room.folder / "d"],
                                  capture_output=True, text=True, timeout=20)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("server.conf:2", done.stderr)
            self.assertIn("shards", done.stderr)


class SecureWorld(unittest.TestCase):
    def test_key_that_is_there_is_replaced_only_when_asked(self):
        with lab.Lab() as room:
            room.start_secured()
            room.provision(lab.new_key())
            with self.assertRaises(lab.LabError) as caught:
                room.provision(lab.new_key())
            self.assertIn("--replace", str(caught.exception))
            room.provision(lab.new_key(), "--replace")

    def test_device_waits_for_an_absent_secure_world(self):
        with lab.Lab() as room:
            key = start_all(room)
            del key
            room.parts["device"].stop()
            room.parts["secured"].stop()
            room.run_device()
            time.sleep(2)
            self.assertTrue(room.parts["device"].alive(), "it must wait, not end")
            room.start_secured()
            room.wait(lambda: reads(room, 5) is True, 60, "work after the secure world came back")

    def test_device_survives_the_death_of_its_secure_world(self):
        with lab.Lab() as room:
            start_all(room)
            for _ in range(5):
                room.parts["secured"].kill()
                time.sleep(0.2)
                room.start_secured()
                room.wait(lambda: reads(room, 5) is True, 60, "work after the secure world died")

    def test_damaged_store_is_refused_with_cause_and_remedy(self):
        with lab.Lab() as room:
            start_all(room)
            room.parts["device"].stop()
            room.parts["secured"].stop()
            store = room.folder / "secure" / "store.tsr"
            data = bytearray(store.read_bytes())
            hits = [i for i in range(len(data)) if data[i] not in (0, 0xff)]
            for i in hits[len(hits) // 3: len(hits) // 3 + 40]:
                data[i] ^= 0x55
            store.write_bytes(data)
            with self.assertRaises(lab.LabError) as caught:
                room.start_secured()
            said = str(caught.exception)
            self.assertIn(store.name, said)
            self.assertIn("--repair-store", said)


@unittest.skipUnless(os.geteuid() == 0, "a small file system must be mounted, which needs root")
class FullDisk(unittest.TestCase):
    def setUp(self):
        self.room = lab.Lab()
        self.disk = self.room.folder / "small"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "none", self.disk], check=True)

    def tearDown(self):
        for part in self.room.parts.values():
            part.kill()
        subprocess.run(["umount", self.disk], check=False)
        self.room.close()

    def test_server_says_so_and_recovers(self):
        room = self.room
        room.start("server", [lab.program("tessera-server"), "--coap", f"127.0.0.1:{room.coap}", "--coaps",
                              f"127.0.0.1:{room.coaps}", "--http", f"127.0.0.1:{room.http}", "--data",
                              self.disk / "server"], ready="tessera-server ready")
        kept, refused = [], 0
        filler = self.disk / "filler"
        for n in range(400):
            status, body, kind = room.rest.call("PUT", f"/credentials/c{n}", {
                "mode": "psk", "identity": f"c{n}-" + "x" * 80, "key": lab.new_key().hex()})
            if status in (200, 201, 204):
                kept.append(n)
            else:
                refused += 1
                self.assertEqual(status, 503, body)
                self.assertIn("problem+json", kind)
                break
            if n == 20:
                try:
                    with open(filler, "wb", buffering=0) as f:
                        while f.write(b"x" * 4096):
                            pass
                except OSError:
                    pass
        self.assertEqual(refused, 1, "the disk never became full")
        self.assertTrue(room.parts["server"].alive())
        filler.unlink()
        status, body, _ = room.rest.call("PUT", "/credentials/after", {
            "mode": "psk", "identity": "after", "key": lab.new_key().hex()})
        self.assertIn(status, (200, 201, 204), body)
        for n in kept:
            self.assertEqual(room.rest.get(f"/credentials/c{n}")[0], 200)


class Rest(unittest.TestCase):
    def test_nonsense_is_answered_with_a_problem(self):
        with lab.Lab() as room:
            start_all(room)
            cases = [
                ("GET", "/devices/nobody", None, 404), ("GET", "/nothing", None, 404),
                ("GET", "/devices/dev1/objects/70000", None, 404), ("GET", "/devices/dev1/objects/3/0/9999", None, 404),
                ("PATCH", "/devices/dev1", None, 405), ("PUT", "/devices/dev1/objects/3311/0/5850", "{", 400),
                ("PUT", "/devices/dev1/objects/3311/0/5850", '{"value": "blue"}', 422),
                ("PUT", "/devices/dev1/objects/3311/0/5851", '{"value": 1.5}', 422),
                ("PUT", "/credentials/x", '{"mode": "psk", "identity": "x", "key": "zz"}', 422),
                ("PUT", "/devices/dev1/objects/3311/0/5850", "x" * 3_000_000, 413),
            ]
            for method, path, body, expected in cases:
                try:
                    status, answer, kind = room.rest.raw(method, path, body, headers={"Content-Type": "application/json"})
                except (BrokenPipeError, ConnectionResetError, http.client.HTTPException):
                    self.assertEqual(expected, 413)  # it may hang up on an oversized body while we still send
                    continue
                self.assertEqual(status, expected, f"{method} {path}: {answer}")
                self.assertIn("problem+json", kind)
                self.assertTrue(answer["title"] and answer["detail"], answer)
            self.assertIs(reads(room), True)


class Address(unittest.TestCase):
    def test_changed_address_needs_no_handshake(self):
        with lab.Lab() as room:
            key = lab.new_key()
            room.start_server()
            room.credentials("dev1", "dev1", key)
            port = room.relay("still", room.coaps)
            room.start_secured()
            room.start_device("dev1", f"coaps://127.0.0.1:{port}", key)
            room.wait_registered("dev1")
            for path, body in (("objects/3/0/13/attributes", {"pmin": 1, "pmax": 1}), ("observations/3/0/13", {})):
                status, answer, _ = room.rest.call("PUT", f"/devices/dev1/{path}", body)
                self.assertEqual(status, 200, answer)
            room.parts["still"].stop()  # from here on the device speaks each second, and the server learns where it is
            room.relay("moving", room.coaps, "--rebind-every", "2", port=port)
            addresses = set()
            for _ in range(20):
                addresses.add(room.rest.device("dev1")["address"])
                time.sleep(0.5)
            self.assertGreaterEqual(len(addresses), 3, addresses)
            connected = [x for x in room.parts["device"].text().splitlines() if "event=connected" in x]
            self.assertEqual(len(connected), 1, connected)
            self.assertIs(reads(room), True)


class Restart(unittest.TestCase):
    def test_observation_survives_restarts_of_server_and_device(self):
        with lab.Lab() as room:
            start_all(room)
            status, body, _ = room.rest.call("PUT", "/devices/dev1/objects/3/0/13/attributes", {"pmin": 1, "pmax": 2})
            self.assertEqual(status, 200, body)
            status, body, _ = room.rest.call("PUT", "/devices/dev1/observations/3/0/13", {})
            self.assertEqual(status, 200, body)
            for victim, again in (("server", room.start_server), ("device", room.run_device)):
                room.parts[victim].kill()
                again()
                events = room.events()
                events.wait(lambda e: e["type"] == "notification", 30, f"a notification after the {victim}'s restart")
                events.close()

    def test_events_resume_by_last_event_id_over_a_restart(self):
        with lab.Lab() as room:
            start_all(room)
            events = room.events()
            reads(room)
            last = events.wait(lambda e: e["type"] == "response", 20, "the answer")["id"]
            events.close()
            reads(room)
            room.parts["server"].stop()
            room.start_server()
            later = lab.Events(room.http, last)
            room.followers.append(later)
            first = later.wait(lambda e: True, 20, "the next event")
            self.assertEqual(first["id"], last + 1, "nothing between them is lost")


if __name__ == "__main__":
    unittest.main()
