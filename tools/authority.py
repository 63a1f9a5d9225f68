# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests of whole processes: OpenSSL's command line."""
import subprocess

import lab

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words, good=True):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60)
    if good and done.returncode != 0:
        raise lab.LabError(f"openssl {words[0]}: {done.stderr}")
    return done.stdout + done.stderr


class Authority:
    """A CA as an operator runs it with OpenSSL."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key, self.cert = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("req", "-x509", *CURVE, "-days", "30", "-subj", f"/CN={name}", "-keyout", self.key, "-out",
                self.cert)

    def sign(self, request, out):
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "30",
                "-out", out)
        return out

    def server(self, out):
        key, request = out.with_suffix(".key"), out.with_suffix(".csr")
        openssl("req", "-new", *CURVE, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request)
        return self.sign(request, out), key

    def der(self, pem):
        openssl("x509", "-in", pem, "-outform", "DER", "-out", pem.with_suffix(".der"))
        return pem.with_suffix(".der")

    def device(self, base, name):
        """A certificate and its private key (RFC 5958), made outside of the device: two files of DER."""
        key, request, cert = (base.with_suffix(suffix) for suffix in (".key", ".csr", ".crt"))
        openssl("req", "-new", *CURVE, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", base.with_suffix(".p8"))
        return [self.der(self.sign(request, cert)), base.with_suffix(".p8")]


class Pki:
    """The maker's CA, the operator's, and the server's certificate; `subject` is what their names begin with."""

    def __init__(self, folder, subject="/O=Example"):
        self.folder = folder
        folder.mkdir()
        for name in ("maker", "authority"):
            openssl("req", "-x509", *CURVE, "-days", "30", "-subj", f"{subject}/CN={name}", "-addext",
                    "keyUsage=critical,keyCertSign", "-keyout", self.path(name, "key"), "-out", self.path(name))
        self.certificate("server", "/CN=127.0.0.1", "authority")

    def path(self, name, kind="pem"):
        return self.folder / f"{name}.{kind}"

    def request(self, name, subject, *more):
        openssl("req", "-new", *CURVE, "-subj", subject, "-keyout", self.path(name, "key"), "-out",
                self.path(name, "csr"), "-outform", "DER", *more)
        return self.path(name, "csr")

    def sign(self, request, out, by, form="DER"):
        openssl("x509", "-req", "-in", request, "-inform", form, "-CA", self.path(by), "-CAkey", self.path(by, "key"),
                "-CAcreateserial", "-days", "30", "-out", out)

    def certificate(self, name, subject, by):
        self.sign(self.request(name, subject), self.path(name), by)
        return self.path(name)
