// SPDX-License-Identifier: Apache-2.0
// Onboarding in the console: a blank device (tesserad) goes from DI to LwM2M before the eyes of a page that nobody loads anew; vouchers are
// imported, exported and extended; plans, what devices brought, registrations of owners, and the audit log. What a device calls itself is hostile.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort, Lab, root, until } from "./lab.mjs";
import { Console } from "./page.mjs";

const HOSTILE = "<img src=x onerror=alert(1)>";
const VECTOR = join(root, "tests/vectors/fdo/go-fdo");
const OUTPUT = "<script>alert(2)</script>";

let lab;
let view;
let page;
let folder;
let services;
const file = (name) => join(folder, name);
const openssl = (...words) => execFileSync("openssl", words, { stdio: "pipe" });
const button = (name) => page.getByRole("button", { name, exact: true });
const bytes = (pem) => Buffer.from(pem.replace(/-----[^-]*-----/g, ""), "base64");

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tessera-fdo-"));
  for (const name of ["maker", "owner", "next"]) {
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file(`${name}.pem`));
    openssl("pkey", "-in", file(`${name}.pem`), "-pubout", "-out", file(`${name}.pub`));
  }
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=devices",
    "-keyout", file("ca.key"), "-out", file("ca.pem"));
  const port = freePort();
  services = `http://127.0.0.1:${port}`;
  lab = await Lab.open({ server: ["--fdo", `127.0.0.1:${port}`, "--fdo-manufacturer-key", file("maker.pem"), "--fdo-owner-key", file("owner.pem"),
    "--fdo-owner-key", join(VECTOR, "mfg_key.pem"), "--fdo-device-ca", file("ca.pem"), "--fdo-device-ca-key", file("ca.key"),
    "--fdo-rendezvous", services, "--fdo-owner-place", services, "--fdo-next-owner", "own", "--fdo-any-owner",
    "--fdo-delay", "1"] });
  view = await Console.open(lab.url);
  ({ page } = view);
}, { timeout: 120_000 });

after(async () => {
  await view?.close();
  await lab?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout: 120_000 });

/** A device that knows nothing but where its manufacturer is. */
async function startBlank(name) {
  const dir = join(lab.folder, name);
  mkdirSync(join(dir, "root"), { recursive: true });
  writeFileSync(join(dir, "hostile.sh"), `#!/bin/sh\necho '${OUTPUT}'\n`, { mode: 0o700 });
  const socket = join(dir, "secured.sock");
  const secured = lab.part(`${name}-secured`, "tessera-secured", ["--socket", socket, "--store", join(dir, "keys")]);
  await until("the start of tessera-secured", () => secured.text().includes("ready"));
  mkdirSync(join(dir, "state"), { mode: 0o700 });
  writeFileSync(join(dir, "tesserad.conf"), `[device]
endpoint = ${name}
state = ${join(dir, "state")}
model = lamp
serial = ${HOSTILE}
[secured]
socket = ${socket}
[fdo]
manufacturer = ${services}
root = ${join(dir, "root")}
info = <b>lamp</b>
commands = say=${join(dir, "hostile.sh")}
`);
  return lab.part(name, "tesserad", ["--config", join(dir, "tesserad.conf")]);
}

test("a plan is stored; one that cannot be used is refused in words", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await button("Add a plan").click();
  await page.getByLabel("For", { exact: true }).fill("default");
  await page.getByLabel("Plan (JSON)").fill('{"steps": [{"module": "none"}]}');
  await button("Store").click();
  await page.getByText("Line 1, column 12: steps[0]").waitFor();
  await view.accessible("the form of a plan");
  await page.getByLabel("Plan (JSON)").fill(JSON.stringify({ endpoint: "lamp-1", steps: [
    { module: "fdo.command", command: "say", save: "said" },
    { module: "tessera.lwm2m", account: "management", uri: `coaps://127.0.0.1:${lab.coaps}`, security: "psk", short_server_id: 1, lifetime: 300 }] }));
  await button("Store").click();
  await view.toast("Plan stored");
  await page.getByRole("cell", { name: "default", exact: true }).waitFor();
});

test("the page shows each stage of a blank device as it comes", { timeout: 180_000 }, async () => {
  await view.go("#/onboarding");
  await page.getByText("No device yet").waitFor();
  const device = await startBlank("blank");
  const row = page.locator("table", { hasText: "Next TO0" }).locator("tr", { hasText: HOSTILE });
  for (const label of ["DI", "Extended", "TO0 accepted", "TO0", "TO1", "TO2 begun", "TO2 done", "LwM2M"])
    await row.locator("li.done", { hasText: new RegExp(`^${label}: done`) }).waitFor({ timeout: 60_000 })
      .catch((e) => { throw new Error(`${label}: ${e.message}\n${device.text().slice(-2000)}`); });
  await row.getByText("Onboarded", { exact: true }).waitFor();
  assert.equal(await row.count(), 1);
  assert.equal((await lab.call("GET", "/devices/lamp-1")).status, 200);
  await view.accessible("the page of onboarding");
  await view.picture("onboarding");
  await button("Replaced ones too").click();
  await page.getByText("Replaced", { exact: true }).waitFor();
  const order = (await lab.call("GET", "/events?limit=1000&after=0", undefined, { Accept: "application/json" })).body.items
    .filter((e) => e.type.startsWith("fdo-")).map((e) => e.type.slice(4));
  // "accepted" and "announced" are told once the redirect is in force: a device that asks at that moment can be told of first.
  for (const stage of ["accepted", "announced"]) assert.ok(order.includes(stage), `${stage}: ${order}`);
  for (const [earlier, later] of [["made", "redirected"], ["redirected", "proved"], ["proved", "onboarded"]])
    assert.ok(order.indexOf(earlier) >= 0 && order.indexOf(earlier) < order.indexOf(later), `${earlier} before ${later}: ${order}`);
});

