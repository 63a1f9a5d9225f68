# SPDX-License-Identifier: Apache-2.0
"""Every PSA_ macro that Mbed TLS 3.6's headers have is in ours, with the same value: constants as they are,
macros with arguments over all key types, algorithms and a range of sizes. Where ours differs, the reason is
written here, and it must differ."""
import re
import unittest

import installed
from installed import CC, MBEDTLS, SOURCE, run

# Not part of any API: build settings, limits of a configuration, and internals.
INTERNAL = re.compile(
    r"^(PSA_WANT_|PSA_CRYPTO_|PSA_JPAKE_|PSA_KEY_SLOT|PSA_KEY_ATTRIBUTES_MAYBE|PSA_PAKE_OPERATION_STAGE|PSA_VENDOR_"
    r"|PSA_MAX_OF_THREE|PSA_ROUND_UP|PSA_KEY_EXPORT_ASN1|PSA_KEY_EXPORT_DSA|PSA_KEY_PRODUCTION|PSA_KEY_POLICY_INIT"
    r"|PSA_.*_OPERATION_INIT$|PSA_CUSTOM_KEY_PARAMETERS_INIT|PSA_KEY_ATTRIBUTES_INIT|PSA_PAKE_CIPHER_SUITE_INIT"
    r"|PSA_ALG_AEAD_WITH_DEFAULT_LENGTH_TAG_CASE|PSA_GET_KEY_TYPE_BLOCK_SIZE_EXPONENT|PSA_ALG_IS_VENDOR_HASH_AND_SIGN"
    r"|PSA_MAC_TRUNCATION_OFFSET|PSA_AEAD_TAG_LENGTH_OFFSET|PSA_ALG_CIPHER_FROM_BLOCK_FLAG|PSA_ALG_AEAD_FROM_BLOCK_FLAG"
    r"|PSA_ALG_KEY_DERIVATION_MASK|PSA_ALG_KEY_AGREEMENT_MASK|PSA_ALG_MAC_SUBCATEGORY_MASK|PSA_ALG_ECDSA_DETERMINISTIC_FLAG"
    r"|PSA_ALG_ECDSA_IS_DETERMINISTIC|PSA_ALG_DSA_DETERMINISTIC_FLAG|PSA_ALG_DSA_IS_DETERMINISTIC"
    r"|PSA_KEY_TYPE_ECC_CURVE_MASK|PSA_KEY_TYPE_DH_GROUP_MASK|PSA_ECC_FAMILY_IS_WEIERSTRASS|PSA_KEY_DOMAIN"
    r"|PSA_DH_FAMILY_CUSTOM|PSA_KEY_EXPORT_FFDH_KEY_PAIR_MAX_SIZE$|PSA_EXPORT_KEY_PAIR_OR_PUBLIC_MAX_SIZE"
    r"|PSA_ALG_IS_SIGN_MESSAGE$|PSA_DRIVER|PSA_SUCCESS$|PSA_OPERATION_INCOMPLETE$|PSA_ERROR_)")
# Another shape in the final API; not compared.
FINAL = {"PSA_ALG_JPAKE", "PSA_PAKE_OUTPUT_SIZE", "PSA_PAKE_INPUT_SIZE"}
# Other values, and why.
DIFFERS = {
    "PSA_HASH_LENGTH": "knows SHAKE256 too", "PSA_HASH_BLOCK_LENGTH": "the same",
    "PSA_ALG_IS_SIGN_HASH": "Mbed TLS counts DSA, which it does not have",
    "PSA_ALG_IS_HASH_AND_SIGN": "the same", "PSA_ALG_SIGN_GET_HASH": "the same",
    "PSA_ALG_IS_WILDCARD": "PSA_ALG_ANY_HASH in any algorithm (PSA Crypto API 1.2)",
    "PSA_CIPHER_IV_LENGTH": "CCM* wants a block of 16 bytes", "PSA_CIPHER_ENCRYPT_OUTPUT_SIZE": "the same",
    "PSA_ALG_KEY_AGREEMENT_GET_BASE": "makes no agreement out of what is none",
    "PSA_ALG_KEY_AGREEMENT_GET_KDF": "the same",
    "PSA_RSA_MINIMUM_PADDING_SIZE": "OAEP takes two bytes besides two hashes (RFC 8017 §7.1.1), not one",
    "PSA_ASYMMETRIC_DECRYPT_OUTPUT_SIZE": "the same",
}
# Limits of what the service may offer; ours are at least as large as Mbed TLS's.
LIMIT = re.compile(r"_MAX(_HASH_BLOCK)?_SIZE$|_MAX_KEY_LENGTH$")

TYPES = ["RAW_DATA", "HMAC", "DERIVE", "PASSWORD", "PASSWORD_HASH", "PEPPER", "AES", "ARIA", "DES", "CAMELLIA",
         "CHACHA20", "RSA_PUBLIC_KEY", "RSA_KEY_PAIR", "NONE"]
