// SPDX-License-Identifier: Apache-2.0
// The REST interface of a running server with a real device: the document against the routes, the answers against
// the document, bad input, and the event stream over a restart.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab, require, root, sleep, until } from "../console/lab.mjs";

const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default ?? require("ajv-formats");
const YAML = require("yaml");

const document = YAML.parse(readFileSync(join(root, "docs/openapi.yaml"), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, "openapi");

const METHODS = ["get", "put", "post", "delete", "patch"];
const EP = "rest-1";
let lab;

/** How many operations the server has sent to devices so far. */
async function sentIn(a) {
  return Number((await a.call("GET", "/metrics")).body.match(/^tessera_requests_total (\d+)$/m)[1]);
}

function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((m) => item[m]).map((m) => ({ path, method: m.toUpperCase(), item, operation: item[m] })));
}

function resolve(node) {
  if (!node?.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/")], document);
}

/** Checks an answer against what the document says of this path, method and status. */
function conforms(path, method, answer) {
  const operation = document.paths[path][method.toLowerCase()];
  const response = resolve(operation.responses[answer.status] ?? operation.responses.default);
  assert.ok(response, `${method} ${path}: status ${answer.status} is not documented`);
  if (!operation.responses[answer.status])
    assert.ok(answer.status >= 400, `${method} ${path}: ${answer.status} is not documented`);
  if (answer.status === 204) {
    assert.equal(answer.body, "");
    return;
  }
  const type = answer.type.split(";")[0];
  const schema = response.content?.[type]?.schema;
  assert.ok(schema, `${method} ${path}: ${type} is not documented for ${answer.status}`);
  if (!type.includes("json")) return;
  const check = ajv.compile(pointed(schema));
  assert.ok(check(answer.body), `${method} ${path} ${answer.status}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(answer.body).slice(0, 500)}`);
}

/** The schema with its references made absolute. */
function pointed(schema) {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
}

async function checked(method, path, template, body, headers) {
  const answer = await lab.call(method, path, body, headers);
  conforms(template, method, answer);
  return answer;
}

const O = "/devices/{endpoint}/objects/{object}";
const I = `${O}/{instance}`;
const R = `${I}/{resource}`;
const RI = `${R}/{resourceInstance}`;
const B = "/devices/{endpoint}/observations/{object}/{instance}/{resource}";
const dev = `/devices/${EP}`;

// RFC 9457 §3: what every refusal looks like
function problem(answer, status, name) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.type, "application/problem+json");
  assert.equal(answer.body.type, `urn:tessera:problem:${name}`);
  assert.equal(answer.body.status, status);
  assert.ok(answer.body.detail?.length > 8, "a problem names cause and remedy");
}

before(async () => {
  // An owner whose key the recorded voucher ends with; 127.0.0.1:0 is any free port.
  lab = await Lab.open({ server: ["--shards", "2", "--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key",
    join(root, "tests/vectors/fdo/go-fdo/mfg_key.pem")] });
  await lab.startDevice(EP);
}, { timeout: 120_000 });
after(() => lab?.close(), { timeout: 60_000 });

