import { randomFillSync } from "node:crypto";

const ID_BYTES = 16;
/** Filled in one call to the system: one for each id costs more than the rest of making it. */
const pool = Buffer.allocUnsafe(ID_BYTES * 256);
let used = pool.length;

/** 128 random bits as 22 characters of unpadded base64url. */
export function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString("base64url", used, used + ID_BYTES);
  // What was given out does not stay behind in memory.
  pool.fill(0, used, used + ID_BYTES);
  used += ID_BYTES;
  return id;
}
