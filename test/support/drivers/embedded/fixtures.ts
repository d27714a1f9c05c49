import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openWorkspace, type Workspace } from "../../../../src/drivers/embedded/workspace.ts";

export { failure, ioOf, LOOK } from "../step/fixtures.ts";

/** What the tests of this folder share; nothing else imports it. */
export interface Bench extends Disposable {
  readonly workspace: Workspace;
  /** Host path of something in the workspace. */
  host(path: string): string;
  /** Writes a file into the workspace, its directories too, past the driver. */
  put(path: string, content: string | Uint8Array): void;
  /** Names in a directory of the workspace. */
  names(path: string): string[];
  /** A directory beside the workspace, with a decoy in it: nothing may read or change it. */
  readonly outside: string;
}

export const DECOY = "this is outside the workspace\n";

/** A workspace of its own in a temporary directory that any user may pass. */
export function openBench(parent: string = tmpdir()): Bench {
  const base = mkdtempSync(join(parent, "bytebot-embedded-"));
  chmodSync(base, 0o755);
  const outside = join(base, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "decoy.txt"), DECOY);
  const workspace = openWorkspace(join(base, "workspace"));
  const host = (path: string): string => join(workspace.workdir, path);
  return {
    workspace,
    host,
    outside,
    put: (path, content) => {
      mkdirSync(dirname(host(path)), { recursive: true });
      writeFileSync(host(path), content);
    },
    names: (path) => readdirSync(host(path)).sort(),
    [Symbol.dispose]: () => {
      workspace[Symbol.dispose]();
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