describe("the document", () => {
  test("is one that its own schemas accept", () => {
    for (const name of Object.keys(document.components.schemas))
      assert.ok(ajv.getSchema(`openapi#/components/schemas/${name}`), name);
    const ids = operations().map((o) => o.operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("and the server's routes are the same", async () => {
    const { body } = await checked("GET", "/", "/");
    const served = body.routes.map((r) => `${r.method} ${r.path}`).sort();
    const documented = operations().map((o) => `${o.method} ${o.path}`).sort();
    assert.deepEqual(served, documented);
  });

  test("is served by the server as it is in the source", async () => {
    const answer = await lab.call("GET", "/openapi.yaml");
    assert.equal(answer.body, readFileSync(join(root, "docs/openapi.yaml"), "utf8"));
  });

  test("names every path parameter", () => {
    for (const { path, item, operation } of operations()) {
      const named = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve)
        .filter((p) => p.in === "path").map((p) => p.name).sort();
      assert.deepEqual(named, [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort(), path);
    }
  });
});

// FIDO Device Onboard: a voucher of go-fdo's comes in, and goes on to the next owner. Protocols: interop/test_fdo.py
async function onboarding(ok, call) {
  const fdo = "/fdo/devices/{endpoint}";
  const pem = readFileSync(join(root, "tests/vectors/fdo/go-fdo/ov.pem"), "utf8");
  const taken = await ok("POST", "/fdo/vouchers", "/fdo/vouchers", { voucher: pem });
  const { guid } = taken.body;
  assert.equal(taken.body.state, "imported");
  problem(await call("POST", "/fdo/vouchers", "/fdo/vouchers", { voucher: "no voucher" }), 422, "voucher-refused");
  problem(await call("POST", "/fdo/vouchers", "/fdo/vouchers", { vouchers: 1 }), 422, "invalid-body");
  assert.deepEqual((await ok("GET", "/fdo/devices", "/fdo/devices")).body.items.map((d) => d.guid), [guid]);
  await ok("GET", `/fdo/devices/${guid}`, fdo);
  const { body } = await ok("GET", `/fdo/devices/${guid}/voucher`, `${fdo}/voucher`);
  assert.deepEqual([body.wrong, body.ours, body.manufacturer.type, body.entries], [null, true, "P-384", []]);
  const bytes = (text) => Buffer.from(text.replace(/-----[^-]*-----/g, ""), "base64");
  assert.deepEqual(bytes(body.voucher), bytes(pem));
  const to = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).publicKey.export({ type: "spki", format: "pem" });
  const sold = await ok("POST", `/fdo/devices/${guid}/extend`, `${fdo}/extend`, { to });
  assert.deepEqual([sold.body.state, sold.body.entries], ["extended", 1]);
  problem(await call("POST", `/fdo/devices/${guid}/extend`, `${fdo}/extend`, { to }), 422, "voucher-refused");
  const extended = (await ok("GET", `/fdo/devices/${guid}/voucher`, `${fdo}/voucher`)).body;
  assert.deepEqual([extended.ours, extended.entries.map((e) => [e.verified, e.owner.type])], [false, [[true, "P-384"]]]);
  await until("both stages", async () => {
    const { stages } = (await ok("GET", `/fdo/devices/${guid}`, fdo)).body;
    return stages.map((s) => s.stage).sort().join() === "extended,imported";
  });
  const events = (await call("GET", "/events?limit=1000&after=0", "/events", undefined, { Accept: "application/json" })).body.items;
  assert.deepEqual(events.filter((e) => e.endpoint === guid).map((e) => e.type), ["fdo-imported", "fdo-extended"]);
  const service = (await ok("GET", "/fdo", "/fdo")).body;
  assert.deepEqual([service.roles, service.owner_keys, service.peer_rate], [["owner"], [body.manufacturer], 100]);
  assert.deepEqual((await ok("GET", "/fdo/redirects", "/fdo/redirects")).body.items, []);
  const unknown = "00".repeat(16);
  problem(await call("GET", `/fdo/devices/${unknown}`, fdo), 404, "unknown-voucher");
  problem(await call("GET", `/fdo/devices/${unknown}/voucher`, `${fdo}/voucher`), 404, "unknown-voucher");
  problem(await call("POST", `/fdo/devices/${unknown}/extend`, `${fdo}/extend`, { to }), 404, "unknown-voucher");

  const plan = "/fdo/plans/{endpoint}";
  await ok("PUT", "/fdo/plans/default", plan, { steps: [{ module: "fdo.upload", name: "log" }] });
  problem(await call("PUT", "/fdo/plans/default", plan, { steps: [{ module: "none" }] }), 422, "invalid-body");
  assert.deepEqual((await ok("GET", "/fdo/plans", "/fdo/plans")).body.items.map((p) => p.name), ["default"]);
  const tail = { steps: [{ module: "fdo.csr" }, { module: "fdo.csr", name: "x" }] };
  problem(await call("PUT", "/fdo/plans/default", plan, tail), 422, "invalid-body");
  assert.match((await call("POST", "/fdo/plans/default/check", `${plan}/check`, tail)).body.detail, /^steps\[1\]: /);
  await ok("POST", "/fdo/plans/new/check", `${plan}/check`, { steps: [] });
  problem(await call("GET", "/fdo/plans/new", plan), 404, "unknown-plan");
  await files(ok, call, plan);
  await ok("PUT", "/fdo/plans/lamps", plan, { steps: [] });
  assert.deepEqual((await ok("GET", `/fdo/devices/${guid}`, fdo)).body.plan, { name: "default", by: "default" });
  await ok("PUT", `/fdo/devices/${guid}/group`, `${fdo}/group`, { group: "lamps" });
  const grouped = (await ok("GET", `/fdo/devices/${guid}`, fdo)).body;
  assert.deepEqual([grouped.group, grouped.plan], ["lamps", { name: "lamps", by: "group" }]);
  for (const [name, guids] of [["lamps", [guid]], ["pumps", []]])
    assert.deepEqual((await ok("GET", `/fdo/devices?group=${name}`, "/fdo/devices")).body.items.map((d) => d.guid), guids);
  await ok("PUT", "/fdo/plans/clocks", plan, { steps: [], device_info: "clock-*" });
  assert.deepEqual((await ok("GET", "/fdo/groups", "/fdo/groups")).body.items,
    [{ name: "clocks", plan: true, devices: 0, device_info: "clock-*" }, { name: "lamps", plan: true, devices: 1 }]);
  const first = (await ok("GET", "/fdo/groups?limit=1", "/fdo/groups")).body;
  assert.deepEqual([first.items.length, first.next], [1, "clocks"]);
  assert.deepEqual((await ok("GET", "/fdo/groups?cursor=clocks", "/fdo/groups")).body.items.map((g) => g.name), ["lamps"]);
  await ok("DELETE", "/fdo/plans/clocks", plan);
  problem(await call("PUT", `/fdo/devices/${guid}/group`, `${fdo}/group`, { group: "pumps" }), 422, "invalid-body");
  await ok("DELETE", "/fdo/plans/lamps", plan);
  assert.deepEqual((await ok("GET", `/fdo/devices/${guid}`, fdo)).body.plan, { name: "lamps", by: "group", missing: true });
  assert.deepEqual((await ok("GET", "/fdo/groups", "/fdo/groups")).body.items, [{ name: "lamps", plan: false, devices: 1 }]);
  await ok("PUT", `/fdo/devices/${guid}/group`, `${fdo}/group`, { group: null });
  await ok("DELETE", "/fdo/plans/default", plan);
  assert.deepEqual((await ok("GET", `/fdo/devices/${guid}`, fdo)).body.plan, { name: null, by: "none" });
  problem(await call("DELETE", "/fdo/plans/default", plan), 404, "unknown-plan");
  assert.deepEqual((await ok("GET", "/fdo/results", "/fdo/results")).body.items, []);
  problem(await call("GET", `/fdo/results/${unknown}%2Flog`, "/fdo/results/{endpoint}"), 404, "unknown-voucher");
  await audited(guid, ok, call);
}

// What is in a plan's files does not come out, and is kept when the plan is sent again.
async function files(ok, call, plan) {
  const secret = "a key: 0f1e2d";
  const at = "/fdo/plans/default";
  const step = (more) => ({ module: "fdo.download", name: "key", ...more });
  await ok("PUT", at, plan, { steps: [step({ text: secret }), step({ data: "AAECAw==", name: "four" })], device_info: "x" });
  const listed = (await ok("GET", "/fdo/plans", "/fdo/plans")).body.items;
  assert.deepEqual(listed.map(({ bytes, ...p }) => [bytes > 90, p]), [[true, { name: "default", device_info: "x", steps: ["fdo.download", "fdo.download"] }]]);
  const shown = (await ok("GET", at, plan)).body;
  assert.deepEqual(shown, { steps: [step({ file_bytes: secret.length }), step({ name: "four", file_bytes: 4 })], device_info: "x" });
  await ok("PUT", at, plan, { steps: [...shown.steps, { module: "fdo.csr" }] });
  assert.deepEqual((await ok("GET", at, plan)).body, { steps: [...shown.steps, { module: "fdo.csr" }] });
  const other = await call("PUT", at, plan, { steps: [step({ file_bytes: 3 })] });
  problem(other, 422, "invalid-body");
  assert.match(other.body.detail, /^steps\[0\]: `file_bytes`/);
}

// What was changed above stands in the audit log, newest first, refusals of the operator among it.
async function audited(guid, ok, call) {
  const { items } = (await ok("GET", "/audit?limit=200", "/audit")).body;
  const of = (what) => items.filter((e) => e.what === what);
  assert.deepEqual(of("voucher-imported").map((e) => [e.about, e.detail.slice(0, 16)]),
    [["", "refused with 422"], ["", "refused with 422"], [guid, ""]]);
  assert.deepEqual(of("plan-set").map((e) => [e.about, e.detail.slice(0, 16)]), [["clocks", ""], ["lamps", ""],
    ["default", "refused with 422"], ["default", ""], ["default", ""], ["default", "refused with 422"], ["default", "refused with 422"], ["default", ""]]);
  assert.equal(of("plan-deleted").length, 4);
  assert.deepEqual(of("device-group-set").map((e) => e.about), [guid, guid, guid]);
  assert.ok(items.every((e) => e.who === "operator 127.0.0.1"));
  assert.ok(items.every((e, i) => i === 0 || e.id === items[i - 1].id - 1));
  const first = (await ok("GET", "/audit?limit=2", "/audit")).body;
  const second = (await ok("GET", `/audit?limit=2&cursor=${first.next}`, "/audit")).body;
  assert.deepEqual([...first.items, ...second.items].map((e) => e.id), items.slice(0, 4).map((e) => e.id));
  assert.deepEqual((await ok("GET", "/audit?refused=true", "/audit")).body.items, []);
  problem(await call("GET", "/audit?refused=maybe", "/audit"), 400, "bad-parameter");
}

test("each documented operation answers, and as documented", { timeout: 120_000 }, async () => {
  const seen = new Set();
  const call = async (method, path, template, body, headers) => {
    seen.add(`${method} ${template}`);
    return checked(method, path, template, body, headers);
  };
  const ok = async (...args) => {
    const answer = await call(...args);
    assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };

  await ok("GET", "/", "/");
  await ok("GET", "/openapi.yaml", "/openapi.yaml");
  await ok("GET", "/health", "/health");
  assert.deepEqual((await ok("GET", "/operator", "/operator")).body, { name: null, role: "full" });
  const metrics = await ok("GET", "/metrics", "/metrics");
  assert.match(metrics.body, /^tessera_registrations 1$/m);
  const list = await ok("GET", "/devices?limit=10", "/devices");
  assert.deepEqual(list.body.items.map((d) => d.endpoint), [EP]);
  assert.equal(list.body.total, 1);
  const one = await ok("GET", dev, "/devices/{endpoint}");
  assert.equal(one.body.security, "psk");
  assert.equal(one.body.identity, EP);
  assert.ok(one.body.objects.some((o) => o.object === 3 && o.name === "Device" && o.instances.includes(0)));

  const device = await ok("GET", `${dev}/objects/3`, O);
  assert.ok(device.body.values.some((v) => v.path === "/3/0/13" && v.type === "time"));
  await ok("GET", `${dev}/objects/3/0`, I);
  const binding = await ok("GET", `${dev}/objects/1/0/7`, R);
  assert.equal(binding.body.values[0].value, "U");
  await ok("GET", `${dev}/objects/3/0/11/0`, RI);
  await ok("GET", `${dev}/objects/3/discover`, `${O}/discover`);
  await ok("GET", `${dev}/objects/3/0/discover`, `${I}/discover`);
  await ok("GET", `${dev}/objects/3311/0/5850/discover`, `${R}/discover`);

  await ok("PUT", `${dev}/objects/3311/0/5850`, R, { value: true });
  const light = await ok("GET", `${dev}/objects/3311/0/5850`, R);
  assert.equal(light.body.values[0].value, true);
  await ok("PUT", `${dev}/objects/3311/0?mode=update`, I, { values: [
    { path: "/3311/0/5851", value: 40 }, { path: "/3311/0/5850", value: false }] });
  const both = await ok("GET", `${dev}/objects/3311/0`, I);
  assert.equal(both.body.values.find((v) => v.path === "/3311/0/5851").value, 40);
  assert.equal(both.body.values.find((v) => v.path === "/3311/0/5850").value, false);
  await ok("POST", `${dev}/objects/3/0/12/execute`, `${R}/execute`);
  await call("PUT", `${dev}/objects/3/0/11/0`, RI, { value: 1 });
  await call("DELETE", `${dev}/objects/3/0/11/0`, RI);

  await ok("PUT", `${dev}/objects/3311/attributes`, `${O}/attributes`, { pmin: 1 });
  await ok("PUT", `${dev}/objects/3311/0/attributes`, `${I}/attributes`, { pmin: 1 });
  await ok("PUT", `${dev}/objects/3311/0/5851/attributes`, `${R}/attributes`, { pmin: 0, pmax: 60, gt: 70 });
  await ok("PUT", `${dev}/objects/3311/0/5851/attributes`, `${R}/attributes`, { gt: null });
  await call("PUT", `${dev}/objects/3/0/11/0/attributes`, `${RI}/attributes`, { pmin: 1 });
  const links = await ok("GET", `${dev}/objects/3311/0/5851/discover`, `${R}/discover`);
  const own = links.body.links.find((l) => l.path === "/3311/0/5851");
  assert.equal(own.attributes.pmax, "60");
  assert.equal(own.attributes.gt, undefined);

  const made = await call("POST", `${dev}/objects/16`, O, { instance: 0, values: [{ path: "/16/0/0/0", value: "host-1" }] });
  if (made.status === 201) {
    assert.equal(made.body.path, "/16/0");
    assert.equal(made.headers.get("location"), `/api/v1${dev}/objects/16/0`);
    await ok("DELETE", `${dev}/objects/16/0`, I);
  } else {
    await call("DELETE", `${dev}/objects/16/0`, I);
    assert.ok(made.body.coap_code, "only the device may refuse this");
  }

  const watch = "/devices/{endpoint}/observations/{object}/{instance}/{resource}";
  problem(await call("PUT", `${dev}/observations/3311/0/5851`, watch, { pmin: 1 }), 422, "invalid-body");
  problem(await call("POST", `${dev}/objects/3/0/12/execute`, `${R}/execute`, { argument: "1" }), 422, "invalid-body");
  await ok("PUT", `${dev}/observations/3311/0/5851`, watch, { attributes: { pmin: 1, pmax: 1 } });
  const steady = (await ok("GET", `${dev}/observations`, "/devices/{endpoint}/observations")).body.items[0];
  assert.equal(steady.params, "pmin=1&pmax=1");
  const until = Date.now() + 20_000;  // the dimmer stands still: only pmax brings notifications
  for (let seen = 0; seen < 2;) {
    assert.ok(Date.now() < until, "two notifications within 20 s by pmax alone");
    seen = (await ok("GET", `${dev}/observations`, "/devices/{endpoint}/observations")).body.items[0].notifications;
    await new Promise((done) => setTimeout(done, 200));
  }
  await ok("DELETE", `${dev}/observations/3311/0/5851`, watch);

  const places = ["3300", "3300/0", "3300/0/5700", "3/0/11/0"];
  const templates = ["{object}", "{object}/{instance}", "{object}/{instance}/{resource}", "{object}/{instance}/{resource}/{resourceInstance}"];
  for (const [i, place] of places.entries())
    await call("PUT", `${dev}/observations/${place}`, `/devices/{endpoint}/observations/${templates[i]}`, i === 0 ? {} : undefined);
  const observed = await ok("GET", `${dev}/observations`, "/devices/{endpoint}/observations");
  assert.ok(observed.body.items.some((o) => o.path === "/3300/0/5700"));
  for (const [i, place] of places.entries())
    await call("DELETE", `${dev}/observations/${place}`, `/devices/{endpoint}/observations/${templates[i]}`);
  assert.deepEqual((await ok("GET", `${dev}/observations`, "/devices/{endpoint}/observations")).body.items, []);

  const queued = await ok("PUT", `${dev}/objects/3311/0/5851?queue=true&timeout=60`, R, { value: 33 });
  assert.equal(queued.status, 202);
  assert.equal(queued.headers.get("location"), `/api/v1/requests/${queued.body.id}`);
  assert.deepEqual([queued.body.operation, queued.body.path], ["write-replace", "/3311/0/5851"]);
  const reading = await ok("GET", `${dev}/objects/3311/0/5851?queue=true`, R);
  let read;
  for (const end = Date.now() + 20_000; read?.body.state !== "done";) {
    assert.ok(Date.now() < end, `still ${read?.body.state}`);
    read = await ok("GET", `/requests/${reading.body.id}`, "/requests/{request}");
  }
  assert.equal(read.body.values[0].value, 33);
  assert.equal((await ok("GET", `/requests/${queued.body.id}`, "/requests/{request}")).body.coap_code, "2.04");
  const requests = await ok("GET", `/requests?endpoint=${EP}&limit=1`, "/requests");
  assert.equal(requests.body.items[0].id, reading.body.id);
  assert.equal(requests.body.next, reading.body.id);
  assert.deepEqual((await ok("GET", "/requests?waiting=true", "/requests")).body.items, []);
  problem(await call("DELETE", `/requests/${reading.body.id}`, "/requests/{request}"), 409, "request-over");
  problem(await call("GET", "/requests/999999", "/requests/{request}"), 404, "unknown-request");
  problem(await call("GET", `${dev}/objects/3?queue=maybe`, O), 400, "bad-parameter");
  problem(await call("POST", `${dev}/objects/3/0/4/execute?queue=true&timeout=0`, `${R}/execute`), 400, "bad-parameter");
  problem(await call("GET", "/devices/nobody/objects/3?queue=true", O), 404, "unknown-device");

  const composite = (what, body) => call("POST", `${dev}/composite/${what}`, `/devices/{endpoint}/composite/${what}`, body);
  const pair = { paths: ["/3311/0/5851", "/1/0/1", "/3311/0/5851"] };
  const several = await composite("read", { paths: [...pair.paths, "/3/0/4711"] });
  assert.equal(several.status, 200, JSON.stringify(several.body));
  assert.deepEqual(several.body.values.map((v) => v.path).sort(), ["/1/0/1", "/3311/0/5851"]);
  problem(await composite("read", { paths: ["/3/0/4711"] }), 404, "device-refused");
  problem(await composite("read", { paths: [] }), 422, "invalid-body");
  problem(await composite("read", { paths: ["/65535"] }), 422, "invalid-body");
  problem(await composite("read", { paths: ["/1/2/3/4/5"] }), 422, "invalid-body");
  problem(await composite("read", { paths: ["/1"], more: 1 }), 422, "invalid-body");
  const written = await composite("write", { values: [{ path: "/3311/0/5851", value: 31 }, { path: "/1/0/2", value: 2 }] });
  assert.equal(written.status, 200, JSON.stringify(written.body));
  const refused = await composite("write", { values: [{ path: "/3311/0/5851", value: 99 }, { path: "/3/0/0", value: "x" }] });
  problem(refused, 409, "device-refused");
  const kept = await call("GET", `${dev}/objects/3311/0/5851`, `${R}`);
  assert.equal(kept.body.values[0].value, 31);
  problem(await composite("write", { values: [{ path: "/3311/0/5851", value: null }] }), 422, "invalid-body");
  problem(await composite("write", { values: [] }), 422, "invalid-body");
  problem(await composite("cancel", pair), 422, "not-possible");
  const watched = await composite("observe", { ...pair, attributes: { pmin: 1 } });
  assert.equal(watched.status, 200, JSON.stringify(watched.body));
  const listed = (await ok("GET", `${dev}/observations`, "/devices/{endpoint}/observations")).body.items;
  assert.deepEqual(listed[0].paths, ["/1/0/1", "/3311/0/5851"]);
  assert.equal(listed[0].path, "/");
  assert.equal((await composite("cancel", pair)).status, 200);
  const later = await call("POST", `${dev}/composite/read?queue=true`, "/devices/{endpoint}/composite/read", pair);
  assert.deepEqual([later.status, later.body.operation, later.body.path, later.body.paths], [202, "read-composite", "/", pair.paths]);
  let came;
  for (const end = Date.now() + 20_000; came?.body.state !== "done";) {
    assert.ok(Date.now() < end, `still ${came?.body.state}`);
    came = await ok("GET", `/requests/${later.body.id}`, "/requests/{request}");
  }
  assert.deepEqual(came.body.values.map((v) => v.path).sort(), ["/1/0/1", "/3311/0/5851"]);
  const many = { values: [{ path: "/3311/0/5851", value: 32 }, { path: "/1/0/2", value: 2 }] };
  const put = await call("POST", `${dev}/composite/write?queue=true`, "/devices/{endpoint}/composite/write", many);
  assert.deepEqual(put.body.paths, ["/1/0/2", "/3311/0/5851"]);
  const shown = (await ok("GET", `/requests?endpoint=${EP}`, "/requests")).body.items;
  assert.deepEqual(shown.slice(0, 2).map((r) => r.paths), [put.body.paths, pair.paths]);
  assert.ok(shown.some((r) => r.operation === "read" && r.paths === undefined));

  const values = await ok("GET", `${dev}/values?path=/3311`, "/devices/{endpoint}/values");
  assert.ok(values.body.values.every((v) => v.path.startsWith("/3311/")));
  await ok("GET", `${dev}/history?path=/3311/0/5851`, "/devices/{endpoint}/history");

  const events = await ok("GET", "/events?limit=1000", "/events", undefined, { Accept: "application/json" });
  assert.ok(events.body.items.some((e) => e.type === "registered" && e.endpoint === EP));

  const models = await ok("GET", "/models", "/models");
  assert.ok(models.body.items.length > 20);
  const temperature = await ok("GET", "/models/3303", "/models/{object}");
  assert.equal(temperature.body.name, "Temperature");
  assert.equal(temperature.body.resources.find((r) => r.id === 5700).type, "float");

  await ok("PUT", "/credentials/extra%2F1", "/credentials/{endpoint}", { mode: "psk", identity: "extra", key: "00112233445566778899aabbccddeeff" });
  const secret = await ok("GET", "/credentials/extra%2F1", "/credentials/{endpoint}");
  assert.deepEqual({ ...secret.body, changed_at: "" }, { endpoint: "extra/1", mode: "psk", identity: "extra", key_bytes: 16, changed_at: "" });
  assert.ok(!JSON.stringify(secret.body).includes("00112233"));
  await ok("GET", "/credentials?limit=1", "/credentials");
  await ok("DELETE", "/credentials/extra%2F1", "/credentials/{endpoint}");

  const profile = { servers: [{ uri: "coaps://127.0.0.1:5684", security: "psk", short_server_id: 1, key: "00112233445566778899aabbccddeeff" }],
    writes: [{ path: "/3/0/15", value: "Europe/Vienna" }] };
  const set = await ok("PUT", "/bootstrap/profiles/extra%2F*", "/bootstrap/profiles/{endpoint}", profile);
  assert.equal(set.body.name, "extra/*");
  assert.equal(set.body.servers[0].key_bytes, 16);
  assert.ok(!JSON.stringify(set.body).includes("00112233"));
  // What was read can be sent again, and the key stays.
  const again = await ok("PUT", "/bootstrap/profiles/extra%2F*", "/bootstrap/profiles/{endpoint}", set.body);
  assert.deepEqual({ ...again.body, changed_at: "" }, { ...set.body, changed_at: "" });
  const effective = await ok("GET", "/bootstrap/profiles/extra%2F7?effective=true", "/bootstrap/profiles/{endpoint}");
  assert.equal(effective.body.name, "extra/*");
  assert.equal((await call("GET", "/bootstrap/profiles/extra%2F7", "/bootstrap/profiles/{endpoint}")).status, 404);
  assert.deepEqual((await ok("GET", "/bootstrap/profiles", "/bootstrap/profiles")).body.items.map((p) => p.name), ["extra/*"]);
  await ok("DELETE", "/bootstrap/profiles/extra%2F*", "/bootstrap/profiles/{endpoint}");
  assert.deepEqual((await ok("GET", "/bootstrap/devices", "/bootstrap/devices")).body.items, []);
  problem(await call("GET", "/bootstrap/devices/nobody", "/bootstrap/devices/{endpoint}"), 404, "unknown-profile");
  await ok("PUT", "/bootstrap/credentials/extra", "/bootstrap/credentials/{endpoint}", { mode: "psk", identity: "extra", key: "0011" });
  assert.equal((await ok("GET", "/bootstrap/credentials/extra", "/bootstrap/credentials/{endpoint}")).body.key_bytes, 2);
  assert.equal((await lab.call("GET", "/credentials/extra")).status, 404);
  await ok("GET", "/bootstrap/credentials", "/bootstrap/credentials");
  await ok("DELETE", "/bootstrap/credentials/extra", "/bootstrap/credentials/{endpoint}");
  // Certificates that were enrolled for are read and revoked in tests/e2e/test_enrol.py.
  const serial = "00112233445566778899aabbccddeeff";
  assert.deepEqual((await ok("GET", "/bootstrap/certificates", "/bootstrap/certificates")).body.items, []);
  for (const method of ["GET", "DELETE"]) {
    problem(await call(method, `/bootstrap/certificates/${serial}`, "/bootstrap/certificates/{endpoint}"), 404, "unknown-profile");
  }

  await onboarding(ok, call);

  await ok("DELETE", dev, "/devices/{endpoint}");
  assert.equal((await call("GET", dev, "/devices/{endpoint}")).status, 404);
  // The device would notice at its next Update only, which may be minutes away: it is started anew.
  await lab.parts.findLast((p) => p.name === EP).stop();
  await lab.startDaemon(EP);

  const missing = operations().map((o) => `${o.method} ${o.path}`).filter((o) => !seen.has(o));
  assert.deepEqual(missing, []);
});

describe("bad input", () => {
  test("makes no bootstrap profile", async () => {
    for (const [body, words] of [
      [{ server: [] }, "no member"],
      [{ servers: [{ security: "psk" }] }, "servers[0]"],
      [{ delete: ["/"] }, "without a server"],
      [{ writes: [{ path: "/3/0/13", value: "x" }] }, "writes[0]: /3/0/13 holds time"],
    ]) {
      const answer = await lab.call("PUT", "/bootstrap/profiles/x", body);
      problem(answer, 422, "invalid-body");
      assert.ok(answer.body.detail.includes(words), answer.body.detail);
    }
    assert.equal((await lab.call("GET", "/bootstrap/profiles/x")).status, 404);
    problem(await lab.call("DELETE", "/bootstrap/profiles/x"), 404, "unknown-profile");
  });

  test("names nothing", async () => {
    problem(await lab.call("GET", "/nothing"), 404, "no-such-path");
    problem(await lab.call("GET", "/devices/nobody"), 404, "unknown-device");
    problem(await lab.call("GET", "/devices/nobody/objects/3"), 404, "unknown-device");
    problem(await lab.call("GET", "/devices/nobody/observations"), 404, "unknown-device");
    problem(await lab.call("GET", "/devices/nobody/values"), 404, "unknown-device");
    problem(await lab.call("DELETE", "/devices/nobody"), 404, "unknown-device");
    problem(await lab.call("GET", "/models/59999"), 404, "unknown-model");
    problem(await lab.call("GET", "/credentials/nobody"), 404, "unknown-credential");
    problem(await lab.call("DELETE", "/credentials/nobody"), 404, "unknown-credential");
    problem(await lab.call("GET", `${dev}/objects/abc`), 404, "no-such-path");
    problem(await lab.call("GET", `${dev}/objects/65535`), 404, "no-such-path");
    problem(await lab.call("GET", "/devices/%00"), 404, "no-such-path");
    problem(await lab.call("GET", "/devices/%ff"), 404, "no-such-path");
  });

  test("asks the device for what it has not", async () => {
    const answer = await lab.call("GET", `${dev}/objects/3/0/65000`);
    problem(answer, 404, "device-refused");
    assert.equal(answer.body.coap_code, "4.04");
    const readOnly = await lab.call("PUT", `${dev}/objects/3/0/10`, { value: 1 });
    problem(readOnly, 409, "device-refused");
    assert.equal(readOnly.body.coap_code, "4.05");
  });

  test("uses the wrong method", async () => {
    const answer = await lab.call("PATCH", `${dev}/objects/3/0`, {});
    problem(answer, 405, "method-not-allowed");
    assert.equal(answer.headers.get("allow"), "GET, PUT, DELETE");
    problem(await lab.call("POST", "/devices", {}), 405, "method-not-allowed");
  });

  test("sends nonsense for JSON", async () => {
    for (const text of ["{", "nonsense", "{\"value\":}", "{\"value\":1}}", "\u0000", "{\"value\":\"\\ud800\"}", "{'value':1}"])
      problem(await lab.call("PUT", `${dev}/objects/3311/0/5851`, text), 400, "malformed-json");
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5851`, "["  .repeat(40) + "]".repeat(40)), 400, "malformed-json");
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5851`, ""), 400, "malformed-json");
  });

  test("sends the wrong type, and is told the right one", async () => {
    const cases = [[5850, 1, "boolean"], [5850, "on", "boolean"], [5851, "bright", "integer"], [5851, 1.5, "integer"],
      [5851, 1e40, "integer"], [5851, null, "integer"], [5851, [1], "integer"]];
    for (const [resource, value, expected] of cases) {
      const answer = await lab.call("PUT", `${dev}/objects/3311/0/${resource}`, { value });
      problem(answer, 422, "wrong-type");
      assert.equal(answer.body.expected_type, expected);
      assert.equal(answer.body.path, `/3311/0/${resource}`);
    }
  });

  test("sends bodies that say too little", async () => {
    for (const body of [{}, [], 5, { values: [] }, { values: [{ path: "/3311/0/5850" }] },
      { values: [{ path: "/3311/1/5850", value: true }] }, { value: 1, values: [] }])
      problem(await lab.call("PUT", `${dev}/objects/3311/0`, body), 422, "invalid-body");
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5851/attributes`, { pmin: -1 }), 422, "invalid-body");
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5851/attributes`, { speed: 1 }), 422, "invalid-body");
    problem(await lab.call("POST", `${dev}/objects/3/0/12/execute`, { arguments: 5 }), 422, "invalid-body");
    problem(await lab.call("POST", `${dev}/objects/3311`, { instance: -1 }), 422, "invalid-body");
    problem(await lab.call("PUT", `${dev}/objects/3/0/4`, { value: 1 }), 422, "not-possible");
    for (const body of [{}, { mode: "psk" }, { mode: "psk", identity: "" , key: "00" }, { mode: "psk", identity: "a" },
      { mode: "psk", identity: "a", key: "0" }, { mode: "psk", identity: "a", key: "zz" }, { mode: "psk", identity: "a", key: "00".repeat(65) },
      { mode: "psk", identity: "a".repeat(129), key: "00" }, { mode: "rpk", identity: "a" }, { mode: "x509", identity: "a", key: "00" }])
      problem(await lab.call("PUT", "/credentials/x", body), 422, "invalid-body");
  });

  test("takes the identity of another device", async () => {
    const answer = await lab.call("PUT", "/credentials/thief", { mode: "psk", identity: EP, key: "00112233445566778899aabbccddeeff" });
    problem(answer, 409, "identity-taken");
    assert.equal((await lab.call("GET", "/credentials/thief")).status, 404);
  });

  test("sends another media type, or none", async () => {
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5850`, "{\"value\":true}", { "Content-Type": "text/plain" }), 415, "media-type");
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5850`, "{\"value\":true}", { "Content-Type": "application/jsonp" }), 415, "media-type");
    const fine = await lab.call("PUT", `${dev}/objects/3311/0/5850`, "{\"value\":true}", { "Content-Type": "application/json; charset=utf-8" });
    assert.equal(fine.status, 200);
  });

  test("sends too much", async () => {
    problem(await lab.call("PUT", `${dev}/objects/3311/0/5850`, `{"value":"${"a".repeat(1024 * 1024)}"}`), 413, "too-large");
    problem(await lab.call("GET", `/devices?q=${"a".repeat(2100)}`), 414, "uri-too-long");
    const huge = await fetch(`${lab.url}/api/v1/devices`, { headers: { "X-Filler": "a".repeat(60_000) } }).then((r) => r.status, () => 0);
    assert.ok(huge === 431 || huge === 413 || huge === 0, `headers of 60 kB were answered ${huge}`);
    assert.equal((await lab.call("GET", "/health")).status, 200);
  });

  test("sends too much in pieces of unknown number", async () => {
    const status = await new Promise((resolve, reject) => {
      const request = http.request({ host: "127.0.0.1", port: lab.http, method: "PUT", path: `/api/v1${dev}/objects/3311/0/5850`,
        headers: { "Content-Type": "application/json", "Transfer-Encoding": "chunked" } }, (r) => { r.resume(); resolve(r.statusCode); });
      request.on("error", () => resolve(0));
      const piece = "a".repeat(64 * 1024);
      let left = 20;
      const more = () => (left-- > 0 ? request.write(piece, () => setImmediate(more)) : request.end());
      more();
      setTimeout(() => reject(new Error("no answer")), 20_000).unref();
    });
    assert.ok(status === 413 || status === 0, `answered ${status}`);
    assert.equal((await lab.call("GET", "/health")).status, 200);
  });

  test("sends bad parameters", async () => {
    for (const query of ["limit=0", "limit=1001", "limit=x", "limit=-1", "online=maybe"])
      problem(await lab.call("GET", `/devices?${query}`), 400, "bad-parameter");
    for (const query of ["timeout=0", "timeout=601", "format=xml"])
      problem(await lab.call("GET", `${dev}/objects/3/0?${query}`), 400, "bad-parameter");
    problem(await lab.call("PUT", `${dev}/objects/3311/0?mode=merge`, { values: [{ path: "/3311/0/5850", value: true }] }), 400, "bad-parameter");
    problem(await lab.call("GET", `${dev}/history`), 400, "bad-parameter");
    problem(await lab.call("GET", `${dev}/history?path=/3`), 400, "bad-parameter");
    problem(await lab.call("GET", `${dev}/history?path=/3/0/13&since=today`), 400, "bad-parameter");
    problem(await lab.call("GET", `${dev}/values?path=x`), 400, "bad-parameter");
    problem(await lab.call("GET", "/events", undefined, { "Last-Event-ID": "abc" }), 400, "bad-parameter");
    problem(await lab.call("GET", `${dev}/objects/3/discover?depth=4`), 400, "bad-parameter");
  });

  test("comes from another web site", async () => {
    problem(await lab.call("POST", `${dev}/objects/3/0/12/execute`, undefined, { Origin: "http://evil.example" }), 403, "foreign-origin");
    problem(await lab.call("GET", "/devices", undefined, { "Sec-Fetch-Site": "cross-site" }), 403, "foreign-origin");
    assert.equal((await lab.call("GET", "/devices", undefined, { Origin: lab.url })).status, 200);
    const rebound = await new Promise((resolve) => http.get({ host: "127.0.0.1", port: lab.http, path: "/api/v1/devices", headers: { Host: "evil.example" } },
      (r) => { r.resume(); resolve(r.statusCode); }));
    assert.equal(rebound, 421);
  });

  test("is not even HTTP", async () => {
    for (const text of ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PUT /api/v1/credentials/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
      "PUT /api/v1/credentials/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n", "A".repeat(100_000)]) {
      await new Promise((resolve) => {
        const socket = net.connect(lab.http, "127.0.0.1", () => socket.end(text));
        socket.on("close", resolve).on("error", resolve).resume();
        setTimeout(() => socket.destroy(), 3000).unref();
      });
    }
    assert.equal((await lab.call("GET", "/health")).status, 200);
  });
});

