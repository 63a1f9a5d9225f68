# SPDX-License-Identifier: Apache-2.0
"""An installation of this build in a folder of its own, programs compiled against it, and a tessera-secured
for them to talk to. The build's paths come from the environment that CTest sets."""
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ["TSR_BUILD"])
SECURED = os.environ["TSR_SECURED_BIN"]
CC = os.environ["TSR_CC"]
CFLAGS = shlex.split(os.environ.get("TSR_CFLAGS", ""))
MBEDTLS = pathlib.Path(os.environ["TSR_MBEDTLS"])
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def run(words, **options):
    """Runs to its end; a failure shows what it printed."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(map(str, words))}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed:
    """prefix/ holds what `cmake --install` put there; programs are compiled into the same folder."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-installed-"))
        self.prefix = self.folder / "prefix"
        run([os.environ["TSR_CMAKE"], "--install", BUILD, "--component", "tessera-psa", "--prefix", self.prefix])
        found = list(self.prefix.rglob("tessera-psa.pc"))
        assert len(found) == 1, found
        self.pkgconfig = found[0].parent
        self.libdir = self.pkgconfig.parent
        self.service = None
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def pkg_config(self, *words):
        return shlex.split(run(["pkg-config", *words, "tessera-psa"],
                               env=dict(os.environ, PKG_CONFIG_PATH=str(self.pkgconfig))))

    def link(self, static):
        """The words of pkg-config; for static the same library by its other file, and its private words."""
        if not static:
            return self.pkg_config("--libs")
        words = self.pkg_config("--static", "--libs")
        return [f"-l:lib{w[2:]}.a" if w == "-ltessera-psa" else w for w in words]

    def compile(self, name, sources, static=False, before=(), after=()):
        program = self.folder / (name + ("-static" if static else "-shared"))
        run([CC, *CFLAGS, *self.pkg_config("--cflags"), *before, *sources, "-o", program, *self.link(static), *after])
        return program

    def start(self):
        """A real tessera-secured with a fresh store; waits until it says it is ready."""
        self.stop()
        store = pathlib.Path(tempfile.mkdtemp(prefix="store-", dir=self.folder))
        self.socket = str(store / "socket")
        ready, write = os.pipe()
        with open(self.folder / "log", "ab") as log:
            self.service = subprocess.Popen(
                [SECURED, "--socket", self.socket, "--store", str(store / "store"), "--ready-fd", str(write)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, pass_fds=(write,))
        os.close(write)
        told = os.read(ready, 16)
        os.close(ready)
        assert told, (self.folder / "log").read_text()

    def stop(self):
        if getattr(self, "service", None) is not None:
            self.service.terminate()
            self.service.wait(20)
            self.service = None

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=str(self.libdir), TESSERA_SECURED_SOCKET=self.socket)

    def call(self, program, *words, **options):
        return run([program, *words], env=self.environment(), **options)
