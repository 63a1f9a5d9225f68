# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback for tests and measurements that run side by side."""
import fcntl
import os
import pathlib
import socket
import tempfile


def is_free(port):
    """Whether nothing listens there, in UDP and in TCP."""
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("", port))
            except OSError:
                return False
    return True


def free_port(count=1):
    """A port that is free in UDP and in TCP, and stays so until it is used: it lies below the ports that the kernel gives to whoever
    asks for none, and a counter that all tests of this user share sees to it that no two of them are given the same one. With a count,
    the first of so many behind one another: libcoap's servers take the next one for DTLS and TLS."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, end = 10240, min(low, 32768)
    with open(pathlib.Path(tempfile.gettempdir()) / f"tessera-ports-{os.getuid()}", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = file.read()
        port = int(last) if last.isdigit() else first
        for _ in range(first, end):
            port = port + 1 if first <= port < end - count else first
            if all(is_free(port + i) for i in range(count)):
                file.truncate(0)
                file.write(str(port + count - 1))
                return port
    raise OSError(f"no port from {first} to {end} is free in both UDP and TCP")


if __name__ == "__main__":  # for tests in other languages
    print(free_port())