test("pages through credentials without gap or double", async () => {
  const names = Array.from({ length: 25 }, (_, i) => `page-${String(i).padStart(2, "0")}`);
  for (const name of names)
    assert.equal((await lab.call("PUT", `/credentials/${name}`, { mode: "psk", identity: name, key: "aa".repeat(16) })).status, 200);
  const found = [];
  let cursor = null;
  do {
    const { body } = await checked("GET", `/credentials?limit=7${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`, "/credentials");
    found.push(...body.items.map((c) => c.endpoint));
    cursor = body.next;
  } while (cursor !== null);
  assert.deepEqual(found.filter((n) => n.startsWith("page-")), names);
  for (const name of names) await lab.call("DELETE", `/credentials/${name}`);
});

test("HEAD answers as GET does, without a body", async () => {
  const answer = await fetch(`${lab.url}/api/v1/health`, { method: "HEAD" });
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "");
});

/** Reads messages of the stream until `good` holds for their list. What happens once its `open` is kept is among them. */
function follow(headers, good, query, ms) {
  let opened;
  const open = new Promise((resolve) => { opened = resolve; });
  const all = messagesOf(opened, headers, good, query, ms);
  return Object.assign(all, { open: Promise.race([open, all]) });
}

async function messagesOf(opened, headers, good, query = "", ms = 30_000) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  const messages = [];
  try {
    const response = await fetch(`${lab.url}/api/v1/events${query}`, { headers: { Accept: "text/event-stream", ...headers }, signal: abort.signal });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    opened();
    let rest = "";
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      rest += piece;
      for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
        const fields = Object.fromEntries(rest.slice(0, end).split("\n").filter((l) => !l.startsWith(":")).map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 2)]));
        if (!fields.data) continue;
        messages.push({ id: Number(fields.id), event: fields.event, data: JSON.parse(fields.data) });
        if (good(messages)) return messages;
      }
    }
    return messages;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

