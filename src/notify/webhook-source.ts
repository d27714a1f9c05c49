import { basename } from "node:path";
import type { WebhookEndpoint } from "../contract/webhook.ts";
import { fileState, MISSING } from "../lib/file-state.ts";
import { FileWatcher } from "../lib/file-watcher.ts";

export interface WebhookSourceOptions {
  /** Path of webhooks.json; it may be missing. */
  readonly file: string;
  /** Reads all endpoints anew; throws where they cannot be used. */
  readonly load: () => readonly WebhookEndpoint[];
  /** Called with the endpoints of each change that was taken. */
  readonly onChange: (endpoints: readonly WebhookEndpoint[]) => void;
  readonly onRefused: (problem: string) => void;
}

/**
 * The endpoints as the configuration has them: read when constructed (throws what `load` throws) and
 * again whenever the file changes. A file that cannot be used, or disappears, keeps the endpoints
 * before it and is named in `problem`; `reload` is a person's word and takes that as no file.
 */
export class WebhookSource implements Disposable {
  readonly #options: WebhookSourceOptions;
  readonly #watcher: FileWatcher;
  readonly initial: readonly WebhookEndpoint[];
  #problem: string | undefined;
  /** Of the file last looked at, good or bad. */
  #seen: string;

  constructor(options: WebhookSourceOptions) {
    this.#options = options;
    this.#seen = fileState(options.file);
    this.initial = options.load();
    this.#watcher = new FileWatcher(options.file, () => this.#lookAgain());
  }

  /** Why the file as it stands now is not in force; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Reads the file now (SIGHUP). */
  reload(): void {
    this.#seen = fileState(this.#options.file);
    let endpoints: readonly WebhookEndpoint[];
    try {
      endpoints = this.#options.load();
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#problem = undefined;
    this.#options.onChange(endpoints);
  }

  [Symbol.dispose](): void {
    this.#watcher[Symbol.dispose]();
  }

  #lookAgain(): void {
    const state = fileState(this.#options.file);
    if (state === this.#seen) return;
    if (state !== MISSING) {
      this.reload();
      return;
    }
    this.#seen = state;
    this.#refuse("the file is gone; the endpoints read before stay");
  }

  #refuse(problem: string): void {
    this.#problem = `${basename(this.#options.file)}: ${problem}`;
    this.#options.onRefused(this.#problem);
  }
}
