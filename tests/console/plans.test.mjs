// SPDX-License-Identifier: Apache-2.0
// Forms for plans and groups: texts with their errors in place, templates, what is kept when the server refuses, members, patterns, and which
// plan a device gets and why. The device is a voucher that go-fdo made; with a real one: fdo.test.mjs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Lab, root, until } from "./lab.mjs";
import { Console } from "./page.mjs";

const VECTOR = join(root, "tests/vectors/fdo/go-fdo");
const INFO = "go.fdo.example"; // what its voucher says
const SECRET = "swordfish";
let lab;
let view;
let page;
let guid;
const button = (name) => page.getByRole("button", { name, exact: true });
const area = () => page.getByLabel("Plan (JSON)");
const selected = () => area().evaluate((e) => e.value.slice(e.selectionStart, e.selectionEnd));
const table = (caption) => page.locator("table", { hasText: caption });
const device = async () => (await lab.call("GET", `/fdo/devices/${guid}`)).body;
const plan = async (name) => (await lab.call("GET", `/fdo/plans/${name}`)).body;
const named = (text) => text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

before(async () => {
  lab = await Lab.open({ server: ["--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key", join(VECTOR, "mfg_key.pem")] });
  const taken = await lab.call("POST", "/fdo/vouchers", { voucher: readFileSync(join(VECTOR, "ov.pem"), "utf8") });
  assert.equal(taken.status, 200);
  ({ guid } = taken.body);
  view = await Console.open(lab.url);
  ({ page } = view);
}, { timeout: 120_000 });

after(async () => {
  await view?.close();
  await lab?.close();
}, { timeout: 60_000 });

test("what is wrong with a plan is selected in its text, which stays", { timeout: 120_000 }, async () => {
  assert.equal((await device()).device_info, INFO);
  await view.go("#/onboarding");
  await table("Next TO0").getByText("none: onboarded and nothing more").waitFor();
  await button("Add a plan").click();
  await page.getByLabel("For", { exact: true }).fill("default");
  for (const [text, words, place] of [
    ['{\n  "steps": [,]\n}', "Line 2, column 13: this is not JSON", ","],
    ['{\n  "steps": [\n    {"module": "fdo.csr"},\n    {"module": "none"}]}', "Line 4, column 5: steps[1]: its `module`", '{"module": "none"}'],
  ])
    for (const send of ["Check", "Store"]) {
      await area().fill(text);
      await button(send).click();
      await page.getByText(words).waitFor();
      assert.equal(await selected(), place);
      assert.equal(await area().inputValue(), text);
      assert.equal(await area().getAttribute("aria-invalid"), "true");
    }
  await view.accessible("a plan that was refused");
  await view.picture("plan");
  await button("Add the step").click(); // to a plan that is JSON
  await page.getByText("Line 4").waitFor({ state: "detached" });
  assert.equal(JSON.parse(await area().inputValue()).steps.length, 3);
  await area().fill('{"endpoint": 1, "steps": []}');
  await button("Store").click();
  await page.getByText("`endpoint` is a text").waitFor();
  await page.getByLabel("For", { exact: true }).fill("a b");
  await area().fill('{"steps": []}');
  await button("Store").click();
  await page.getByText("a plan is named by").waitFor();
  assert.deepEqual((await lab.call("GET", "/fdo/plans")).body.items, []);
  await page.keyboard.press("Escape");
});

test("each template is a step that the server takes", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await button("Add a plan").click();
  await page.getByLabel("For", { exact: true }).fill("default");
  const words = await page.getByLabel("Another step").locator("option").allTextContents();
  assert.equal(words.length, 7);
  for (const label of words) {
    await page.getByLabel("Another step").selectOption({ label });
    await button("Add the step").click();
  }
  await button("Check").click();
  await view.toast("The plan would be taken");
  assert.deepEqual((await lab.call("GET", "/fdo/plans")).body.items, []);
  await button("Store").click();
  await view.toast("Plan stored");
  assert.deepEqual((await plan("default")).steps.map((s) => s.module),
    ["fdo.download", "fdo.upload", "fdo.command", "fdo.wget", "fdo.csr", "tessera.lwm2m", "tessera.lwm2m"]);
  const row = table("Plans by name").locator("tr", { hasText: "default" });
  await row.getByText("All devices that have no other").waitFor();
  await row.getByRole("cell", { name: "1", exact: true }).waitFor();
  await table("Next TO0").getByText("no other fits").waitFor();
});

test("a plan is changed with the files in it, which are not shown", { timeout: 120_000 }, async () => {
  await lab.call("PUT", "/fdo/plans/default", { steps: [{ module: "fdo.download", name: "key", text: SECRET }] });
  await view.go("#/audit");
  await view.go("#/onboarding");
  await button("Change the plan default").click();
  assert.ok(!(await area().inputValue()).includes(SECRET));
  await page.getByLabel("Another step").selectOption("csr");
  await button("Add the step").click();
  await button("Store").click();
  await view.toast("Plan stored");
  assert.deepEqual((await plan("default")).steps, [{ module: "fdo.download", name: "key", file_bytes: SECRET.length }, { module: "fdo.csr" }]);
  await button("Change the plan default").click();
  await area().fill((await area().inputValue()).replace('"key"', '"other"'));
  await button("Store").click();
  await page.getByText("Line 3, column 5: steps[0]: `file_bytes`").waitFor();
  await page.keyboard.press("Escape");
});

