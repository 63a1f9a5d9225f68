// SPDX-License-Identifier: Apache-2.0
// node tools/build.mjs OPENAPI OUT.c: types from the document, type check, bundle, C source.
import { execFileSync } from "node:child_process";
import { embed } from "./embed.mjs";

const [openapi, out] = process.argv.slice(2);
if (!openapi || !out) {
  console.error("usage: node tools/build.mjs OPENAPI.yaml OUT.c");
  process.exit(1);
}

function run(module, ...args) {
  try {
    execFileSync(process.execPath, [`node_modules/${module}`, ...args], { stdio: "pipe" });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ""}${error.stderr ?? ""}\nconsole: ${module} failed\n`);
    process.exit(1);
  }
}

run("openapi-typescript/bin/cli.js", openapi, "-o", "src/api/schema.d.ts");
run("typescript/bin/tsc", "--noEmit");
run("vite/bin/vite.js", "build", "--logLevel", "warn");
embed("dist", openapi, out);
