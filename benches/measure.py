# SPDX-License-Identifier: Apache-2.0
"""How every figure is taken: built in one place, pinned, interleaved, every value kept.

The rules of a run: Tessera, its peer and the floor run in one go on one machine, taking turns, three times at
least. Every value is shown and not only the best. The server has core 0 and the load core 1. A figure counts only
if no request was lost and no answer was wrong. Times are noisy on a busy machine; instructions and sizes are not.
"""
import dataclasses
import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/bench"
RELEASED = ROOT / "build/bench-released"  # as a distribution builds: without the frame pointers of our presets
TICK = os.sysconf("SC_CLK_TCK")


class Missing(Exception):
    """Something this suite needs is not here; the text says what and how to get it."""


class Wrong(Exception):
    """A measured program lost requests or answered wrongly: its figures do not count."""


@dataclasses.dataclass
class Figure:
    suite: str
    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    goal: float | None = None   # in the unit of value; at most this
    goal_text: str = ""         # how the goal was put, if it is not simply "<= goal unit"
    values: list = dataclasses.field(default_factory=list)
    peer_values: list = dataclasses.field(default_factory=list)
    note: str = ""

    @property
    def met(self):
        return None if self.goal is None else self.value <= self.goal

    @property
    def ratio(self):
        return None if not self.peer_value else self.value / self.peer_value

    def record(self):
        d = dataclasses.asdict(self)
        d["met"] = self.met
        return d


def progress(text):
    print(f"  .. {text}", file=sys.stderr, flush=True)


def middle(values):
    return statistics.median(values)


def need(program, package):
    found = shutil.which(program)
    if not found:
        raise Missing(f"{program} is not installed (Debian package {package}; ./setup installs it)")
    return found


def build(directory, options, targets):
    """Configures once and builds the targets that exist; returns the directory."""
    if not (directory / "build.ninja").exists():
        call(["cmake", "-S", str(ROOT), "-B", str(directory), "-G", "Ninja", *options])
    call(["ninja", "-C", str(directory), "-j2", *targets])
    return directory


def call(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        tail = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise Missing(f"`{' '.join(map(str, command[:6]))} ...` failed:\n      " + "\n      ".join(tail))
    return done.stdout


@functools.cache
def program(name, released=False):
    """A benchmark program, built with optimisation, without sanitisers."""
    path = (RELEASED if released else BUILD) / "bin" / name
    if released:
        build(RELEASED, ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O2 -g -DNDEBUG"], [name])
    else:
        build(BUILD, ["-DCMAKE_BUILD_TYPE=RelWithDebInfo"], [name])
    if not path.exists():
        raise Missing(f"{path} was not built")
    return str(path)


def pinned(core, command):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or not shutil.which("taskset"):
        return list(command)
    return ["taskset", "-c", str(cores[min(core, len(cores) - 1)]), *command]


class Callgrind:
    """Instructions in user space of a program that is run with `command` before it: inclusive ones of one function, or all."""

    def __init__(self, function=None):
        need("valgrind", "valgrind")
        self.function, self.scratch = function, tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.scratch.name) / "out"
        self.command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}",
                        *([f"--toggle-collect={function}"] if function else [])]

    def control(self, what, pid):
        """`-z`: counts begin anew; `-d`: they are written, so that `instructions` has them."""
        call(["callgrind_control", what, str(pid)])

    @property
    def instructions(self):
        dumped = self.out.with_name(self.out.name + ".1")
        for line in (dumped if dumped.exists() else self.out).read_text().splitlines():
            if line.startswith(("summary:", "totals:")):
                total = int(line.split()[1])
                if total:
                    return total
        raise Wrong(f"callgrind saw no call of {self.function}" if self.function else "callgrind counted nothing")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()


def instructions(command, function):
    with Callgrind(function) as under:
        call([*under.command, *command])
        return under.instructions


def wait_until(holds, seconds, what):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Wrong(f"{what} did not come in {seconds} s")
        time.sleep(0.02)


def cpu_seconds(pid):
    """User and system time of a process (all threads)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


class Server:
    """A process on core 0, or where the scheduler puts it, that is ended by its own id."""

    def __init__(self, command, probe=None, wait=5.0, free=False):
        self.command = command
        self.process = subprocess.Popen(command if free else pinned(0, command), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        deadline = time.monotonic() + wait
        while probe and not probe():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise Wrong(f"{command[0]} did not start: "
                            f"{self.process.stderr.read().decode(errors='replace')[-300:]}")
            time.sleep(0.05)

    @property
    def cpu(self):
        """Time on a core in seconds, of all threads: the scheduler's own count, in nanoseconds, not in clock ticks."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    @property
    def user(self):
        return cpu_seconds(self.process.pid)[0]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def udp_answers(port, datagram):
    """A probe for Server: does a datagram to the port bring anything back?"""
    def probe():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect(("127.0.0.1", port))
                s.send(datagram)
                return bool(s.recv(2048))
            except OSError:
                return False
    return probe


def key_values(text):
    """`name=value` or `name value` pairs that the load programs print."""
    return {k: float(v) for k, v in re.findall(r"([a-z_]+)[=: ]+(-?\d+(?:\.\d+)?)", text)}


def conditions():
    """What else has to be known to read the figures."""
    cpu = "?"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout
    load = os.getloadavg()
    return [f"{cpu}, {len(os.sched_getaffinity(0))} cores, {os.uname().sysname} {os.uname().release}",
            f"{compiler.splitlines()[0] if compiler else 'cc ?'}; -O2 -g -DNDEBUG, no logs, no sanitisers",
            f"load average at the start {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}"]
