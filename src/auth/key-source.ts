import { createHash } from "node:crypto";
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
  /** Ids that the same file says have ended: no key of another source revives them. */
  readonly revokedIds?: () => readonly string[];
  /** Follow changes of the file; true by default. */
  readonly watch?: boolean;
}

/** Keys that do not stand in the configuration. */
interface JoinedKeys {
  definitions(): readonly KeyDefinition[];
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
  #configured: readonly KeyDefinition[];
  #revokedIds: readonly string[];
  #joined: JoinedKeys | undefined;
  #shadowed: ReadonlyMap<string, string> = new Map();
  /** Of the file last looked at, good or bad. */
  #seen: string;
  readonly #watcher: FileWatcher | undefined;

  constructor(options: KeySourceOptions) {
    this.#options = options;
    this.#seen = fileState(options.file);
    this.#configured = options.load();
    this.#revokedIds = options.revokedIds?.() ?? [];
    this.ring = new KeyRing(this.#configured);
    if (options.watch !== false) {
      this.#watcher = new FileWatcher(options.file, () => this.#lookAgain());
    }
  }

  /** Why the keys as they stand in the file now are not in force; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Keys that were joined and do not count, each with why. */
  get shadowed(): ReadonlyMap<string, string> {
    return this.#shadowed;
  }

  /** Where a key of the configuration stands; undefined where it has none of this id. */
  placeOf(keyId: string): string | undefined {
    const found = this.#configured.find(({ principal }) => principal.keyId === keyId);
    if (found === undefined)
      return this.#revokedIds.includes(keyId)
        ? `${basename(this.#options.file)} says that it is revoked`
        : undefined;
    return `it stands in ${found.origin?.place ?? "the configuration"}`;
  }

  /**
   * Puts keys of another source beside those of the configuration, from now on. One whose id or secret
   * the configuration has too does not count: the operator of the host has the last word.
   */
  join(joined: JoinedKeys): void {
    this.#joined = joined;
    this.refresh();
  }

  /** The keys that were joined have changed. */
  refresh(): void {
    const joined = this.#joined?.definitions() ?? [];
    const shadowed = findShadowed(this.#configured, joined);
    for (const id of this.#revokedIds) {
      if (!shadowed.has(id) && joined.some(({ principal }) => principal.keyId === id)) {
        shadowed.set(id, `${basename(this.#options.file)} says that it is revoked`);
      }
    }
    this.#shadowed = shadowed;
    const counted = joined.filter(({ principal }) => !shadowed.has(principal.keyId));
    this.ring.replace([...this.#configured, ...counted]);
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
    let revokedIds: readonly string[];
    try {
      definitions = this.#options.load();
      revokedIds = this.#options.revokedIds?.() ?? [];
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#problem = undefined;
    this.#configured = definitions;
    this.#revokedIds = revokedIds;
    this.refresh();
    for (const listener of this.#reloaded) listener();
  }

  #refuse(problem: string): void {
    this.#problem = `${basename(this.#options.file)}: ${problem}`;
    for (const listener of this.#refused) listener(this.#problem);
  }
}

function findShadowed(
  configured: readonly KeyDefinition[],
  joined: readonly KeyDefinition[],
): Map<string, string> {
  const ids = new Map(configured.map(({ principal, origin }) => [principal.keyId, origin?.place]));
  const secrets = new Map(configured.map((key) => [fingerprint(key), key.principal.keyId]));
  const shadowed = new Map<string, string>();
  for (const key of joined) {
    const { keyId } = key.principal;
    const previous = key.previous && secrets.get(Buffer.from(key.previous.secret).toString("hex"));
    const owner = secrets.get(fingerprint(key)) ?? previous;
    if (ids.has(keyId)) {
      const place = ids.get(keyId) ?? "the configuration";
      shadowed.set(keyId, `${place} has a key of this id, which counts instead`);
    } else if (owner !== undefined) {
      shadowed.set(keyId, `key ${owner} of the configuration has the same secret`);
    }
  }
  return shadowed;
}

/** What the secret hashes to, hex: the same for a signing secret and a token of the same text. */
function fingerprint({ principal, secret }: KeyDefinition): string {
  const digest =
    principal.scheme === "hmac" ? createHash("sha256").update(secret).digest() : secret;
  return Buffer.from(digest).toString("hex");
}
