import { type BigIntStats, lstatSync } from "node:fs";
import { opendir } from "node:fs/promises";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { text } from "../step/parameter.ts";
import type { Confinement, WorldDirectory } from "./confined-path.ts";
import { errnoOf, pathError } from "./path-error.ts";

/** A bigger directory is not read to its end. */
const MAX_ENTRIES = 10_000;
/** A longer list becomes an artifact, its beginning stays in the result. */
const MAX_INLINE_ENTRIES = 1000;
/** Entries looked at before others get their turn. */
const BATCH = 250;

interface Entry {
  readonly name: string;
  readonly type: "file" | "directory" | "link" | "other";
  /** bytes */
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly modified: string;
}

/**
 * `fs.list`: `path` → `{entries, truncated}`, sorted by name, links named but not followed. Of more
 * than 1,000 entries the result has the first and an artifact all, up to 10,000 (then in no
 * particular choice); `truncated` says that `entries` is not everything. Bytes of a name that are
 * not UTF-8 show as U+FFFD.
 *
 * Throws `file_not_found`, `not_a_file` for what is no directory, `path_not_allowed`.
 */
export async function listDirectory(
  confinement: Confinement,
  parameters: Parameters,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const path = text(parameters, "path");
  throwIfAborted(io.signal);
  using directory = confinement.openDirectory(path);
  const { entries, isWhole } = await readEntries(directory, path, io.signal);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (isWhole && entries.length <= MAX_INLINE_ENTRIES) return { entries, truncated: false };
  await io.keepArtifact({
    name: "listing.json",
    mediaType: "application/json",
    content: Buffer.from(JSON.stringify({ path, entries, truncated: !isWhole })),
  });
  return { entries: entries.slice(0, MAX_INLINE_ENTRIES), truncated: true };
}

async function readEntries(
  directory: WorldDirectory,
  path: string,
  signal: AbortSignal,
): Promise<{ entries: Entry[]; isWhole: boolean }> {
  const entries: Entry[] = [];
  try {
    // latin1 is the way to get names as the bytes they are.
    const names = await opendir(directory.self, { encoding: "latin1", bufferSize: BATCH });
    for await (const { name } of names) {
      if (entries.length === MAX_ENTRIES) return { entries, isWhole: false };
      const entry = describe(directory, Buffer.from(name, "latin1"));
      if (entry !== undefined) entries.push(entry);
      if (entries.length % BATCH === 0) {
        await yieldToOthers();
        throwIfAborted(signal);
      }
    }
  } catch (error) {
    throw pathError(error, path);
  }
  return { entries, isWhole: true };
}

/** undefined: the entry has gone since its name was read. */
function describe(directory: WorldDirectory, name: Buffer): Entry | undefined {
  try {
    const place = Buffer.concat([Buffer.from(`${directory.self}/`), name]);
    const stats = lstatSync(place, { bigint: true });
    return {
      name: name.toString("utf8"),
      type: typeOf(stats),
      size: Number(stats.size),
      modified: stats.mtime.toISOString(),
    };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function typeOf(stats: BigIntStats): Entry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "link";
  return "other";
}
