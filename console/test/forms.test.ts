// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test, vi } from "vitest";
import type { ModelResource } from "../src/api/client";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {} });
const { credentialOf } = await import("../src/pages/credentials");
const { accountOf, derOf } = await import("../src/pages/account");
const { withServer } = await import("../src/pages/bootstrap");
const { serialText } = await import("../src/pages/certificates");
const { fieldsOf, newInstance } = await import("../src/pages/instances");

const form = { mode: "psk" as const, endpoint: "lamp", identity: "", key: "00 ff", deviceId: "", serverId: "02", salt: "", context: "" };
const account = { uri: "coaps://a:5684", id: "7", lifetime: "300", security: "psk" as const, source: "generate" as const, identity: "",
  key: "", deviceId: "", serverId: "", certificate: "", privateKey: "", serverCertificate: "" };

describe("a credential", () => {
  test("has what its kind needs and no more", () => {
    expect(credentialOf(form)).toEqual({ credential: { mode: "psk", identity: "lamp", key: "00ff" } });
    expect(credentialOf({ ...form, mode: "x509", identity: "cn" })).toEqual({ credential: { mode: "x509", identity: "cn" } });
    expect(credentialOf({ ...form, mode: "oscore", salt: "9e" }))
      .toEqual({ credential: { mode: "oscore", key: "00ff", device_id: "", server_id: "02", salt: "9e" } });
  });
  test("is refused field by field", () => {
    const wrong = credentialOf({ ...form, mode: "oscore", key: "", serverId: "1", context: "x" });
    expect("errors" in wrong && Object.keys(wrong.errors).sort()).toEqual(["context", "key", "serverId"]);
    expect("errors" in credentialOf({ ...form, mode: "oscore", deviceId: "AB", serverId: "ab" })).toBe(true);
    expect("errors" in credentialOf({ ...form, key: "00".repeat(65) })).toBe(true);
  });
});

describe("an account of a profile", () => {
  test("has what its security needs", () => {
    expect(accountOf(account)).toEqual({ server: { uri: "coaps://a:5684", security: "psk", short_server_id: 7, lifetime: 300, generate: true } });
    const given = accountOf({ ...account, security: "oscore", source: "given", key: "0a", deviceId: "01" });
    expect("server" in given && given.server).toMatchObject({ security: "oscore", key: "0a", device_id: "01", server_id: "" });
    const est = accountOf({ ...account, security: "est", serverCertificate: "MAA=" });
    expect("server" in est && est.server).toMatchObject({ security: "est", server_certificate: "MAA=" });
  });
  test("is refused field by field", () => {
    const wrong = accountOf({ ...account, uri: "a", id: "65535", lifetime: "", security: "x509" });
    expect("errors" in wrong && Object.keys(wrong.errors).sort()).toEqual(["certificate", "id", "lifetime", "privateKey", "serverCertificate", "uri"]);
  });
  test("goes behind the others, and leaves a broken text as it is", () => {
    const server = { uri: "coap://b", security: "nosec" as const };
    expect(JSON.parse(withServer('{"plain": true, "servers": [{"uri": "coap://a", "security": "nosec"}]}', server)))
      .toEqual({ plain: true, servers: [{ uri: "coap://a", security: "nosec" }, server] });
    expect(withServer("{", server)).toBe("{");
  });
  test("takes certificates as people have them", () => {
    expect(derOf("-----BEGIN CERTIFICATE-----\nMAAw\nAA==\n-----END CERTIFICATE-----\n")).toBe("MAAwAA==");
    expect(derOf("-----BEGIN CERTIFICATE----- MAAw AA== -----END CERTIFICATE-----")).toBe("MAAwAA==");
    expect(derOf("MAA=")).toBe("MAA=");
    expect(derOf("MA")).toBeUndefined();
    expect(derOf("")).toBeUndefined();
  });
});

test("a serial number is read in groups of four", () => {
  expect(serialText("0123456789abcdef")).toBe("0123 4567 89ab cdef");
});

describe("a new instance", () => {
  const resource = (id: number, more: Partial<ModelResource> = {}): ModelResource =>
    ({ id, name: `r${id}`, operations: "RW", multiple: false, mandatory: false, type: "integer", ...more });
  const fields = [resource(1), resource(2, { mandatory: true, type: "string" })];

  test("takes what can be written and is one value", () => {
    const model = { object: 20, name: "x", multiple: true, mandatory: false, resources: [...fields, resource(3, { operations: "R" }), resource(4, { multiple: true })] };
    expect(fieldsOf(model as unknown as Parameters<typeof fieldsOf>[0]).map((f) => f.id)).toEqual([1, 2]);
    expect(fieldsOf(undefined)).toEqual([]);
  });
  test("has its paths, also when the device chooses the number", () => {
    expect(newInstance(20, "", { 2: "a" }, fields)).toEqual({ made: { instance: undefined, values: [{ path: "/20/65535/2", value: "a" }] } });
    expect(newInstance(20, " 3 ", { 1: "5", 2: "a" }, fields))
      .toEqual({ made: { instance: 3, values: [{ path: "/20/3/1", value: 5 }, { path: "/20/3/2", value: "a" }] } });
  });
  test("is refused field by field", () => {
    const wrong = newInstance(20, "65535", { 1: "x" }, fields);
    expect("errors" in wrong && Object.keys(wrong.errors).sort()).toEqual(["1", "2", "instance"]);
  });
});
