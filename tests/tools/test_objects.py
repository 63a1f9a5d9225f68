#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tools/objects says about definitions it cannot use, and that its three outputs agree."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "objects"

GOOD = """<LWM2M><Object ObjectType="MODefinition"><Name>Test  "thing" \u00e9</Name><Description1>a\\b??/
c</Description1><ObjectID>42</ObjectID><ObjectURN>urn:x</ObjectURN><ObjectVersion>1.3</ObjectVersion>
<MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources>
<Item ID="7"><Name>On/Off</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
<Mandatory>Mandatory</Mandatory><Type>Boolean</Type><RangeEnumeration>0..1</RangeEnumeration><Units>u</Units>
<Description>d</Description></Item>
<Item ID="3"><Name>On/Off</Name><Operations>E</Operations><MultipleInstances>Multiple</MultipleInstances>
<Mandatory>Optional</Mandatory><Type></Type><RangeEnumeration/><Units/><Description/></Item>
</Resources></Object></LWM2M>"""


def run(form, out, *files):
    return subprocess.run([sys.executable, TOOL, form, out, *files], capture_output=True, text=True, check=False)


class Objects(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)

    def xml(self, text, name="42.xml"):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def refused(self, text, reason):
        done = run("--json", self.dir / "out.json", self.xml(text))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("42.xml", done.stderr)
        self.assertIn(reason, done.stderr)
        self.assertFalse((self.dir / "out.json").exists())

    def test_bad_definitions_are_named_with_their_reason(self):
        self.refused("<LWM2M>", "not XML")
        self.refused("<LWM2M/>", "no <Object>")
        self.refused(GOOD.replace("42<", "x<"), "ObjectID is 'x'")
        self.refused(GOOD.replace("1.3", "one"), "ObjectVersion is 'one'")
        self.refused(GOOD.replace("Boolean", "Bool"), "resource 7: Type is 'Bool'")
        self.refused(GOOD.replace(">RW<", ">RX<"), "Operations is 'RX'")
        self.refused(GOOD.replace('ID="3"', 'ID="7"'), "defined twice")
        self.refused(GOOD.replace('ID="3"', 'ID="70000"'), "70000")
        self.refused(re.sub("<Resources>.*</Resources>", "", GOOD, flags=re.S), "no resources")

    def test_two_definitions_of_one_object_are_refused(self):
        done = run("--json", self.dir / "out.json", self.xml(GOOD), self.xml(GOOD, "again.xml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("again.xml", done.stderr)

    def test_outputs_say_the_same(self):
        xml = self.xml(GOOD)
        for form, out in (("--json", "m.json"), ("--server", "m.c"), ("--device", "d")):
            self.assertEqual(run(form, self.dir / out, xml).returncode, 0)
        model = json.loads((self.dir / "m.json").read_text(encoding="utf-8"))["objects"][0]
        self.assertEqual(model["name"], 'Test "thing" \u00e9')
        self.assertEqual([r["id"] for r in model["resources"]], [3, 7])
        self.assertEqual(model["resources"][1]["type"], "boolean")
        device = (self.dir / "d" / "lwm2m_object_42.c").read_text(encoding="utf-8")
        self.assertIn("{ 7, TSR_LWM2M_BOOLEAN, TSR_LWM2M_READ | TSR_LWM2M_WRITE | TSR_LWM2M_MANDATORY }", device)
        self.assertIn("42, 1, 3, TSR_LWM2M_MULTIPLE, 2, resources", device)
        header = (self.dir / "d" / "lwm2m_objects.h").read_text(encoding="utf-8")
        self.assertIn("TSR_LWM2M_42_ON_OFF_3 = 3,", header)
        server = (self.dir / "m.c").read_text(encoding="utf-8")
        self.assertIn('"Test \\"thing\\" \\303\\251"', server)
        self.assertIn('"a\\\\b\\?\\?/\\nc"', server)

    def test_unchanged_output_is_left_alone(self):
        xml, out = self.xml(GOOD), self.dir / "m.json"
        run("--json", out, xml)
        before = out.stat().st_mtime_ns
        run("--json", out, xml)
        self.assertEqual(out.stat().st_mtime_ns, before)

    def test_wrong_use_is_told(self):
        self.assertEqual(run("--xml", self.dir / "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
