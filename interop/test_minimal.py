# SPDX-License-Identifier: Apache-2.0
"""The minimal client whose size is measured (benches/footprint_client.c), on the host, managed by aiocoap."""
import unittest

import lab

PYTHON = lab.ROOT / "build/python/bin/python3"
WANT = """\
device Tessera U {(1, 0): b'\\x00'}
GET /3/0/0 2.05 11542
without accept {(3, 0): b'Tessera'}
GET /3/0 4.06 None
</3>;ver=1.2,</3/0>,</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/11>;dim=1,</3/0/16>
PUT /1/0/1 2.04 None
POST /1/0 2.04 None
server {(3, 0): b'\\x01', (3, 1): b'<', (3, 2): b'\\x01', (3, 3): b'\\x01', (3, 6): b'\\x01', (3, 7): b'U'}
PUT /1/0/7 4.00 None
PUT /1/0/1 4.00 None
POST /3/0/4 4.00 None
POST /3/0/4 2.04 None
PUT /3/0 2.04 None
observed {(2, 11): {(1, 0): b'\\x00'}}
notified {(2, 11): {(1, 0): b'\\x00'}}
POST /1/0/8 2.04 None
updated lt=60
done
"""


@unittest.skipUnless(PYTHON.exists(), "aiocoap is not installed (interop/get-peers)")
class MinimalClient(unittest.TestCase):
    def test_minimal_client_at_aiocoap(self):
        with lab.Lab() as room:
            port = lab.free_port()
            server = room.start("server", [PYTHON, lab.ROOT / "interop/aiocoap_minimal_server.py", str(port)],
                                ready="listening")
            room.start("device", [lab.program("minimal_client"), str(port)])
            server.expect("done", 60)
            said = server.text().splitlines()
            self.assertIn('registered b=U ep=urn:dev:mac:0024befffe804ff1 lt=86400 lwm2m=1.1 '
                          '</>;rt="oma.lwm2m";ct=11542,</1>;ver=1.2,</1/0>,</3>;ver=1.2,</3/0>', said)
            for line in WANT.splitlines():
                self.assertIn(line, said)


if __name__ == "__main__":
    unittest.main()
