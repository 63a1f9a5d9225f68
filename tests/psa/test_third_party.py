# SPDX-License-Identifier: Apache-2.0
"""Mbed TLS 3.6's own PSA example programs, unchanged, from the source package that ./setup fetched: compiled with
the installed headers, linked with the installed library in both ways, run against a real service.

They include "mbedtls/build_info.h", "mbedtls/platform.h" or "mbedtls/platform_util.h" too. For these they get
what any user of Mbed TLS has: its include folder, behind ours, with its default configuration, and its
library behind ours on the link line, out of which mbedtls_platform_zeroize() comes and nothing else."""
import os
import subprocess
import unittest

import installed
from installed import CC, MBEDTLS, run

PROGRAMS = MBEDTLS / "programs/psa"
BEHIND = [f"-I{MBEDTLS}/include"]
# crypto_examples.c asks for macros of Mbed TLS's configuration without including it: its psa/crypto.h has them.
CONFIGURED = ["-include", "mbedtls/cipher.h"]

# What aead_demo's keys, nonces and messages make, computed with Python's `cryptography` (OpenSSL).
AEAD = {
    "aes128-gcm": (
        "out: 3c 32 52 16 b3 a1 38 18 f7 df e0 e5 dc 9e 2c a2 57 bd dd cd 43",
        "out: 77 bf 62 1c c8 18 c0 89 ff bf 49 e8 6d 53 bc c4 93 a9 7b db db",
    ),
    "aes256-gcm": (
        "out: 75 02 5d 61 73 38 d5 76 84 78 4e 94 cd e7 8b af e0 dd d1 0c 0a",
        "out: 3a 53 01 29 99 f0 6f 51 38 ed a4 9f d8 92 d4 63 3f e9 7f 53 dc",
    ),
    "aes128-gcm_8": (
        "out: 3c 32 52 16 b3 a1 38 18 f7 df e0 e5 dc",
        "out: 77 bf 62 1c c8 18 c0 89 ff bf 49 e8 6d",
    ),
    "chachapoly": (
        "out: 11 76 12 d5 2a 80 ab 89 e5 de 44 fc ff 9d a4 f2 86 0b d1 60 53",
        "out: 06 25 d6 cf c7 2d 4d cb 47 9f f3 68 58 df 90 13 00 57 1e a4 ca",
    ),
}



class ThirdParty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.at = installed.Installed().__enter__()
        cls.addClassCleanup(cls.at.__exit__)
        cls.at.start()

    def both(self, name, *more):
        """The program in both ways of linking; its crypto is ours alone."""
        for static in (False, True):
            program = self.at.compile(name, [PROGRAMS / f"{name}.c"], static, before=[*BEHIND, *more],
                                      after=[os.environ["TSR_MBEDTLS_LIB"], "-pthread"])
            own = {line.split()[-1] for line in run(["nm", "-g", "--defined-only", program]).splitlines()}
            self.assertFalse({n for n in own if n.startswith(("mbedtls_aes", "mbedtls_gcm", "mbedtls_md", "mbedtls_mpi"))})
            yield program

    def natively(self, name):
        """The same source as its authors build it, in one process with Mbed TLS's own PSA core."""
        program = self.at.folder / (name + "-native")
        defines = ['-DMBEDTLS_CONFIG_FILE="tessera_full_config.h"',
                   '-DMBEDTLS_PSA_CRYPTO_CONFIG_FILE="tessera_full_crypto.h"']
        include = [f"-I{MBEDTLS}/include", f"-I{installed.SOURCE}/third_party/mbedtls/config",
                   f"-I{installed.SOURCE}/psa/api"]
        run([CC, *installed.CFLAGS, *defines, *include, PROGRAMS / f"{name}.c", "-o", program,
             os.environ["TSR_MBEDTLS_LIB"], "-pthread"])
        return program

    def test_crypto_examples(self):
        for program in self.both("crypto_examples", *CONFIGURED):
            out = self.at.call(program)
            self.assertEqual(out.count("success!"), 3, out)
            self.assertNotIn("failed", out)

    def test_psa_hash(self):
        for program in self.both("psa_hash"):
            out = self.at.call(program)
            self.assertIn("Multi-part hash operation successful!", out)
            self.assertIn("One-shot hash operation successful!", out)
            # SHA-256 of "Hello World!"
            self.assertIn("7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069", out)

    def test_hmac_demo(self):
        expected = run([self.natively("hmac_demo")])
        self.assertIn("msg2", expected)
        for program in self.both("hmac_demo"):
            self.assertEqual(self.at.call(program), expected)

    def test_aead_demo(self):
        for program in self.both("aead_demo"):
            for kind, expected in AEAD.items():
                out = self.at.call(program, kind)
                self.assertEqual([line for line in out.splitlines() if line.startswith("out:")], list(expected))

    def test_key_ladder(self):
        for program in self.both("key_ladder_demo"):
            folder = program.parent / (program.name + ".files")
            folder.mkdir()
            (folder / "input.txt").write_text("Here is some input. See it wrapped.\n")
            self.at.call(program, "generate", "master=master.key", cwd=folder)
            self.at.call(program, "wrap", "master=master.key", "label=hello", "label=world", "input=input.txt",
                         "output=wrapped", cwd=folder)
            self.at.call(program, "unwrap", "master=master.key", "label=hello", "label=world", "input=wrapped",
                         "output=back.txt", cwd=folder)
            self.assertEqual((folder / "back.txt").read_bytes(), (folder / "input.txt").read_bytes())
            self.assertNotIn(b"Here is some input", (folder / "wrapped").read_bytes())
            with self.assertRaises(AssertionError):
                self.at.call(program, "unwrap", "master=master.key", "label=hellow", "label=orld", "input=wrapped",
                             "output=wrong.txt", cwd=folder)
            self.at.call(program, "save", "master=master.key", "label=hello", "input=wrapped", "output=hello.key",
                         cwd=folder)
            self.at.call(program, "unwrap", "master=hello.key", "label=world", "input=wrapped", "output=again.txt",
                         cwd=folder)
            self.assertEqual((folder / "again.txt").read_bytes(), (folder / "input.txt").read_bytes())

    def test_they_need_the_service(self):
        environment = dict(self.at.environment(), TESSERA_SECURED_SOCKET=str(self.at.folder / "nobody"))
        for name in ("crypto_examples", "hmac_demo", "psa_hash"):
            done = subprocess.run([next(self.both(name, *CONFIGURED))], env=environment, capture_output=True, text=True, timeout=60)
            self.assertNotIn("success", done.stdout)
            self.assertTrue(done.returncode != 0 or "psa_crypto_init" in done.stdout or "failed" in done.stdout,
                            done.stdout)

    def test_constant_names_differ_in_jpake_only(self):
        """psa_constant_names knows PSA_ALG_JPAKE as the beta of the PAKE calls has it: a number without a hash. The
        final API has no such constant; apart from that line the program compiles."""
        done = subprocess.run([CC, *self.at.pkg_config("--cflags"), *BEHIND, "-fsyntax-only",
                               PROGRAMS / "psa_constant_names.c"], capture_output=True, text=True, timeout=60)
        errors = [line for line in done.stderr.splitlines() if " error: " in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertIn("PSA_ALG_JPAKE", errors[0])


if __name__ == "__main__":
    unittest.main()
