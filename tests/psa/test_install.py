# SPDX-License-Identifier: Apache-2.0
"""`cmake --install` gives a library, headers, pkg-config and CMake package with which a program of somebody
else compiles in strict C99 and C++, links in both ways, and talks to a real service."""
import fnmatch
import os
import pathlib
import shutil
import unittest

import installed
from installed import CC, CFLAGS, MBEDTLS, SOURCE, STRICT, run

PUBLIC = ["psa_*", "tsr_gate_socket", "tsr_gate_close", "tsr_gate_timeout_ms", "tsr_gate_crossings",
          "mbedtls_psa_crypto_free"]
PROGRAM = SOURCE / "tests/psa/installed_program.c"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.at = installed.Installed().__enter__()
        cls.addClassCleanup(cls.at.__exit__)
        cls.at.start()

    def test_headers_each_stand_alone_in_strict_c99_and_cxx(self):
        include = self.at.prefix / "include/tessera-psa"
        headers = sorted(str(h.relative_to(include)) for h in include.rglob("*.h"))
        for wanted in ("crypto.h", "crypto_types.h", "crypto_values.h", "crypto_sizes.h", "crypto_struct.h",
                       "crypto_extra.h", "error.h", "client.h", "internal_trusted_storage.h", "storage_common.h"):
            self.assertIn(f"psa/{wanted}", headers)
        self.assertFalse([h for h in headers if h.startswith("mbedtls")])
        for header in headers:
            for language, standard in (("c", "c99"), ("c", "c11"), ("c++", "c++11")):
                source = self.at.folder / "alone.c"
                source.write_text(f"#include <{header}>\n#include <{header}>\nint alone(void);\nint alone(void) {{ return 0; }}\n")
                run([CC, "-x", language, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wshadow",
                     "-Wconversion", *self.at.pkg_config("--cflags"), "-c", source, "-o", self.at.folder / "alone.o"])

    def test_program_links_in_both_ways_and_runs(self):
        for static in (False, True):
            program = self.at.compile("program", [PROGRAM], static, before=STRICT)
            needs = run(["readelf", "-d", program])
            self.assertEqual("libtessera-psa" in needs, not static)
            self.assertIn("all well", self.at.call(program))

    def test_program_may_be_cxx(self):
        program = self.at.compile("cxx", ["-x", "c++", PROGRAM, "-x", "none"], before=["-std=c++11", "-Wall", "-Wextra"])
        self.assertIn("all well", self.at.call(program))

    def test_library_shows_its_public_names_only(self):
        files = [(self.at.libdir / "libtessera-psa.so", ["-D"]), (self.at.libdir / "libtessera-psa.a", ["-g"])]
        for file, words in files:
            names = [line.split()[-1].split("@")[0]
                     for line in run(["nm", *words, "--defined-only", file]).splitlines() if len(line.split()) >= 3]
            self.assertIn("psa_crypto_init", names)
            self.assertIn("psa_call", names)
            more = [n for n in names if not any(fnmatch.fnmatch(n, p) for p in PUBLIC)
                    and not n.startswith(("__asan", "__odr_asan", "__ubsan"))]
            self.assertEqual(more, [], str(file))

    def test_program_may_bring_its_own_mbedtls(self):
        for static in (False, True):
            program = self.at.compile("beside", [SOURCE / "tests/psa/installed_beside.c"], static,
                                      before=[f"-I{MBEDTLS}/include", f"-I{SOURCE}/third_party/mbedtls/config",
                                              '-DMBEDTLS_CONFIG_FILE="tessera_full_config.h"',
                                              '-DMBEDTLS_PSA_CRYPTO_CONFIG_FILE="tessera_full_crypto.h"'],
                                      after=[os.environ["TSR_MBEDTLS_LIB"], "-pthread"])
            self.assertIn("the same", self.at.call(program))

    def test_cmake_package_is_found(self):
        project = self.at.folder / "project"
        project.mkdir()
        shutil.copy(PROGRAM, project / "main.c")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(user C)\n"
            "find_package(tessera-psa 0.1 REQUIRED)\n"
            "add_executable(one main.c)\ntarget_link_libraries(one tessera::psa)\n"
            "add_executable(two main.c)\ntarget_link_libraries(two tessera::psa-static)\n")
        cmake = os.environ["TSR_CMAKE"]
        flags = " ".join(CFLAGS)
        run([cmake, "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.at.prefix}",
             f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_C_FLAGS={flags}"])
        run([cmake, "--build", project / "build"])
        for name in ("one", "two"):
            self.assertIn("all well", self.at.call(project / "build" / name))

    def test_program_without_a_service_is_told(self):
        program = self.at.compile("alone", [PROGRAM])
        environment = dict(self.at.environment(), TESSERA_SECURED_SOCKET=str(self.at.folder / "nobody"))
        with self.assertRaises(AssertionError) as caught:
            run([program], env=environment)
        self.assertIn("-145", str(caught.exception))  # PSA_ERROR_COMMUNICATION_FAILURE


if __name__ == "__main__":
    unittest.main()
