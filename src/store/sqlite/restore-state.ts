import { existsSync } from "node:fs";
import type { AuditHead } from "../../audit/audit-store.ts";
import type { TaskError } from "../../contract/task.ts";
import type { TaskState } from "../../tasks/task.ts";
import { readHead } from "./audit-store.ts";
import { Connection } from "./connection.ts";
import { codeOf, OPEN_END } from "./task-row.ts";

/** What must not go back in time with a restore. */
const CARRY_OVER = [
  // A signature used since the backup stays used.
  `INSERT OR IGNORE INTO replays (timestamp, key_id, mac, forget_at)
     SELECT timestamp, key_id, mac, forget_at FROM previous.replays`,
  // The gateway's own state is that of now: what was stopped stays stopped.
  `INSERT OR REPLACE INTO settings (name, value)
     SELECT name, value FROM previous.settings WHERE name NOT LIKE 'store.%'`,
  // Ids of events and tasks given since the backup are not given again.
  `UPDATE sqlite_sequence SET seq = max(seq, coalesce(
     (SELECT old.seq FROM previous.sqlite_sequence AS old WHERE old.name = sqlite_sequence.name), 0))`,
  `INSERT INTO sqlite_sequence (name, seq)
     SELECT name, seq FROM previous.sqlite_sequence
     WHERE name NOT IN (SELECT name FROM main.sqlite_sequence)`,
];

const CARRY_MINUTES_OVER =
  "INSERT OR IGNORE INTO replay_minutes (minute) SELECT minute FROM previous.replay_minutes";

/** Who may sign in is as it is now too, where there was anybody: who was removed stays removed. */
const HAS_PEOPLE = "SELECT 1 FROM previous.people_records WHERE kind = 'person' LIMIT 1";
const REPLACE_PEOPLE = `
  DELETE FROM people_records;
  INSERT INTO people_records (kind, id, body) SELECT kind, id, body FROM previous.people_records`;
/** In a backup: they may have ended since. */
const END_SESSIONS = "DELETE FROM people_records WHERE kind IN ('session', 'link')";

/**
 * Carries over from the database that is replaced, as far as it can be read: a restore is often
 * made because it cannot. Returns the place its audit log had reached.
 */
export function bringUpToDate(connection: Connection, previous: string): AuditHead | undefined {
  connection.exec(END_SESSIONS);
  if (!existsSync(previous)) return undefined;
  try {
    let head: AuditHead;
    {
      // Opened for writing once, so that what stands in its log is taken in.
      using old = new Connection(previous, { readOnly: false });
      head = readHead(old);
    }
    connection.run("ATTACH ? AS previous", previous);
    try {
      for (const statement of CARRY_OVER) connection.exec(statement);
      if (wasThere(connection, "replay_minutes")) connection.exec(CARRY_MINUTES_OVER);
      carryPeopleOver(connection);
    } finally {
      connection.exec("DETACH previous");
    }
    return head.seq === 0 ? undefined : head;
  } catch {
    return undefined;
  }
}

function carryPeopleOver(connection: Connection): void {
  if (!wasThere(connection, "people_records")) return;
  if (connection.get(HAS_PEOPLE) !== undefined) connection.exec(REPLACE_PEOPLE);
}

/** Tables that a database of an earlier version lacks. */
function wasThere(connection: Connection, table: string): boolean {
  const sql = "SELECT 1 AS found FROM previous.sqlite_schema WHERE name = ?";
  return connection.get(sql, table) !== undefined;
}

const OPEN = `SELECT seq, state FROM tasks WHERE status < ${OPEN_END}`;
const END = `
  UPDATE tasks SET status = ?, revision = revision + 1, finished_at = ?, state = ? WHERE seq = ?`;

const OUTCOME_UNKNOWN: TaskError = {
  code: "outcome_unknown",
  detail: "The gateway was restored from a backup in which this task was under way.",
  hint: "Look at the desktop before planning it again: it may have run since the backup.",
};

/**
 * Ends every task that was under way in the backup: it may have run since, and nothing runs twice.
 * Its grants end too, because they may have been revoked since. What was to run is `interrupted`, what only waited for a decision `expired`. Says how many.
 */
export function endOpenTasks(connection: Connection): number {
  const now = new Date().toISOString();
  connection.run("DELETE FROM grants");
  const open = connection.all<{ seq: number; state: string }>(OPEN);
  for (const { seq, state } of open) {
    const before = JSON.parse(state) as TaskState;
    const started = before.executed || before.approvals.length > 0;
    const after: TaskState = {
      ...before,
      status: started ? "interrupted" : "expired",
      finished_at: now,
      ...(started && { error: OUTCOME_UNKNOWN }),
    };
    connection.run(END, codeOf(after.status), now, JSON.stringify(after), seq);
  }
  return open.length;
}
