// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test, vi } from "vitest";
import type { FdoDevice, FdoStage } from "../src/api/client";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {} });
const { bytesOfPem, failureOf, guidText, isRunning, pemOfFile, stepsOf, textOfResult } = await import("../src/fdo");
const { splitName } = await import("../src/pages/results");
const { parseRoute } = await import("../src/state/router");

const device = (...stages: [FdoStage["stage"], string][]): FdoDevice => ({
  guid: "00".repeat(16), state: "extended", serial: "", device_info: "", entries: 1, since: "", changed_at: "",
  stages: stages.map(([stage, at]) => ({ stage, at, detail: stage })),
});

describe("the stages of a device", () => {
  test("stand in the order of the protocol, with what is to come", () => {
    const steps = stepsOf(device(["extended", "2"], ["made", "1"]));
    expect(steps.map((s) => [s.stage, s.at])).toEqual([["made", "1"], ["extended", "2"], ["announced", undefined], ["redirected", undefined],
      ["proved", undefined], ["onboarded", undefined], ["registered", undefined]]);
    expect(stepsOf(device(), "9").at(-1)).toEqual({ stage: "registered", label: "LwM2M", at: "9", detail: "" });
  });
  test("of one that was replaced end with TO2", () => {
    expect(stepsOf(device(["proved", "1"], ["replaced", "2"])).at(-1)).toMatchObject({ stage: "onboarded", at: "2" });
  });
  test("a failure counts until the device comes further", () => {
    expect(failureOf(device(["proved", "2"], ["failed", "3"]))?.at).toBe("3");
    expect(failureOf(device(["failed", "3"], ["announced", "4"]))?.at).toBe("3"); // the owner's doing, not the device's
    expect(failureOf(device(["failed", "3"], ["onboarded", "4"]))).toBeUndefined();
    expect(isRunning(device(["proved", "2"]))).toBe(true);
    expect(isRunning(device(["proved", "2"], ["failed", "3"]))).toBe(false);
    expect(isRunning(device(["proved", "2"], ["onboarded", "3"]))).toBe(false);
  });
});

describe("files", () => {
  test("a voucher in CBOR becomes PEM and comes back", () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
    const pem = pemOfFile(bytes);
    expect(pem.split("\n")[0]).toBe("-----BEGIN OWNERSHIP VOUCHER-----");
    expect(Math.max(...pem.split("\n").map((l) => l.length))).toBe(64);
    expect(bytesOfPem(pem)).toEqual(bytes);
    expect(pemOfFile(new TextEncoder().encode(pem))).toBe(pem);
  });
  test("what is no text is not shown as text", () => {
    expect(textOfResult(new TextEncoder().encode("a\tb\n"))).toBe("a\tb\n");
    expect(textOfResult(Uint8Array.of(0x1b, 0x5b))).toBeUndefined();
    expect(textOfResult(Uint8Array.of(0xff))).toBeUndefined();
    expect(splitName("ab/c/d")).toEqual({ guid: "ab", file: "c/d" });
  });
});

test("addresses of the pages", () => {
  expect(guidText("00112233445566778899aabbccddeeff")).toBe("00112233-4455-6677-8899-aabbccddeeff");
  expect(parseRoute(`#/onboarding/${"ab".repeat(16)}`)).toEqual({ page: "voucher", guid: "ab".repeat(16) });
  expect(parseRoute("#/onboarding/..%2Fx").page).toBe("unknown");
  expect(parseRoute("#/audit").page).toBe("audit");
});
