import { basename } from "node:path";
import type { KeyDefinition } from "../contract/key.ts";
import { fileState, MISSING } from "../lib/file-state.ts";
import { FileWatcher } from "../lib/file-watcher.ts";
import { KeyRing } from "./key-ring.ts";

export interface KeySourceOptions {
  /** Path of clients.json; it may be missing. */
  readonly file: string;
  /** Reads all keys anew; throws where they cannot be used. */
  readonly load: () => readonly KeyDefinition[];
  /** Follow changes of the file; true by default. */
  readonly watch?: boolean;
}

/**
 * Keeps a KeyRing as the configuration has it: filled when constructed (throws what `load` throws)
 * and again whenever the file changes. Keys that cannot be used keep those before them and are named
 * in `problem`; so does a file that disappears, because it also says which keys are revoked.
 * `reload` is a person's word and takes that as no file.
 */
export class KeySource implements AsyncDisposable {
  readonly ring: KeyRing;
  readonly #options: KeySourceOptions;
  readonly #reloaded = new Set<() => void>();
  readonly #refused = new Set<(problem: string) => void>();
  #problem: string | undefined;
  /** Of the file last looked at, good or bad. */
  #seen: string;
  readonly #watcher: FileWatcher | undefined;

  constructor(options: KeySourceOptions) {
    this.#options = options;
    this.#seen = fileState(options.file);
    this.ring = new KeyRing(options.load());
    if (options.watch !== false) {
      this.#watcher = new FileWatcher(options.file, () => this.#lookAgain());
    }
  }

  /** Why the keys as they stand in the file now are not in force; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Reads the keys now (SIGHUP). Resolves also where they are bad: `problem` then says so. */
  async reload(): Promise<void> {
    this.#load();
  }

  /** Called after each reload that succeeded; returns the function that ends it. */
  onReload(listener: () => void): () => void {
    this.#reloaded.add(listener);
    return () => this.#reloaded.delete(listener);
  }

  /** Called whenever keys are refused; returns the function that ends it. */
  onRefused(listener: (problem: string) => void): () => void {
    this.#refused.add(listener);
    return () => this.#refused.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.[Symbol.dispose]();
  }

  #lookAgain(): void {
    const state = fileState(this.#options.file);
    if (state === this.#seen) return;
    if (state !== MISSING) {
      this.#load();
      return;
    }
    this.#seen = state;
    this.#refuse("the file is gone; the keys read before stay in force");
  }

  #load(): void {
    this.#seen = fileState(this.#options.file);
    let definitions: readonly KeyDefinition[];
    try {
      definitions = this.#options.load();
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#problem = undefined;
    this.ring.replace(definitions);
    for (const listener of this.#reloaded) listener();
  }

  #refuse(problem: string): void {
    this.#problem = `${basename(this.#options.file)}: ${problem}`;
    for (const listener of this.#refused) listener(this.#problem);
  }
}
