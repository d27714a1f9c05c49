import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Look, StepIo } from "../../tasks/driver.ts";
import { openWorld, type World } from "./world.ts";

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

export interface Kept {
  readonly name: string;
  readonly mediaType: string;
  readonly content: Buffer;
}

type TestIo = StepIo & {
  readonly kept: Kept[];
  readonly messages: string[];
  readonly records: unknown[];
};

/** How a plan looks at the desktop where nothing else is said. */
export const LOOK: Look = {
  maxFileSize: 1000,
  isScreenSettled: true,
  targetCheck: { enabled: true, tolerance: 0.03, radius_px: 32 },
  signal: new AbortController().signal,
};

/** A step's io that keeps artifacts and progress messages for the test to look at. */
export function ioOf(options: { signal?: AbortSignal; maxFileSize?: number } = {}): TestIo {
  const records: unknown[] = [];
  const kept: Kept[] = [];
  const messages: string[] = [];
  return {
    kept,
    messages,
    records,
    taskId: "task_0000000000000000000000",
    requester: "default",
    targetCheck: LOOK.targetCheck,
    record: async (entry) => {
      records.push(entry);
    },
    onInstruction: () => {},
    signal: options.signal ?? new AbortController().signal,
    maxFileSize: options.maxFileSize ?? 10 * 1024 * 1024,
    progress: (_fraction, message) => {
      messages.push(message);
    },
    keepArtifact: async ({ name, mediaType, content }) => {
      const chunks: Uint8Array[] = [];
      if (content instanceof Uint8Array) chunks.push(content);
      else for await (const chunk of content) chunks.push(chunk);
      kept.push({ name, mediaType, content: Buffer.concat(chunks) });
      return `artifact_${kept.length}`;
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

/** Matches a GatewayError of this code. */
export function failure(code: string, detail?: RegExp): Record<string, unknown> {
  return detail === undefined ? { code } : { code, message: expectMatching(detail) };
}

function expectMatching(pattern: RegExp): unknown {
  return { asymmetricMatch: (text: unknown) => typeof text === "string" && pattern.test(text) };
}
