// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {} });
const { complaintOf, guidsOf, lineColumn, parsePlan, reasonOf, scan, TEMPLATES, textOfPlan, withStep } = await import("../src/plan");
const { parseRoute } = await import("../src/state/router");

const stepsOf = (text: string) => scan(text).steps.map((p) => text.slice(p.from, p.to));

describe("places in a plan", () => {
  test("of its steps, whatever else stands there", () => {
    const text = '{ "x": [[1], {"steps": [9]}], "endpoint": "a\\"steps", "steps" : [ {"a": [1, {}]} ,\n  "s", -1.5e3] }';
    expect(stepsOf(text)).toEqual(['{"a": [1, {}]}', '"s"', "-1.5e3"]);
    expect(stepsOf('{"steps": [1], "steps": [2, 3]}')).toEqual(["2", "3"]); // the last one counts, as at the server
    expect(stepsOf('{"steps": []}')).toEqual([]);
  });
  test("of where it stops being JSON", () => {
    for (const [text, at] of [["", 0], ["{", 1], ['{"a":1,}', 7], ['{"a" 1}', 5], ["[1 2]", 3], ["{} x", 3], ['"a\nb"', 0], ["01", 1], ["nul", 0], ['{"a":"\\x"}', 5]] as const) {
      expect(() => { JSON.parse(text); }).toThrow();
      expect([text, scan(text).wrong]).toEqual([text, at]);
    }
    for (const text of ["{}", " [] ", "0", '{"a":{"b":[true,false,null,"\\u00e9"]}}']) expect(scan(text).wrong).toBeUndefined();
    expect(scan("[".repeat(200_000)).wrong).toBeDefined(); // too deep, and no more than that
  });
  test("in words", () => {
    expect(lineColumn("ab\ncd", 4)).toBe("Line 2, column 2");
    expect(parsePlan('{\n "steps": [,]}')).toEqual({ words: "Line 2, column 12: this is not JSON.", place: { from: 13, to: 14 } });
    expect(parsePlan("[]")).toEqual({ words: "The plan must be a JSON object." });
    expect(complaintOf('{"steps": [1,\n 2]}', "steps[1]: no")).toEqual({ words: "Line 2, column 2: steps[1]: no", place: { from: 15, to: 16 } });
    expect(complaintOf('{"steps": [1]}', "steps[7]: no")).toEqual({ words: "steps[7]: no" });
    expect(complaintOf("{}", "a plan has")).toEqual({ words: "a plan has" });
  });
});

test("steps are added behind the others, and to nothing that is no plan", () => {
  let text = textOfPlan({ steps: [], device_info: "x*" });
  for (const name of Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[]) text = withStep(text, name);
  expect(JSON.parse(text)).toEqual({ steps: Object.values(TEMPLATES).map((t) => t.step), device_info: "x*" });
  for (const no of ["{", "[]", '{"steps": 1}']) expect(withStep(no, "csr")).toBe(no);
  expect(JSON.parse(withStep("{}", "csr"))).toEqual({ steps: [{ module: "fdo.csr" }] });
});

test("GUIDs from a list, however they are written", () => {
  const guid = "00112233445566778899aabbccddeeff";
  expect(guidsOf(`${guid}\n00112233-4455-6677-8899-AABBCCDDEEFF, lamp;${guid.slice(1)}\n`)).toEqual({ guids: [guid], wrong: ["lamp", guid.slice(1)] });
  expect(guidsOf(" \n")).toEqual({ guids: [], wrong: [] });
});

test("why a device gets its plan", () => {
  expect(reasonOf({ name: "lamps", by: "group", missing: true })).toContain("not onboarded");
  expect(new Set((["guid", "group", "device_info", "default", "none"] as const).map((by) => reasonOf({ name: "x", by }))).size).toBe(5);
});

test("addresses of groups", () => {
  expect(parseRoute("#/onboarding/groups/lamps.1-a")).toEqual({ page: "group", name: "lamps.1-a" });
  for (const bad of ["#/onboarding/groups", "#/onboarding/groups/a%20b", "#/onboarding/groups/a/b"]) expect(parseRoute(bad).page).toBe("unknown");
});
