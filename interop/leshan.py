# SPDX-License-Identifier: Apache-2.0
"""Eclipse Leshan's library in programs of ours, as interop/get-peers builds them: interop/leshan is of its last release.
Of that neither the bootstrap server nor OSCORE is published; interop/leshan-m15 is of the last release of which they are,
and of Californium 3, on which that stands."""
import json
import unittest
import urllib.error
import urllib.request

import lab

NEW, M15 = (lab.ROOT / f"build/{name}/{name}-peer-1.jar" for name in ("leshan", "leshan-m15"))
MODELS = lab.ROOT / "third_party/oma"

needed, needed_m15 = (unittest.skipUnless(jar.exists(), f"{jar.name} is not built (interop/get-peers)") for jar in (NEW, M15))


def program(main, *arguments, jar=NEW, **properties):
    """The command line of a program; properties are Java's."""
    return ["java", "-Xmx256m", f"-Dmodels={MODELS}", *(f"-D{k}={v}" for k, v in properties.items()), "-cp",
            f"{jar}:{jar.parent}/lib/*", f"tessera.interop.{main}", *arguments]


def start(room, main, *arguments):
    """Starts a program of interop/leshan-m15."""
    return room.start(main, program(f"m15.{main}", *arguments, jar=M15), ready="peer is ready", timeout=60)


def client(room, *arguments, **properties):
    """Leshan's client; see PeerClient.java for the arguments."""
    return room.start("leshan-client", program("PeerClient", *arguments, **properties), ready="peer is ready",
                      timeout=60)


class Server:
    """Leshan's server with the routes of its demo; see PeerServer.java for who may register."""

    def __init__(self, room, *who, **properties):
        self.coap, self.coaps = lab.free_port(), lab.free_port()
        self.http = lab.free_port()
        self.process = room.start("leshan-server", program(
            "PeerServer", self.coap, self.coaps, self.http, *who, **properties), ready="peer is ready", timeout=60)

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/api/{path}", method=method,
                                         data=body.encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def client(self, endpoint):
        return next((c for c in self.call("GET", "clients") if c["endpoint"] == endpoint), None)

    def events(self, kind):
        return [e for e in self.call("GET", "events") if e["type"] == kind]