FAMILIES = ["ECC_FAMILY_SECP_R1", "ECC_FAMILY_SECP_K1", "ECC_FAMILY_BRAINPOOL_P_R1", "ECC_FAMILY_MONTGOMERY",
            "ECC_FAMILY_TWISTED_EDWARDS"]
HASHES = ["MD5", "RIPEMD160", "SHA_1", "SHA_224", "SHA_256", "SHA_384", "SHA_512", "SHA_512_224", "SHA_512_256",
          "SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512", "ANY_HASH"]
PLAIN = ["NONE", "CBC_MAC", "CMAC", "STREAM_CIPHER", "CTR", "CFB", "OFB", "XTS", "ECB_NO_PADDING", "CBC_NO_PADDING",
         "CBC_PKCS7", "CCM", "GCM", "CHACHA20_POLY1305", "CCM_STAR_NO_TAG", "RSA_PKCS1V15_SIGN_RAW", "ECDSA_ANY",
         "PURE_EDDSA", "ED25519PH", "ED448PH", "RSA_PKCS1V15_CRYPT", "TLS12_ECJPAKE_TO_PMS",
         "PBKDF2_AES_CMAC_PRF_128", "FFDH", "ECDH"]
ON_HASH = ["HMAC", "RSA_PKCS1V15_SIGN", "RSA_PSS", "RSA_PSS_ANY_SALT", "ECDSA", "DETERMINISTIC_ECDSA", "RSA_OAEP",
           "HKDF", "HKDF_EXTRACT", "HKDF_EXPAND", "TLS12_PRF", "TLS12_PSK_TO_MS", "PBKDF2_HMAC", "DSA",
           "DETERMINISTIC_DSA"]


def macros(folder):
    """{name: list of parameters, or None for a constant} over all the headers of a folder."""
    found = {}
    for header in folder.glob("crypto*.h"):
        text = header.read_text().replace("\\\n", " ")
        for name, parameters in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(PSA_\w+)(\([^)]*\))?", text, re.M):
            if not name.endswith("_H"):
                found[name] = [p.strip() for p in parameters[1:-1].split(",")] if parameters else None
    return found


def values(parameter):
    """What an argument of that name is tried with."""
    p = parameter.lower()
    if p in ("type", "key_type"):
        return "types"
    if "alg" in p:
        return "algs"
    if p in ("curve", "family"):
        return "families"
    if p in ("group",):
        return "groups"
    if "lifetime" in p:
        return "lifetimes"
    return "numbers"


def table(name, entries):
    return f"static const unsigned long {name}[] = {{ {', '.join(f'(unsigned long)({e})' for e in entries)} }};\n"


def program(names):
    algs = [f"PSA_ALG_{a}" for a in PLAIN + HASHES] + [f"PSA_ALG_{a}(PSA_ALG_{h})" for a in ON_HASH for h in HASHES]
    algs += [f"PSA_ALG_TRUNCATED_MAC(PSA_ALG_CMAC, {n})" for n in (4, 8)]
    algs += [f"PSA_ALG_TRUNCATED_MAC(PSA_ALG_HMAC(PSA_ALG_SHA_256), {n})" for n in (4, 16)]
    algs += ["PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(PSA_ALG_HMAC(PSA_ALG_SHA_256), 8)"]
    algs += [f"PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_{a}, {n})" for a in ("CCM", "GCM") for n in (4, 8, 12)]
    algs += ["PSA_ALG_AEAD_WITH_AT_LEAST_THIS_LENGTH_TAG(PSA_ALG_CCM, 8)"]
    algs += [f"PSA_ALG_KEY_AGREEMENT(PSA_ALG_{a}, PSA_ALG_HKDF(PSA_ALG_{h}))" for a in ("ECDH", "FFDH") for h in HASHES]
    types = [f"PSA_KEY_TYPE_{t}" for t in TYPES]
    types += [f"PSA_KEY_TYPE_ECC_{k}(PSA_{f})" for k in ("KEY_PAIR", "PUBLIC_KEY") for f in FAMILIES]
    types += [f"PSA_KEY_TYPE_DH_{k}(PSA_DH_FAMILY_RFC7919)" for k in ("KEY_PAIR", "PUBLIC_KEY")]
    out = "#include <stdio.h>\n#include \"psa/crypto.h\"\n"
    out += table("types", types) + table("algs", algs) + table("families", [f"PSA_{f}" for f in FAMILIES])
    out += table("groups", ["PSA_DH_FAMILY_RFC7919"]) + table("lifetimes", ["0", "1", "0xff", "0x100", "0x101", "0x8000ff"])
    out += table("numbers", ["1", "8", "16", "17", "128", "255", "256", "521", "2048", "4096"])
    out += "#define N(x) (sizeof(x) / sizeof(x)[0])\nint main(void)\n{\n"
    for name, parameters in sorted(names.items()):
        out += f'    printf("{name}");\n'
        words = []
        for i, p in enumerate(parameters or []):
            kind = values(p)
            cast = {"types": "psa_key_type_t", "algs": "psa_algorithm_t", "families": "psa_ecc_family_t",
                    "groups": "psa_dh_family_t", "lifetimes": "psa_key_lifetime_t", "numbers": "unsigned"}[kind]
            out += f"    for (size_t i{i} = 0; i{i} < N({kind}); i{i}++)\n"
            words.append(f"({cast}){kind}[i{i}]")
        call = f"{name}({', '.join(words)})" if parameters else name
        out += f'    printf(" %lx", (unsigned long)({call}) & 0xfffffffful);\n    printf("\\n");\n'
    return out + "    return 0;\n}\n"


