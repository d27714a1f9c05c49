import type { Remembered, ReplayStore, SeenSignature } from "../../auth/replay-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Half of the MAC tells signatures apart as surely as ids of 128 random bits, at half the bytes. */
const KEPT_BYTES = 16;

/** Entries removed in one transaction, so that pruning holds nobody up. */
const PRUNE_BATCH = 2_000;

const INSERT =
  "INSERT OR IGNORE INTO replays (timestamp, key_id, mac, forget_at) VALUES (?, ?, ?, ?)";
const HAS = "SELECT 1 AS known FROM replays WHERE timestamp = ? AND key_id = ? AND mac = ?";
const FIRST_KEPT = "SELECT timestamp FROM replays WHERE forget_at > ? ORDER BY timestamp LIMIT 1";
/** The timestamp at which a batch ends. */
const BATCH_END =
  "SELECT timestamp FROM replays WHERE timestamp < ? ORDER BY timestamp LIMIT 1 OFFSET ?";
const DELETE = "DELETE FROM replays WHERE timestamp < ?";

const MINUTE_MS = 60_000;
/** Minutes that are remembered: five weeks in which there was a request in each of them. */
const MAX_MINUTES = 50_000;
const MINUTES = "SELECT minute FROM replay_minutes ORDER BY minute";
const MINUTES_OF = `SELECT DISTINCT timestamp / ${MINUTE_MS} AS minute FROM replays WHERE timestamp < ?`;
const ADD_MINUTE = "INSERT OR IGNORE INTO replay_minutes (minute) VALUES (?)";
const REMOVE_MINUTE = "DELETE FROM replay_minutes WHERE minute = ?";

/**
 * A clock that is set forward makes entries go before their time, and set back again it would make
 * their signatures good once more. So the minutes of what has gone are kept, and nothing of them
 * counts again.
 */
export class SqliteReplayStore implements ReplayStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  /** In the order in which they were forgotten. */
  readonly #minutes: Set<number>;

  constructor(group: GroupCommit, reader: Connection) {
    this.#group = group;
    this.#reader = reader;
    this.#minutes = new Set(reader.all<{ minute: number }>(MINUTES).map(({ minute }) => minute));
  }

  async remember(signature: SeenSignature): Promise<Remembered> {
    const { timestamp, keyId, mac, forgetAt } = signature;
    if (this.#minutes.has(minuteOf(timestamp))) {
      return { fresh: false, isForgotten: true, durable: Promise.resolve() };
    }
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

  async has({ timestamp, keyId, mac }: SeenSignature): Promise<boolean> {
    const kept = mac.subarray(0, KEPT_BYTES);
    return this.#reader.get<{ known: number }>(HAS, timestamp, keyId, kept) !== undefined;
  }

  async prune(now: number): Promise<void> {
    // All before the first entry still needed are over, and all of their minutes: one range from the
    // front.
    const end =
      this.#reader.get<{ timestamp: number }>(FIRST_KEPT, now - MINUTE_MS)?.timestamp ??
      Number.MAX_SAFE_INTEGER;
    for (;;) {
      const cut = this.#reader.get<{ timestamp: number }>(BATCH_END, end, PRUNE_BATCH)?.timestamp;
      // Entries of one moment are removed together, however many they are.
      const upTo = cut === undefined ? end : cut + 1;
      const removed = await this.#group.write((connection) => {
        const before = Math.min(upTo, end);
        this.#forget(connection, before);
        return connection.run(DELETE, before).changes;
      });
      if (cut === undefined || removed === 0) return;
    }
  }

  /** Part of a write. Where it is undone, a minute too many is refused, which is over anyway. */
  #forget(connection: Connection, before: number): void {
    for (const { minute } of connection.all<{ minute: number }>(MINUTES_OF, before)) {
      connection.run(ADD_MINUTE, minute);
      this.#minutes.add(minute);
    }
    for (const minute of this.#minutes) {
      if (this.#minutes.size <= MAX_MINUTES) return;
      connection.run(REMOVE_MINUTE, minute);
      this.#minutes.delete(minute);
    }
  }
}

function minuteOf(timestamp: number): number {
  return Math.floor(timestamp / MINUTE_MS);
}
