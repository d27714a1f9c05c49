import type { RecordedPlan, RecordedPlans } from "../../admin/recorded-plans.ts";
import type { Connection } from "./connection.ts";

/** Bytes of a plan, and of what is shown of it, that are still looked at. */
const MAX_BYTES = 1024 * 1024;
const READ = `
  SELECT tasks.seq, id, requester, created_at, digest,
    CASE WHEN octet_length(plan) <= ${MAX_BYTES} THEN plan END AS plan,
    CASE WHEN octet_length(notes) <= ${MAX_BYTES} THEN (
      SELECT json_group_array(json_object(
        'summary', step.value -> '$.summary', 'reasons', step.value -> '$.reasons'
      )) FROM json_each(notes, '$.steps') AS step
    ) END AS steps
  FROM tasks CROSS JOIN plans ON plans.seq = tasks.seq
  WHERE tasks.seq < ? ORDER BY tasks.seq DESC LIMIT ?`;

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly requester: string;
  readonly created_at: string;
  readonly digest: string;
  readonly plan: string | null;
  readonly steps: string | null;
}

/** Reads on a connection of its own, so that what requests read stays in the cache of theirs. */
export class SqliteRecordedPlans implements RecordedPlans {
  readonly #open: () => Connection;

  constructor(open: () => Connection) {
    this.#open = open;
  }

  async read(before: number, limit: number): Promise<RecordedPlan[]> {
    return this.#open()
      .all<Row>(READ, before, limit)
      .map(({ id, plan, steps, seq, requester, created_at, digest }) => ({
        seq,
        task_id: id,
        requester,
        created_at,
        digest,
        // Without its reasons a plan cannot be decided anew either.
        ...(plan !== null && steps !== null && { plan }),
        steps: steps === null ? [] : (JSON.parse(steps) as RecordedPlan["steps"]),
      }));
  }
}
