# SPDX-License-Identifier: Apache-2.0
"""What an onboarding by FIDO Device Onboard needs on loopback: keys, authorities, and the words that the services start with."""
import subprocess

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
