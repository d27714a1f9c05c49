import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { KeyDefinition } from "../contract/key.ts";
import { ReloadingFile } from "../lib/reloading-file.ts";
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

/** What the configuration says of keys. */
interface Configured {
  readonly definitions: readonly KeyDefinition[];
  readonly revokedIds: readonly string[];
}

/**
 * Keeps a KeyRing as the configuration has it: filled when constructed (throws what `load` throws)
 * and again whenever the file changes. Keys that cannot be used keep those before them, and so does a
 * file that disappears, because it also says which keys are revoked; see ReloadingFile.
 */
export class KeySource implements Disposable {
  readonly ring: KeyRing;
  readonly #options: KeySourceOptions;
  readonly #source: ReloadingFile<Configured>;
  #joined: JoinedKeys | undefined;
  #shadowed: ReadonlyMap<string, string> = new Map();

  constructor(options: KeySourceOptions) {
    this.#options = options;
    const { file, watch = true } = options;
    this.#source = new ReloadingFile({
      file,
      watch,
      load: () => ({
        definitions: options.load(),
        revokedIds: options.revokedIds?.() ?? [],
      }),
      kept: "the keys read before stay in force",
    });
    this.ring = new KeyRing(this.#configured.definitions);
    this.#source.onReload(() => this.refresh());
  }

  /** Why the keys as they stand in the file now are not in force; undefined when they are. */
  get problem(): string | undefined {
    return this.#source.problem;
  }

  /** Keys that were joined and do not count, each with why. */
  get shadowed(): ReadonlyMap<string, string> {
    return this.#shadowed;
  }

  get #configured(): Configured {
    return this.#source.current;
  }

  /** Where a key of the configuration stands; undefined where it has none of this id. */
  placeOf(keyId: string): string | undefined {
    const found = this.#configured.definitions.find(({ principal }) => principal.keyId === keyId);
    if (found === undefined)
      return this.#configured.revokedIds.includes(keyId)
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
    const { definitions, revokedIds } = this.#configured;
    const joined = this.#joined?.definitions() ?? [];
    const shadowed = findShadowed(definitions, joined);
    for (const id of revokedIds) {
      if (!shadowed.has(id) && joined.some(({ principal }) => principal.keyId === id)) {
        shadowed.set(id, `${basename(this.#options.file)} says that it is revoked`);
      }
    }
    this.#shadowed = shadowed;
    const counted = joined.filter(({ principal }) => !shadowed.has(principal.keyId));
    this.ring.replace([...definitions, ...counted]);
  }

  /** Reads the keys now (SIGHUP). Returns also where they are bad: `problem` then says so. */
  reload(): void {
    this.#source.reload();
  }

  /** Called after each reload that succeeded; returns the function that ends it. */
  onReload(listener: () => void): () => void {
    return this.#source.onReload(listener);
  }

  /** Called whenever keys are refused; returns the function that ends it. */
  onRefused(listener: (problem: string) => void): () => void {
    return this.#source.onRefused(listener);
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
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
