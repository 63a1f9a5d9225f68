// SPDX-License-Identifier: Apache-2.0
// The console in a Chromium of its own.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { require, sleep } from "./lab.mjs";

const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.TESSERA_SCREENSHOTS ?? join(process.env.TESSERA_BUILD, "screenshots");

/** The first of these programs that is there. */
export const program = (...names) => names.find((name) => process.env.PATH.split(":").some((dir) => existsSync(join(dir, name))));
export const coapClient = program("coap-client-notls", "coap-client");

export class Console {
  /** What the page complained of: nothing may. */
  complaints = [];

  static async open(url) {
    const view = new Console();
    mkdirSync(pictures, { recursive: true });
    view.url = url;
    view.profile = mkdtempSync(join(tmpdir(), "tessera-chromium-"));
    view.context = await chromium.launchPersistentContext(view.profile, {
      executablePath: process.env.TESSERA_CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      viewport: { width: 1440, height: 900 },
      colorScheme: "light",
      reducedMotion: "reduce",
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    view.page = view.context.pages()[0] ?? await view.context.newPage();
    view.page.setDefaultTimeout(30_000);
    view.listen();
    return view;
  }

  listen() {
    this.page.on("console", (m) => {
      // What the network did is not the page's fault; a blocked resource is.
      if (m.type() === "error" && !/Failed to load resource|net::ERR/.test(m.text())) this.complaints.push(m.text());
    });
    this.page.on("pageerror", (e) => this.complaints.push(e.stack ?? e.message));
    this.page.on("request", (r) => {
      if (!r.url().startsWith(this.url)) this.complaints.push(`request to ${r.url()}`);
    });
  }

  async close() {
    await this.context?.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  async go(hash) {
    await this.page.goto(`${this.url}/${hash}`);
    await this.page.waitForSelector("main h1");
    await this.page.locator(".toast").evaluateAll((all) => all.forEach((e) => { e.dataset.seen = "yes"; }));
  }

  /** Waits for a toast that nobody has waited for: one of an action before, with the same words, may still be there. */
  toast(words) {
    return this.page.locator(".toast:not([data-seen])", { hasText: words }).first().evaluate((e) => { e.dataset.seen = "yes"; });
  }

  /** The findings of axe-core on the page as it is now, in both colours. */
  async accessible(what) {
    for (const scheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme: scheme });
      await sleep(250);
      await this.page.evaluate(axe);
      const found = await this.page.evaluate(async () =>
        (await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })).violations);
      const text = found.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 3).map((n) => `  ${n.html.slice(0, 160)}\n    ${n.failureSummary}`).join("\n")}`).join("\n");
      assert.equal(found.length, 0, `${what}, ${scheme}:\n${text}`);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  async picture(name) {
    await this.page.mouse.move(0, 0);
    await this.page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
    for (const scheme of ["dark", "light"]) {
      await this.page.emulateMedia({ colorScheme: scheme });
      await sleep(400);
      await this.page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) });
    }
  }
}
