import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openWorld, type World } from "./world.ts";

export { failure, ioOf, LOOK } from "../step/fixtures.ts";

/** What the tests of this folder share; nothing else imports it. */
export interface Bench extends Disposable {
  readonly world: World;
  /** Host path of something in the world. */
  host(path: string): string;
  /** Writes a file into the world, its directories too, past the driver. */
  put(path: string, content: string | Uint8Array): void;
  /** Names in a directory of the world. */
  names(path: string): string[];
  /** A directory beside the world, with a decoy in it: nothing may read or change it. */
  readonly outside: string;
}

export const DECOY = "this is outside the world\n";

/** A world of its own in a temporary directory that any user may pass. */
export function openBench(parent: string = tmpdir()): Bench {
  const base = mkdtempSync(join(parent, "bytebot-embedded-"));
  chmodSync(base, 0o755);
  const outside = join(base, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "decoy.txt"), DECOY);
  const world = openWorld(join(base, "world"));
  const host = (path: string): string => join(world.workdir, path);
  return {
    world,
    host,
    outside,
    put: (path, content) => {
      mkdirSync(dirname(host(path)), { recursive: true });
      writeFileSync(host(path), content);
    },
    names: (path) => readdirSync(host(path)).sort(),
    [Symbol.dispose]: () => {
      world[Symbol.dispose]();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** The descriptors this process holds open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Every path under a directory, with what it is; links are not followed. */
export function tree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
