import type { ReplayStore, SeenSignature } from "../../auth/replay-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Half of the MAC tells signatures apart as surely as ids of 128 random bits, at half the bytes. */
const KEPT_BYTES = 16;

/** Entries removed in one transaction, so that pruning holds nobody up. */
const PRUNE_BATCH = 2_000;

const INSERT =
  "INSERT OR IGNORE INTO replays (timestamp, key_id, mac, forget_at) VALUES (?, ?, ?, ?)";
const FIRST_KEPT = "SELECT timestamp FROM replays WHERE forget_at > ? ORDER BY timestamp LIMIT 1";
/** The timestamp at which a batch ends. */
const BATCH_END =
  "SELECT timestamp FROM replays WHERE timestamp < ? ORDER BY timestamp LIMIT 1 OFFSET ?";
const DELETE = "DELETE FROM replays WHERE timestamp < ?";

export class SqliteReplayStore implements ReplayStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;

  constructor(group: GroupCommit, reader: Connection) {
    this.#group = group;
    this.#reader = reader;
  }

  async remember(signature: SeenSignature): Promise<{ fresh: boolean; durable: Promise<void> }> {
    const { timestamp, keyId, mac, forgetAt } = signature;
    let fresh: boolean | undefined;
    const durable = this.#group.write((connection) => {
      const kept = mac.subarray(0, KEPT_BYTES);
      fresh = connection.run(INSERT, timestamp, keyId, kept, forgetAt).changes === 1;
    });
    // It could not even be tried: a refusal for want of disk, not for a replay.
    if (fresh === undefined) {
      await durable;
      throw new Error("a write that was not run cannot have been committed");
    }
    // The caller awaits it later; until then a failure must not count as unhandled.
    durable.catch(() => {});
    return { fresh, durable };
  }

  async prune(now: number): Promise<void> {
    // All before the first entry still needed are over: one range from the front.
    const end =
      this.#reader.get<{ timestamp: number }>(FIRST_KEPT, now)?.timestamp ??
      Number.MAX_SAFE_INTEGER;
    for (;;) {
      const cut = this.#reader.get<{ timestamp: number }>(BATCH_END, end, PRUNE_BATCH)?.timestamp;
      // Entries of one moment are removed together, however many they are.
      const upTo = cut === undefined ? end : cut + 1;
      const removed = await this.#group.write(
        (connection) => connection.run(DELETE, Math.min(upTo, end)).changes,
      );
      if (cut === undefined || removed === 0) return;
    }
  }
}
