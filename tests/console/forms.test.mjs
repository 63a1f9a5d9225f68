// SPDX-License-Identifier: Apache-2.0
// The console's forms for what changes who may do what: credentials and certificates of devices at the bootstrap server,
// accounts of a profile, instances of objects, and registrations.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort, Lab, until } from "./lab.mjs";
import { Console, program } from "./page.mjs";

const EP = "cellar";
const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const KEY = "6c616d702d6b6579"; // "lamp-key"

let lab;
let view;
let page;
let folder;
let coaps;
const file = (name) => join(folder, name);
const openssl = (...words) => execFileSync("openssl", words, { stdio: "pipe" });
const button = (name) => page.getByRole("button", { name, exact: true });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tessera-forms-"));
  for (const name of ["server", "authority"])
    openssl("req", "-x509", ...CURVE, "-days", "9", "-subj", `/CN=${name}`, "-addext", "keyUsage=critical,keyCertSign,digitalSignature",
      "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`));
  openssl("req", "-new", ...CURVE, "-subj", "/CN=lamp", "-keyout", file("lamp.key"), "-out", file("lamp.csr"), "-outform", "DER");
  coaps = freePort();
  lab = await Lab.open({ server: ["--bootstrap-coaps", `127.0.0.1:${coaps}`, "--enrol-psk", "--certificate", file("server.pem"),
    "--key", file("server.key"), "--enrol-certificate", file("authority.pem"), "--enrol-key", file("authority.key")] });
  await lab.startDevice(EP);
  view = await Console.open(lab.url);
  ({ page } = view);
}, { timeout: 120_000 });

after(async () => {
  await view?.close();
  await lab?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout: 120_000 });

const bootstrapCredential = async (endpoint) => (await lab.call("GET", `/bootstrap/credentials/${endpoint}`)).body;

test("a credential of each kind is set at the bootstrap server", { timeout: 120_000 }, async () => {
  await view.go("#/bootstrap");
  await button("Set a credential").click();
  await page.getByLabel("Endpoint name").fill("lamp");
  await page.getByLabel("Key (hexadecimal)").fill(KEY);
  await button("Store").click();
  await view.toast("Credential stored");
  assert.deepEqual([(await bootstrapCredential("lamp")).mode, (await bootstrapCredential("lamp")).key_bytes], ["psk", 8]);

  await button("Set a credential").click();
  await page.getByLabel("Endpoint name").fill("pump");
  await page.getByLabel("Kind").selectOption("x509");
  await page.getByLabel("Common name").fill("pump.example");
  await button("Store").click();
  await until("the certificate's credential", async () => (await bootstrapCredential("pump")).identity === "pump.example");

  await button("Set a credential").click();
  await page.getByLabel("Endpoint name").fill("valve");
  await page.getByLabel("Kind").selectOption("oscore");
  await page.getByLabel("Master Secret (hexadecimal)").fill("00112233");
  await button("Store").click();
  await page.getByText("The two Sender IDs must differ.").waitFor();
  await page.getByLabel("Sender ID of the server").fill("zz");
  await button("Store").click();
  await page.getByText("Enter 0 to 7 bytes as hexadecimal digits.").waitFor();
  await view.accessible("the OSCORE form");
  await view.picture("credential-oscore");
  await page.getByLabel("Sender ID of the server").fill("02");
  await page.getByLabel("Sender ID of the device").fill("01");
  await page.getByLabel("Master Salt").fill("9e7c");
  await button("Store").click();
  await until("the OSCORE credential", async () => (await bootstrapCredential("valve")).mode === "oscore");
  assert.deepEqual([(await bootstrapCredential("valve")).identity, (await bootstrapCredential("valve")).key_bytes], ["01", 4]);
  await page.locator("tr", { hasText: "valve" }).getByText("32 bits, never shown").waitFor();
  assert.equal((await lab.call("GET", "/credentials/valve")).status, 404); // the other server's are apart
  assert.ok(!(await page.content()).includes("00112233"));
  await button("Delete the credential of pump").click();
  await button("Delete").click();
  await until("the deletion", async () => (await lab.call("GET", "/bootstrap/credentials/pump")).status === 404);
});

test("accounts are added to a profile by a form, with the keyboard", { timeout: 120_000 }, async () => {
  await view.go("#/bootstrap");
  await button("Add a profile").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Endpoint or pattern").fill("lamp");
  await page.getByText("Add a server by a form").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Server URI").fill("somewhere");
  await page.getByLabel("Security").selectOption("est");
  await button("Add to the profile").focus();
  await page.keyboard.press("Enter");
  await page.getByText("Enter a URI like").waitFor();
  await page.getByText("Paste PEM, or Base64 of DER.").waitFor();
  await view.accessible("the account form");
  await page.getByLabel("Server URI").fill("coaps://192.0.2.1:5684");
  await page.getByLabel("Certificate that the server is checked by").fill(openssl("x509", "-in", file("server.pem")).toString());
  await view.picture("account-form");
  await button("Add to the profile").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Server URI").fill("coap://192.0.2.2");
  await page.getByLabel("Short server ID").fill("2");
  await page.getByLabel("Security").selectOption("oscore");
  await page.getByLabel("Master Secret").selectOption("given");
  await page.getByLabel("Its bytes (hexadecimal)").fill("0a0b0c");
  await page.getByLabel("Sender ID of the device").fill("05");
  await page.getByLabel("Sender ID of the server").fill("06");
  await button("Add to the profile").click();
  await button("Store").click();
  await view.toast("Profile stored");
  const { servers } = (await lab.call("GET", "/bootstrap/profiles/lamp")).body;
  assert.deepEqual(servers.map((s) => [s.uri, s.security, s.short_server_id]),
    [["coaps://192.0.2.1:5684", "est", 1], ["coap://192.0.2.2", "oscore", 2]]);
  assert.deepEqual([servers[1].key_bytes, servers[1].device_id, servers[1].server_id], [3, "05", "06"]);
});

