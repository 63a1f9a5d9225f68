// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { base64Bytes, duration, plural, relativeTime, unitText, valueText } from "../src/format";
import { deviceHref, parseRoute } from "../src/state/router";

const now = Date.parse("2026-11-22T12:00:00Z");

describe("times", () => {
  test.each([
    ["2026-11-22T11:59:59.500Z", "just now"], ["2026-11-22T11:59:48Z", "12 s ago"], ["2026-11-22T11:50:00Z", "10 min ago"],
    ["2026-11-22T06:00:00Z", "6 h ago"], ["2026-11-19T12:00:00Z", "3 d ago"], ["2026-11-22T12:05:00Z", "in 5 min"],
    ["nonsense", "unknown"], [undefined, "never"],
  ])("%s is %s", (iso, text) => expect(relativeTime(iso, now)).toBe(text));
  test("durations", () => expect([30, 300, 86400, 864000].map(duration)).toEqual(["30 s", "5 min", "24 h", "10 d"]));
});

test("values are shown by their type", () => {
  expect(valueText(21.123456, "float")).toBe("21.123");
  expect(valueText(1234567, "integer")).toBe("1,234,567");
  expect(valueText(true, "boolean")).toBe("true");
  expect(valueText("AAEC/w==", "opaque")).toBe("4 bytes");
  expect(valueText("NaN", "float")).toBe("NaN");
  expect(valueText(null)).toBe("");
  expect(base64Bytes("")).toBe(0);
  expect([unitText("Cel"), unitText("/100"), unitText("W"), unitText(undefined)]).toEqual(["°C", "%", "W", ""]);
  expect([plural(1, "device"), plural(2000, "device")]).toEqual(["1 device", "2,000 devices"]);
});

describe("addresses", () => {
  test.each([
    ["", { page: "devices" }], ["#/devices", { page: "devices" }],
    ["#/devices/a%2Fb", { page: "device", endpoint: "a/b", object: undefined }],
    ["#/devices/dev/3303", { page: "device", endpoint: "dev", object: 3303 }],
    ["#/events?endpoint=a%20b", { page: "events", endpoint: "a b" }],
    ["#/credentials", { page: "credentials" }],
    ["#/bootstrap", { page: "bootstrap" }],
    ["#/devices/a/x", { page: "unknown", hash: "#/devices/a/x" }],
    ["#/devices/%zz", { page: "unknown", hash: "#/devices/%zz" }],
    ["#/nothing", { page: "unknown", hash: "#/nothing" }],
  ])("%s", (hash, route) => expect(parseRoute(hash)).toEqual(route));
  test("lead back to where they came from", () => {
    expect(parseRoute(deviceHref("urn:dev/1 ü", 3))).toEqual({ page: "device", endpoint: "urn:dev/1 ü", object: 3 });
  });
});
