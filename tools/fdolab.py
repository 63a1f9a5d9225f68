# SPDX-License-Identifier: Apache-2.0
"""What an onboarding by FIDO Device Onboard needs on loopback: keys, authorities, and the words that the services start with."""
import pathlib
import sqlite3
import subprocess
import types

import lab


def run(*words, data=None):
    done = subprocess.run([str(w) for w in words], input=data, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise lab.LabError(f"{words[0]} {words[1]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def key(folder, name, curve="P-256"):
    """A key pair NAME.pem, NAME.pub; returns the private one's path."""
    path = folder / f"{name}.pem"
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", path)
    run("openssl", "pkey", "-in", path, "-pubout", "-out", path.with_suffix(".pub"))
    return path


def authority(folder, name):
    """A CA: NAME.pem and NAME.key; returns the certificate's path."""
    path = folder / f"{name}.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
        f"/CN={name}", "-keyout", path.with_suffix(".key"), "-out", path)
    return path


def maker(folder, url, port, rendezvous=None):
    """Words of a server that is a manufacturer; devices are told the rendezvous server."""
    ca = authority(folder, "device-ca")
    return ["--fdo", f"127.0.0.1:{port}", "--fdo-manufacturer-key", key(folder, "maker"), "--fdo-device-ca", ca,
            "--fdo-device-ca-key", ca.with_suffix(".key"), "--fdo-rendezvous", rendezvous or url,
            "--fdo-delay", 1]


def everything(folder, port):
    """Words of a server that is all three, and owner of what it makes."""
    url = f"http://127.0.0.1:{port}"
    words = maker(folder, url, port)
    return [*words, "--fdo-owner-key", key(folder, "owner"), "--fdo-next-owner", "own", "--fdo-owner-place", url,
            "--fdo-owner-trust", folder / "maker.pub", "--fdo-owner-trust", folder / "owner.pub"]


def configure(room, endpoint, manufacturer, *lines, more=()):
    """A device that knows nothing but where it is made."""
    text = ["[device]", f"endpoint = {endpoint}", f"state = {room.device_state}", *lab.DEVICE_LINES, "[secured]",
            f"socket = {room.socket}", "[log]", "level = debug", "[fdo]", f"manufacturer = {manufacturer}", *lines, *more]
    room.device_config.write_text("\n".join(text) + "\n")
    room.device_state.mkdir(mode=0o700, exist_ok=True)


# Everybody apart, as in life: a factory, a distributor, the owner, and a rendezvous server that is none of theirs

def service(room, name, *words):
    """A server that has a part in onboarding and no devices to manage."""
    port, http = lab.free_port(), lab.free_port()
    room.start(name, [lab.program("tessera-server"), "--coap", f"127.0.0.1:{lab.free_port()}", "--http", f"127.0.0.1:{http}",
                      "--data", room.folder / name, "--fdo", f"127.0.0.1:{port}", *words], ready="tessera-server ready")
    return types.SimpleNamespace(name=name, url=f"http://127.0.0.1:{port}", rest=lab.Rest(http))


class Chain:
    """Keys of all who have the device in hand, one after the other, and the factory's and the rendezvous server."""

    def __init__(self, room):
        self.room, self.folder = room, room.folder / "fdo"
        self.folder.mkdir()
        self.keys = {name: key(self.folder, name) for name in ("factory", "distributor", "owner")}
        self.ca = authority(self.folder, "device-ca")
        self.rendezvous = service(room, "rendezvous", "--fdo-roles", "rendezvous", "--fdo-owner-trust",
                                  self.public("factory"), "--fdo-device-trust", self.ca)
        self.factory = service(room, "factory", "--fdo-roles", "manufacturer", "--fdo-manufacturer-key",
                               self.keys["factory"], "--fdo-device-ca", self.ca, "--fdo-device-ca-key",
                               self.ca.with_suffix(".key"), "--fdo-rendezvous", self.rendezvous.url, "--fdo-delay", 1)
        self.port = lab.free_port()

    def public(self, name):
        return self.keys[name].with_suffix(".pub")

    def owner_words(self):
        """Of the server that manages the device afterwards."""
        url = f"http://127.0.0.1:{self.port}"
        return ["--fdo", f"127.0.0.1:{self.port}", "--fdo-roles", "owner", "--fdo-owner-key", self.keys["owner"],
                "--fdo-owner-place", url, "--fdo-device-trust", self.ca]

    def voucher(self):
        """What the factory has of its one device: GUID, and a file."""
        device, = self.factory.rest.get("/fdo/devices")[1]["items"]
        path = self.folder / "voucher.pem"
        path.write_text(self.factory.rest.get(f"/fdo/devices/{device['guid']}/voucher")[1]["voucher"])
        return device, path

    def tool(self, *words):
        return run(lab.program("tessera"), "voucher", *words).decode()

    def extend(self, path, by, to):
        self.tool("extend", path, "--key", self.keys[by], "--to", self.public(to), "--out", path)
        return self.tool("verify", path, "--trust", self.ca).splitlines()[0]


def bootstrap_key(room, endpoint):
    """The key of a bootstrap credential, out of the server's own file: it is told to nobody."""
    path = pathlib.Path(room.folder, "server", "tessera.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        (body,), = db.execute("select body from document where kind = 3 and name = ?", (endpoint,)).fetchall()
    if len(body) != 32:
        raise lab.LabError(f"the server's credential for {endpoint} holds {len(body)} bytes, not a key of 32")
    return body
