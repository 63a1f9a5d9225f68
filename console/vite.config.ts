// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

// Everything is a file of its own: the server sends `Content-Security-Policy: default-src 'self'`,
// under which inlined images and scripts would not load.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: process.env.TSR_CONSOLE_OUT || "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": process.env.TESSERA_SERVER ?? "http://127.0.0.1:8080" },
  },
});
