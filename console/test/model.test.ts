// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Link, Model, Value } from "../src/api/client";
import { addPoint, comparePaths, parseInput, purposeOf, rangeOf, rowsOf, unitsOf, type Series } from "../src/model";

const model: Model = {
  id: 3303, name: "Temperature", version: "1.1", multiple: true, mandatory: false, urn: "",
  resources: [
    { id: 5700, name: "Sensor Value", operations: "R", multiple: false, mandatory: true, type: "float" },
    { id: 5601, name: "Min Measured Value", operations: "R", multiple: false, mandatory: false, type: "float" },
    { id: 5605, name: "Reset", operations: "E", multiple: false, mandatory: false, type: "none" },
  ],
};
const value = (path: string, v: Value["value"], type: Value["type"] = "float"): [string, Value] => [path, { path, type, value: v }];
const link = (path: string): [string, Link] => [path, { path, attributes: {} }];

describe("rowsOf", () => {
  test("shows what is mandatory before the device has said anything", () => {
    expect(rowsOf("/3303/0", model, new Map(), new Map()).map((r) => r.id)).toEqual([5700]);
  });

  test("joins what Discover lists with what has a value, by number", () => {
    const rows = rowsOf("/3303/0", model, new Map([link("/3303/0"), link("/3303/0/5700"), link("/3303/0/5605")]),
      new Map([value("/3303/0/5601", 1), value("/3303/1/5602", 2)]));
    expect(rows.map((r) => r.id)).toEqual([5601, 5605, 5700]);
    expect(rows[1]).toMatchObject({ executable: true, readable: false, writable: false, values: [] });
  });

  test("gathers the instances of a multiple resource in order", () => {
    const rows = rowsOf("/4/0", undefined, new Map(), new Map([value("/4/0/4/10", "b", "string"), value("/4/0/4/2", "a", "string")]));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ multiple: true, name: "Resource 4" });
    expect(rows[0]!.values.map((v) => v.ri)).toEqual([2, 10]);
  });

  test("does not mistake /3303/1 for /3303/10", () => {
    expect(rowsOf("/3303/1", undefined, new Map(), new Map([value("/3303/10/5700", 1)]))).toEqual([]);
  });
});

describe("units and purpose", () => {
  const values = new Map([value("/3300/0/5701", "Cel", "string"), value("/3300/0/5751", "case", "string")]);
  test("come from the model first, then from the sensor", () => {
    expect(unitsOf("/3300/0/5700", "W", values)).toBe("W");
    expect(unitsOf("/3300/0/5700", "", values)).toBe("Cel");
    expect(unitsOf("/3300/1/5700", "", values)).toBe("");
    expect(unitsOf("/3300/0/5750", "", values)).toBe("");
    expect(purposeOf("/3300/0", values)).toBe("case");
    expect(purposeOf("/3300/1", values)).toBe("");
  });
});

describe("parseInput", () => {
  const good: [string, Value["type"], unknown][] = [
    ["42", "integer", 42], [" -7 ", "integer", -7], ["0", "unsigned", 0], ["21.5", "float", 21.5], ["21,5", "float", 21.5],
    ["-Infinity", "float", "-Infinity"], ["true", "boolean", true], ["false", "boolean", false], [" text ", "string", " text "],
    ["2026-01-31T12:00:00Z", "time", "2026-01-31T12:00:00.000Z"], ["AAEC", "opaque", "AAEC"], ["3303:0", "objlnk", "3303:0"],
  ];
  test.each(good)("%s as %s", (text, type, expected) => {
    expect(parseInput(text, type)).toEqual({ ok: true, value: expected });
  });
  const bad: [string, Value["type"]][] = [
    ["", "integer"], ["1.5", "integer"], ["9007199254740993", "integer"], ["-1", "unsigned"], ["warm", "float"], ["", "float"],
    ["yes", "boolean"], ["yesterday", "time"], ["***", "opaque"], ["3303", "objlnk"],
  ];
  test.each(bad)("refuses %s as %s with a reason", (text, type) => {
    expect(parseInput(text, type)).toMatchObject({ ok: false, error: expect.stringMatching(/.{8,}/) });
  });
});

describe("series", () => {
  const from = (points: [number, number][]) => points.reduce((s, [t, v]) => addPoint(s, t, v), { t: [], v: [] } as Series);
  test("stays in order of time, whatever comes first", () => {
    expect(from([[1, 10], [3, 30], [2, 20]])).toEqual({ t: [1, 2, 3], v: [10, 20, 30] });
  });
  test("takes the newer value of the same moment at its end, and no double within", () => {
    expect(from([[1, 10], [2, 20], [2, 25], [1, 99]])).toEqual({ t: [1, 2], v: [10, 25] });
  });
  test("keeps the newest points only", () => {
    const long = from(Array.from({ length: 2500 }, (_, i) => [i, i] as [number, number]));
    expect(long.t).toHaveLength(2000);
    expect(long.t[0]).toBe(500);
  });
  test("knows its range", () => {
    expect(rangeOf({ t: [], v: [] })).toBeUndefined();
    expect(rangeOf(from([[1, 5], [2, -3], [3, 4]]))).toEqual({ min: -3, max: 5, last: 4 });
  });
});

test("paths are compared by number", () => {
  expect(["/3/0/10", "/3/0/9", "/3", "/3/0"].sort(comparePaths)).toEqual(["/3", "/3/0", "/3/0/9", "/3/0/10"]);
});
