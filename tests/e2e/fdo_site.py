# SPDX-License-Identifier: Apache-2.0
"""Real services of FDO and a real device, each a process that can be killed at any time: manufacturer and owner in one server,
the rendezvous server another, a relay before each."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

import lab
from fdo_relay import Relay

CONTENT = bytes(range(256)) * 300  # several messages of service info


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise lab.LabError(f"{words[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout.strip()


def write_keys(folder):
    """Once for all sites of a test: keys of a manufacturer and an owner, and an authority for devices."""
    for name in ("maker", "owner"):
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", folder / f"{name}.pem")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=devices", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")


class Server:
    """tessera-server with some of FDO's roles, on the same ports and database after each start."""

    def __init__(self, folder, name, *words):
        self.folder, self.name, self.words = folder, name, [str(w) for w in words]
        self.ports = [lab.free_port() for _ in range(4)]
        self.rest, self.lock, self.process = lab.Rest(self.ports[2]), threading.Lock(), None

    @property
    def fdo(self):
        return self.ports[3]

    def start(self):
        coap, coaps, http, fdo = (f"127.0.0.1:{port}" for port in self.ports)
        self.process = lab.Process(self.name, [
            lab.program("tessera-server"), "--coap", coap, "--coaps", coaps, "--http", http, "--shards", "1", "--data",
            str(self.folder / self.name), "--fdo", fdo, *self.words], self.folder / f"{self.name}.log",
            ready="tessera-server ready", timeout=60)

    def bounce(self):
        """kill -9, and up again."""
        with self.lock:
            self.process.kill()
            self.start()

    def get(self, path):
        with self.lock:
            status, body, _ = self.rest.get(path)
        if status != 200:
            raise lab.LabError(f"{path}: {status} {body}")
        return body

    def runs(self):
        """Protocols that are under way."""
        return int(re.search(rb"(?m)^tessera_fdo_runs (\d+)$", self.get("/metrics"))[1])


class Device:
    """tesserad and its secure service. `secured` is the program, with more options."""

    def __init__(self, folder, manufacturer, *lines, secured=("tessera-secured",)):
        self.folder, self.secured_words, self.lock = folder, secured, threading.RLock()
        self.root, self.config = folder / "root", folder / "device.conf"
        self.state, self.socket = folder / "device", folder / "secured.sock"
        for path in (folder, self.root):
            path.mkdir(exist_ok=True)
        folder.chmod(0o700)
        self.state.mkdir(mode=0o700)
        self.config.write_text("\n".join([
            "[device]", "endpoint = lamp", f"state = {self.state}", "model = lamp", "[secured]", f"socket = {self.socket}",
            "[log]", "level = debug", "[fdo]", f"manufacturer = {manufacturer}", "answer_time = 1", "retry_time = 1",
            f"root = {self.root}", *lines]) + "\n")
        self.daemon = self.secured = None

    def start_secured(self, env=None):
        name, *options = self.secured_words
        self.secured = lab.Process("secured", [lab.program(name), "--socket", str(self.socket), "--store",
                                               str(self.folder / "secure"), *options], self.folder / "secured.log", env=env)

    def wait_secured(self):
        self.secured.expect("event=ready", 60)

    def run_daemon(self):
        with self.lock:
            self.daemon = lab.Process("device", [lab.program("tesserad"), "--config", str(self.config)],
                                      self.folder / "device.log")

    def bounce(self):
        """kill -9, and up again."""
        with self.lock:
            self.daemon.kill()
            self.run_daemon()

    def log(self):
        path = self.folder / "device.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def ask(self, *words):
        return run(lab.program("tesserad"), "fdo", "--config", self.config, *words)

    def wait_end(self, timeout=60):
        """The daemon ends when it has been onboarded, for nobody gave it an account."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self.lock:
                if not self.daemon.alive():
                    return True
            time.sleep(0.02)
        return False

    def close(self):
        for process in (self.daemon, self.secured):
            if process:
                process.kill()


class Site:
    """Everything. `fault`: see fdo_relay; those that kill name their victim: maker, rendezvous, device."""

    def __init__(self, keys, fault=None, retry=1, retire=600):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-fdo-"))
        self.folder.chmod(0o700)
        at_rendezvous = fault is not None and 20 <= fault[1] < 60
        self.rendezvous = Server(self.folder, "rendezvous", "--fdo-roles", "rendezvous", "--fdo-any-owner", "--fdo-run-time", retire)
        self.before_rendezvous = Relay(self.rendezvous.fdo, fault if at_rendezvous else None, self.act)
        self.maker = Server(self.folder, "maker", "--fdo-roles", "manufacturer,owner", "--fdo-run-time", retire)
        self.before_maker = Relay(self.maker.fdo, None if at_rendezvous else fault, self.act)
        self.maker.words += [str(w) for w in (
            "--fdo-manufacturer-key", keys / "maker.pem", "--fdo-owner-key", keys / "owner.pem", "--fdo-device-ca",
            keys / "ca.pem", "--fdo-device-ca-key", keys / "ca.key", "--fdo-next-owner", "own", "--fdo-delay", retry,
            "--fdo-rendezvous", self.before_rendezvous.url, "--fdo-owner-place", self.before_maker.url)]
        self.relay = self.before_rendezvous if at_rendezvous else self.before_maker
        self.fault, self.devices = fault, []

    def start(self, plan=True):
        self.rendezvous.start()
        self.maker.start()
        if plan:
            steps = [{"module": "fdo.download", "name": "file", "text": CONTENT.hex()}]
            status, body, _ = self.maker.rest.call("PUT", "/fdo/plans/default", {"steps": steps})
            if status not in (200, 204):
                raise lab.LabError(f"the plan was refused: {status} {body}")

    def device(self, name="one", *lines, **more):
        self.devices.append(Device(self.folder / name, self.before_maker.url, *lines, **more))
        return self.devices[-1]

    def act(self):
        victim = self.fault[0].split("-")[0]
        {"maker": self.maker, "rendezvous": self.rendezvous, "device": self.devices[0] if self.devices else None}[victim].bounce()

    def inventory(self):
        """What the owner says of each GUID."""
        found, after = {}, ""
        while after is not None:
            page = self.maker.get("/fdo/devices" + (f"?cursor={after}" if after else ""))
            found.update((d["guid"], d) for d in page["items"])
            after = page["next"]
        return found

    def judge(self, device):
        """What is wrong with how it ended; nothing: an empty list."""
        wrong, guid, all_of_them = [], device.ask("--guid"), self.inventory()
        if device.ask() != "onboarded":
            wrong.append(f"the device is {device.ask()}")
        if (device.root / "file").exists() and (device.root / "file").read_text() != CONTENT.hex():
            wrong.append("its file is not the owner's")
        last = [d["guid"] for d in all_of_them.values() if d["state"] != "replaced"]
        if last != [guid]:
            wrong.append(f"it is {guid}, and the owner has {all_of_them}")
        for d in all_of_them.values():
            if d["state"] == "replaced" and d.get("replaced_by", d.get("made_again_as")) not in all_of_them:
                wrong.append(f"nothing follows {d}")
        for server, relay in ((self.maker, self.before_maker), (self.rendezvous, self.before_rendezvous)):
            if server.runs() > max(3, relay.left() + 2):
                wrong.append("runs that nobody is in any more")
        return wrong

    def close(self):
        for part in (self.before_maker, self.before_rendezvous, *self.devices):
            part.close()
        for server in (self.maker, self.rendezvous):
            if server.process:
                server.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
