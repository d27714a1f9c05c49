import type { AuditDraft, AuditRecord } from "../contract/audit.ts";
import type { ApprovalView, TaskStatus } from "../contract/task.ts";
import { TASK_STATUSES } from "../contract/task.ts";
import type { Plan, TaskState } from "./task.ts";
import { isFinished, isPending } from "./transitions.ts";

/** What the sealed records of a task say of it: all that is believed of its row. */
export interface SealedHistory {
  readonly digest: string;
  readonly requester: string | null;
  /** An entry for each approval, in order; see `approvalText`. */
  readonly approvals: readonly string[];
  /** Execute was asked for. */
  readonly asked: boolean;
  readonly started: boolean;
  readonly ended: boolean;
}

type Entry = Pick<AuditDraft, "type" | "key_id" | "details">;

const ENDS: ReadonlySet<string> = new Set(
  TASK_STATUSES.filter(isFinished).map((status) => `task.${status}`),
);
const ASKS: ReadonlySet<string> = new Set([
  "task.awaiting_confirmation",
  "task.queued",
  "task.started",
]);

/** The history that records tell whose seals hold; undefined where none tells of the planning. */
export function readHistory(
  records: readonly AuditRecord[],
  isSealed: (record: AuditRecord) => boolean,
): { readonly history: SealedHistory; readonly planned: AuditRecord } | undefined {
  const sealed = records.filter(isSealed);
  const planned = sealed.find(({ type }) => type === "task.planned");
  if (planned === undefined) return undefined;
  const history = sealed.reduce(addEntry, historyOf(planned));
  return { history, planned };
}

/** Of a task that was planned and nothing else. */
export function historyOf({ key_id, details }: Entry): SealedHistory {
  return {
    digest: String(details?.plan_digest),
    requester: key_id,
    approvals: [],
    asked: false,
    started: false,
    ended: false,
  };
}

/** A history with one more of the task's records. */
export function addEntry(history: SealedHistory, { type, key_id, details }: Entry): SealedHistory {
  if (type === "task.confirmed") {
    const text = approvalText(key_id, { ...details, touched: details?.assertion !== undefined });
    return { ...history, approvals: [...history.approvals, text] };
  }
  if (ENDS.has(type)) return { ...history, ended: true };
  if (!ASKS.has(type)) return history;
  return { ...history, asked: true, started: history.started || type === "task.started" };
}

/** How a task's row contradicts its records; undefined where it does not. */
export function findDifference(
  plan: Pick<Plan, "mode" | "approvals">,
  state: TaskState,
  history: SealedHistory,
): string | undefined {
  const { status, approvals } = state;
  const kept = approvals.map(textOf);
  const sealed = history.approvals;
  if (kept.length !== sealed.length || kept.some((text, index) => text !== sealed[index])) {
    return "its approvals are not those in the audit log";
  }
  if (isFinished(status)) return undefined;
  if (history.ended) return "it had ended already, as the audit log has it";
  if (history.started && isPending(status)) return "it had begun already, as the audit log has it";
  if (!history.asked && (state.executed || COMES_AFTER_ASKING.has(status))) {
    return "nobody asked for it to be executed, as the audit log has it";
  }
  const isApproved = plan.mode !== "approver" || approvals.length >= plan.approvals;
  if (!isApproved && COMES_AFTER_APPROVAL.has(status)) return "nobody approved it";
  return undefined;
}

const COMES_AFTER_ASKING: ReadonlySet<TaskStatus> = new Set(["queued", "running"]);
const COMES_AFTER_APPROVAL: ReadonlySet<TaskStatus> = new Set(["ready", "queued", "running"]);

function textOf({ key_id, touched, ...rest }: ApprovalView): string {
  return approvalText(key_id, { ...rest, touched: touched !== undefined });
}

/** What an approval and its record have in common. */
function approvalText(
  keyId: string | null,
  { plan_digest, via, grant_id, on_behalf_of, touched }: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify([keyId, plan_digest, via, grant_id, on_behalf_of, touched]);
}