test("a group is made with its plan, and gets devices by GUID; what is refused stays in the form", { timeout: 120_000 }, async () => {
  const unknown = "00".repeat(16);
  await view.go("#/onboarding");
  await button("Add a group").click();
  await page.getByLabel("For", { exact: true }).fill("lamps");
  await button("Store").click();
  await page.getByRole("heading", { name: "Group lamps" }).waitFor();
  await page.getByText("No device is in this group").waitFor();
  await page.getByLabel("Add devices by GUID").fill(`${named(guid).toUpperCase()}\n${unknown}, lamp-1`);
  await button("Add to the group").click();
  await view.toast("1 device added");
  await page.getByText("lamp-1: a GUID has 32").waitFor();
  await page.getByText(`${unknown}: no device`).waitFor();
  assert.equal(await page.getByLabel("Add devices by GUID").inputValue(), `lamp-1\n${unknown}`);
  const row = table("Devices of the group").locator("tr", { hasText: named(guid) });
  await row.getByText("(its group)").waitFor();
  await view.accessible("a group");
  await view.picture("group");
  assert.deepEqual((await device()).plan, { name: "lamps", by: "group" });
  await button(`Take out ${named(guid)}`).click();
  await page.getByText("No device is in this group").waitFor();
  assert.deepEqual((await device()).plan, { name: "default", by: "default" });
});

test("a group's pattern takes devices by what their vouchers say", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding/groups/lamps");
  await page.getByLabel("Also devices whose voucher says").fill("go*");
  await button("Store the pattern").click();
  await view.toast("Plan stored");
  await until("the pattern", async () => (await plan("lamps")).device_info === "go*");
  await view.go("#/onboarding");
  await table("Next TO0").getByText("(what its voucher says)").waitFor();
  await table("Groups by name").locator("tr", { hasText: "lamps" }).getByText("go*").waitFor();
  await table("Plans by name").locator("tr", { hasText: "lamps" }).getByText("and vouchers that say").waitFor();
  await view.accessible("groups and plans");
  await view.go("#/onboarding/groups/lamps");
  await page.getByLabel("Also devices whose voucher says").fill("");
  await button("Store the pattern").click();
  await until("no pattern", async () => (await plan("lamps")).device_info === undefined);
});

test("a device's page puts it into a group and out of it", { timeout: 120_000 }, async () => {
  await view.go(`#/onboarding/${guid}`);
  await page.getByText("no other fits").waitFor();
  await page.getByLabel("In the group").selectOption("lamps");
  await button("Store the group").click();
  await view.toast("Put into the group");
  await page.getByText("(its group)").waitFor();
  await view.accessible("a device with its group");
  // The plan goes meanwhile: the group cannot be stored, and what was chosen stays.
  await lab.call("PUT", "/fdo/plans/pumps", { steps: [] });
  await view.go("#/onboarding");
  await view.go(`#/onboarding/${guid}`);
  await page.getByLabel("In the group").selectOption("pumps");
  await lab.call("DELETE", "/fdo/plans/pumps");
  await button("Store the group").click();
  await page.getByText("there is no group pumps").waitFor();
  assert.equal(await page.getByLabel("In the group").inputValue(), "pumps");
  assert.equal((await device()).group, "lamps");
});

test("a group that lost its plan is told of, and gets one again", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await button("Remove the plan lamps").click();
  await button("Remove").click();
  await view.toast("Plan removed");
  await table("Groups by name").locator("tr", { hasText: "lamps" }).getByText("Missing").waitFor();
  await table("Next TO0").getByText("its group has no plan").waitFor();
  await page.getByRole("link", { name: "lamps" }).first().click();
  await button("Give it a plan").click();
  await button("Store").click();
  await page.getByLabel("Add devices by GUID").waitFor();
  assert.deepEqual((await device()).plan, { name: "lamps", by: "group" });
});

test("a group that is removed takes its devices out and its plan with it", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await button("Remove the group lamps").click();
  await view.accessible("the question before a group goes");
  await button("Remove").click();
  await view.toast("Group removed");
  await page.getByText("A group is a name for devices").waitFor();
  assert.deepEqual([(await device()).plan, (await lab.call("GET", "/fdo/groups")).body.items], [{ name: "default", by: "default" }, []]);
});

/** Tab by tab to what has this id or these words. */
async function tabTo(what) {
  const seen = [];
  for (let i = 0; i < 12; i++) {
    seen.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent));
    if (seen.at(-1) === what) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${what} cannot be reached: ${seen}`);
}

test("all of it goes by keyboard alone", { timeout: 120_000 }, async () => {
  await view.go("#/onboarding");
  await button("Add a plan").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("For", { exact: true }).waitFor();
  await tabTo("p-name");
  await page.keyboard.type("clocks");
  await tabTo("p-text");
  await page.keyboard.press("Control+A");
  await page.keyboard.type('{"steps": [7]}');
  await tabTo("Store");
  await page.keyboard.press("Enter");
  await page.getByText("Line 1, column 12: steps[0]").waitFor();
  await page.keyboard.type('{"module": "fdo.csr"}'); // over what is selected
  await tabTo("Store");
  await page.keyboard.press("Enter");
  await view.toast("Plan stored");
  assert.deepEqual((await plan("clocks")).steps, [{ module: "fdo.csr" }]);
});

test("the page complained of nothing", () => {
  assert.deepEqual(view.complaints, []);
});
