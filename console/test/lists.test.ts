// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test, vi } from "vitest";
import type { ApiEvent, Device } from "../src/api/client";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {} });
const { before, matches, upsert } = await import("../src/state/devices");
const { merge } = await import("../src/state/live");
const { visibleRange } = await import("../src/pages/devices");
const { describe: words, filterEvents, toneOf } = await import("../src/pages/events");
const { attributeChanges, attributesOf } = await import("../src/pages/dialogs");
const { parseProfile, serversText, textOf } = await import("../src/pages/bootstrap");
const { cleanHex, toHex } = await import("../src/pages/credentials");
const { defaultObject } = await import("../src/pages/device");
const { queryString } = await import("../src/api/client");
const { nextTheme } = await import("../src/state/theme");

const device = (endpoint: string, online = true): Device => ({
  endpoint, online, queue_mode: false, version: "1.2", binding: "U", security: "psk", address: "", lifetime_s: 0,
  registered_at: "", updated_at: "", seen_at: "", expires_at: null, observations: 0,
});
const event = (id: number, more: Partial<ApiEvent> = {}): ApiEvent => ({ id, at: "", type: "updated", endpoint: "d", ...more });

describe("the list of devices", () => {
  const list = ["a", "c", "e"].map((n) => device(n));
  test("keeps its order when one comes or changes", () => {
    expect(upsert(list, device("d"), true).map((d) => d.endpoint)).toEqual(["a", "c", "d", "e"]);
    const changed = upsert(list, device("c", false), true);
    expect(changed.map((d) => d.endpoint)).toEqual(["a", "c", "e"]);
    expect(changed[1]!.online).toBe(false);
  });
  test("takes one at its end only when it is complete", () => {
    expect(upsert(list, device("z"), true)).toHaveLength(4);
    expect(upsert(list, device("z"), false)).toHaveLength(3);
  });
  test("sorts bytewise as the server does", () => {
    expect(before("B", "a")).toBe(true);
    expect(before("a", "\u00e9")).toBe(true);
    expect(before("\uffff", "\u{10000}")).toBe(true);
    expect(before("ab", "a")).toBe(false);
  });
  test("filters without regard to case", () => {
    expect(matches(device("Meter-1"), "METER", false)).toBe(true);
    expect(matches(device("Meter-1", false), "", true)).toBe(false);
  });
  test("draws only what is in view", () => {
    expect(visibleRange(0, 490, 100_000)).toEqual([0, 20]);
    expect(visibleRange(4900, 490, 100_000)).toEqual([90, 120]);
    expect(visibleRange(4_899_510, 490, 100_000)).toEqual([99_980, 100_000]);
  });
});

describe("events", () => {
  test("are merged newest first, each once, and bounded", () => {
    const known = [event(5), event(4)];
    expect(merge(known, [event(4), event(5), event(6), event(9)]).map((e) => e.id)).toEqual([9, 6, 5, 4]);
    expect(merge(known, [event(5)])).toBe(known);
    expect(merge(known, [event(6), event(7)], 3).map((e) => e.id)).toEqual([7, 6, 5]);
  });
  test("are found by kind, text and device", () => {
    const list = [event(3, { type: "notification", path: "/3303/0/5700" }), event(2, { endpoint: "x" }), event(1, { type: "failure", detail: "no answer" })];
    expect(filterEvents(list, new Set(["Notifications"]), "", undefined).map((e) => e.id)).toEqual([3]);
    expect(filterEvents(list, new Set(), "NO ANSWER", undefined).map((e) => e.id)).toEqual([1]);
    expect(filterEvents(list, new Set(), "", "x").map((e) => e.id)).toEqual([2]);
  });
  test("say what happened", () => {
    expect(words(event(1, { operation: "write-replace", path: "/3/0/15", coap_code: "2.04" }))).toBe("write replace  ·  /3/0/15  ·  2.04");
    const values = [1, 2, 3, 4].map((v) => ({ path: `/3303/0/${v}`, type: "float" as const, units: "Cel", value: v }));
    expect(words(event(1, { values }))).toContain("/3303/0/3 = 3 °C, and 1 more");
    expect(toneOf("failure")).toBe("bad");
  });
});

describe("attributes", () => {
  test("are sent when they changed, and cleared when emptied", () => {
    expect(attributeChanges({ pmin: "1", gt: "5" }, { pmin: "2", gt: "", lt: "" })).toEqual({ pmin: 2, gt: null });
    expect(attributeChanges({ pmin: "1" }, { pmin: "1" })).toEqual({});
    expect(attributesOf({ path: "/3", attributes: { pmin: "1", obs: true } })).toEqual({ pmin: "1" });
  });
});

test("keys are hexadecimal digits", () => {
  expect(toHex(new Uint8Array([0, 171, 255]))).toBe("00abff");
  expect(cleanHex("00:AB ff")).toBe("00ABff");
  for (const bad of ["", "0", "zz", "00".repeat(65)]) expect(cleanHex(bad)).toBeUndefined();
});

test("a device opens with its Device object, else with the first", () => {
  expect(defaultObject([{ object: 1, instances: [] }, { object: 3, instances: [0] }])).toBe(3);
  expect(defaultObject([{ object: 1, instances: [] }])).toBe(1);
  expect(defaultObject([])).toBeUndefined();
});

test("queries leave out what is not said", () => {
  expect(queryString({ q: "", online: false, limit: 10, cursor: undefined })).toBe("?limit=10");
  expect(queryString({ path: "/3/0", q: "a b&c" })).toBe("?path=%2F3%2F0&q=a+b%26c");
  expect(queryString({})).toBe("");
});

test("colours go round", () => {
  expect([nextTheme("auto"), nextTheme("light"), nextTheme("dark")]).toEqual(["light", "dark", "auto"]);
});

describe("a bootstrap profile", () => {
  test("is shown without what the server adds, and with an example when new", () => {
    expect(JSON.parse(textOf({ name: "a*", changed_at: "2026-01-01T00:00:00Z", plain: true }))).toEqual({ plain: true });
    expect(JSON.parse(textOf(undefined)).servers).toHaveLength(1);
  });
  test("must be a JSON object", () => {
    expect(parseProfile("{}")).toEqual({ profile: {} });
    expect(parseProfile("[]")).toHaveProperty("error");
    expect(parseProfile("{")).toHaveProperty("error");
  });
  test("names its servers", () => {
    expect(serversText({})).toBe("none");
    expect(serversText({ servers: [{ uri: "coaps://a", security: "psk", generate: true }, { uri: "coap://b", security: "nosec" }] }))
      .toBe("coaps://a (fresh key), coap://b");
  });
});
