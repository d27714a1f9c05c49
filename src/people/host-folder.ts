import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";

const MAX_BYTES = 4096;

/**
 * What was asked for on the host about people: whoever may write in DATA_DIR may let people in. It is put
 * down there as files, so that it works whether the gateway runs or not: only it writes its database.
 */
export class HostFolder<Schema extends TSchema> {
  readonly #schema: Schema;
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #onRefused: (file: string) => void;

  constructor(
    name: string,
    schema: Schema,
    dataDir: string,
    onRefused: (file: string) => void = () => {},
  ) {
    this.#schema = schema;
    this.#dataDir = dataDir;
    this.#folder = join(dataDir, name);
    this.#onRefused = onRefused;
  }

  put(id: string, record: Static<Schema>): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, `${id}.json`);
    writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600, flag: "wx" });
    // Made by root for a gateway that is not.
    const { uid, gid } = statSync(this.#dataDir);
    if (process.getuid?.() === 0) {
      for (const path of [this.#folder, `${file}.tmp`]) chownSync(path, uid, gid);
    }
    renameSync(`${file}.tmp`, file);
  }

  /** What was put down and not yet removed. What is no such file is removed and named. */
  read(): { readonly record: Static<Schema>; remove(): void }[] {
    return this.#names().flatMap((name) => {
      const file = join(this.#folder, name);
      const remove = () => rmSync(file, { force: true, recursive: true });
      const record = readRecord(this.#schema, file);
      if (record !== undefined) return [{ record, remove }];
      this.#onRefused(name);
      remove();
      return [];
    });
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    } catch {
      return [];
    }
  }
}

function readRecord<Schema extends TSchema>(
  schema: Schema,
  file: string,
): Static<Schema> | undefined {
  try {
    const descriptor = openSync(
      file,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      const { size, uid } = fstatSync(descriptor);
      const isOurs = uid === process.getuid?.() || uid === 0;
      if (size > MAX_BYTES || !isOurs) return undefined;
      const value: unknown = JSON.parse(readFileSync(descriptor, "utf8"));
      return Check(schema, value) ? value : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
