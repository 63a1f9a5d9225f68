# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` gives is enough to be a device: the examples, built outside the tree with pkg-config and
with CMake, at a real server, over coap and over coaps with the key in a real tessera-secured."""
import signal
import unittest

import lab
import outside


class Room(lab.Lab):
    """One example at a server; `secure` puts its key behind the wall."""

    def __init__(self, example, way="pkg-config", secure=False, words=()):
        super().__init__()
        self.name, self.secure = f"example-{example}", secure
        self.start_server("--allow-nosec")
        self.seen = self.events()
        port, more = self.coap, []
        if secure:
            port, key = self.coaps, lab.new_key()
            self.start_secured()
            self.credentials(self.name, self.name, key)
            (self.folder / "key").write_text(key.hex())
            more = ["--secured", self.socket, "--key-file", self.folder / "key"]
        uri = f"coap{'s' if secure else ''}://127.0.0.1:{port}"
        self.command = [outside.programs(way)[example], "--server", uri, "--state", self.folder / "state", *more,
                        *(str(self.folder / w) if "." in w else w for w in words)]
        self.run_example()

    def run_example(self):
        self.example = self.start("example", self.command, env=outside.environment())
        self.wait_registered(self.name)

    def ask(self, method, path, body=None):
        status, answer, _ = self.rest.call(method, f"/devices/{self.name}/{path}", body)
        return status, answer

    def read(self, path):
        status, answer = self.ask("GET", f"objects{path}")
        if status != 200:
            raise lab.LabError(f"{path}: {status} {answer}")
        return {v["path"]: v["value"] for v in answer["values"]}

    def notification(self, path, value):
        return self.seen.wait(lambda e: e["type"] in ("notification", "observing") and any(
            v["path"] == path and v["value"] == value for v in e["data"]["values"]), 30, f"{path} = {value}")


class Examples(unittest.TestCase):
    def test_each_is_shorter_than_100_lines(self):
        for name in outside.EXAMPLES:
            lines = (lab.ROOT / f"examples/{name}.c").read_text().count("\n")
            self.assertLess(lines, 100, name)

    def test_headers_each_stand_alone(self):
        include = outside.prefix() / "include/tessera"
        headers = sorted(str(h.relative_to(include)) for h in include.rglob("*.h"))
        self.assertIn("tessera/lwm2m/client.h", headers)
        self.assertFalse([h for h in headers if h.endswith(("internal.h", "_impl.h"))])
        text = "".join(f"#include <{h}>\n" for h in headers)
        outside.run("cc", "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-",
                    *outside.pkg_config("--cflags"), input=text)
        for header in headers:
            outside.run("cc", "-std=c11", "-fsyntax-only", "-x", "c", "-", *outside.pkg_config("--cflags"),
                        input=f"#include <{header}>\n#include <{header}>\n")

    def test_tables_of_an_own_definition(self):
        out = outside.prefix().parent / "tables"
        out.mkdir()
        outside.run(outside.one("tessera-objects"), "--device", out, lab.ROOT / "third_party/oma/3308.xml")
        self.assertIn("TSR_LWM2M_3308_INFO", (out / "lwm2m_objects.h").read_text())

    def sensor(self, way, secure):
        with Room("sensor", way, secure, ["degrees.txt"]) as room:
            degrees = room.folder / "degrees.txt"
            status, _ = room.ask("GET", "objects/3303/0/5700")
            self.assertEqual(status, 404, "nothing was measured yet")
            outside.put(degrees, "21500\n")
            room.wait(lambda: room.ask("GET", "objects/3303/0/5700")[0] == 200, 20, "a measurement")
            values = room.read("/3303/0")
            self.assertEqual((values["/3303/0/5700"], values["/3303/0/5701"]), (21.5, "Cel"))
            self.assertEqual(room.read("/3/0/1"), {"/3/0/1": "Thermometer"})
            self.assertEqual(room.ask("PUT", "observations/3303/0/5700", {})[0], 200)
            outside.put(degrees, "22250\n")
            room.notification("/3303/0/5700", 22.25)
            room.example.kill()  # and the state directory brings it back, observation and all
            room.example = room.start("example", room.command, env=outside.environment())
            outside.put(degrees, "-3500\n")
            room.notification("/3303/0/5700", -3.5)
            self.assertEqual(room.example.stop(), 0)
            self.assertIsNone(room.rest.device(room.name), "it said good-bye")

    def test_sensor_by_pkg_config_without_security(self):
        self.sensor("pkg-config", False)

    def test_sensor_by_cmake_with_a_key(self):
        self.sensor("cmake", True)

    def actuator(self, way, secure):
        with Room("actuator", way, secure, ["lamp.txt"]) as room:
            lamp = room.folder / "lamp.txt"
            self.assertEqual(lamp.read_text(), "off 100\n")
            self.assertEqual(room.ask("PUT", "objects/3311/0/5850", {"value": True})[0], 200)
            self.assertEqual(lamp.read_text(), "on 100\n", "done before it was acknowledged")
            self.assertEqual(room.ask("PUT", "objects/3311/0/5851", {"value": 40})[0], 200)
            self.assertEqual(lamp.read_text(), "on 40\n")
            status, answer = room.ask("PUT", "objects/3311/0/5851", {"value": 101})
            self.assertNotEqual(status, 200, answer)
            self.assertEqual(lamp.read_text(), "on 40\n")
            self.assertEqual(room.ask("PUT", "observations/3311/0/5850", {})[0], 200)
            room.example.popen.send_signal(signal.SIGUSR1)  # the switch on the device
            room.notification("/3311/0/5850", False)
            self.assertEqual(lamp.read_text(), "off 40\n")
            self.assertEqual(room.example.stop(), 0)

    def test_actuator_by_cmake_without_security(self):
        self.actuator("cmake", False)

    def test_actuator_by_pkg_config_with_a_key(self):
        self.actuator("pkg-config", True)

    def custom(self, way, secure):
        with Room("custom", way, secure, ["/"]) as room:
            values = room.read("/26241/0")
            self.assertEqual(values["/26241/0/0"], "/")
            self.assertGreater(values["/26241/0/1"], values["/26241/0/2"])
            self.assertEqual(room.ask("PUT", "objects/26241/0/0", {"value": "/proc", "type": "string"})[0], 200)
            self.assertEqual(room.read("/26241/0/1"), {"/26241/0/1": 0})
            status, answer = room.ask("PUT", "objects/26241/0/0", {"value": "/no/such/path", "type": "string"})
            self.assertNotEqual(status, 200, answer)
            self.assertEqual(room.read("/26241/0/0"), {"/26241/0/0": "/proc"}, "a refused write changes nothing")
            self.assertEqual(room.ask("POST", "objects/26241/0/3/execute", {})[0], 200)
            self.assertEqual(room.example.stop(), 0)

    def test_custom_object_by_pkg_config_without_security(self):
        self.custom("pkg-config", False)

    def test_custom_object_by_cmake_with_a_key(self):
        self.custom("cmake", True)

    def test_says_what_is_wrong(self):
        done = lab.subprocess.run([outside.programs("cmake")["sensor"]], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--server is missing", done.stderr)
        done = lab.subprocess.run([outside.programs("cmake")["sensor"], "--server", "http://x"], capture_output=True,
                                  text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("coap://host", done.stderr)
        done = lab.subprocess.run([outside.programs("cmake")["sensor"], "--server", "coaps://127.0.0.1", "--key-file",
                                   "/no/such/file"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("hexadecimal digits", done.stderr)


if __name__ == "__main__":
    unittest.main()
