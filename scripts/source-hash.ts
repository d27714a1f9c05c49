import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the built program is made from: when none of it changed, a build would change nothing. */
const INPUTS = [
  "src/**/*.ts",
  "console/**/*.{ts,tsx,css,html,svg,json}",
  "scripts/build.ts",
  "scripts/build-*.ts",
  "scripts/source-hash.ts",
  "package-lock.json",
];
const TESTS = /\.test\.tsx?$/;

/** SHA-256 over the names and bytes of everything that `dist/` is built from. */
export function sourceHash(root: string): string {
  const hash = createHash("sha256");
  const packageFile = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  hash.update(String(packageFile.version));
  for (const file of globSync(INPUTS, { cwd: root }).sort()) {
    if (TESTS.test(file)) continue;
    const bytes = readFileSync(join(root, file));
    hash.update(`\0${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}
