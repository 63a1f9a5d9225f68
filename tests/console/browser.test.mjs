// SPDX-License-Identifier: Apache-2.0
// The console in Chromium, against a running server and real devices: what a person does with the mouse, what one
// does with the keyboard alone, what a screen reader finds (axe-core), and pictures of it all. The pictures go to
// the folder that TESSERA_SCREENSHOTS names, else into the build directory.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Lab, sleep, until } from "./lab.mjs";
import { coapClient, Console } from "./page.mjs";

const EP = "living-room";

let lab;
let view;
let page;
let complaints;
const go = (hash) => view.go(hash);
const accessible = (what) => view.accessible(what);
const picture = (name) => view.picture(name);
const toast = (words) => view.toast(words);

before(async () => {
  lab = await Lab.open({ server: ["--allow-nosec", "--awake", "2"] });
  await lab.startDevice(EP);
  view = await Console.open(lab.url);
  ({ page, complaints } = view);
}, { timeout: 120_000 });

after(async () => {
  await view?.close();
  await lab?.close();
}, { timeout: 120_000 });

const value = async (path) => (await lab.call("GET", `/devices/${EP}/objects${path}`)).body.values?.[0]?.value;
/** A device without security that only registers, by libcoap's client. */
function register(endpoint, query = "b=U") {
  assert.ok(coapClient, "libcoap's coap-client is needed: run ./setup");
  execFileSync(coapClient, ["-m", "post", "-t", "40", "-e", "</3/0>,</4/0>,</3303/0>,</3311/0>", "-B", "5",
    `coap://127.0.0.1:${lab.coap}/rd?ep=${endpoint}&lt=86400&lwm2m=1.1&${query}`], { stdio: "pipe" });
}

test("the list shows devices as they come", { timeout: 120_000 }, async () => {
  await go("#/devices");
  await page.getByRole("link", { name: EP }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  const names = ["boiler", "garage-door", "greenhouse-1", "greenhouse-2", "meter-electric", "meter-gas", "roof-solar", "weather-mast"];
  const secured = ["boiler", "meter-electric", "roof-solar"];
  for (const name of names)
    if (secured.includes(name)) await lab.startDevice(name);
    else register(name, name.startsWith("g") ? "b=U" : "b=U&Q");
  // no reload: the events bring them
  for (const name of names) await page.getByRole("link", { name, exact: true }).waitFor();
  assert.equal(await page.locator("tbody tr.row").count(), names.length + 1);
  // those in queue mode listen for two seconds
  await until("two devices asleep", async () => (await page.locator(".badge", { hasText: "Asleep" }).count()) === 2);
  await accessible("the list");
  await picture("list");
});

test("the list is filtered by the server", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("green");
  await until("the filter", async () => (await page.locator("tbody tr.row").count()) === 2);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("nothing-like-this");
  await page.getByText("No device matches").waitFor();
  await accessible("a list without a match");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await page.getByRole("link", { name: EP }).waitFor();
});

test("the keyboard alone leads from the list to a written value", { timeout: 120_000 }, async () => {
  await page.goto("about:blank"); // the focus begins at the top
  await go("#/devices");
  await page.getByRole("link", { name: EP }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");

  const tabTo = async (good, what) => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(good)) return;
    }
    assert.fail(`Tab never came to ${what}`);
  };
  await tabTo(() => document.activeElement?.matches("[data-row]"), "the rows");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.row), "2");
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.textContent)) !== "living-room"; i++)
    await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: EP }).waitFor();

  await page.getByRole("link", { name: /Light Control/ }).waitFor();
  await tabTo(() => document.activeElement?.textContent?.includes("Light Control"), "Light Control");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Write Dimmer" }).waitFor();
  await tabTo(() => document.activeElement?.getAttribute("aria-label") === "Write Dimmer", "Write Dimmer");
  await page.keyboard.press("Enter");
  await page.getByLabel("New value of Dimmer").waitFor();
  await page.keyboard.type("bright");
  await page.keyboard.press("Enter");
  await page.getByText("Enter a whole number.").waitFor();
  await accessible("an editor with an error");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("25");
  await page.keyboard.press("Enter");
  await toast("Written");
  assert.equal(await value("/3311/0/5851"), 25);
  await page.locator("tr", { hasText: "Dimmer" }).getByText("25").waitFor();

  await page.getByRole("button", { name: "Write Dimmer" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("99");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Write Dimmer" }).waitFor();
  assert.equal(await value("/3311/0/5851"), 25);
});

