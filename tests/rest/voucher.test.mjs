// SPDX-License-Identifier: Apache-2.0
// `tessera voucher import` and `export` against a running server, with vouchers that go-fdo and fdo-rs made.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Lab, root, until } from "../console/lab.mjs";

const VECTORS = join(root, "tests/vectors/fdo");
const OURS = join(VECTORS, "go-fdo/ov.pem"); // ends with the key of the owner below
const TOKEN = "0123456789abcdef0123";
const der = (pem) => Buffer.from(pem.toString().replace(/-----[^-]*-----/g, ""), "base64");
let lab;
let folder;

function voucher(...words) {
  const done = spawnSync(join(process.env.TESSERA_BUILD, "bin/tessera"), ["voucher", ...words, "--server", lab.url, "--token-file", join(lab.folder, "token")],
    { timeout: 30_000 });
  return { code: done.status, out: done.stdout, error: done.stderr.toString() };
}

function refused(code, words, ...args) {
  const done = voucher(...args);
  assert.equal(done.code, code, done.error);
  assert.match(done.error, words);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tessera-voucher-"));
  lab = await Lab.open({ token: TOKEN, server: ["--fdo", "127.0.0.1:0", "--fdo-roles", "owner", "--fdo-owner-key", join(VECTORS, "go-fdo/mfg_key.pem")] });
}, { timeout: 120_000 });
after(async () => {
  await lab?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout: 60_000 });

test("a voucher goes in and comes out as it was, in PEM and CBOR", { timeout: 60_000 }, () => {
  const bytes = der(readFileSync(OURS));
  const cbor = join(folder, "in.cbor");
  writeFileSync(cbor, bytes);
  for (const file of [OURS, cbor]) {
    const taken = voucher("import", file);
    assert.equal(taken.code, 0, taken.error);
    const guid = taken.out.toString().trim();
    assert.match(guid, /^[0-9a-f]{32}$/);
    const pem = voucher("export", guid);
    assert.equal(pem.code, 0, pem.error);
    assert.match(pem.out.toString(), /^-----BEGIN OWNERSHIP VOUCHER-----\n/);
    assert.deepEqual(der(pem.out), bytes);
    assert.deepEqual(voucher("export", guid.toUpperCase(), "--cbor").out, bytes);
    assert.equal(voucher("export", guid, "--cbor", "--out", join(folder, "out.cbor")).code, 0);
    assert.deepEqual(readFileSync(join(folder, "out.cbor")), bytes);
  }
});

test("what does not verify is not sent; what the server refuses is told in its words", { timeout: 60_000 }, async () => {
  const bytes = der(readFileSync(join(VECTORS, "go-fdo/ov_extended.pem")));
  bytes[bytes.length - 1] ^= 1; // of the last entry's signature
  writeFileSync(join(folder, "bad.cbor"), bytes);
  refused(3, /signature|signed|verif/, "import", join(folder, "bad.cbor"));
  refused(4, /key that is not of this server/, "import", join(VECTORS, "go-fdo/ov_extended.pem"));
  refused(4, /key that is not of this server/, "import", join(VECTORS, "fdo-rs/v101-voucher2.pem"));
  refused(3, /hash of the device's certificates/, "import", join(VECTORS, "fdo-rs/v101-voucher1.pem"));
  refused(2, /no ownership voucher/, "import", join(VECTORS, "fdo-rs/v100-voucher1.pem"));
  refused(2, /no ownership voucher/, "import", join(VECTORS, "go-fdo/mfg_key.pem"));
  refused(4, /no voucher of this GUID/, "export", "00".repeat(16));
  refused(1, /32 hexadecimal digits/, "export", "lamp");
  const { items } = (await lab.call("GET", "/audit")).body;
  assert.deepEqual(items.map((e) => [e.what, e.detail.slice(0, 7)]), // newest first
    [["voucher-imported", "refused"], ["voucher-imported", "refused"], ["voucher-imported", ""], ["voucher-imported", ""]]);
});

test("without the token nothing goes, and the log says who tried", { timeout: 60_000 }, async () => {
  writeFileSync(join(lab.folder, "token"), "another-token-than-that\n");
  refused(4, /token/, "import", OURS);
  // The server waits for no commit before it refuses.
  const items = await until("the entry", async () => {
    const { body } = await lab.call("GET", "/audit?refused=true");
    return body.items.length > 0 && body.items;
  });
  assert.deepEqual(items.map((e) => [e.who, e.what, e.about]), [["peer 127.0.0.1", "rest-unauthorized", "/api/v1/fdo/vouchers"]]);
});