test("a certificate that a device enrolled for is revoked", { timeout: 120_000 }, async () => {
  const client = program("coap-client-openssl", "coap-client-gnutls");
  assert.ok(client, "libcoap's coap-client is needed: run ./setup");
  execFileSync(client, ["-m", "post", "-t", "286", "-f", file("lamp.csr"), "-o", file("lamp.p7"), "-B", "10", "-u", "lamp",
    "-k", "lamp-key", `coaps://127.0.0.1:${coaps}/est/sen`], { stdio: "pipe" });
  const row = page.locator("tr", { hasText: "psk:lamp" });
  await row.getByText("Valid").waitFor();
  await view.accessible("the bootstrap page with a certificate");
  await view.picture("bootstrap-certificates");
  await row.getByRole("button", { name: /^Revoke the certificate/ }).click();
  await page.getByText("This cannot be taken back.").waitFor();
  await view.accessible("the question");
  await button("Revoke").click();
  await view.toast("Certificate revoked");
  await row.getByText("Revoked").waitFor();
  const { items } = (await lab.call("GET", "/bootstrap/certificates")).body;
  assert.equal(items.length, 1);
  assert.ok(items[0].revoked_at);
});

test("an instance is created, and deleted", { timeout: 120_000 }, async () => {
  await view.go(`#/devices/${EP}/20`);
  await page.getByRole("heading", { level: 2, name: "Event Log", exact: true }).waitFor();
  await button("Add an instance").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Instance number").fill("70000");
  await button("Create").click();
  await page.getByText("Enter a number from 0 to 65534, or nothing.").waitFor();
  await page.getByLabel("Instance number").fill("1");
  await page.getByRole("textbox", { name: "LogClass" }).fill("2");
  await view.accessible("the form of an instance");
  await view.picture("instance");
  await page.getByRole("textbox", { name: "LogClass" }).press("Enter");
  await view.toast("Instance created");
  await page.getByRole("heading", { level: 2, name: "Event Log 1" }).waitFor();
  assert.equal((await lab.call("GET", `/devices/${EP}/objects/20/1/4010`)).body.values?.[0]?.value ?? 2, 2);
  await button("Delete /20/1").click();
  await button("Delete").click();
  await view.toast("Instance deleted");
  await until("its end", async () => (await lab.call("GET", `/devices/${EP}/objects/20/1`)).status === 404);
  await page.getByRole("heading", { level: 2, name: "Event Log 1" }).waitFor({ state: "detached" });
  await page.goto(`${lab.url}/#/devices/${EP}/3`);
  await page.locator("tr", { hasText: "Current Time" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Delete /3/0" }).count(), 0);
  assert.equal(await button("Add an instance").count(), 0);
});

test("a refused instance is told in the device's words, and its form stays", async () => {
  await view.go(`#/devices/${EP}/3311`);
  await page.getByRole("heading", { level: 2, name: "Light Control", exact: true }).waitFor();
  await button("Add an instance").click();
  await page.locator("dialog").getByLabel("On/Off").selectOption("true");
  await button("Create").click();
  await view.toast("Creating an instance of /3311 failed");
  await page.getByRole("heading", { name: "Add an instance of Light Control" }).waitFor();
  await page.keyboard.press("Escape");
});

test("what waits for a silent device is shown with its paths, and taken back", { timeout: 120_000 }, async () => {
  const daemon = lab.parts.findLast((p) => p.name === EP);
  daemon.child.kill("SIGSTOP");
  try {
    await lab.call("POST", `/devices/${EP}/composite/read?queue=true`, { paths: ["/3/0/9", "/3311/0", "/1/0/1"] });
    await view.go(`#/devices/${EP}`);
    const row = page.getByRole("table", { name: "Requests that wait" }).locator("tbody tr");
    await row.getByText("/3/0/9 /3311/0 /1/0/1").waitFor();
    await row.getByText("read-composite").waitFor();
    await view.accessible("a device with requests that wait");
    await row.getByRole("button", { name: "Cancel" }).click();
    await view.toast("Cancelled");
    await row.waitFor({ state: "detached" });
  } finally {
    daemon.child.kill("SIGCONT");
  }
});

test("a registration is dropped", { timeout: 120_000 }, async () => {
  await view.go(`#/devices/${EP}`);
  await button("Drop the registration").click();
  await page.getByText("The device is not told").waitFor();
  await view.accessible("the question before a registration goes");
  await button("Drop").click();
  await view.toast("Registration dropped");
  await page.getByText("Not registered").waitFor();
  assert.equal((await lab.call("GET", `/devices/${EP}`)).status, 404);
});

test("the page complained of nothing", () => {
  assert.deepEqual(view.complaints, []);
});