test("a refusal of the device is shown in its words", async () => {
  await page.getByRole("button", { name: "Write Dimmer" }).click();
  await page.getByLabel("New value of Dimmer").fill("1000");
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await toast(/device answered 4\./);
  await accessible("an error");
  await page.getByRole("button", { name: "Dismiss" }).last().click();
  await page.getByRole("button", { name: "Cancel" }).click(); // what was typed is kept until then
});

test("what others write is seen at once where it is observed", { timeout: 120_000 }, async () => {
  await go(`#/devices/${EP}/3311`);
  await page.getByRole("switch", { name: "Observe Dimmer" }).click();
  await page.locator("aside").getByText("/3311/0/5851").waitFor();
  await lab.call("PUT", `/devices/${EP}/objects/3311/0/5851`, { value: 61 });
  await page.locator("tr", { hasText: "Dimmer" }).getByText("61").waitFor();
  await lab.call("PUT", `/devices/${EP}/objects/3311/0/5851`, { value: 62 });
  await page.locator("aside .chart-now", { hasText: "62" }).waitFor();
  const chart = page.getByRole("img", { name: /Dimmer: now 62/ });
  await chart.waitFor();
  await chart.locator("canvas").waitFor();
  await page.getByRole("switch", { name: "Observe Dimmer", checked: true }).click();
  await page.getByText("Nothing is observed").waitFor();
  assert.deepEqual((await lab.call("GET", `/devices/${EP}/observations`)).body.items, []);
});

test("an object is shown with names and units from its model", { timeout: 120_000 }, async () => {
  await go(`#/devices/${EP}`);
  await page.getByRole("heading", { level: 2, name: "Device" }).waitFor();
  await page.locator("tr", { hasText: "Current Time" }).waitFor();
  await page.getByRole("button", { name: "Execute Reset Error Code" }).waitFor();
  await accessible("a device");
  await picture("device");
});

test("execute asks first", async () => {
  await page.getByRole("button", { name: "Execute Reset Error Code" }).click();
  await page.getByRole("heading", { name: "Execute Reset Error Code?" }).waitFor();
  await accessible("a dialog");
  await page.keyboard.press("Escape");
  await until("the dialog's end", async () => (await page.locator("dialog").count()) === 0);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Execute Reset Error Code");
  await page.keyboard.press("Enter");
  await page.getByLabel("Arguments").waitFor();
  await page.keyboard.press("Enter");
  await toast("Executed");
});

test("attributes are set on the device", async () => {
  await go(`#/devices/${EP}/3300`);
  await page.getByRole("button", { name: "Attributes of Sensor Value" }).first().click();
  await page.getByLabel("Minimum period (s)").fill("1");
  await page.getByLabel("Maximum period (s)").fill("2");
  await accessible("the attributes");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await toast("Attributes set");
  const { body } = await lab.call("GET", `/devices/${EP}/objects/3300/0/5700/discover`);
  const own = body.links.find((l) => l.path === "/3300/0/5700").attributes;
  assert.deepEqual([own.pmin, own.pmax], ["1", "2"]);
});

test("a live chart grows as the device notifies", { timeout: 150_000 }, async () => {
  await lab.call("PUT", `/devices/${EP}/objects/3300/1/5700/attributes`, { pmin: 1, pmax: 2 });
  await lab.call("PUT", `/devices/${EP}/objects/3311/0/5850`, { value: true });
  await go(`#/devices/${EP}/3300`);
  const switches = page.getByRole("switch", { name: "Observe Sensor Value" });
  await switches.first().click();
  await switches.nth(1).click();
  const count = async () => Number((await page.locator("aside [role=img]").first().getAttribute("aria-label"))?.match(/(\d+) values/)?.[1] ?? 0);
  await until("the first values", async () => (await count()) >= 1);
  const first = await count();
  await until("more values", async () => (await count()) >= first + 6, 40_000);
  await accessible("charts");
  await page.evaluate(() => window.scrollTo(0, 0));
  await picture("chart");
});

