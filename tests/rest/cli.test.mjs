// SPDX-License-Identifier: Apache-2.0
// The operator's command line against a running server and a real device: what it prints and how it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Lab, sleep, until } from "../console/lab.mjs";

const EP = "cli-1";
const KEY = "000102030405060708090a0b0c0d0e0f";
let lab;

/** Runs `tessera` and gives its exit code and both outputs. */
function run(args, { input, env = {}, after: then } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(process.env.TESSERA_BUILD, "bin/tessera"), args, {
      env: { ...process.env, TESSERA_SERVER: lab.url, ...env },
    });
    const out = { text: "", error: "" };
    child.stdout.on("data", (d) => { out.text += d; });
    child.stderr.on("data", (d) => { out.error += d; });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, ...out }));
    child.stdin.on("error", () => {}); // it may end before it reads
    child.stdin.end(input ?? "");
    then?.(child, out);
    setTimeout(() => child.kill("SIGKILL"), 30_000).unref();
  });
}

async function good(args, more) {
  const result = await run(args, more);
  assert.equal(result.code, 0, `${args.join(" ")}: ${result.code} ${result.error}`);
  assert.equal(result.error, "");
  return result.text;
}

async function bad(code, words, args, more) {
  const result = await run(args, more);
  assert.equal(result.code, code, `${args.join(" ")}: ${result.code} ${result.text} ${result.error}`);
  assert.match(result.error, words);
}

before(async () => {
  lab = await Lab.open();
  await lab.startDevice(EP);
}, { timeout: 120_000 });
after(() => lab?.close(), { timeout: 60_000 });

test("sets, shows and removes bootstrap profiles", async () => {
  const profile = { servers: [{ uri: "coaps://127.0.0.1:5684", security: "psk", short_server_id: 1, key: KEY }] };
  assert.match(await good(["bootstrap", "list"]), /there is no bootstrap profile/);
  assert.match(await good(["bootstrap", "set", "urn:*", "--file", "-"], { input: JSON.stringify(profile) }), /urn:\* is set/);
  assert.match(await good(["bootstrap", "list"]), /^urn:\* +1 /m);
  const shown = await good(["bootstrap", "show", "urn:*"]);
  assert.equal(JSON.parse(shown).servers[0].key_bytes, 16);
  assert.ok(!shown.includes(KEY));
  await bad(7, /servers\[0\]: `security`/, ["bootstrap", "set", "x", "--file", "-"], { input: '{"servers":[{}]}' });
  await bad(1, /--file/, ["bootstrap", "set", "x"]);
  await bad(1, /bootstrap list/, ["bootstrap", "sing"]);
  assert.match(await good(["bootstrap", "state"]), /no device came/);
  await bad(2, /not come to the bootstrap server/, ["bootstrap", "state", "nobody"]);
  assert.match(await good(["bootstrap", "remove", "urn:*"]), /is removed/);
  await bad(2, /no profile of this name/, ["bootstrap", "remove", "urn:*"]);
  await good(["credentials", "set", "boot-1", "--bootstrap", "--key-file", "-"], { input: KEY });
  assert.match(await good(["credentials", "list", "--bootstrap"]), /^boot-1 /m);
  await bad(2, /credential/, ["credentials", "get", "boot-1"]);
  await good(["credentials", "delete", "boot-1", "--bootstrap"]);
});

test("lists and shows devices", async () => {
  const list = await good(["devices"]);
  assert.match(list, /^ENDPOINT +STATE +SECURITY/m);
  assert.match(list, /^cli-1 +online +psk +1\.2 /m);
  assert.match(await good(["devices", "--query", "nothing"]), /no device matches/);
  assert.equal(JSON.parse(await good(["--json", "devices"])).items[0].endpoint, EP);
  const one = await good(["show", EP]);
  assert.match(one, /identity cli-1/);
  assert.match(one, /^3 +Device +0$/m);
  assert.match(await good(["health"]), /^ok, version/);
});

test("reads with names, types and units", async () => {
  assert.match(await good(["read", EP, "/3311/0/5851"]), /^\/3311\/0\/5851 +Dimmer +\d+ % +integer$/m);
  assert.match(await good(["read", EP, "/3"]), /^\/3\/0\/13 +Current Time +20\d\d-\d\d-\d\dT.*time$/m);
  assert.equal(JSON.parse(await good(["read", EP, "/1/0/7", "--json"])).values[0].value, "U");
  assert.match(await good(["discover", EP, "/3/0"]), /^\/3\/0\/4 +Reboot/m);
});

