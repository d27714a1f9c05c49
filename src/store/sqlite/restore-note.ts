import type { AuditDraft } from "../../contract/audit.ts";
import type { SqliteAuditStore } from "./audit-store.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Left in a restored database until its restore is in the audit log. */
const NAME = "store.restored";

const GET = "SELECT value FROM settings WHERE name = ?";
const SET = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)";
const REMOVE = "DELETE FROM settings WHERE name = ?";

/** Part of a restore: what its audit record will say. */
export function noteRestore(connection: Connection, details: AuditDraft["details"]): void {
  connection.run(SET, NAME, JSON.stringify(details ?? {}));
}

/** Appends `gateway.restored` once to a database that was restored; does nothing to any other. */
export function recordRestore(
  group: GroupCommit,
  reader: Connection,
  audit: SqliteAuditStore,
): void {
  const value = reader.get<{ value: string }>(GET, NAME)?.value;
  if (value === undefined) return;
  const writing = group.write((connection) => {
    const details = JSON.parse(value) as NonNullable<AuditDraft["details"]>;
    const time = new Date().toISOString();
    const sealed = audit.seal([{ type: "gateway.restored", key_id: null, time, details }]);
    connection.run(REMOVE, NAME);
    audit.write(connection, sealed, () => null);
  });
  // Who opens the store looks at the group's problem; until it is recorded the note stays.
  writing.catch(() => {});
}