test("the history of a resource is kept", async () => {
  await page.getByRole("button", { name: "History of Sensor Value" }).first().click();
  await page.getByRole("heading", { name: "History of Sensor Value" }).waitFor();
  await page.locator("dialog tbody tr").nth(2).waitFor();
  await accessible("the history");
  await page.keyboard.press("Escape");
  for (const at of [0, 1]) await page.getByRole("switch", { name: "Observe Sensor Value" }).nth(at).click();
  await page.getByText("Nothing is observed").waitFor();
});

test("events are shown, filtered, paused and resumed", { timeout: 120_000 }, async () => {
  await go("#/events");
  await page.locator("td", { hasText: "registered" }).first().waitFor();
  await page.getByRole("button", { name: "Notifications" }).click();
  await until("notifications only", async () => {
    const kinds = await page.locator("tbody tr td:nth-child(2)").allTextContents();
    return kinds.length > 0 && kinds.every((k) => k === "notification");
  });
  await page.getByRole("button", { name: "Notifications" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await page.locator("tbody tr").first().textContent();
  await lab.call("PUT", `/credentials/paused`, { mode: "psk", identity: "paused", key: "00" });
  await page.getByRole("button", { name: /Resume \(\d+ new\)/ }).waitFor();
  assert.equal(await page.locator("tbody tr").first().textContent(), before);
  await page.getByRole("button", { name: /Resume/ }).click();
  await page.getByRole("link", { name: "paused" }).waitFor();
  await page.getByLabel("Filter events by text").fill("boiler");
  await until("the filter", async () => {
    const names = await page.locator("tbody tr td:nth-child(3)").allTextContents();
    return names.length > 0 && names.every((n) => n === "boiler");
  });
  await page.getByLabel("Filter events by text").fill("");
  await accessible("events");
  await picture("events");
  await page.goto(`${lab.url}/#/events?endpoint=boiler`);
  await until("one device's events", async () => (await page.locator("tbody tr td:nth-child(3)").allTextContents()).every((n) => n === "boiler"));
});

test("a credential is set, listed without its key, and deleted", async () => {
  await go("#/credentials");
  await page.getByRole("button", { name: "Set a credential" }).click();
  await page.getByLabel("Endpoint name").fill("new-device");
  await page.getByLabel("Key (hexadecimal)").fill("xyz");
  await page.getByRole("button", { name: "Store" }).click();
  await page.getByText("Enter 1 to 64 bytes").waitFor();
  await page.getByRole("button", { name: "Generate" }).click();
  const key = await page.getByLabel("Key (hexadecimal)").inputValue();
  assert.match(key, /^[0-9a-f]{64}$/);
  await accessible("the credential dialog");
  await page.getByRole("button", { name: "Store" }).click();
  await toast("Credential stored");
  await page.locator("tr", { hasText: "new-device" }).getByText("256 bits, never shown").waitFor();
  assert.ok(!(await page.content()).includes(key));
  assert.equal((await lab.call("GET", "/credentials/new-device")).body.key_bytes, 32);
  await accessible("credentials");
  await page.getByRole("button", { name: "Delete the credential of new-device" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await toast("Credential deleted");
  assert.equal((await lab.call("GET", "/credentials/new-device")).status, 404);
});

test("a bootstrap profile is refused with the reason, stored, changed and removed, and devices show how it went", async () => {
  const key = "c0ffee00c0ffee11c0ffee22c0ffee33";
  await go("#/bootstrap");
  await page.getByText("No profile yet").waitFor();
  await accessible("no bootstrap profile");
  await page.getByRole("button", { name: "Add a profile" }).click();
  await page.getByLabel("Endpoint or pattern").fill("meter-*");
  await page.getByLabel("Profile (JSON)").fill("{");
  await page.getByRole("button", { name: "Store" }).click();
  await page.getByText("This is not JSON").waitFor();
  await page.getByLabel("Profile (JSON)").fill('{"servers": [{"security": "psk"}]}');
  await page.getByRole("button", { name: "Store" }).click();
  await page.getByText("servers[0]: `short_server_id` is missing").waitFor();
  await accessible("the profile dialog");
  await page.getByLabel("Profile (JSON)").fill(JSON.stringify({ plain: true,
    servers: [{ uri: "coaps://127.0.0.1:5684", security: "psk", short_server_id: 1, key }] }));
  await page.getByRole("button", { name: "Store" }).click();
  await toast("Profile stored");
  await page.locator("tr", { hasText: "meter-*" }).getByText("coaps://127.0.0.1:5684").waitFor();
  await page.getByRole("button", { name: "Change the profile meter-*" }).click();
  const shown = await page.getByLabel("Profile (JSON)").inputValue();
  assert.equal(JSON.parse(shown).servers[0].key_bytes, 16);
  await page.getByLabel("Profile (JSON)").fill(shown.replace('"plain": true', '"plain": true, "pack": false'));
  await page.getByRole("button", { name: "Store" }).click();
  await toast("Profile stored");
  assert.equal((await lab.call("GET", "/bootstrap/profiles/meter-*")).body.servers[0].key_bytes, 16);
  assert.ok(!(await page.content()).includes(key));

  assert.ok(coapClient, "libcoap's coap-client is needed: run ./setup");
  execFileSync(coapClient, ["-m", "post", "-B", "5", `coap://127.0.0.1:${lab.bootstrap}/bs?ep=meter-1`], { stdio: "pipe" });
  await lab.call("PUT", "/bootstrap/profiles/*", { servers: [{ uri: "coaps://[2001:db8::1]:5684", security: "psk", generate: true, short_server_id: 1 }] });
  await page.locator("tr", { hasText: "meter-1" }).getByText("Not secured").waitFor();
  await page.reload();
  await page.getByText("(fresh key)").waitFor();
  await accessible("bootstrap");
  await picture("bootstrap");
  await lab.call("DELETE", "/bootstrap/profiles/*");
  await page.getByRole("button", { name: "Remove the profile meter-*" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await toast("Profile removed");
  assert.equal((await lab.call("GET", "/bootstrap/profiles/meter-*")).status, 404);
});

test("colours follow the system until the user chooses", async () => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await go("#/devices");
  await page.emulateMedia({ colorScheme: "light" });
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  assert.notEqual(light, dark);
  await page.getByRole("button", { name: /Colours: as the system/ }).click();
  assert.equal(await background(), light);
  await page.getByRole("button", { name: /Colours: light/ }).click();
  assert.equal(await background(), dark);
  await page.reload();
  await page.getByRole("button", { name: /Colours: dark/ }).click();
  await page.emulateMedia({ colorScheme: "light" });
});

test("the page fits a narrow screen", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const hash of ["#/devices", `#/devices/${EP}/3311`, "#/events", "#/credentials", "#/bootstrap"]) {
    await go(hash);
    await sleep(500);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${hash} is ${wide} pixels too wide`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("the page says when the server is away, and goes on by itself", { timeout: 150_000 }, async () => {
  await go(`#/devices/${EP}/3311`);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Read Dimmer" }).waitFor();
  assert.equal(await lab.server.stop(), 0);
  await page.getByText("Server unreachable").waitFor();
  await page.getByRole("button", { name: "Read Dimmer" }).click();
  await toast("The server cannot be reached");
  await accessible("a page without its server");
  await page.getByRole("button", { name: "Dismiss" }).last().click();
  await lab.startServer(["--allow-nosec", "--awake", "2"]);
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 30_000 });
  await lab.call("PUT", "/credentials/after-restart", { mode: "psk", identity: "after-restart", key: "00" });
  await page.goto(`${lab.url}/#/events`);
  await page.getByRole("link", { name: "after-restart" }).waitFor();
});

test("a token is asked for where the server wants one", { timeout: 120_000 }, async () => {
  const token = "0123456789abcdef0123";
  const safe = await Lab.open({ token });
  try {
    const other = await view.context.newPage();
    await other.goto(`${safe.url}/`);
    await other.getByRole("textbox", { name: "Token" }).fill(token);
    await other.getByRole("button", { name: "Continue" }).click();
    await other.getByText("No device is registered yet").waitFor();
    await other.getByText("Live", { exact: true }).waitFor();
    await other.close();
  } finally {
    await safe.close();
  }
});

test("nothing came from elsewhere and nothing was blocked", () => {
  assert.deepEqual(complaints, []);
});
