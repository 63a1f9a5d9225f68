# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests of whole processes: OpenSSL's command line."""
import subprocess

import lab


class Authority:
    """A CA as an operator runs it with OpenSSL."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key, self.cert = folder / f"{name}.key", folder / f"{name}.pem"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    @staticmethod
    def run(*words):
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise lab.LabError(f"openssl {words[0]}: {done.stderr}")
        return done.stdout + done.stderr

    def sign(self, request, out):
        self.run("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "30",
                 "-out", out)
        return out

    def server(self, out):
        key, request = out.with_suffix(".key"), out.with_suffix(".csr")
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/CN=127.0.0.1", "-keyout", key, "-out", request)
        return self.sign(request, out), key

    def der(self, pem):
        self.run("x509", "-in", pem, "-outform", "DER", "-out", pem.with_suffix(".der"))
        return pem.with_suffix(".der")

    def device(self, base, name):
        """A certificate and its private key (RFC 5958), made outside of the device: two files of DER."""
        key, request, cert = (base.with_suffix(suffix) for suffix in (".key", ".csr", ".crt"))
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)
        self.run("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", base.with_suffix(".p8"))
        return [self.der(self.sign(request, cert)), base.with_suffix(".p8")]
