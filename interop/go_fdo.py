# SPDX-License-Identifier: Apache-2.0
"""Devices and vouchers of the library go-fdo (interop/go-fdo): one process, one request after the other."""
import base64
import json
import subprocess
import time

import lab

PEER = lab.ROOT / "build/go-fdo/peer"


class Refused(Exception):
    """go-fdo did not go on; `code` is that of a message 255, if that is why."""

    def __init__(self, answer):
        super().__init__(answer["error"])
        self.code = answer.get("code")


class Peer:
    def __init__(self, log):
        self.log = open(log, "ab")
        self.child = subprocess.Popen([PEER, "device"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def close(self):
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()
        self.log.close()

    def ask(self, do, device="", **more):
        request = {"do": do, "device": device, **more}
        self.child.stdin.write(json.dumps(request).encode() + b"\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise lab.LabError(f"go-fdo's peer ended with {self.child.wait(30)}; see {self.log.name}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer)
        return answer

    def to1(self, device, **more):
        """The owner registers the device soon after it has the voucher."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.ask("to1", device, **more)
            except Refused as refused:
                if refused.code != 6 or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def voucher(self, do, voucher, device="", **more):
        """Vouchers are bytes here, base64 on the way."""
        answer = self.ask(do, device, voucher=base64.b64encode(voucher).decode(), **more)
        if "voucher" in answer:
            answer["voucher"] = base64.b64decode(answer["voucher"])
        return answer
