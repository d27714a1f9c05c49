import type { Connection } from "./connection.ts";

/**
 * Finding tasks by their random ids. One index over random keys dirties another page with every
 * insert, which more than doubles what a plan writes and grows with the number of tasks. So the
 * index is cut into blocks by seq: inserts stay within the few pages of the newest block, a search
 * looks block by block from the newest (a million tasks: 245 short steps, 0.2 ms, for an id that
 * does not exist). Keys are 32-bit hashes; the row found must bear the id itself.
 */
const BLOCK_SIZE = 4096;

export const INSERT_TASK_ID = "INSERT INTO task_ids (block, hash, seq) VALUES (?, ?, ?)";

export function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK_SIZE);
}

/** FNV-1a. Ids are random, and a collision costs a comparison, so nothing stronger is needed. */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}

const BLOCKS = `
  WITH RECURSIVE blocks (n) AS (
    SELECT max(block) FROM task_ids UNION ALL SELECT n - 1 FROM blocks WHERE n > 0
  )`;

const FIND = `${BLOCKS}
  SELECT tasks.seq FROM blocks
  CROSS JOIN task_ids ON task_ids.block = blocks.n AND task_ids.hash = ?
  CROSS JOIN tasks ON tasks.seq = task_ids.seq AND tasks.id = ?
  LIMIT 1`;

/** The seq of a task that is kept. */
export function findSeq(connection: Connection, id: string): number | undefined {
  return connection.get<{ seq: number }>(FIND, hashOf(id), id)?.seq;
}

const CANDIDATES = `${BLOCKS}
  SELECT task_ids.seq FROM blocks
  CROSS JOIN task_ids ON task_ids.block = blocks.n AND task_ids.hash = ?`;

/** The seqs a task of this id may have had, removed ones included. */
export function candidateSeqs(connection: Connection, id: string): number[] {
  return connection.all<{ seq: number }>(CANDIDATES, hashOf(id)).map((row) => row.seq);
}
