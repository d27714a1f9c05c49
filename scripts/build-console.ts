import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = dirname(import.meta.dirname);
const COMPRESSIBLE = /\.(?:js|css|svg|html)$/;

/** Builds the page of console/ into `directory`, each file also compressed as `.br` and `.gz`. */
export function buildConsole(directory: string): void {
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const options = ["build", join(root, "console"), "--outDir", directory, "--logLevel", "warn"];
  // In a process of its own: what a test run says of the environment would make another page of it.
  execFileSync(process.execPath, [vite, ...options], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (COMPRESSIBLE.test(name)) compress(join(directory, name));
  }
}

function compress(file: string): void {
  const bytes = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
}
