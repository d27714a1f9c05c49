import type { Records } from "../task-store.ts";
import type { Grant } from "./grant.ts";

/** What is recorded with a new grant. */
export function createdRecords(grant: Grant): Records {
  const { id, created_at: time, granted_by, on_task, risk, key_id, ...more } = grant;
  const { desktop, action, scope, expires_at } = more;
  return {
    events: [
      {
        event: "grant_created",
        task_id: on_task,
        owner: key_id,
        timestamp: time,
        data: { grant_id: id, action, ...scope, expires_at },
      },
    ],
    audit: [
      {
        type: "grant.created",
        key_id: granted_by,
        time,
        task_id: on_task,
        details: {
          grant_id: id,
          requester: key_id,
          desktop,
          action,
          ...scope,
          risk,
          expires_at,
        },
      },
    ],
  };
}

/** What is recorded with a grant's end. `keyId`: who ended it; null where it ended by itself. */
export function endedRecords(grant: Grant, keyId: string | null, reason: string): Records {
  const timestamp = new Date().toISOString();
  const { id, key_id, granted_by, used } = grant;
  return {
    events: [
      {
        event: "grant_ended",
        task_id: null,
        owner: key_id,
        timestamp,
        data: { grant_id: id },
      },
    ],
    audit: [
      {
        type: "grant.ended",
        key_id: keyId,
        time: timestamp,
        details: { grant_id: id, requester: key_id, granted_by, used, reason },
      },
    ],
  };
}