test("writes values typed by the model", async () => {
  const value = async (path) => JSON.parse(await good(["--json", "read", EP, path])).values[0].value;
  assert.match(await good(["write", EP, "/3311/0/5850", "true"]), /done \(2\.04\)/);
  assert.equal(await value("/3311/0/5850"), true);
  await good(["write", EP, "/3311/0/5850", "0"]);
  assert.equal(await value("/3311/0/5850"), false);
  await good(["write", EP, "/3311/0/5851=33", "5850=true"]);
  assert.equal(await value("/3311/0/5851"), 33);
  await good(["write", EP, "/3311/0/5851", "--file", "-"], { input: "44\n" });
  assert.equal(await value("/3311/0/5851"), 44);
  await bad(1, /holds boolean/, ["write", EP, "/3311/0/5850", "maybe"]);
  await bad(1, /holds integer/, ["write", EP, "/3311/0/5851", "bright"]);
  await bad(3, /2\.04|refused/, ["write", EP, "/3/0/10", "-5"]);
});

test("executes, sets attributes, shows values and history", async () => {
  assert.match(await good(["exec", EP, "/3/0/12"]), /done \(2\.04\)/);
  assert.match(await good(["attributes", EP, "/3311/0/5851", "pmin=1", "gt=50"]), /done/);
  assert.match(await good(["discover", EP, "/3311/0/5851"]), /pmin=1/);
  assert.match(await good(["attributes", EP, "/3311/0/5851", "gt="]), /done/);
  assert.doesNotMatch(await good(["discover", EP, "/3311/0/5851"]), /gt=/);
  assert.match(await good(["values", EP, "/3311"]), /Dimmer/);
  assert.match(await good(["history", EP, "/3311/0/5851"]), /^RECEIVED +VALUE/);
  assert.match(await good(["models", "3303"]), /^5700 +Sensor Value +R +float/m);
});

test("observes, streams and leaves nothing behind", async () => {
  const seen = run(["observe", EP, "/3311/0/5851", "--count", "1", "--json"], {
    after: async (child, out) => {
      await until("what it reads first", () => out.text !== "");
      await lab.call("PUT", `/devices/${EP}/objects/3311/0/5851`, { value: 77 });
    },
  });
  const result = await seen;
  assert.equal(result.code, 0, result.error);
  const last = JSON.parse(result.text.trim().split("\n").at(-1));
  assert.equal(last.type, "notification");
  assert.equal(last.values[0].value, 77);
  assert.match(await good(["observations", EP]), /nothing is observed/);

  const interrupt = async (child, out) => {
    await until("what it reads first", () => out.text !== "");
    await sleep(1000); // it follows the stream
    child.kill("SIGINT");
  };
  const interrupted = await run(["observe", EP, "/3311/0/5850"], { after: interrupt });
  assert.equal(interrupted.code, 0, interrupted.error);
  assert.match(await good(["observations", EP]), /nothing is observed/);

  await good(["observe", EP, "/3311/0/5850", "--keep", "--count", "1"], { after: interrupt });
  assert.match(await good(["observations", EP]), /\/3311\/0\/5850/);
  assert.match(await good(["cancel", EP, "/3311/0/5850"]), /no longer observed/);
});

test("follows events, and comes back after a restart of the server", { timeout: 60_000 }, async () => {
  const credential = { mode: "psk", identity: "ev-1", key: KEY };
  let moved; // the device may say something meanwhile: only what is told of this endpoint is followed
  const { latest } = (await lab.call("GET", "/events?limit=1", undefined, { Accept: "application/json" })).body;
  const seen = await run(["events", "--json", "--endpoint", "ev-1", "--count", "2", "--after", String(latest)], {
    after: (child, out) => {
      moved = (async () => {
        await lab.call("PUT", "/credentials/ev-1", credential);
        await until("the first event", () => out.text !== "");
        await lab.restartServer();
        await lab.call("PUT", "/credentials/ev-1", credential);
      })();
    },
  });
  await moved;
  assert.equal(seen.code, 0, seen.error);
  const names = seen.text.trim().split("\n").map((l) => JSON.parse(l)).map((e) => e.endpoint);
  assert.deepEqual(names, ["ev-1", "ev-1"]);
  assert.match(seen.error, /trying again/);
  assert.match(await good(["events", "--after", "0", "--count", "1"]), /^20\d\d-/);
});

