import { closeSync, fdatasync, fdatasyncSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";

/** A file that somebody else writes, and its syncs to disk. */
export class SyncedFile implements Disposable {
  readonly #descriptor: number;

  /** The file must be there; that it is stays true after a crash. */
  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
    const folder = openSync(dirname(path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** bytes */
  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /**
   * Resolves when all that was written before is on disk. A sync that fails is not survived: what
   * the kernel dropped then, no later one would bring back. It ends the process, and the next start
   * takes up what is there.
   */
  sync(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    fdatasync(this.#descriptor, (error) => {
      if (error !== null) throw new Error("the log could not be synced to disk", { cause: error });
      resolve();
    });
    return promise;
  }

  /** As `sync`, and waits; throws where it fails. */
  syncNow(): void {
    fdatasyncSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
