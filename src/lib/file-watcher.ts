import { type FSWatcher, unwatchFile, watch, watchFile } from "node:fs";
import { dirname } from "node:path";

/** An editor writes, renames and touches within this time; longer, and a person notices it. */
const SETTLE_MS = 100;
/** Some mounts report no changes: the file's state is asked for this often. */
const POLL_MS = 5000;

/**
 * Calls back when a file may have changed, once things have settled, and once at the start for a
 * change that came before. Whether it has is the listener's to find out. Keeps no process alive.
 */
export class FileWatcher implements Disposable {
  readonly #file: string;
  readonly #onChange: () => void;
  #settling: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
    watchFile(file, { persistent: false, interval: POLL_MS }, this.#settle);
    try {
      // Editors replace files by renaming, and mounts by swapping links: the folder is watched.
      this.#watcher = watch(dirname(file), { persistent: false }, this.#settle);
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // The folder is missing or cannot be watched: asking for the file's state must do.
    }
    this.#settle();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#settling);
    this.#watcher?.close();
    unwatchFile(this.#file, this.#settle);
  }

  readonly #settle = (): void => {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(this.#onChange, SETTLE_MS).unref();
  };
}
