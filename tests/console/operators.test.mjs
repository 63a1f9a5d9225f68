// SPDX-License-Identifier: Apache-2.0
// Operators with tokens of their own: the page shows whose it is, the audit log has the name, and who may only read is told so and loses nothing.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Lab, root } from "./lab.mjs";
import { Console } from "./page.mjs";

const tokens = { anna: "0123456789abcdef-anna", bert: "0123456789abcdef-bert", carl: "0123456789abcdef-carl" };
let lab;
let view;
let page;
let folder;
const button = (name) => page.getByRole("button", { name, exact: true });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tessera-tokens-"));
  writeFileSync(join(folder, "tokens"), `anna full ${tokens.anna}\nbert read ${tokens.bert}\n`);
  lab = await Lab.open({ server: ["--token-file", join(folder, "tokens"), "--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key",
    join(root, "tests/vectors/fdo/go-fdo/mfg_key.pem")] });
  view = await Console.open(lab.url);
  ({ page } = view);
}, { timeout: 120_000 });

after(async () => {
  await view?.close();
  await lab?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout: 60_000 });

/** Ends who was there, and comes with another token. */
async function comeAs(name) {
  await view.go("#/onboarding");
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await page.getByLabel("Token", { exact: true }).fill(tokens[name]);
  await button("Continue").click();
  await page.locator(".topbar .badge", { hasText: name }).waitFor();
}

async function storePlan() {
  await button("Add a plan").click();
  await page.getByLabel("For", { exact: true }).fill("lamps");
  await button("Store").click();
}

test("who may only read is told so, and the form stays", { timeout: 60_000 }, async () => {
  await comeAs("bert");
  await page.locator(".topbar").getByText("read only").waitFor();
  await storePlan();
  await view.toast("This token is for reading");
  assert.equal(await page.getByLabel("For", { exact: true }).inputValue(), "lamps");
  await view.accessible("a refusal for want of the role");
  await page.keyboard.press("Escape");
});

test("what is changed stands under the operator's name", { timeout: 60_000 }, async () => {
  await comeAs("anna");
  assert.equal(await page.locator(".topbar").getByText("read only").count(), 0);
  await storePlan();
  await view.toast("Plan stored");
  await view.go("#/audit");
  await page.locator("tr", { hasText: "plan-set" }).getByText("operator anna 127.0.0.1").waitFor();
  await button("What peers were refused").click();
  await page.locator("tr", { hasText: "rest-read-only" }).getByText("operator bert 127.0.0.1").waitFor();
});

test("a token that is revoked ends the page's stream, and another is asked for", { timeout: 60_000 }, async () => {
  await view.go("#/onboarding");
  await page.locator(".topbar .badge", { hasText: "anna" }).waitFor();
  writeFileSync(join(folder, "tokens"), `anna full ${tokens.carl}\nbert read ${tokens.bert}\n`);
  lab.server.child.kill("SIGHUP");
  await page.getByLabel("Token", { exact: true }).waitFor(); // nothing was clicked: its stream ended
  await view.accessible("the question for another token");
  await page.getByLabel("Token", { exact: true }).fill(tokens.carl);
  await button("Continue").click();
  await page.getByLabel("Token", { exact: true }).waitFor({ state: "detached" });
  await view.go("#/audit");
  await page.locator("tr", { hasText: "operators-read" }).getByText("tokens: 2, new: 1, gone: 1").waitFor();
});

test("the page complained of nothing", () => {
  assert.deepEqual(view.complaints, []);
});
