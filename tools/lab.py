# SPDX-License-Identifier: Apache-2.0
"""Starts the parts of Tessera as processes on loopback, for the demo and the process-level tests.

    with Lab() as lab:
        lab.start_server(); lab.start_secured(); lab.provision("dev1"); lab.start_device("dev1")
        lab.wait_registered("dev1")

Everything a lab starts is ended by process id when it closes, whatever happened.
"""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TESSERA_BUILD", ROOT / "build/release"))


class LabError(Exception):
    """A part did not do what it should; the text names the part and where its log is."""


def program(name):
    path = BUILD / "bin" / name
    if not path.exists():
        raise LabError(f"{path} is not built; run cmake --build --preset release")
    return str(path)


class Process:
    """A child with its log in a file."""

    def __init__(self, name, command, log, ready=None, timeout=20, env=None, user=None):
        self.name, self.log = name, pathlib.Path(log)
        self.seen = self.log.stat().st_size if self.log.exists() else 0
        self.out = open(self.log, "ab")
        self.popen = subprocess.Popen(command, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL,
                                      env={**os.environ, **(env or {})}, user=user, start_new_session=True)
        if ready:
            self.expect(ready, timeout)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def expect(self, words, timeout=20):
        """Waits until the log of this start holds the words."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            alive = self.alive()  # before its last words are read
            with open(self.log, "rb") as f:
                f.seek(self.seen)
                if words.encode() in f.read():
                    return
            if not alive:
                break
            time.sleep(0.02)
        state = "is running" if self.alive() else f"ended with {self.popen.returncode}"
        raise LabError(f"{self.name} {state} and did not say '{words}' in {timeout} s; its log:\n{self.text()[-2000:]}")

    def kill(self):
        """kill -9, at once."""
        if self.alive():
            self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()
        self.out.close()

    def stop(self, timeout=40):
        """SIGTERM; returns the exit code."""
        if self.alive():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise LabError(f"{self.name} did not end within {timeout} s of SIGTERM") from None
        self.out.close()
        return self.popen.returncode


class Rest:
    """The server's REST API, as a program would use it."""

    def __init__(self, port):
        self.port = port

    def call(self, method, path, body=None, timeout=60, headers=None):
        """Returns (status, decoded body, content type)."""
        data = None if body is None else json.dumps(body)
        return self.raw(method, path, data, timeout, {"Content-Type": "application/json", **(headers or {})})

    def raw(self, method, path, data=None, timeout=60, headers=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            link.request(method, "/api/v1" + path, data, headers or {})
            answer = link.getresponse()
            text = answer.read()
            kind = answer.getheader("Content-Type", "")
            return answer.status, json.loads(text) if "json" in kind and text else text, kind
        finally:
            link.close()

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def device(self, endpoint):
        status, body, _ = self.get("/devices/" + urllib.parse.quote(endpoint, safe=""))
        return body if status == 200 else None


class Events(threading.Thread):
    """Follows the server-sent events; keeps every one as a dict with its id."""

    def __init__(self, port, last_id=None):
        super().__init__(daemon=True)
        self.port, self.last_id, self.seen, self.closing = port, last_id, [], False
        self.changed, self.connected = threading.Condition(), threading.Event()
        self.start()
        if not self.connected.wait(20):
            raise LabError("the server's event stream did not open within 20 s")

    def run(self):
        while not self.closing:
            try:
                self.follow()
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)

    def follow(self):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        link.request("GET", "/api/v1/events", headers=headers)
        answer = link.getresponse()
        self.connected.set()  # from here on nothing that happens is missed
        event = {}
        for line in iter(answer.readline, b""):
            if self.closing:
                return
            name, _, value = line.decode().rstrip("\r\n").partition(":")
            if line.strip():
                if name:
                    event[name] = event.get(name, "") + value.removeprefix(" ")
                continue
            if "data" in event:
                self.keep(event)
            event = {}

    def keep(self, event):
        with self.changed:
            if "id" in event:
                self.last_id = int(event["id"])
            self.seen.append({"id": int(event.get("id", 0)), "type": event.get("event", "message"),
                              "data": json.loads(event["data"])})
            self.changed.notify_all()

    def wait(self, good, timeout=30, what="an event"):
        """The first event for which good(event) holds, past or to come."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for event in self.seen:
                    if good(event):
                        return event
                left = end - time.monotonic()
                if left <= 0:
                    raise LabError(f"the server's events did not show {what} in {timeout} s; "
                                   f"the last ones: {self.seen[-5:]}")
                self.changed.wait(left)

    def close(self):
        self.closing = True


DEVICE_LINES = ("manufacturer = Tessera", "model = Light on Linux", "deregister_on_exit = yes")


class Lab:
    """A folder, ports and processes of one run."""

    def __init__(self, folder=None, keep=False):
        self.keep = keep
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="tessera-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o700)
        self.coap, self.coaps = free_port(), free_port()
        self.http = free_port()
        self.rest = Rest(self.http)
        self.parts, self.keys, self.followers = {}, {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for follower in self.followers:
            follower.close()
        for part in list(self.parts.values()):
            if part.alive():
                part.kill()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, name):
        return self.folder / f"{name}.log"

    def start(self, name, command, **more):
        self.parts[name] = Process(name, [str(c) for c in command], self.log(name), **more)
        return self.parts[name]

    # The server

    def start_server(self, *extra):
        return self.start("server", [
            program("tessera-server"), "--coap", f"127.0.0.1:{self.coap}", "--coaps", f"127.0.0.1:{self.coaps}",
            "--http", f"127.0.0.1:{self.http}", "--data", self.folder / "server", *extra], ready="tessera-server ready")

    def events(self):
        follower = Events(self.http)
        self.followers.append(follower)
        return follower

    def credentials(self, endpoint, identity, key):
        status, body, _ = self.rest.call("PUT", f"/credentials/{endpoint}", {
            "mode": "psk", "identity": identity, "key": key.hex()})
        if status not in (200, 201, 204):
            raise LabError(f"the server refused the credentials of {endpoint}: {status} {body}")

    def oscore(self, endpoint, device_id, server_id, secret, salt=None):
        """Gives the server what protects the messages of that endpoint; all in hexadecimal digits."""
        more = {"salt": salt} if salt else {}
        status, body, _ = self.rest.call("PUT", f"/credentials/{endpoint}", {
            "mode": "oscore", "device_id": device_id, "server_id": server_id, "key": secret, **more})
        if status != 200:
            raise LabError(f"the credential was refused: {status} {body}")
        return body

    # The device: its secure world, its key, its daemon

    @property
    def socket(self):
        return self.folder / "secured.sock"

    def start_secured(self, *extra):
        return self.start("secured", [program("tessera-secured"), "--socket", self.socket,
                                      "--store", self.folder / "secure", *extra], ready="event=ready")

    key_id = 1

    @property
    def device_config(self):
        return self.folder / "device.conf"

    @property
    def device_state(self):
        return self.folder / "device"

    def configure_device(self, endpoint, uri, secure, *server_lines, coap=(), device=DEVICE_LINES):
        """Writes the daemon's configuration; further lines go to the section that their argument names."""
        lines = ["[device]", f"endpoint = {endpoint}", f"state = {self.device_state}", *device,
                 "[secured]", f"socket = {self.socket}", "[log]", "level = debug", "[coap]", *coap,
                 "[server 1]", f"uri = {uri}", f"mode = {'psk' if secure else 'nosec'}"]
        if secure:
            lines += [f"identity = {endpoint}", f"key = {self.key_id}"]
        lines += ["lifetime = 300", "retry_timer = 1", "retry_count = 100", *server_lines, "[light 0]",
                  f"file = {self.folder / 'light'}"]
        self.device_config.write_text("\n".join(lines) + "\n")
        self.device_state.mkdir(mode=0o700, exist_ok=True)

    def configure_blank(self, endpoint, uri, *bootstrap_lines, device=DEVICE_LINES):
        """A device that knows its bootstrap server and nobody else."""
        lines = ["[device]", f"endpoint = {endpoint}", f"state = {self.device_state}", *device,
                 "[secured]", f"socket = {self.socket}", "[log]", "level = debug", "[bootstrap]", f"uri = {uri}",
                 "retry_timer = 1", *bootstrap_lines]
        self.device_config.write_text("\n".join(lines) + "\n")
        self.device_state.mkdir(mode=0o700, exist_ok=True)

    def provision(self, key, *options):
        """Brings the key behind the wall by way of a file that the daemon's tool removes."""
        if not self.device_config.exists():
            self.configure_device("provisioning", f"coaps://127.0.0.1:{self.coaps}", True)
        path = self.folder / "key"
        path.write_text(key.hex())
        path.chmod(0o600)
        whose = () if "--bootstrap" in options else ("--server", "1")
        done = subprocess.run([program("tesserad"), "provision", *whose, "--config", self.device_config,
                               "--key-file", path, *options], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise LabError(f"the key could not be provisioned: {done.stderr}")
        if path.exists():
            raise LabError("the key file is still there after provisioning")

    def start_device(self, endpoint, uri, key=None, provisioned=False, **more):
        """Configures, provisions if need be, and starts the daemon."""
        self.configure_device(endpoint, uri, bool(key or provisioned), **more)
        if key and not provisioned:
            self.provision(key)
        return self.run_device()

    def run_device(self):
        return self.start("device", [program("tesserad"), "--config", self.device_config])

    def wait_device(self, event, timeout=30, start=None, **fields):
        """The first line that the daemon logged of an event since it started (or since `start` bytes)."""
        part = self.parts["device"]

        def look():
            alive = part.alive()  # before its last words are read
            with open(part.log, "rb") as f:
                f.seek(part.seen if start is None else start)
                for line in f.read().decode(errors="replace").splitlines():
                    if f"event={event}" in line.split() and all(
                            f"{k}={v}" in line.split() for k, v in fields.items()):
                        return line.split(" ", 2)[2]
            if not alive:
                raise LabError(f"the device ended with {part.popen.returncode}; its log:\n{part.text()[-2000:]}")
            return None
        return self.wait(look, timeout, f"the device's event {event} {fields or ''}")

    @property
    def device_port_once(self):
        """device_port(), looked up once for each start of the daemon."""
        if getattr(self, "port_of", (None, 0))[0] != self.parts["device"].pid:
            self.port_of = (self.parts["device"].pid, self.device_port())
        return self.port_of[1]

    def device_port(self):
        """The local UDP port of the daemon's socket, from /proc."""
        inodes = set()
        for fd in pathlib.Path(f"/proc/{self.parts['device'].pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # one that the daemon has closed since
                kind, _, inode = os.readlink(fd).partition(":")
                inodes |= {inode[1:-1]} if kind == "socket" else set()
        for table in ("udp", "udp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                cells = line.split()
                if cells[9] in inodes:
                    return int(cells[1].split(":")[1], 16)
        raise LabError("the daemon has no UDP socket")

    def relay(self, name, to, *options, port=None):
        """A lossy relay before a UDP port; returns the port to use instead."""
        port = port or free_port()
        self.start(name, [program("lossy-relay"), "--listen", f"127.0.0.1:{port}", "--to", f"127.0.0.1:{to}",
                          *options], ready="lossy-relay: ready")
        return port

    # The device as it is delivered: the daemon comes out of a signed slot, started by the launcher

    vendor, device_class, component = "example.com", "light", "light"

    @property
    def update(self):
        return self.folder / "update"

    def package_tool(self, *words, good=True):
        done = subprocess.run([program("tessera"), "package", *map(str, words)], capture_output=True, text=True,
                              timeout=60)
        if good and done.returncode != 0:
            raise LabError(f"tessera package {words[0]} ended with {done.returncode}: {done.stderr}")
        return done

    def signing_key(self, name="maker"):
        """A key pair in files; returns the private one's path."""
        path = self.folder / f"{name}.pem"
        if not path.exists():
            self.package_tool("keygen", "--out", path, "--public", path.with_suffix(".pub"))
        return path

    def update_key(self, name="class"):
        """A key that images are encrypted to, in a file."""
        path = self.folder / f"{name}.hex"
        if not path.exists():
            self.package_tool("keygen", "--symmetric", "--out", path)
        return path

    def package(self, version, sequence, daemon=None, key=None, layout="integrated", **ids):
        """A package whose bundle holds the program `daemon` (bytes or a path; the built tesserad unless told)."""
        daemon = daemon if daemon is not None else program("tesserad")
        tree = pathlib.Path(tempfile.mkdtemp(dir=self.folder, prefix="bundle-"))
        (tree / "bin").mkdir()
        content = daemon if isinstance(daemon, bytes) else pathlib.Path(daemon).read_bytes()
        (tree / "bin/tesserad").write_bytes(content)
        (tree / "bin/tesserad").chmod(0o755)
        return self.signed(tree, tree, version, sequence, key, layout, **ids)

    def signed(self, bundle, beside, version, sequence, key=None, layout="integrated", **ids):
        """Makes a bundle of the folder `bundle` and signs it; returns the path of the package, which is in `beside`."""
        image, path = beside / "image", beside / "package"
        self.package_tool("make", bundle, "--out", image)
        self.package_tool("sign", image, "--key", key or self.signing_key(), "--out", path,
                          "--vendor", ids.get("vendor", self.vendor), "--class", ids.get("device_class", self.device_class),
                          "--component", ids.get("component", self.component), "--sequence", sequence,
                          "--version", version, "--layout", layout,
                          *(("--encrypt-to", ids["encrypt_to"]) if "encrypt_to" in ids else ()))
        return path

    def software(self, program, version, sequence, name="start", more=b"", **ids):
        """A package of software beside the firmware (object 9): a bundle with one program, the text of a script."""
        tree = pathlib.Path(tempfile.mkdtemp(dir=self.folder, prefix="software-"))
        (tree / "bundle").mkdir()
        (tree / "bundle" / name).write_text(program)
        (tree / "bundle" / name).chmod(0o755)
        if more:
            (tree / "bundle/more").write_bytes(more)
        return self.signed(tree / "bundle", tree, version, sequence, **{"component": "hello", **ids})

    def software_lines(self):
        """The daemon's section [software]: a folder, and whose software may come there."""
        vendor = uuid.uuid5(uuid.NAMESPACE_DNS, self.vendor)
        return ("[software]", f"directory = {self.folder / 'software'}", f"vendor = {vendor}", "instances = 1",
                f"class = {uuid.uuid5(vendor, self.device_class)}", f"anchor = {self.signing_key().with_suffix('.pub')}")

    slot_size = None  # bytes; None: as it is without a word
    implementation = "7e55e4a0" * 8  # which hardware and root of trust: the maker's number

    def factory(self, *options, updaters=(os.geteuid(),)):
        """Provisions the device's secure world for the field; returns the record for the manufacturer.

        `updaters` are the users whose programs may call the update service."""
        vendor, conf = uuid.uuid5(uuid.NAMESPACE_DNS, self.vendor), self.folder / "update.conf"
        conf.write_text("\n".join([
            f"component {self.component}", f"vendor {vendor}", f"class {uuid.uuid5(vendor, self.device_class)}",
            f"anchor {self.signing_key().with_suffix('.pub').name}",
            *([f"size {self.slot_size}"] if self.slot_size else []),
            *(f"client {-1 - uid}" for uid in dict.fromkeys(updaters))]) + "\n")
        done = subprocess.run([program("tessera-factory"), "--store", self.folder / "secure", "--update", conf,
                               "--slots", self.update, "--record", self.record,
                               "--implementation", self.implementation, *map(str, options)],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise LabError(f"tessera-factory ended with {done.returncode}: {done.stderr}")
        return json.loads(self.record.read_text())

    @property
    def record(self):
        return self.folder / "record.json"

    def install_factory(self, package):
        """The first version, as the factory leaves it in slot a."""
        slot = self.update / "slots" / self.component
        slot.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package, slot / "a.img")
        (slot / "a.img").chmod(0o600)

    def configure_boot(self, trial=20, stop=3, secured=(), users=("", "")):
        path = self.folder / "boot.conf"
        path.write_text("\n".join([
            "[boot]", f"store = {self.folder / 'secure'}", f"slots = {self.update}", f"trial = {trial}",
            f"stop = {stop}", "backoff_ms = 100", "backoff_max_ms = 1000",
            "[secured]", f"program = {program('tessera-secured')}", f"socket = {self.socket}",
            f"user = {users[0]}", *(f"option = {o}" for o in secured),
            "[daemon]", f"config = {self.device_config}", f"user = {users[1]}"]) + "\n")
        return path

    def start_boot(self, **more):
        """The launcher, its tessera-secured and its daemon; all three log as the part `device`."""
        return self.start("device", [program("tessera-boot"), "--config", self.configure_boot(**more)])

    def boot_pid(self, event="daemon-started"):
        """The process id that the launcher named last: daemon-started or secured-ready; None: not yet."""
        found = re.findall(rf"event={event} pid=(\d+)", self.parts["device"].text())
        return int(found[-1]) if found else None

    def fwu(self, *words, good=True):
        """tessera-fwu on the device; query gives its decoded answer."""
        command = [program("tessera-fwu"), "--socket", self.socket, *map(str, words)]
        done = subprocess.run(command + (["--json"] if words[0] == "query" else []), capture_output=True, text=True,
                              timeout=60)
        if good and done.returncode != 0:
            raise LabError(f"tessera-fwu {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout) if words[0] == "query" and done.returncode == 0 else done

    def wait(self, good, timeout=30, what="it"):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            value = good()
            if value:
                return value
            time.sleep(0.05)
        raise LabError(f"{what} did not happen within {timeout} s")

    def wait_registered(self, endpoint, timeout=30):
        return self.wait(lambda: self.rest.device(endpoint), timeout, f"the registration of {endpoint}")


def process_runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def new_key():
    return secrets.token_bytes(16)


def search_process(pid, needle):
    """Reads all memory of a process; returns (bytes read, addresses where the needle is)."""
    total, found = 0, []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *_, name = line.split(maxsplit=5) if line.count(" ") > 5 else (*line.split(), "")
            if not rights.startswith("r") or "[v" in name:
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                memory.seek(start)
                block = memory.read(end - start)
            except (OSError, ValueError):
                continue
            total += len(block)
            at = block.find(needle)
            while at >= 0:
                found.append(hex(start + at))
                at = block.find(needle, at + 1)
    return total, found


def search_files(folder, needle):
    """The files below a folder that hold the needle, raw, in hex or in Base64."""
    forms, found = [needle, needle.hex().encode(), needle.hex().upper().encode(), base64.b64encode(needle)], []
    for path in pathlib.Path(folder).rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a program that runs has put it into another's place since
            if path.is_file() and any(form in path.read_bytes() for form in forms):
                found.append(str(path))
    return found
