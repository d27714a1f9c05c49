import type { Connection } from "./connection.ts";

/**
 * Tasks that are written to the index together. A million tasks are 123 blocks, and a search for
 * an id that does not exist looks into each of them, in 0.2 ms altogether.
 */
const BLOCK_SIZE = 8192;

/** The seq of the newest task that stands in task_ids. */
const MARK = "store.indexed";
const GET_MARK = "SELECT value FROM settings WHERE name = ?";
const SET_MARK = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)";
const RECENT = "SELECT seq, id FROM tasks WHERE seq > ? ORDER BY seq";
const INSERT = "INSERT OR IGNORE INTO task_ids (block, hash, seq) VALUES (?, ?, ?)";

const BLOCKS = `
  WITH RECURSIVE blocks (n) AS (
    SELECT max(block) FROM task_ids UNION ALL SELECT n - 1 FROM blocks WHERE n > 0
  )`;
const FIND = `${BLOCKS}
  SELECT tasks.seq FROM blocks
  CROSS JOIN task_ids ON task_ids.block = blocks.n AND task_ids.hash = ?
  CROSS JOIN tasks ON tasks.seq = task_ids.seq AND tasks.id = ?
  LIMIT 1`;
const LEADS_TO = "SELECT 1 AS found FROM task_ids WHERE block = ? AND hash = ? AND seq = ?";
const CANDIDATES = `${BLOCKS}
  SELECT task_ids.seq FROM blocks
  CROSS JOIN task_ids ON task_ids.block = blocks.n AND task_ids.hash = ?`;

/**
 * Finds tasks by their random ids. An ordinary index over random keys dirties another page with
 * every insert, which costs as much as all the rest of a plan and grows with the number of tasks.
 * Here the newest ids are in memory only (and read back from the tasks at start); a block of them
 * is written at once, sorted. Keys are 32-bit hashes: the row found must bear the id itself.
 */
export class TaskIndex {
  #recent = new Map<string, number>();
  /** Ids added since the last commit. */
  #added: string[] = [];
  /** What `#recent` was before a block was written in the open transaction. */
  #beforeBlock: Map<string, number> | undefined;
  /** Blocks written in the open transaction. */
  #written: ReadonlyMap<string, number>[] = [];
  /** Blocks that readers may not see in the index yet: it is not on disk. */
  readonly #unseen = new Set<ReadonlyMap<string, number>>();

  /** Reads back what is not in the index yet. */
  constructor(connection: Connection) {
    const mark = connection.get<{ value: string }>(GET_MARK, MARK)?.value ?? "0";
    for (const { seq, id } of connection.all<{ seq: number; id: string }>(RECENT, Number(mark))) {
      this.#recent.set(id, seq);
    }
  }

  /** The seq of a task that may be kept; one that was removed a moment ago is found as well. */
  find(connection: Connection, id: string): number | undefined {
    return this.#remembered(id) ?? connection.get<{ seq: number }>(FIND, hashOf(id), id)?.seq;
  }

  /** Whether a search for this id comes by this seq. */
  leadsTo(connection: Connection, id: string, seq: number): boolean {
    if (this.#remembered(id) === seq) return true;
    return connection.get(LEADS_TO, blockOf(seq), hashOf(id), seq) !== undefined;
  }

  /** The seqs that a task of this id may have had, removed ones included. */
  candidates(connection: Connection, id: string): Set<number> {
    const rows = connection.all<{ seq: number }>(CANDIDATES, hashOf(id));
    const recent = this.#remembered(id);
    return new Set([...rows.map((row) => row.seq), ...(recent === undefined ? [] : [recent])]);
  }

  /** Part of a write. */
  add(connection: Connection, id: string, seq: number): void {
    if (this.#recent.size >= BLOCK_SIZE) this.#writeBlock(connection);
    this.#recent.set(id, seq);
    this.#added.push(id);
  }

  /** Part of a write: keeps the place of a task that is being removed, for its audit records. */
  keep(connection: Connection, id: string, seq: number): void {
    if (this.#recent.has(id)) connection.run(INSERT, blockOf(seq), hashOf(id), seq);
  }

  /** Returns what to call once the group that was just committed is on disk. */
  commit(): () => void {
    const written = this.#written;
    this.#written = [];
    this.#added = [];
    this.#beforeBlock = undefined;
    return () => {
      for (const block of written) this.#unseen.delete(block);
    };
  }

  discard(): void {
    this.#recent = this.#beforeBlock ?? this.#recent;
    for (const id of this.#added) this.#recent.delete(id);
    const forget = this.commit();
    forget();
  }

  #remembered(id: string): number | undefined {
    const recent = this.#recent.get(id);
    if (recent !== undefined || this.#unseen.size === 0) return recent;
    return [...this.#unseen].map((block) => block.get(id)).find((seq) => seq !== undefined);
  }

  #writeBlock(connection: Connection): void {
    const rows = Array.from(this.#recent, ([id, seq]) => ({ hash: hashOf(id), seq }));
    rows.sort((a, b) => a.hash - b.hash);
    for (const { hash, seq } of rows) connection.run(INSERT, blockOf(seq), hash, seq);
    const newest = Math.max(...rows.map((row) => row.seq));
    connection.run(SET_MARK, MARK, String(newest));
    this.#beforeBlock ??= this.#recent;
    this.#written.push(this.#recent);
    this.#unseen.add(this.#recent);
    this.#recent = new Map();
  }
}

function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK_SIZE);
}

/** FNV-1a. Ids are random, and a collision costs a comparison, so nothing stronger is needed. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}