test("keeps secrets out of arguments and output", async () => {
  const file = join(lab.folder, "cli.key");
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
  assert.match(await good(["credentials", "set", "c-1", "--key-file", file]), /identity c-1/);
  assert.match(await good(["credentials", "set", "c-2", "--identity", "other", "--key-file", "-"], { input: KEY }), /identity other/);
  assert.match(await good(["credentials", "set", "c-3", "--key-file", "-", "--key-format", "base64"], { input: "AAECAwQ=\n" }), /c-3/);
  assert.match(await good(["credentials", "set", "c-5", "--key-file", file, "--oscore-key-file", file, "--device-id", "c5",
    "--server-id", "01", "--oscore-optional"]), /c-5/);
  assert.deepEqual(JSON.parse(await good(["credentials", "get", "c-5", "--json"])).oscore,
    { identity: "c5", key_bytes: KEY.trim().length / 2, required: false });
  await good(["credentials", "delete", "c-5"]);
  const list = await good(["credentials", "list"]);
  assert.match(list, /^c-1 +psk +c-1 +16 /m);
  assert.match(list, /^c-3 +psk +c-3 +5 /m);
  assert.doesNotMatch(list, new RegExp(KEY));
  assert.match(await good(["credentials", "get", "c-2"]), /identity other, 16 key bytes/);
  assert.match(await good(["credentials", "delete", "c-2"]), /deleted/);
  await bad(2, /has no credential/, ["credentials", "get", "c-2"]);
  await bad(1, /as hex/, ["credentials", "set", "c-4", "--key-file", "-"], { input: "not hex" });
  await bad(1, /as hex/, ["credentials", "set", "c-4", "--key-file", "-"], { input: "" });
  await bad(1, /cannot be read/, ["credentials", "set", "c-4", "--key-file", "/nonexistent"]);
  await bad(1, /--key-file/, ["credentials", "set", "c-4"]);
  await bad(7, /belongs to another/, ["credentials", "set", "c-5", "--identity", "c-1", "--key-file", file]);
});

test("says by its exit code what failed", { timeout: 60_000 }, async () => {
  await bad(1, /usage/, []);
  await bad(1, /no command/, ["frobnicate"]);
  await bad(1, /usage: tessera read/, ["read", EP]);
  await bad(1, /not a path/, ["read", EP, "3/0"]);
  await bad(1, /not a path/, ["exec", EP, "/3"]);
  await bad(1, /See tessera --help/, ["--frob"]);
  await bad(1, /whole number/, ["--timeout", "x", "devices"]);
  await bad(2, /nobody/, ["show", "nobody"]);
  await bad(2, /No such device/, ["read", "nobody", "/3"]);
  await bad(2, /4\.04/, ["read", EP, "/3/0/65000"]);
  await bad(2, /object 59999/, ["models", "59999"]);
  await bad(5, /tessera-server running/, ["--server", "http://127.0.0.1:1", "devices"]);
  await bad(5, /cannot be reached/, ["--server", "http://127.0.0.1:1", "events"]);
  await bad(5, /cannot be reached/, ["--server", "file:///etc/passwd", "devices"]);
  const help = await run(["--help"]);
  assert.equal(help.code, 0);
  for (let code = 0; code <= 7; code++) assert.match(help.text, new RegExp(`^  ${code}  `, "m"));
});