describe("the event stream", () => {
  test("shows what happens, in the shape of the document", async () => {
    const eventSchema = ajv.compile({ $ref: "openapi#/components/schemas/Event" });
    const seen = follow({}, (m) => m.some((e) => e.event === "credential"));
    await seen.open;
    await lab.call("PUT", "/credentials/stream-1", { mode: "psk", identity: "stream-1", key: "00" });
    const messages = await seen;
    for (const m of messages) {
      assert.ok(eventSchema(m.data), ajv.errorsText(eventSchema.errors));
      assert.equal(m.data.id, m.id);
      assert.equal(m.data.type, m.event);
    }
    await lab.call("DELETE", "/credentials/stream-1");
  });

  test("gives only one device's events when asked", async () => {
    const seen = follow({}, (m) => m.some((e) => e.data.operation === "read"), `?endpoint=${EP}`);
    await seen.open;
    await lab.call("PUT", "/credentials/stream-2", { mode: "psk", identity: "stream-2", key: "00" });
    await lab.call("GET", `${dev}/objects/3/0/13`);
    for (const m of await seen) assert.equal(m.data.endpoint, EP);
    await lab.call("DELETE", "/credentials/stream-2");
  });

  test("goes on after the event that was named, over kill -9 of the server", { timeout: 90_000 }, async () => {
    const put = (name) => lab.call("PUT", `/credentials/${name}`, { mode: "psk", identity: name, key: "00" });
    const first = follow({}, (m) => m.some((e) => e.data.endpoint === "resume-1"));
    await first.open;
    await put("resume-1");
    const last = (await first).at(-1).id;
    await put("resume-2");
    // What was seen is durable: once listed, it survives.
    await until("the event of resume-2", async () => (await lab.call("GET", `/events?after=${last}`, undefined, { Accept: "application/json" })).body.items.length > 0);
    await lab.restartServer("SIGKILL");
    await put("resume-3");
    const messages = await follow({ "Last-Event-ID": String(last) }, (m) => m.some((e) => e.data.endpoint === "resume-3"));
    const names = messages.filter((m) => m.event === "credential").map((m) => m.data.endpoint);
    assert.deepEqual(names, ["resume-2", "resume-3"]);
    for (let i = 1; i < messages.length; i++) assert.ok(messages[i].id > messages[i - 1].id, "ids grow");
    assert.ok(messages[0].id > last);
    assert.ok(!messages.some((m) => m.event === "gap"));
  });

  test("says so when events were lost", { timeout: 90_000 }, async () => {
    const gap = ajv.compile({ $ref: "openapi#/components/schemas/Gap" });
    const messages = await follow({ "Last-Event-ID": "999999999999" }, (m) => m.length > 0);
    assert.equal(messages[0].event, "gap");
    assert.ok(gap(messages[0].data), ajv.errorsText(gap.errors));
  });

  test("says so when the bounded ring has dropped what came next", { timeout: 90_000 }, async () => {
    const small = await Lab.open({ server: ["--events", "50"] });
    const main = lab;
    try {
      lab = small;
      const put = (i) => lab.call("PUT", "/credentials/ring", { mode: "psk", identity: `ring-${i}`, key: "00" });
      await put(0);
      const first = await until("the first event", async () =>
        (await lab.call("GET", "/events", undefined, { Accept: "application/json" })).body.items[0]?.id);
      for (let i = 1; i < 260; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => put(i + k)));
      const { oldest, latest } = await until("the ring to drop something", async () => {
        const { body } = await lab.call("GET", "/events?limit=1", undefined, { Accept: "application/json" });
        return body.latest >= first + 300 && body; // an event is committed a moment after its cause was answered
      });
      assert.ok(oldest > first + 1);
      const messages = await follow({ "Last-Event-ID": String(first) }, (m) => m.length > 3);
      assert.equal(messages[0].event, "gap");
      assert.ok(messages[0].data.oldest >= oldest && messages[0].data.latest >= latest);
      assert.equal(messages[1].id, messages[0].data.oldest);
      assert.ok(!messages.slice(1).some((m) => m.event === "gap"));
      // From the gap's own id on, nothing is missing.
      const again = await follow({ "Last-Event-ID": String(messages[0].id) }, (m) => m.length > 2);
      assert.equal(again[0].id, messages[1].id);
    } finally {
      lab = main;
      await small.close();
    }
  });

  test("resumes many readers at once", async () => {
    const readers = Array.from({ length: 40 }, () => follow({}, (m) => m.some((e) => e.data.endpoint === "many")));
    await Promise.all(readers.map((r) => r.open));
    await lab.call("PUT", "/credentials/many", { mode: "psk", identity: "many", key: "00" });
    for (const messages of await Promise.all(readers)) assert.equal(messages.at(-1).data.endpoint, "many");
  });
});

