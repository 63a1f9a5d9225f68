# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback for tests and measurements that run side by side."""
import fcntl
import os
import pathlib
import tempfile


def taken_ports():
    """Ports that anything of this network namespace has, in UDP or in TCP. They are read, not tried: a program that another thread
    starts at that moment would keep a socket that tries a port until its exec, and whoever was given the port could not bind it."""
    ports = set()
    for name in "udp", "udp6", "tcp", "tcp6":
        table = pathlib.Path("/proc/net", name)
        if table.exists():  # the kernel may be without IPv6
            ports.update(int(line.split()[1].rpartition(":")[2], 16) for line in table.read_text().splitlines()[1:])
    return ports


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
        taken = taken_ports()
        for _ in range(first, end):
            port = port + 1 if first <= port < end - count else first
            if taken.isdisjoint(range(port, port + count)):
                file.truncate(0)
                file.write(str(port + count - 1))
                return port
    raise OSError(f"no port from {first} to {end} is free in both UDP and TCP")


if __name__ == "__main__":  # for tests in other languages
    print(free_port())
