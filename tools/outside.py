# SPDX-License-Identifier: Apache-2.0
"""An installation of the build in a folder of its own, and the examples built against it as somebody else would:
outside the tree, from what was installed alone.

    outside.programs("pkg-config")["sensor"]      the path of a program; "cmake" builds the other way
"""
import atexit
import functools
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import lab

EXAMPLES = ("sensor", "actuator", "custom")


def put(path, text):
    """Whoever reads the file sees the old text or the new one, and never an empty file."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300, **more)
    if done.returncode != 0:
        raise lab.LabError(f"{shlex.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def prefix():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-outside-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for component in ("tessera", "tessera-psa"):
        run("cmake", "--install", lab.BUILD, "--component", component, "--prefix", folder / "prefix")
    return folder / "prefix"


def one(pattern):
    found = list(prefix().rglob(pattern))
    if len(found) != 1:
        raise lab.LabError(f"{pattern} was installed {len(found)} times")
    return found[0]


def pkg_config(*words):
    return shlex.split(run("pkg-config", *words, "tessera",
                           env={**os.environ, "PKG_CONFIG_PATH": str(one("tessera.pc").parent)}))


def environment():
    """For programs that were linked with the shared library by pkg-config's words."""
    return {"LD_LIBRARY_PATH": str(one("libtessera-psa.so").parent)}


@functools.cache
def programs(way):
    """Copies the installed examples somewhere and builds them there; {name: path}."""
    sources = prefix().parent / f"examples-{way}"
    shutil.copytree(prefix() / "share/tessera/examples", sources)
    if way == "cmake":
        run("cmake", "-S", sources, "-B", sources / "build", f"-DCMAKE_PREFIX_PATH={prefix()}")
        run("cmake", "--build", sources / "build")
        return {name: sources / "build" / name for name in EXAMPLES}
    for name in EXAMPLES:
        run("cc", "-Wall", "-Wextra", "-Werror", sources / f"{name}.c", "-o", sources / name,
            *pkg_config("--cflags", "--libs"))
    return {name: sources / name for name in EXAMPLES}