test("the console's files come with their policy", async () => {
  const page = await fetch(`${lab.url}/`);
  const text = await page.text();
  assert.match(page.headers.get("content-security-policy"), /^default-src 'self';/);
  assert.match(text, /<div id="app">/);
  assert.doesNotMatch(text, /https?:\/\//, "nothing comes from elsewhere");
  const script = text.match(/src="\.\/(assets\/[^"]+\.js)"/)[1];
  const first = await fetch(`${lab.url}/${script}`);
  assert.match(first.headers.get("cache-control"), /immutable/);
  const again = await fetch(`${lab.url}/${script}`, { headers: { "If-None-Match": first.headers.get("etag") } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${lab.url}/../../etc/passwd`)).status, 404);
  assert.equal((await fetch(`${lab.url}/assets/none.js`)).status, 404);
  assert.equal((await fetch(`${lab.url}/`, { method: "POST" })).status, 405);
});

test("a stopping server answers who still waits", { timeout: 60_000 }, async () => {
  await lab.parts.findLast((p) => p.name === EP).stop("SIGKILL");
  const before = await sentIn(lab);
  const waiting = lab.call("GET", `${dev}/objects/3/0?timeout=60`);
  const stream = follow({}, () => false);
  await stream.open;
  await until("the request on its way", async () => await sentIn(lab) > before);
  assert.equal(await lab.server.stop(), 0, lab.server.text().slice(-1500));
  problem(await waiting, 503, "unavailable");
  await stream.catch(() => {});
  await lab.startServer();
});

describe("with a token", () => {
  let safe;
  before(async () => { safe = await Lab.open({ token: "0123456789abcdef0123" }); }, { timeout: 60_000 });
  after(() => safe?.close());

  test("only its bearer may call", async () => {
    assert.equal((await safe.call("GET", "/devices")).status, 200);
    for (const header of ["Bearer wrong", "Bearer 0123456789abcdef012", "Basic 0123456789abcdef0123", "Bearer "]) {
      const answer = await safe.call("GET", "/devices", undefined, { Authorization: header });
      problem(answer, 401, "unauthorized");
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
    problem(await safe.call("GET", "/events", undefined, { Authorization: "" }), 401, "unauthorized");
    problem(await safe.call("GET", "/nothing", undefined, { Authorization: "" }), 401, "unauthorized");
    assert.equal((await safe.call("GET", "/health", undefined, { Authorization: "" })).status, 200);
  });
});

describe("with operators", () => {
  const tokens = { anna: "0123456789abcdef-anna", bert: "0123456789abcdef-bert" };
  let safe;
  let folder;
  const as = (name, method, path, body) => safe.call(method, path, body, { Authorization: `Bearer ${tokens[name]}`, Accept: "application/json" });
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tessera-tokens-"));
    writeFileSync(join(folder, "tokens"), `# who may do what\nanna full ${tokens.anna}\nbert read ${tokens.bert}\n`);
    safe = await Lab.open({ server: ["--token-file", join(folder, "tokens"), "--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key",
      join(root, "tests/vectors/fdo/go-fdo/mfg_key.pem")] });
  }, { timeout: 60_000 });
  after(async () => {
    await safe?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("each is known by their token", async () => {
    for (const [name, role] of [["anna", "full"], ["bert", "read"]]) {
      const answer = await as(name, "GET", "/operator");
      conforms("/operator", "GET", answer);
      assert.deepEqual(answer.body, { name, role });
    }
    problem(await safe.call("GET", "/operator"), 401, "unauthorized");
    assert.equal((await as("bert", "GET", "/health")).status, 200);
  });

  test("who reads changes nothing, whatever the route", async () => {
    await as("anna", "PUT", "/fdo/plans/lamps", { steps: [] });
    for (const { method, path } of operations()) {
      const at = path.replace(/\{(\w+)\}/g, (_, name) => (name === "endpoint" ? "lamps" : "1"));
      const answer = await as("bert", method, at, ["PUT", "POST"].includes(method) ? {} : undefined);
      if (method === "GET" || /composite\/read|\/check$/.test(path)) assert.notEqual(answer.status, 403, `${method} ${path}`);
      else problem(answer, 403, "read-only");
    }
    assert.equal((await as("bert", "GET", "/fdo/plans/lamps")).status, 200);
    assert.equal((await as("bert", "POST", "/fdo/plans/lamps/check", { steps: [] })).status, 204);
    problem(await as("bert", "GET", "/devices/lamp/objects/3?queue=true"), 403, "read-only"); // it would be kept
    problem(await as("bert", "GET", "/devices/lamp/objects/3?queue=false"), 404, "unknown-device");
  });

  test("the audit log has their names, and attempts in the other book", async () => {
    await as("anna", "PUT", "/fdo/plans/lamps", { steps: 1 });
    const done = (await as("bert", "GET", "/audit")).body.items;
    assert.deepEqual(done.map((e) => [e.who, e.what, e.detail.slice(0, 16)]),
      [["operator anna 127.0.0.1", "plan-set", "refused with 422"], ["operator anna 127.0.0.1", "plan-set", ""]]);
    // Of more than ten a second only the number is kept, so of the attempts above not all stand there.
    await sleep(1100);
    await as("bert", "DELETE", "/fdo/plans/lamps");
    const refused = await until("the entry", async () => {
      const { items } = (await as("bert", "GET", "/audit?refused=true")).body;
      return items[0]?.about === "/api/v1/fdo/plans/lamps" && items;
    });
    assert.deepEqual([refused[0].who, refused[0].what], ["operator bert 127.0.0.1", "rest-read-only"]);
    assert.ok(JSON.stringify([done, refused]).includes("bert") && !JSON.stringify([done, refused]).includes(tokens.bert));
  });

  /** Writes the token file, and waits for what the server says of it at SIGHUP. */
  async function reload(words, ...lines) {
    writeFileSync(join(folder, "tokens"), `${lines.join("\n")}\n`);
    const at = safe.server.text().length;
    safe.server.child.kill("SIGHUP");
    return until("what is said of the token file", () => safe.server.text().slice(at).match(words));
  }

  const anna = `anna full ${tokens.anna}`;
  const bert = `bert read ${tokens.bert}`;
  const carl = `carl full sha256:${createHash("sha256").update("0123456789abcdef-carl").digest("hex")}`;

  /** An event stream: `ended` is true once the server has ended it as it should. */
  async function stream(name) {
    const response = await fetch(`${safe.url}/api/v1/events`, { headers: { Authorization: `Bearer ${tokens[name]}`, Accept: "text/event-stream" } });
    assert.equal(response.status, 200);
    const reader = response.body.getReader();
    await reader.read();
    const one = { ended: false, cancel: () => reader.cancel() };
    (async () => {
      while (!(await reader.read()).done);
      one.ended = true;
    })().catch(() => {});
    return one;
  }

  test("a digest in the file knows its token", async () => {
    tokens.carl = "0123456789abcdef-carl";
    problem(await as("carl", "GET", "/operator"), 401, "unauthorized");
    await reload(/level=info text="the token file .* was read again; tokens: 3, new: 1, gone: 0; event streams ended: 0"/, anna, bert, carl);
    assert.deepEqual((await as("carl", "GET", "/operator")).body, { name: "carl", role: "full" });
    const digits = carl.split(":")[1];
    for (const token of [digits, `sha256:${digits}`, tokens.carl.slice(0, -1), `${tokens.carl}x`])
      problem(await safe.call("GET", "/operator", undefined, { Authorization: `Bearer ${token}` }), 401, "unauthorized");
    assert.deepEqual((await as("bert", "GET", "/audit")).body.items.filter((e) => e.what === "operators-read").map((e) => [e.who, e.detail]),
      [["server", "tokens: 3, new: 1, gone: 0"]]);
  });

  test("a wrong token file keeps the operators, and the log says where", async () => {
    const open = await stream("bert");
    for (const [words, ...lines] of [
      [/level=error text="the token file .*tokens, line 2: a ROLE is full or read"/, anna, `bert all ${tokens.bert}`],
      [/line 1: behind sha256: stand the 64/, "carl full sha256:00"],
      [/line 3: this token stands there before/, anna, carl, "dora read 0123456789abcdef-carl"],
      [/has no token/, "# nobody"],
    ]) await reload(words, ...lines);
    rmSync(join(folder, "tokens"));
    safe.server.child.kill("SIGHUP");
    await until("the complaint", () => /cannot be read: No such file/.test(safe.server.text()));
    for (const name of ["anna", "bert", "carl"]) assert.equal((await as(name, "GET", "/operator")).body.name, name);
    assert.ok(!open.ended);
    await open.cancel();
    assert.ok(!safe.server.text().includes(tokens.bert));
    assert.equal((await as("anna", "GET", "/audit")).body.items.filter((e) => e.what === "operators-read").length, 1);
  });

  test("a token that is taken out of the file is worth nothing from then on, also for what is under way", { timeout: 60_000 }, async () => {
    safe.token = tokens.anna;
    const daemon = await safe.startDevice("lamp-9");
    await reload(/tokens: 3, new: 0, gone: 0/, anna, bert, carl);
    const streams = [await stream("anna"), await stream("bert"), await stream("carl")];
    daemon.child.kill("SIGSTOP");
    const before = await sentIn(safe);
    const waiting = as("bert", "GET", "/devices/lamp-9/objects/3/0/0?timeout=60");
    const allowed = as("anna", "GET", "/devices/lamp-9/objects/3/0/0?timeout=60");
    const upload = http.request(`${safe.url}/api/v1/fdo/plans/late`, { method: "PUT",
      headers: { Authorization: `Bearer ${tokens.carl}`, "Content-Type": "application/json", "Content-Length": 12 } });
    const uploaded = new Promise((yes, no) => upload.on("response", (r) => { r.resume(); yes(r.statusCode); }).on("error", no));
    upload.write('{"ste');
    await until("a request on its way", async () => await sentIn(safe) > before);
    await sleep(500); // nothing tells of the one that waits behind it, nor of the upload that has begun
    await reload(/tokens: 1, new: 0, gone: 2; event streams ended: 2"/, anna);
    await until("the ends of the streams", () => streams[1].ended && streams[2].ended);
    assert.ok(!streams[0].ended);
    for (const name of ["bert", "carl"]) problem(await as(name, "GET", "/operator"), 401, "unauthorized");
    upload.end('ps":[]}');
    assert.equal(await uploaded, 401);
    problem(await as("anna", "GET", "/fdo/plans/late"), 404, "unknown-plan");
    daemon.child.kill("SIGCONT");
    problem(await waiting, 401, "unauthorized");
    assert.equal((await allowed).status, 200);
    assert.equal((await as("anna", "GET", "/operator")).body.name, "anna");
    await streams[0].cancel();
  });

  test("a role that is taken back holds from the next request on", async () => {
    await reload(/tokens: 2, new: 1, gone: 0/, `anna read ${tokens.anna}`, carl);
    problem(await as("anna", "PUT", "/fdo/plans/lamps", { steps: [] }), 403, "read-only");
    await reload(/tokens: 2, new: 0, gone: 0/, anna, carl);
    assert.equal((await as("anna", "PUT", "/fdo/plans/lamps", { steps: [] })).status, 204);
  });
});

test("SIGHUP does not end a server without a token file", async () => {
  const at = lab.server.text().length;
  lab.server.child.kill("SIGHUP");
  await until("what is said of it", () => lab.server.text().slice(at).includes("there is no token file to read again"));
  assert.equal((await lab.call("GET", "/health")).status, 200);
});

test("a server open to other machines asks for a token file", async () => {
  const open = new Lab();
  open.folder = lab.folder;
  const part = open.part("open", "tessera-server", ["--http", "0.0.0.0:0", "--coap", "127.0.0.1:0", "--coaps", "127.0.0.1:0", "--data", join(lab.folder, "open-data")]);
  assert.notEqual(await Promise.race([part.ended, sleep(10_000)]), 0);
  assert.match(part.text(), /token/);
});
