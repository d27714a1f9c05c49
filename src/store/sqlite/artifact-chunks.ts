import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Connection } from "./connection.ts";

/** Bytes of an artifact held in memory and in one row at a time. */
const CHUNK = 1024 * 1024;

const CREATE = `
  CREATE TABLE artifact_chunks (
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (id, number)
  )`;
const INSERT = "INSERT INTO artifact_chunks (id, number, bytes) VALUES (?, ?, ?)";
const IDS = "SELECT id FROM artifacts";
const CHUNKED = "SELECT DISTINCT id FROM artifact_chunks";
const READ = "SELECT bytes FROM artifact_chunks WHERE id = ? AND number = ?";

/** Copies the bytes of every artifact that the database names into it. Says how many were found. */
export function packArtifacts(connection: Connection, folder: string): number {
  connection.exec(CREATE);
  let packed = 0;
  for (const { id } of connection.all<{ id: string }>(IDS)) {
    // Removed by retention since the database was copied: nothing to keep.
    if (packOne(connection, folder, id)) packed++;
  }
  return packed;
}

function packOne(connection: Connection, folder: string, id: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(join(folder, id), "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    let number = 0;
    let size = readSync(descriptor, buffer);
    // An empty file is one empty chunk.
    do {
      connection.run(INSERT, id, number++, buffer.subarray(0, size));
      size = readSync(descriptor, buffer);
    } while (size > 0);
    return true;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the files back, each whole or not at all; run again after a crash it does the same. */
export function unpackArtifacts(connection: Connection, folder: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ids = connection.all<{ id: string }>(CHUNKED).map((row) => row.id);
  for (const id of ids) unpackOne(connection, folder, id);
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
  return ids.length;
}

function unpackOne(connection: Connection, folder: string, id: string): void {
  // The backup was checked for damage, not for malice: an id must not name another place.
  if (!/^artifact_[A-Za-z0-9_-]{22}$/.test(id)) throw new Error(`not an artifact id: ${id}`);
  const file = join(folder, id);
  const temporary = `${file}.tmp`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    for (let number = 0; ; number++) {
      const row = connection.get<{ bytes: Uint8Array }>(READ, id, number);
      if (row === undefined) break;
      writeAll(descriptor, row.bytes);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(descriptor, bytes, done);
  }
}