test("what the device brought is shown as text, and does nothing", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await page.getByRole("button", { name: /^Show said/ }).first().click();
  await page.locator("pre", { hasText: OUTPUT }).waitFor();
  await view.accessible("what a command printed");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("main img, main script").count(), 0);
});

test("a device's page: stages, and its voucher with every entry", { timeout: 120_000 }, async () => {
  const { items } = (await lab.call("GET", "/fdo/devices")).body;
  const replaced = items.find((d) => d.state === "replaced");
  assert.equal(items.find((d) => d.state === "onboarded").guid, replaced.replaced_by);
  assert.ok(Date.parse(replaced.registers_at) > Date.now() - 60_000); // in case that it lost the end
  await view.go(`#/onboarding/${replaced.guid}`);
  await page.getByText("TO2 done").waitFor();
  await page.locator("tr", { hasText: "P-256" }).getByText("Verified", { exact: true }).waitFor();
  await page.getByText("<b>lamp</b>").waitFor();
  await view.accessible("a device's page");
  await view.picture("voucher");
  await page.getByRole("link", { name: replaced.replaced_by.slice(0, 8) }).click();
  await page.getByRole("link", { name: "lamp-1" }).waitFor();
});

test("a voucher of go-fdo is imported from a file, exported and extended", { timeout: 120_000 }, async () => {
  const pem = readFileSync(join(VECTOR, "ov.pem"), "utf8");
  writeFileSync(file("ov.cbor"), bytes(pem));
  await view.go("#/onboarding");
  await button("Import a voucher").click();
  await page.getByLabel("Or the voucher in PEM").fill("-----BEGIN OWNERSHIP VOUCHER-----\n====\n-----END OWNERSHIP VOUCHER-----");
  await button("Import").click();
  await page.getByText("it is no ownership voucher").waitFor();
  await view.accessible("the form of a voucher");
  await page.getByLabel("File, PEM or CBOR").setInputFiles(file("ov.cbor"));
  await until("the file in the form", async () => (await page.getByLabel("Or the voucher in PEM").inputValue()).includes("\n") &&
    bytes(await page.getByLabel("Or the voucher in PEM").inputValue()).equals(bytes(pem)));
  await button("Import").click();
  await view.toast("Voucher imported");
  const { guid } = (await lab.call("GET", "/fdo/devices")).body.items.find((d) => d.state === "imported");
  await view.go(`#/onboarding/${guid}`);
  for (const [name, read] of [["Export PEM", (b) => bytes(b.toString())], ["Export CBOR", (b) => b]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), button(name).click()]);
    assert.deepEqual(read(readFileSync(await download.path())), bytes(pem), name);
  }
  await button("Extend to the next owner").click();
  await page.getByLabel("The next owner's public key or certificate, PEM").fill(readFileSync(file("next.pub"), "utf8"));
  await button("Extend").click();
  await page.getByText("of another type").waitFor(); // P-256 for a voucher of P-384
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", file("next384.pem"));
  openssl("pkey", "-in", file("next384.pem"), "-pubout", "-out", file("next384.pub"));
  await page.getByLabel("The next owner's public key or certificate, PEM").fill(readFileSync(file("next384.pub"), "utf8"));
  await button("Extend").click();
  await view.toast("Voucher extended");
  await page.getByText("another's key").waitFor();
  await button("Extend to the next owner").waitFor({ state: "detached" });
});

test("the audit log shows who did what, and the other book what peers were refused", { timeout: 120_000 }, async () => {
  const refused = await fetch(`${services}/fdo/101/msg/60`, { method: "POST", headers: { "Content-Type": "application/cbor" }, body: new Uint8Array([0x80]) });
  assert.equal(refused.headers.get("message-type"), "255");
  await view.go("#/audit");
  for (const words of ["to2-done", "to1-done", "di-done", "plan-set", "voucher-imported"])
    await page.locator("tr", { hasText: words }).first().waitFor();
  assert.equal(await page.locator("tr", { hasText: "di-done" }).getByText("peer 127.0.0.1").count(), 1);
  await page.locator("tr", { hasText: "plan-set" }).getByText("refused with 422").waitFor();
  await view.accessible("the audit log");
  await view.picture("audit");
  await button("What peers were refused").click();
  await page.locator("tr", { hasText: "message 60" }).first().waitFor();
  await page.locator("tr", { hasText: "di-done" }).waitFor({ state: "detached" });
});

test("the audit log is there after the server was killed", { timeout: 120_000 }, async () => {
  const before = (await lab.call("GET", "/audit?limit=1000")).body.items;
  await lab.restartServer("SIGKILL");
  const now = (await lab.call("GET", "/audit?limit=1000")).body.items;
  const kept = new Set(now.map((e) => `${e.id} ${e.what} ${e.about}`));
  assert.deepEqual(before.filter((e) => !kept.has(`${e.id} ${e.what} ${e.about}`)), []);
});

test("the page complained of nothing", () => {
  assert.deepEqual(view.complaints, []);
});
