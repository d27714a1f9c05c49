import { createHash, type Hash, randomBytes } from "node:crypto";
import { type BigIntStats, constants, linkSync, lstatSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { GatewayError } from "../../contract/errors.ts";
import type { Owner, WorldDirectory, WorldFile } from "./confined-path.ts";
import { pathError } from "./path-error.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Names this run of the program, so that the sweep knows what an earlier one left behind. */
const RUN = randomBytes(6).toString("hex");
const STAGED_NAME = /^\.bytebot-([0-9a-f]{12})-[0-9a-f]{16}\.tmp$/;

/** A name nobody else uses, for a file that the sweep removes should this run be killed. */
export function temporaryName(): string {
  return `.bytebot-${RUN}-${randomBytes(8).toString("hex")}.tmp`;
}

/** Whether a name is that of a file an earlier run did not get to publish. */
export function isLeftover(name: string): boolean {
  const run = STAGED_NAME.exec(name)?.[1];
  return run !== undefined && run !== RUN;
}

/**
 * A file's new content, under a temporary name beside it until it is published as a whole. Disposing
 * removes what was not published.
 */
export class StagedFile implements AsyncDisposable {
  readonly #directory: WorldDirectory;
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;
  #isPublished = false;

  private constructor(directory: WorldDirectory, path: string, name: string, handle: FileHandle) {
    this.#directory = directory;
    this.#path = path;
    this.#temporary = name;
    this.#handle = handle;
  }

  /** `path` is for messages; `mode` are the permission bits of a file it replaces. */
  static async create(
    directory: WorldDirectory,
    path: string,
    owner: Owner | undefined,
    mode: number | undefined,
  ): Promise<StagedFile> {
    const name = temporaryName();
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    try {
      const handle = await open(directory.at(name), flags, 0o644);
      const staged = new StagedFile(directory, path, name, handle);
      try {
        if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
        if (mode !== undefined) await handle.chmod(mode);
        return staged;
      } catch (error) {
        await staged[Symbol.asyncDispose]();
        throw error;
      }
    } catch (error) {
      throw pathError(error, path);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#handle.writeFile(bytes);
    } catch (error) {
      throw pathError(error, this.#path);
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Puts the content on disk, so that publishing has only the name left to change. */
  async settle(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      throw pathError(error, this.#path);
    }
  }

  /**
   * Gives the content its name: in place of `previous`, which must still be exactly what was opened
   * (`state_changed` otherwise), or where nothing had the name (`file_exists` otherwise).
   * Answers its size in bytes and its SHA-256 in hex. `outcome_unknown` where it happened and the
   * disk does not confirm it.
   */
  async publish(
    name: string,
    previous: WorldFile | undefined,
  ): Promise<{ size: number; sha256: string }> {
    const from = this.#directory.at(this.#temporary);
    const to = this.#directory.at(name);
    try {
      if (previous === undefined) {
        // Unlike rename, link never replaces anything.
        linkSync(from, to);
      } else {
        requireSame(lstatSync(to, { bigint: true, throwIfNoEntry: false }), previous, this.#path);
        renameSync(from, to);
      }
    } catch (error) {
      throw pathError(error, this.#path);
    }
    this.#isPublished = true;
    try {
      // A file with two names would not be read again.
      if (previous === undefined) rmSync(from);
    } catch (error) {
      throw unconfirmed(this.#path, error);
    }
    await syncDirectory(this.#directory, this.#path);
    return { size: this.#size, sha256: this.#hash.digest("hex") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#isPublished) rmSync(this.#directory.at(this.#temporary), { force: true });
    } finally {
      await this.#handle.close();
    }
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: WorldDirectory, path: string): Promise<void> {
  try {
    await using handle = await open(directory.self, O_RDONLY | O_DIRECTORY);
    await handle.sync();
  } catch (error) {
    throw unconfirmed(path, error);
  }
}

function unconfirmed(path: string, error: unknown): GatewayError {
  return new GatewayError(
    "outcome_unknown",
    `${path} was written, and the disk does not confirm that it will last`,
    { hint: "Check the disk of WORKDIR, then read the file back." },
    error,
  );
}

/** Every change of a file's content moves its ctime, so equal stamps mean unchanged bytes. */
function requireSame(now: BigIntStats | undefined, { stats }: WorldFile, path: string): void {
  const fields = ["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const;
  if (now !== undefined && fields.every((field) => now[field] === stats[field])) return;
  throw new GatewayError("state_changed", `${path} was changed while it was being written`, {
    hint: "Plan again: the new preview shows the file as it is now.",
  });
}
