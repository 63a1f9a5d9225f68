// SPDX-License-Identifier: Apache-2.0
// Turns the bundle and the OpenAPI document into the tables of server/rest/files.h.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

function filesIn(dir, base = "") {
  return readdirSync(join(dir, base), { withFileTypes: true }).flatMap((entry) => {
    const path = base === "" ? entry.name : `${base}/${entry.name}`;
    return entry.isDirectory() ? filesIn(dir, path) : [path];
  });
}

function array(name, data, linkage = "static ") {
  const lines = [];
  for (let i = 0; i < data.length; i += 24)
    lines.push(`  ${[...data.subarray(i, i + 24)].join(",")},`);
  return `${linkage}const uint8_t ${name}[] = {\n${lines.join("\n") || "  0"}\n};\n`;
}

export function embed(dist, openapi, out) {
  const paths = filesIn(dist)
    .map((p) => `/${p}`)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  let text = "/* Made by console/tools/embed.mjs. */\n#include \"server/rest/files.h\"\n\n";
  const rows = [];

  paths.forEach((path, i) => {
    const type = TYPES[extname(path)];
    if (!type) throw new Error(`no content type is known for ${path}`);
    const data = readFileSync(join(dist, path));
    const gzip = gzipSync(data, { level: 9 });
    const packed = gzip.length < data.length * 0.9;
    const etag = createHash("sha256").update(data).digest("hex").slice(0, 24);
    text += array(`data_${i}`, data);
    if (packed) text += array(`gzip_${i}`, gzip);
    rows.push(
      `  { ${JSON.stringify(path)}, ${JSON.stringify(type)}, "\\"${etag}\\"", ` +
        `${path.startsWith("/assets/")}, data_${i}, ${data.length}, ` +
        (packed ? `gzip_${i}, ${gzip.length} },` : "NULL, 0 },"),
    );
  });
  const document = readFileSync(openapi);
  text += `\nconst rest_file rest_files[] = {\n${rows.join("\n")}\n};\n`;
  text += `const size_t rest_file_count = ${paths.length};\n`;
  text += array("rest_openapi", document, "");
  text += `const size_t rest_openapi_len = ${document.length};\n`;
  writeFileSync(out, text);
}
