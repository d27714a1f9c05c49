import { basename } from "node:path";
import { fileState, MISSING } from "./file-state.ts";
import { FileWatcher } from "./file-watcher.ts";

export interface ReloadingFileOptions<Value> {
  /** Path of the file; it may be missing. */
  readonly file: string;
  /** Reads the value anew; throws where it cannot be used. */
  readonly load: () => Value;
  /** Said where the file disappears, such as "the keys read before stay in force". */
  readonly kept: string;
  /** What is wrong, of what `load` throws; its message where nothing is said. */
  readonly describe?: (error: unknown) => string;
  /** The file's state; two that are equal make no reload. By default every write makes another. */
  readonly state?: (file: string) => string;
  /** Follow changes of the file; true by default. */
  readonly watch?: boolean;
}

/**
 * A value that is kept as a file of the configuration has it: read when constructed (throws what
 * `load` throws) and again whenever the file changes. What cannot be used keeps the value before it
 * and is named in `problem`; so does a file that disappears, because an empty place must not loosen
 * what is in force. `reload` is a person's word and takes that as no file.
 */
export class ReloadingFile<Value> implements Disposable {
  readonly #options: ReloadingFileOptions<Value>;
  readonly #watcher: FileWatcher | undefined;
  readonly #reloaded = new Set<(value: Value) => void>();
  readonly #refused = new Set<(problem: string) => void>();
  #current: Value;
  #problem: string | undefined;
  /** Of the file last looked at, good or bad. */
  #seen: string;

  constructor(options: ReloadingFileOptions<Value>) {
    this.#options = options;
    this.#seen = this.#state();
    this.#current = options.load();
    if (options.watch !== false) {
      this.#watcher = new FileWatcher(options.file, () => this.#lookAgain());
    }
  }

  get current(): Value {
    return this.#current;
  }

  /** Why the file as it stands now is not in force; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Reads the file now (SIGHUP). Returns also where it is bad: `problem` then says so. */
  reload(): void {
    this.#seen = this.#state();
    let value: Value;
    try {
      value = this.#options.load();
    } catch (error) {
      this.#refuse(this.#options.describe?.(error) ?? messageOf(error));
      return;
    }
    this.#problem = undefined;
    this.#current = value;
    for (const listener of this.#reloaded) listener(value);
  }

  /** Called with the value of each reload that succeeded; returns the function that ends it. */
  onReload(listener: (value: Value) => void): () => void {
    this.#reloaded.add(listener);
    return () => this.#reloaded.delete(listener);
  }

  /** Called whenever the file is refused; returns the function that ends it. */
  onRefused(listener: (problem: string) => void): () => void {
    this.#refused.add(listener);
    return () => this.#refused.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#watcher?.[Symbol.dispose]();
  }

  #state(): string {
    const { file, state = fileState } = this.#options;
    return state(file);
  }

  #lookAgain(): void {
    const state = this.#state();
    if (state === this.#seen) return;
    if (state !== MISSING) {
      this.reload();
      return;
    }
    this.#seen = state;
    this.#refuse(`the file is gone; ${this.#options.kept}`);
  }

  #refuse(problem: string): void {
    this.#problem = `${basename(this.#options.file)}: ${problem}`;
    for (const listener of this.#refused) listener(this.#problem);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