test("does not let a device drive the terminal", async () => {
  const wrote = await lab.call("PUT", `/devices/${EP}/objects/3/0/15`, { value: "a\u001b[31mred\u0007\u009b" });
  if (wrote.status === 200) {
    const text = await good(["read", EP, "/3/0/15"]);
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    assert.match(text, /a\?\[31mred\?/);
  } else {
    // Its zone is checked by the device; the endpoint name of an event is shown all the same.
    await lab.call("PUT", "/credentials/x%1b%5b31m", { mode: "psk", identity: "esc", key: KEY });
    assert.doesNotMatch(await good(["credentials", "list"]), /\u001b/);
  }
});

test("gives up in time when the device is gone", { timeout: 60_000 }, async () => {
  await lab.parts.findLast((p) => p.name === EP).stop("SIGKILL");
  await bad(4, /did not answer in time/, ["--timeout", "2", "read", EP, "/3"]);
});

test("leaves requests on the server, and takes them back", { timeout: 60_000 }, async () => {
  const put = await good(["--queue", "exec", EP, "/3/0/12"]);
  assert.match(put, /^request \d+: cli-1 execute \/3\/0\/12: (queued|sent)$/m);
  const id = put.match(/\d+/)[0];
  assert.match(await good(["requests", EP, "--waiting"]), new RegExp(`^${id} +cli-1 +execute +/3/0/12 +(queued|sent)`, "m"));
  assert.match(await good(["request", "cancel", id]), /cancelled/);
  assert.match(await good(["requests", "--waiting"]), /nothing waits/);
  await bad(7, /over already/, ["request", "cancel", id]);
  const several = await good(["--queue", "read-composite", EP, "/3/0/9", "/3311/0", "/1/0/1", "/1/0/2", "/3/0/13"]);
  assert.match(several, /^request \d+: cli-1 read-composite \/3\/0\/9 \/3311\/0 \/1\/0\/1 \/1\/0\/2 \/3\/0\/13: (queued|sent)$/m);
  assert.match(await good(["requests", EP, "--waiting"]), / read-composite +\/3\/0\/9 \/3311\/0 \/1\/0\/1 \+2 /);
  assert.match(await good(["request", several.match(/\d+/)[0]]), / read-composite .* \/3\/0\/13: /);
  await good(["request", "cancel", several.match(/\d+/)[0]]);
  await bad(2, /no request 4711/, ["request", "4711"]);
  await bad(1, /not the number/, ["request", "x"]);
  await bad(1, /at most 600/, ["--timeout", "601", "read", EP, "/3"]);
  const late = await run(["--wait", "--timeout", "1", "read", EP, "/3/0"]);
  assert.deepEqual([late.code, /expired/.test(late.text)], [4, true]);
  // The device comes back; a request that was put before is answered.
  const waiting = run(["--wait", "write", EP, "/3311/0/5851", "21"]);
  await sleep(300);
  await lab.startDaemon(EP);
  const done = await waiting;
  assert.deepEqual([done.code, done.error], [0, ""]);
  assert.match(done.text, /done \(2\.04\)/);
});

test("makes a token, and the line that knows it", { timeout: 60_000 }, async () => {
  const file = join(lab.folder, "anna.token");
  const line = await good(["operators", "new", "anna", "full", "--out", file]);
  assert.match(line, /^anna full sha256:[0-9a-f]{64}\n$/);
  const token = readFileSync(file, "utf8");
  assert.match(token, /^tsr_[0-9a-f]{64}\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(line.split(":")[1].trim(), createHash("sha256").update(token.trim()).digest("hex"));
  await bad(2, /never replaced/, ["operators", "new", "anna", "full", "--out", file]);
  assert.equal(readFileSync(file, "utf8"), token);
  await bad(2, /No such file/, ["operators", "new", "anna", "full", "--out", "/nonexistent/token"]);
  await bad(1, /--out FILE/, ["operators", "new", "anna", "full"]);
  await bad(1, /full or read/, ["operators", "new", "anna", "all", "--out", `${file}2`]);
  await bad(1, /letters, digits/, ["operators", "new", "an na", "full", "--out", `${file}2`]);
  await bad(1, /letters, digits/, ["operators", "new", "a".repeat(33), "full", "--out", `${file}2`]);
  await bad(1, /usage/, ["operators", "list"]);
  const operators = join(lab.folder, "operators");
  writeFileSync(operators, line);
  const safe = await Lab.open({ server: ["--token-file", operators] });
  try {
    assert.match(await good(["--server", safe.url, "--token-file", file, "devices"]), /no device/);
    await bad(6, /token/, ["--server", safe.url, "--token-file", operators, "devices"]);
  } finally {
    await safe.close();
  }
});

test("uses a token file", { timeout: 60_000 }, async () => {
  const token = "fedcba9876543210";
  const safe = await Lab.open({ token });
  const file = join(lab.folder, "cli.token");
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    await bad(6, /token/, ["--server", safe.url, "devices"]);
    await bad(6, /token/, ["--server", safe.url, "events"]);
    assert.match(await good(["--server", safe.url, "--token-file", file, "devices"]), /no device/);
    assert.match(await good(["devices"], { env: { TESSERA_SERVER: safe.url, TESSERA_TOKEN_FILE: file } }), /no device/);
    await bad(1, /cannot be read/, ["--server", safe.url, "--token-file", "/nonexistent", "devices"]);
  } finally {
    await safe.close();
  }
});
