# SPDX-License-Identifier: Apache-2.0
"""Devices of ours that are registered at servers which have nothing of ours, as contexts of a test."""
import lab
import peer
from peer import TEXT


class Room:
    """A device (`lab`) that is registered at `server`."""

    def __init__(self, server, *server_lines, **more):
        self.lab, self.server = lab.Lab(), server
        self.lab.start_secured()
        self.lab.configure_device("dev1", server.uri, False, *server_lines, **more)
        self.lab.run_device()

    def __enter__(self):
        self.server.registered()
        return self

    def __exit__(self, *_):
        self.lab.close()
        self.server.close()


class UpdateRoom(lab.Lab):
    """A lab whose device takes packages from a server of the peer's; who derives from it starts the device."""

    def __init__(self):
        super().__init__()
        self.server = peer.Server()

    def __enter__(self):
        self.server.registered(timeout=60)
        return self

    def close(self):
        super().close()
        self.server.close()

    def configure(self, lines, **more):
        """The device's configuration, with these lines of [update] and further sections."""
        self.configure_device("dev1", self.server.uri, False, **more)
        with open(self.device_config, "a") as config:
            config.write("\n".join(["[update]", *lines]) + "\n")

    def device_says(self):
        """What a failure shows of the device's log."""
        return self.parts["device"].text()[-3000:]

    def waits(self, good, what, timeout=60):
        """For what the device says; while it starts again it says nothing."""
        def look():
            try:
                return good()
            except (AssertionError, ValueError):
                return None
        try:
            return self.wait(look, timeout, what)
        except lab.LabError as error:
            raise lab.LabError(f"{error}; the device's log:\n{self.device_says()}") from None

    def comes_back(self, seen):
        """The daemon was killed and runs again: it is found by its Update, after the `seen` before and from another address. One that
        it sent before it was killed may still come."""
        before = self.server.device
        moved = self.server.wait(lambda: next((u for u in self.server.updates[seen:] if u["from"] != before), None), 60,
                                 "an Update from the new address")
        self.server.registrations[-1]["from"] = moved["from"]

    def kill(self):
        """kill -9 of the daemon, and a new one."""
        seen = len(self.server.updates)
        self.parts["device"].kill()
        self.run_device()
        self.comes_back(seen)


# States of object 5
IDLE, DOWNLOADING, DOWNLOADED, UPDATING = range(4)


class FirmwareRoom(UpdateRoom):
    """A device with version 1.0.0 that is registered at a server of the peer's."""

    slot_size = 6 << 20
    sequence = 1

    def __init__(self, update=(), trial=20, device=lab.DEVICE_LINES):
        super().__init__()
        self.factory()
        self.configure(update, device=device, coap=("ack_timeout_ms = 500", "max_retransmit = 2"))
        self.install_factory(self.package("1.0.0", 1))
        self.start_boot(trial=trial)

    def next_package(self, version, daemon=None, **more):
        self.sequence += 1
        return self.package(version, self.sequence, daemon, **more).read_bytes()

    def read(self, resource):
        return int(self.server.read(f"/5/0/{resource}", TEXT).payload)

    def stands(self):
        return self.read(3), self.read(5)

    def put(self, resource, payload, format):
        return self.server.ask("PUT", f"/5/0/{resource}", payload, format=format).code

    def push(self, payload, **more):
        return self.server.push(self.server.device, "/5/0/0", payload, **more).code

    def version(self, timeout=2):
        try:
            return self.server.request(self.server.device, "GET", "/3/0/3", accept=TEXT, timeout=timeout).payload.decode()
        except AssertionError:
            return None
