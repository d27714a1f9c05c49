import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { GatewayError } from "../contract/errors.ts";
import { syncFolder } from "../lib/durable-file.ts";
import { randomId } from "../lib/random-id.ts";

const ID = /^artifact_[A-Za-z0-9_-]{22}$/;

/** What is being written; never the name of an artifact. */
const TEMPORARY = ".tmp";

/** The bytes of artifacts, one file each in a private folder, named by their random ids. */
export class ArtifactFiles {
  readonly #folder: string;
  /** ms since the epoch: what is younger may be on its way into the store and is not swept. */
  readonly #openedAt: number;

  private constructor(folder: string, openedAt: number) {
    this.#folder = folder;
    this.#openedAt = openedAt;
  }

  /** Makes the folder (0700) where it is missing. */
  static async open(folder: string): Promise<ArtifactFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // By the file system's own clock, which is the one that dates the files.
    const probe = join(folder, `opened${TEMPORARY}`);
    const handle = await open(probe, "w", 0o600);
    const { mtimeMs } = await handle.stat().finally(() => handle.close());
    await rm(probe, { force: true });
    return new ArtifactFiles(folder, mtimeMs);
  }

  /**
   * Keeps bytes under a new id, `id` where one is given, once they are safe on disk. Rejects with `file_too_large` as soon as
   * there are more than `maxSize`, with `audit_unavailable` where the disk refuses; either way
   * nothing is left behind.
   */
  async write(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    maxSize: number,
    id = `artifact_${randomId()}`,
  ): Promise<{ id: string; size: number }> {
    const file = join(this.#folder, id);
    const temporary = file + TEMPORARY;
    try {
      const handle = await onDisk(() => open(temporary, "wx", 0o600));
      const size = await fill(handle, content, maxSize).finally(() => handle.close());
      await onDisk(async () => {
        await rename(temporary, file);
        await syncFolder(this.#folder);
      });
      return { id, size };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Rejects with `artifact_not_found`. The stream closes its file when it ends or is destroyed. */
  async open(id: string): Promise<{ stream: Readable; size: number }> {
    const handle = ID.test(id) ? await openRegular(join(this.#folder, id)) : undefined;
    if (handle === undefined) {
      throw new GatewayError("artifact_not_found", `There is no artifact ${id}.`, {
        hint: "Artifacts are kept RETENTION_DAYS.",
      });
    }
    const { size } = await handle.stat();
    return { stream: handle.createReadStream(), size };
  }

  async remove(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      if (ID.test(id)) await rm(join(this.#folder, id), { force: true });
    }
  }

  /**
   * Removes what a crash left: half-written files and whole ones that no record names. Says how
   * many. Files written since this object was opened are left alone.
   */
  async sweep(known: ReadonlySet<string>): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#folder)) {
      const ours = ID.test(name) || name.endsWith(TEMPORARY);
      if (!ours || known.has(name)) continue;
      const file = join(this.#folder, name);
      const entry = await stat(file).catch(() => undefined);
      if (entry === undefined || !entry.isFile() || entry.mtimeMs >= this.#openedAt) continue;
      await rm(file, { force: true });
      removed++;
    }
    return removed;
  }
}

async function fill(
  handle: FileHandle,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  maxSize: number,
): Promise<number> {
  let size = 0;
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    size += chunk.byteLength;
    if (size > maxSize) {
      throw new GatewayError("file_too_large", `The artifact is larger than ${maxSize} bytes.`, {
        hint: "MAX_FILE_SIZE_MB and the policy's max_file_size_mb bound it.",
      });
    }
    await onDisk(() => handle.writeFile(chunk));
  }
  await onDisk(() => handle.sync());
  return size;
}

/** A disk that refuses is told apart from content that fails while it is read. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new GatewayError(
      "audit_unavailable",
      `The artifact could not be kept (${why}).`,
      { hint: "Free space in DATA_DIR or make it writable." },
      error,
    );
  }
}

async function openRegular(file: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}
