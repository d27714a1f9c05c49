import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A program that attacks: puts a link to what lies outside in place of a directory and of a file,
 * and the real ones back, as fast as it can, until it is killed. Arguments: the workspace's /tmp, the
 * outside. Whoever is attacked also replaces and makes these, so every step may find anything.
 */
const [tmp = "", outside = ""] = process.argv.slice(2);
const at = (name: string): string => join(tmp, name);

const STEPS: readonly (() => void)[] = [
  () => renameSync(at("directory"), at("away")),
  () => symlinkSync(outside, at("directory")),
  () => rmSync(at("directory"), { recursive: true }),
  () => renameSync(at("away"), at("directory")),
  () => mkdirSync(at("directory")),
  () => writeFileSync(at("directory/inside.txt"), "inside", { flag: "wx" }),
  () => symlinkSync(join(outside, "secret.txt"), at("leaf-link")),
  () => renameSync(at("leaf-link"), at("leaf")),
  () => writeFileSync(at("leaf-file"), "inside"),
  () => renameSync(at("leaf-file"), at("leaf")),
];

process.stdout.write("ready\n");
for (;;) {
  for (const step of STEPS) {
    try {
      step();
    } catch {
      // The next round begins from whatever is there now.
    }
  }
}
