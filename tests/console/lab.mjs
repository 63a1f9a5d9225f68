// SPDX-License-Identifier: Apache-2.0
// A server and devices as real processes on loopback, for the tests of REST and of the console.
// TESSERA_BUILD names the build directory, TESSERA_CONSOLE the folder with node_modules.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const build = process.env.TESSERA_BUILD;
const packages = process.env.TESSERA_CONSOLE;
if (!build || !packages) {
  console.error("TESSERA_BUILD and TESSERA_CONSOLE must be set; ctest does so");
  process.exit(1);
}

export const require = createRequire(join(packages, "package.json"));
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, good, ms = 30_000) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    try {
      const value = await good();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`${what} did not happen in ${ms} ms${last ? `; last: ${last.message}` : ""}`);
}

export function freePort() {
  return Number(execFileSync("python3", [join(root, "tools/ports.py")]));
}

class Part {
  constructor(name, program, args, folder, input) {
    this.name = name;
    this.log = join(folder, `${name}.log`);
    const out = openSync(this.log, "a");
    this.child = spawn(join(build, "bin", program), args.map(String), {
      stdio: [input === undefined ? "ignore" : "pipe", out, out],
      env: { ...process.env, ASAN_OPTIONS: "abort_on_error=0" },
    });
    closeSync(out);
    if (input !== undefined) this.child.stdin.end(input);
    this.ended = new Promise((resolve) => this.child.on("exit", (code, signal) => {
      this.code = code ?? signal;
      resolve(this.code);
    }));
    this.child.on("error", (error) => {
      this.code = error.message;
    });
  }

  text() {
    return readFileSync(this.log, "utf8");
  }

  async stop(signal = "SIGTERM") {
    if (this.code === undefined) this.child.kill(signal);
    const late = sleep(15_000).then(() => "late");
    const code = await Promise.race([this.ended, late]);
    if (code === "late") {
      this.child.kill("SIGKILL");
      throw new Error(`${this.name} did not end on ${signal}:\n${this.text().slice(-2000)}`);
    }
    return code;
  }
}

export class Lab {
  parts = [];

  static async open(options = {}) {
    const lab = new Lab();
    lab.folder = mkdtempSync(join(tmpdir(), "tessera-rest-"));
    [lab.coap, lab.coaps, lab.http] = [freePort(), freePort(), freePort()];
    lab.bootstrap = freePort();
    lab.url = `http://127.0.0.1:${lab.http}`;
    lab.token = options.token;
    await lab.startServer(options.server ?? []);
    return lab;
  }

  part(name, program, args, input) {
    const made = new Part(name, program, args, this.folder, input);
    this.parts.push(made);
    return made;
  }

  async startServer(extra = []) {
    this.extra = extra;
    const args = ["--coap", `127.0.0.1:${this.coap}`, "--coaps", `127.0.0.1:${this.coaps}`,
      "--http", `127.0.0.1:${this.http}`, "--data", join(this.folder, "data"),
      "--bootstrap-coap", `127.0.0.1:${this.bootstrap}`, "--bootstrap-nosec", ...extra];
    if (this.token) {
      const file = join(this.folder, "token");
      writeFileSync(file, `${this.token}\n`, { mode: 0o600 });
      args.push("--token-file", file);
    }
    this.server = this.part("server", "tessera-server", args);
    await until("the start of the server", async () => {
      if (this.server.code !== undefined) throw new Error(`it ended with ${this.server.code}:\n${this.server.text()}`);
      return (await fetch(`${this.url}/api/v1/health`)).ok;
    });
  }

  async restartServer(signal = "SIGTERM") {
    await this.server.stop(signal);
    await this.startServer(this.extra);
  }

  /** A device over DTLS with its key in a secure service of its own. */
  async startDevice(endpoint) {
    const dir = join(this.folder, endpoint);
    const key = randomBytes(16);
    mkdirSync(dir, { recursive: true });
    const put = await this.call("PUT", `/credentials/${endpoint}`, { mode: "psk", identity: endpoint, key: key.toString("hex") });
    if (put.status !== 200) throw new Error(`credential refused: ${JSON.stringify(put.body)}`);
    const socket = join(dir, "secured.sock");
    const secured = this.part(`${endpoint}-secured`, "tessera-secured", ["--socket", socket, "--store", join(dir, "keys")]);
    await until("the start of tessera-secured", () => secured.text().includes("ready"));
    const config = join(dir, "tesserad.conf");
    writeFileSync(config, `[device]
endpoint = ${endpoint}
state = ${join(dir, "state")}
manufacturer = Tessera
model = Linux host
serial = TS-0042
reboot = none

[secured]
socket = ${socket}

[server 1]
uri = coaps://127.0.0.1:${this.coaps}
mode = psk
identity = ${endpoint}
key = 1
lifetime = 300

[light 0]
file = ${join(dir, "light")}
`);
    const provision = this.part(`${endpoint}-provision`, "tesserad", ["provision", "--server", "1", "--config", config], `${key.toString("hex")}\n`);
    if (await provision.ended !== 0) throw new Error(`provisioning failed:\n${provision.text()}`);
    return this.startDaemon(endpoint);
  }

  /** The device's daemon alone: its key and its state are there already. */
  async startDaemon(endpoint) {
    const device = this.part(endpoint, "tesserad", ["--config", join(this.folder, endpoint, "tesserad.conf")]);
    await until(`the registration of ${endpoint}`, async () => {
      if (device.code !== undefined) throw new Error(`it ended with ${device.code}:\n${device.text().slice(-2000)}`);
      return (await this.call("GET", `/devices/${endpoint}`)).status === 200;
    });
    return device;
  }

  async call(method, path, body, headers = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
    const type = response.headers.get("content-type") ?? "";
    const text = await response.text();
    return { status: response.status, type, headers: response.headers, body: type.includes("json") && text ? JSON.parse(text) : text };
  }

  async close() {
    for (const part of this.parts.reverse())
      if (part.code === undefined) {
        part.child.kill("SIGTERM");
        await Promise.race([part.ended, sleep(5000).then(() => part.child.kill("SIGKILL") && part.ended)]);
      }
    const bad = this.parts.filter((p) => /ERROR: (Address|Leak|Undefined)|runtime error:/.test(p.text()));
    const texts = bad.map((p) => `${p.name}:\n${p.text().slice(-4000)}`);
    rmSync(this.folder, { recursive: true, force: true });
    if (texts.length > 0) throw new Error(`sanitizer reports:\n${texts.join("\n")}`);
  }
}
