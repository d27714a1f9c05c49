import type { AuditHead, AuditStore, SealRecord } from "../../audit/audit-store.ts";
import type { AuditDraft, AuditRecord } from "../../contract/audit.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { TaskIndex } from "./task-index.ts";

export interface AuditRow {
  readonly seq: number;
  readonly body: string;
  readonly mac: Uint8Array | string;
  readonly prev: Uint8Array | string | null;
}

const INSERT = "INSERT INTO audit (seq, task, body, mac) VALUES (?, ?, ?, ?)";
/** One may be there: of a log that was emptied. */
const INSERT_NAME = "INSERT OR REPLACE INTO audit (seq, task, body, mac) VALUES (0, NULL, '', ?)";
const ROW = `
  SELECT seq, body, mac, (SELECT mac FROM audit AS before WHERE before.seq = audit.seq - 1) AS prev
  FROM audit`;
const READ = `${ROW} WHERE seq > max(?, 0) ORDER BY seq LIMIT ?`;
const READ_TASK = `${ROW} WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?`;
const HEAD = "SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1";

/** Records are sealed inside the transaction that writes them, so the chain has no gap or fork. */
export class SqliteAuditStore implements AuditStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #index: TaskIndex;
  readonly #seal: SealRecord;
  /** On disk; committed, perhaps not yet there; sealed in the open group. */
  #durable: AuditHead;
  #committed: AuditHead;
  #pending: AuditHead;
  readonly #listeners = new Set<() => void>();

  constructor(
    group: GroupCommit,
    reader: Connection,
    index: TaskIndex,
    seal: SealRecord,
    head: AuditHead,
  ) {
    this.#group = group;
    this.#reader = reader;
    this.#index = index;
    this.#seal = seal;
    this.#durable = head;
    this.#committed = head;
    this.#pending = head;
  }

  append(drafts: readonly AuditDraft[]): Promise<void> {
    return this.#group.write((connection) => {
      this.write(connection, this.seal(drafts), (id) => this.#index.find(connection, id) ?? null);
    });
  }

  async read(after: number, limit: number, taskId?: string): Promise<AuditRecord[]> {
    const reader = this.#reader;
    if (taskId === undefined) return reader.all<AuditRow>(READ, after, limit).map(toRecord);
    return [...this.#index.candidates(reader, taskId)]
      .flatMap((seq) => reader.all<AuditRow>(READ_TASK, seq, after, limit))
      .map(toRecord)
      .filter((record) => record.task_id === taskId)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit);
  }

  async head(): Promise<AuditHead> {
    return this.#durable;
  }

  get durableHead(): AuditHead {
    return this.#durable;
  }

  get committedHead(): AuditHead {
    return this.#committed;
  }

  /** Seals drafts after the newest record. Writes nothing: what it throws hurts only its caller. */
  seal(drafts: readonly AuditDraft[]): AuditRecord[] {
    let head = this.#pending;
    return drafts.map((draft) => {
      const record = this.#seal(draft, head);
      if (record.seq !== head.seq + 1) throw new Error(`sealed ${record.seq} after ${head.seq}`);
      head = { seq: record.seq, mac: record.mac };
      return record;
    });
  }

  /** Part of a write: what `seal` gave in the same piece of work. */
  write(
    connection: Connection,
    records: readonly AuditRecord[],
    seqOf: (taskId: string) => number | null,
  ): void {
    for (const record of records) {
      const { seq, prev, mac, ...body } = record;
      if (seq === 1) connection.run(INSERT_NAME, packMac(prev));
      const task = record.task_id === undefined ? null : seqOf(record.task_id);
      connection.run(INSERT, seq, task, JSON.stringify(body), packMac(mac));
      this.#pending = { seq, mac };
    }
  }

  /** Returns what to call once the group that was just committed is on disk. */
  commit(): () => void {
    const head = this.#pending;
    this.#committed = head;
    return () => {
      const isNew = head.seq !== this.#durable.seq;
      this.#durable = head;
      if (isNew) for (const listener of this.#listeners) listener();
    };
  }

  /** Calls back, after records were committed, what must not throw. Returns the function that ends it. */
  onCommitted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  discard(): void {
    this.#pending = this.#committed;
  }
}

/** The newest record's place; seq 0 where there is none. */
export function readHead(connection: Connection): AuditHead {
  const row = connection.get<Pick<AuditRow, "seq" | "mac">>(HEAD);
  return row === undefined || row.seq === 0
    ? { seq: 0, mac: "" }
    : { seq: row.seq, mac: unpackMac(row.mac) };
}

const MAC_PREFIX = "hmac-sha256:";
const MAC_LENGTH = MAC_PREFIX.length + 64;

/** 32 bytes instead of 76; the chain's name, which is no MAC, stays text. */
function packMac(mac: string): Uint8Array | string {
  if (!mac.startsWith(MAC_PREFIX) || mac.length !== MAC_LENGTH) return mac;
  return Buffer.from(mac.slice(MAC_PREFIX.length), "hex");
}

function unpackMac(mac: Uint8Array | string): string {
  return typeof mac === "string" ? mac : MAC_PREFIX + Buffer.from(mac).toString("hex");
}

export function toRecord({ seq, body, mac, prev }: AuditRow): AuditRecord {
  const links = { seq, prev: prev === null ? "" : unpackMac(prev), mac: unpackMac(mac) };
  return { ...parseBody(body), ...links };
}

/** A record that was tampered with may be anything; its MAC says so, reading it must not fail. */
function parseBody(body: string): Omit<AuditRecord, "seq" | "prev" | "mac"> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null) return value as AuditRecord;
  } catch {
    // Told below.
  }
  return { type: "unreadable", time: "", key_id: null };
}
