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
import Type from "typebox";
import { Check } from "typebox/value";
import { PersonId, PersonName, PersonRole } from "../contract/people.ts";
import type { LinkRecord } from "./people-store.ts";

const FOLDER = "links";
const MAX_BYTES = 4096;

const HostLinkFile = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" }),
    hash: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    purpose: Type.Enum(["invite", "recovery"]),
    role: PersonRole,
    person: Type.Optional(PersonId),
    name: Type.Optional(PersonName),
    made_by: Type.Null(),
    expires_at: Type.Number(),
  },
  { additionalProperties: false },
);

/**
 * Links made on the host: whoever may write in DATA_DIR may let people in. They are put down there as
 * files, without what opens them, so that it works whether the gateway runs or not: only it writes
 * its database.
 */
export class HostLinks {
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #onRefused: (file: string) => void;

  constructor(dataDir: string, onRefused: (file: string) => void = () => {}) {
    this.#dataDir = dataDir;
    this.#folder = join(dataDir, FOLDER);
    this.#onRefused = onRefused;
  }

  put(record: LinkRecord): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, `${record.id}.json`);
    writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600, flag: "wx" });
    // Made by root for a gateway that is not.
    const { uid, gid } = statSync(this.#dataDir);
    if (process.getuid?.() === 0) {
      for (const path of [this.#folder, `${file}.tmp`]) chownSync(path, uid, gid);
    }
    renameSync(`${file}.tmp`, file);
  }

  /** What was put down and not yet removed. What is no such file is removed and named. */
  read(): { readonly record: LinkRecord; remove(): void }[] {
    return this.#names().flatMap((name) => {
      const file = join(this.#folder, name);
      const remove = () => rmSync(file, { force: true, recursive: true });
      const record = readRecord(file);
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

function readRecord(file: string): LinkRecord | undefined {
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
      return Check(HostLinkFile, value) ? value : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
