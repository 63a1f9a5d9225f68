// SPDX-License-Identifier: Apache-2.0
// `tessera plans`, `groups` and `onboarding` against a running owner with a voucher that go-fdo made. Real devices: tests/e2e/test_fdo.py
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Lab, root, until } from "../console/lab.mjs";

const VECTORS = join(root, "tests/vectors/fdo/go-fdo");
const TOKEN = "0123456789abcdef0123";
const SECRET = "swordfish";
const unknown = "00".repeat(16);
let lab;
let guid;

function run(args, input) {
  const done = spawnSync(join(process.env.TESSERA_BUILD, "bin/tessera"), [...args, "--server", lab.url, "--token-file", join(lab.folder, "token")],
    { timeout: 30_000, input: input ?? "" });
  return { code: done.status, text: done.stdout.toString(), error: done.stderr.toString() };
}

function good(args, input) {
  const { code, text, error } = run(args, input);
  assert.equal(code, 0, `${args.join(" ")}: ${code} ${error}`);
  assert.equal(error, "");
  return text;
}

function bad(code, words, args, input) {
  const result = run(args, input);
  assert.equal(result.code, code, `${args.join(" ")}: ${result.code} ${result.text} ${result.error}`);
  assert.match(result.error, words);
}

const file = (name, content) => {
  const path = join(lab.folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, null, 2));
  return path;
};

before(async () => {
  lab = await Lab.open({ token: TOKEN, server: ["--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key", join(VECTORS, "mfg_key.pem")] });
}, { timeout: 120_000 });
after(() => lab?.close(), { timeout: 60_000 });

test("nothing is there at first, and that is said", () => {
  assert.match(good(["plans", "list"]), /there is no plan/);
  assert.match(good(["groups", "list"]), /there is no group/);
  assert.match(good(["onboarding", "list"]), /no device was made here/);
  assert.match(good(["onboarding", "results"]), /no step of a plan/);
  assert.match(good(["onboarding", "redirects"]), /no owner is registered/);
  bad(2, /no plan of this name/, ["plans", "show", "lamps"]);
  bad(2, /no plan of this name/, ["plans", "remove", "lamps"]);
  bad(2, /no plan of this name/, ["groups", "show", "lamps"]);
  bad(2, /GUID/, ["onboarding", "show", unknown]);
  bad(2, /no step of a plan/, ["onboarding", "result", `${unknown}/log`]);
  guid = run(["voucher", "import", join(VECTORS, "ov.pem")]).text.trim();
  assert.match(guid, /^[0-9a-f]{32}$/);
});

test("a plan is set from a file and from standard input, shown without its files, changed and removed", () => {
  const plan = { steps: [{ module: "fdo.download", name: "key", text: SECRET }, { module: "fdo.command", command: "say", args: ["-n"] }] };
  assert.match(good(["plans", "set", "lamps", "--file", file("lamps.json", plan)]), /lamps is set/);
  assert.match(good(["plans", "set", "clocks", "--file", "-"], '{"device_info": "clock-*", "steps": []}'), /clocks is set/);
  const list = good(["plans", "list"]);
  assert.match(list, /^PLAN +DEVICE INFO +BYTES +STEPS$/m);
  assert.match(list, /^clocks +clock-\* +\d+ +$/m);
  assert.match(list, /^lamps + \d+ +fdo\.download, fdo\.command$/m);
  assert.equal(JSON.parse(good(["plans", "list", "--json"])).items.length, 2);

  const shown = good(["plans", "show", "lamps"]);
  assert.ok(!shown.includes(SECRET));
  assert.match(shown, /^ {6}"file_bytes": 9$/m);
  assert.deepEqual(JSON.parse(good(["plans", "show", "lamps", "--json"])), JSON.parse(shown));
  assert.match(good(["plans", "set", "lamps", "--file", "-"], shown.replace('"-n"', '"-m"')), /lamps is set/); // its file stays
  assert.deepEqual(JSON.parse(good(["plans", "show", "lamps"])).steps, [
    { module: "fdo.download", name: "key", file_bytes: 9 }, { module: "fdo.command", command: "say", args: ["-m"] }]);
  assert.match(good(["plans", "remove", "clocks"]), /clocks is removed/);
  bad(2, /no plan of this name/, ["plans", "show", "clocks"]);
});

test("a plan that is refused names file, line and column, and changes nothing", () => {
  const before = good(["plans", "show", "lamps"]);
  const wrong = file("wrong.json", '{\n  "steps": [\n    {"module": "fdo.csr"},\n    {"module": "none"}\n  ]\n}\n');
  for (const verb of ["set", "check"])
    bad(7, /wrong\.json:4:5: .*steps\[1\]: its `module` is none/, ["plans", verb, "lamps", "--file", wrong]);
  bad(7, /wrong2\.json:2:34: .*not JSON/, ["plans", "set", "lamps", "--file", file("wrong2.json", '{\n  "steps": [{"module": "fdo.csr",}]}')]);
  bad(7, /standard input:1:12: .*steps\[0\]/, ["plans", "set", "lamps", "--file", "-"], '{"steps": [{"module": "x"}]}');
  bad(7, /standard input:1:\d+: .*one account/, ["plans", "check", "lamps", "--file", "-"], JSON.stringify({ steps: [1, 2].map((n) => (
    { module: "tessera.lwm2m", account: "management", uri: "coap://127.0.0.1", security: "none", short_server_id: n })) }));
  bad(7, /`steps`/, ["plans", "set", "lamps", "--file", "-"], "{}");
  bad(7, /empty/, ["plans", "set", "lamps", "--file", "-"], "");
  bad(7, /named by a GUID/, ["plans", "set", "a b", "--file", "-"], '{"steps": []}');
  bad(1, /cannot|No such file/, ["plans", "set", "lamps", "--file", join(lab.folder, "nowhere.json")]);
  bad(1, /--file/, ["plans", "set", "lamps"]);
  bad(1, /plans list/, ["plans", "sing"]);
  assert.equal(good(["plans", "show", "lamps"]), before);
  assert.match(good(["plans", "check", "lamps", "--file", "-"], '{"steps": []}'), /would be taken/);
  assert.equal(good(["plans", "show", "lamps"]), before);
});

