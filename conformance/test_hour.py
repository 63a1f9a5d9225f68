# SPDX-License-Identifier: Apache-2.0
"""The hour of tests/e2e/test_long_life.py with a server whose messages are aiocoap's."""
import sys

from aiocoap import Code, Message
from aiocoap.numbers.optionnumbers import OptionNumber

import lab

sys.path.insert(0, str(lab.ROOT / "tests/e2e"))
import test_long_life as e2e  # noqa: E402  (as a module: its tests are not ours)

KINDS = {e2e.peer.CON: 0, e2e.peer.NON: 1, e2e.peer.ACK: 2, e2e.peer.RST: 3}


class Seen:
    def __init__(self, m):
        self.kind, self.code, self.mid, self.token, self.payload = int(m.mtype), int(m.code), m.mid, m.token, m.payload
        self.path = "/" + "/".join(m.opt.uri_path)
        self.dotted, self.message = f"{self.code >> 5}.{self.code & 31:02}", m

    def number(self, option):
        return self.message.opt.observe if option == e2e.peer.OBSERVE else None


class Aiocoap:
    @staticmethod
    def parse(data):
        return Seen(Message.decode(data))

    @staticmethod
    def build(kind, code, mid, token=b"", options=(), payload=b""):
        m = Message(code=Code(code), payload=payload)
        m.mtype, m.mid, m.token = KINDS[kind], mid, token
        for number, value in options:
            m.opt.add_option(OptionNumber(number).create_option(decode=value))
        return m.encode()


class LongLifeWithAiocoap(e2e.LongLife):
    codec = Aiocoap
