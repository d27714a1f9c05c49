import { isDeepStrictEqual } from "node:util";
import type { AuditStore } from "../audit/audit-store.ts";
import type { AuditRecord } from "../contract/audit.ts";
import type { TaskError } from "../contract/task.ts";
import { RecentMap } from "../lib/recent-map.ts";
import type { Grant } from "./grants/grant.ts";
import { createdRecords } from "./grants/grant-records.ts";
import { accountOf } from "./planned-account.ts";
import {
  addEntry,
  findDifference,
  historyOf,
  readHistory,
  type SealedHistory,
} from "./sealed-history.ts";
import { PlanBytesReader } from "./stored-plan.ts";
import type { Task, TaskState } from "./task.ts";
import type { Records, StoredTask, TaskStore } from "./task-store.ts";
import { isFinished } from "./transitions.ts";

export interface TaskReaderDeps {
  readonly store: Pick<TaskStore, "get" | "getWithRecords">;
  readonly audit: Pick<AuditStore, "read">;
  /** Whether a record of the audit log carries this gateway's seal. */
  readonly isSealed: (record: AuditRecord) => boolean;
}

/** Records read at a time. */
const PAGE = 1000;
/** Tasks whose history is kept in memory. */
const MAX_HISTORIES = 4096;

/**
 * Reads tasks from the store and believes none of it (I19): the bytes of the plan are compared with
 * its digest, that with what the audit log sealed when it was planned, and approvals with their
 * sealed records. The history of tasks that this process has moved itself is in memory, so that the
 * audit log is read only where the two differ, and after a restart.
 */
export class TaskReader {
  readonly #deps: TaskReaderDeps;
  readonly #plans = new PlanBytesReader();
  readonly #histories = new RecentMap<string, SealedHistory>(MAX_HISTORIES);

  constructor(deps: TaskReaderDeps) {
    this.#deps = deps;
  }

  /** A task that contradicts itself or the audit log has a `corruption`. */
  async read(id: string): Promise<Task | undefined> {
    const stored = await this.#deps.store.get(id);
    if (stored === undefined) return undefined;
    const history = this.#histories.get(id);
    if (history !== undefined) {
      const task = this.#check(stored, history);
      if ("state" in task) return task;
    }
    return this.#readWithRecords(id);
  }

  /** Told of what was committed with a new task, or a change of one. */
  note(id: string, { audit }: Pick<Records, "audit">): void {
    let history = this.#histories.get(id);
    for (const record of audit) {
      if (record.type === "task.planned") history = historyOf(record);
      else if (history !== undefined) history = addEntry(history, record);
    }
    if (history !== undefined) this.#histories.set(id, history);
  }

  /** Whether the audit log has the sealed record of a grant being given, with all that it says. */
  async wasGiven(grant: Grant): Promise<boolean> {
    const [wanted] = createdRecords(grant).audit;
    for (let after = 0; ; ) {
      const records = await this.#deps.audit.read(after, PAGE, grant.on_task);
      const given = records.some(
        (record) =>
          record.type === wanted?.type &&
          record.key_id === wanted.key_id &&
          isDeepStrictEqual(record.details, wanted.details) &&
          this.#deps.isSealed(record),
      );
      const last = records.at(-1);
      if (given || last === undefined || records.length < PAGE) return given;
      after = last.seq;
    }
  }

  async #readWithRecords(id: string): Promise<Task | undefined> {
    const found = await this.#deps.store.getWithRecords(id);
    if (found === undefined) return undefined;
    const { task: stored, records } = found;
    const sealed = readHistory(records, this.#deps.isSealed);
    if (sealed === undefined) {
      return corrupted(stored, undefined, "the audit log has no sealed record of its planning");
    }
    this.#histories.set(id, sealed.history);
    const task = this.#check(stored, sealed.history);
    if ("state" in task) return task;
    if (isDropped(stored, sealed.history)) return withoutBody(stored, stored.state, sealed.planned);
    return corrupted(stored, sealed.planned, task.problem);
  }

  #check(stored: StoredTask, history: SealedHistory): Task | { readonly problem: string } {
    const { seq, revision, id, requester, created_at, digest, state } = stored;
    if (state === undefined) return { problem: "its state cannot be read" };
    if (digest !== history.digest) return { problem: "its digest is not the one in the audit log" };
    const read = this.#plans.read(stored);
    if ("problem" in read) return read;
    const { plan, notes } = read;
    if (plan.task_id !== id) return { problem: "its plan is another task's" };
    if (plan.requester !== requester || history.requester !== requester) {
      return { problem: "it was planned by another key" };
    }
    const problem = findDifference(plan, state, history);
    if (problem !== undefined) return { problem };
    return { seq, revision, id, requester, created_at, plan, digest, notes, state };
  }
}

type Dropped = StoredTask & { readonly state: TaskState };

/** The body of a plan that ended without having begun may have been dropped. */
function isDropped(stored: StoredTask, history: SealedHistory): stored is Dropped {
  const { canonicalPlan, state, digest, requester } = stored;
  return (
    canonicalPlan === "" &&
    state !== undefined &&
    isFinished(state.status) &&
    !history.started &&
    digest === history.digest &&
    requester === history.requester
  );
}

function withoutBody(stored: StoredTask, state: TaskState, planned: AuditRecord): Task {
  const { seq, revision, id, requester, created_at, digest } = stored;
  return {
    seq,
    revision,
    id,
    requester,
    created_at,
    digest,
    state,
    ...accountOf(stored, planned),
    isAccount: true,
  };
}

/** What may be shown of it: what the audit log tells, and nothing that the row alone says. */
function corrupted(stored: StoredTask, planned: AuditRecord | undefined, corruption: string): Task {
  const { seq, revision, id, created_at, state } = stored;
  return {
    seq,
    revision,
    id,
    requester: planned?.key_id ?? stored.requester,
    created_at,
    digest: digestOf(stored, planned),
    ...accountOf(stored, planned),
    state: {
      status: state?.status ?? "planned",
      executed: false,
      approvals: [],
      progress: 0,
      result: null,
      error: corruptionError(corruption),
      ...(state?.started_at !== undefined && { started_at: state.started_at }),
      ...(state?.finished_at !== undefined && { finished_at: state.finished_at }),
    },
    corruption,
    isAccount: true,
  };
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const NO_DIGEST = `sha256:${"0".repeat(64)}`;

function digestOf({ digest }: StoredTask, planned: AuditRecord | undefined): string {
  const sealed = planned?.details?.plan_digest;
  return [sealed, digest].map(String).find((text) => DIGEST.test(text)) ?? NO_DIGEST;
}

export function corruptionError(corruption: string): TaskError & { readonly hint: string } {
  return {
    code: "plan_corrupted",
    detail: `What is stored of this task is not what was planned and approved: ${corruption}.`,
    hint: "Somebody or something else changed the database. Run `bytebot-gateway audit verify`, look at who can write DATA_DIR, and plan it again.",
  };
}