test("devices go into a group and out of it", () => {
  assert.match(good(["onboarding", "list"]), new RegExp(`^${guid} +imported +imported +none `, "m"));
  assert.match(good(["groups", "list"]), /^lamps +0 +yes/m);
  assert.match(good(["groups", "show", "lamps"]), /no device is in this group/);
  const hyphens = guid.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-").toUpperCase();
  assert.equal(good(["groups", "add", "lamps", hyphens]), `${guid} is in lamps\n`);
  assert.match(good(["groups", "list"]), /^lamps +1 +yes/m);
  assert.match(good(["groups", "show", "lamps"]), new RegExp(`^${guid} +imported +lamps \\(group\\)`, "m"));
  assert.equal(JSON.parse(good(["groups", "show", "lamps", "--json"])).items[0].guid, guid);
  bad(7, /no group pumps/, ["groups", "add", "pumps", guid]);
  const mixed = run(["groups", "add", "lamps", unknown, guid, "lamp"]); // each of them is tried
  assert.equal(mixed.code, 2);
  assert.match(mixed.text, new RegExp(`^${guid} is in lamps$`, "m"));
  assert.match(mixed.error, /lamp: a GUID has 32/);
  assert.match(good(["groups", "remove", guid]), /is in no group/);
  assert.match(good(["groups", "list"]), /^lamps +0 +yes/m);
  bad(1, /groups list/, ["groups", "add", "lamps"]);
});

test("a group that lost its plan is told of; one that is deleted leaves nothing", () => {
  good(["groups", "add", "lamps", guid]);
  good(["plans", "remove", "lamps"]);
  assert.match(good(["groups", "list"]), /^lamps +1 +missing/m);
  assert.match(good(["onboarding", "show", guid]), /^plan +group lamps has none$/m);
  good(["plans", "set", "lamps", "--file", "-"], '{"steps": []}');
  const gone = good(["groups", "delete", "lamps"]);
  assert.match(gone, new RegExp(`^${guid} is in no group$`, "m"));
  assert.match(gone, /^lamps is removed$/m);
  assert.match(good(["groups", "list"]), /there is no group/);
  bad(2, /no plan of this name/, ["groups", "delete", "lamps"]);
});

test("a device is shown with its stages and the reason for its plan", async () => {
  good(["plans", "set", guid, "--file", "-"], '{"steps": []}');
  const shown = await until("the stage", () => /^imported +20/m.test(good(["onboarding", "show", guid])) && good(["onboarding", "show", guid]));
  assert.match(shown, new RegExp(`^guid +${guid}$`, "m"));
  assert.match(shown, new RegExp(`^plan +${guid} \\(guid\\)$`, "m"));
  assert.match(shown, /^STAGE +WHEN +WHAT$/m);
  assert.equal(JSON.parse(good(["onboarding", "show", guid, "--json"])).state, "imported");
  bad(1, /32 hexadecimal digits/, ["onboarding", "show", "lamp"]);
  bad(1, /onboarding list/, ["onboarding", "sing"]);
});

test("every change stands in the audit log, and without the token nothing goes", async () => {
  const { items } = (await lab.call("GET", "/audit?limit=100")).body;
  assert.ok(items.some((e) => e.what === "device-group-set" && e.about === guid && e.detail === ""));
  assert.ok(items.some((e) => e.what === "plan-set" && e.about === "lamps" && /refused with 422: steps\[1\]/.test(e.detail)));
  writeFileSync(join(lab.folder, "token"), "another-token-than-that\n");
  for (const words of [["plans", "list"], ["groups", "add", "lamps", guid], ["onboarding", "list"]]) bad(6, /token/, words);
});

test("a token for reading reads, and says that it is for that", { timeout: 60_000 }, async () => {
  await lab.server.stop();
  const tokens = file("tokens", `anna full ${TOKEN}\nbert read ${TOKEN}-bert\n`);
  const { token, extra } = lab;
  lab.token = undefined; // its own file of one token
  await lab.startServer([...extra, "--token-file", tokens]);
  lab.token = token;
  writeFileSync(join(lab.folder, "token"), `${TOKEN}-bert\n`);
  assert.match(good(["plans", "list"]), new RegExp(`^${guid} `, "m"));
  assert.match(good(["plans", "check", "lamps", "--file", "-"], '{"steps": []}'), /would be taken/);
  bad(6, /token of bert is for reading/, ["plans", "set", "lamps", "--file", "-"], '{"steps": []}');
  bad(6, /token of bert is for reading/, ["groups", "remove", guid]);
  writeFileSync(join(lab.folder, "token"), `${TOKEN}\n`);
  good(["plans", "set", "lamps", "--file", "-"], '{"steps": []}');
  assert.equal((await lab.call("GET", "/audit?limit=1")).body.items[0].who, "operator anna 127.0.0.1");
});