class Headers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.at = installed.Installed().__enter__()
        cls.addClassCleanup(cls.at.__exit__)
        cls.theirs = {n: p for n, p in macros(MBEDTLS / "include/psa").items() if not INTERNAL.search(n)}
        cls.theirs = {n: p for n, p in cls.theirs.items() if "DRIVER" not in n and not n.startswith("PSA_BUILD")}
        cls.ours = macros(cls.at.prefix / "include/tessera-psa/psa")

    def printed(self, words, which):
        source, binary = self.at.folder / f"{which}.c", self.at.folder / which
        names = {n: p for n, p in self.theirs.items() if n in self.ours and n not in FINAL}
        source.write_text(program(names))
        run([CC, "-std=c99", "-w", *words, source, "-o", binary])
        return {line.split()[0]: line.split()[1:] for line in run([binary]).splitlines()}

    def test_no_macro_is_missing(self):
        used = set()
        for header in ("crypto_values.h", "crypto_sizes.h", "crypto_extra.h"):
            used |= set(re.findall(r"\bPSA_\w+", (MBEDTLS / "include/psa" / header).read_text()))
        self.assertEqual(sorted(n for n in self.theirs if n in used and n not in self.ours), [])
        self.assertGreater(len(self.theirs), 250)

    def test_values_are_the_same(self):
        theirs = self.printed([f"-I{MBEDTLS}/include", f"-I{SOURCE}/psa/api",
                               f"-I{SOURCE}/third_party/mbedtls/config",
                               '-DMBEDTLS_CONFIG_FILE="tessera_client_config.h"',
                               '-DMBEDTLS_PSA_CRYPTO_CONFIG_FILE="tessera_client_crypto.h"'], "theirs")
        ours = self.printed(self.at.pkg_config("--cflags"), "ours")
        compared, differ = 0, set()
        for name, expected in theirs.items():
            compared += len(expected)
            if LIMIT.search(name) and self.theirs[name] is None:
                self.assertGreaterEqual(int(ours[name][0], 16), int(expected[0], 16), name)
            elif ours[name] != expected:
                differ.add(name)
        self.assertEqual(sorted(differ), sorted(DIFFERS))
        print(f"{len(theirs)} macros, {compared} values")
        self.assertGreater(compared, 50000)

    def test_every_function_is_in_the_library_and_called_by_a_test(self):
        """Of all the installed headers, Crypto, Storage, Attestation and Firmware Update; called means: by a C test
        that talks to a real service."""
        declared = set()
        for header in (self.at.prefix / "include/tessera-psa/psa").glob("*.h"):
            text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
            declared |= set(re.findall(r"^(?:psa_status_t|uint32_t|int|void)\s+(psa_\w+)\([^;{]*\);", text, re.M))
        self.assertGreater(len(declared), 110)
        exported = {line.split()[-1] for line in
                    run(["nm", "-D", "--defined-only", self.at.libdir / "libtessera-psa.so"]).splitlines()}
        self.assertEqual(sorted(declared - exported), [])
        tests = "\n".join(f.read_text() for f in (SOURCE / "tests/psa").glob("*.c"))
        called = set(re.findall(r"\b(psa_\w+)\(", tests))
        self.assertEqual(sorted(declared - called), [])
        print(f"{len(declared)} functions")

    def test_final_names_are_there(self):
        text = "\n".join(h.read_text() for h in (self.at.prefix / "include/tessera-psa/psa").glob("crypto*.h"))
        for name in ("psa_key_agreement", "psa_key_derivation_verify_bytes", "psa_key_derivation_verify_key",
                     "psa_pake_get_shared_key", "psa_pake_set_context", "psa_pake_cs_set_key_confirmation",
                     "psa_generate_key_custom", "psa_key_derivation_output_key_custom", "psa_hash_suspend",
                     "psa_hash_resume", "psa_purge_key", "psa_sign_hash_start", "psa_verify_hash_complete"):
            self.assertRegex(text, rf"\b{name}\(")
        for name in ("psa_pake_set_password_key", "psa_pake_get_implicit_key"):
            self.assertNotIn(name, text)


if __name__ == "__main__":
    unittest.main()
