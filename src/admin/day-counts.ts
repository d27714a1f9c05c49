import { addDuration, addHistogram, type Histogram } from "./histogram.ts";

/** What of an audit record is counted. */
export interface CountedRecord {
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  readonly key_id: string | null;
  /** How an approval was given: `grant` is no person's decision. */
  readonly via: string | null;
  /** When its task was planned; null where that is not kept any more. */
  readonly planned_at: string | null;
}

export interface ApproverCounts {
  approved: number;
  rejected: number;
  /** Of those whose duration is known. */
  took: Histogram;
  fastest_s?: number;
  under_two_seconds: number;
}

/** One day, UTC. */
export interface DayCounts {
  readonly tasks: Record<string, number>;
  approved: number;
  rejected: number;
  readonly took: Histogram;
  max_s?: number;
  readonly approvers: Record<string, ApproverCounts>;
}

/** Approvers told apart in a day; what others decide is counted without their names. */
const MAX_APPROVERS = 500;
const HASTY_S = 2;

const OUTCOMES: ReadonlySet<string> = new Set([
  "planned",
  "completed",
  "failed",
  "rejected",
  "expired",
  "cancelled",
  "interrupted",
]);

export function emptyDay(): DayCounts {
  return { tasks: {}, approved: 0, rejected: 0, took: {}, approvers: {} };
}

export function countRecord(day: DayCounts, record: CountedRecord): void {
  const [family, what = ""] = record.type.split(".");
  if (family !== "task") return;
  if (OUTCOMES.has(what)) day.tasks[what] = (day.tasks[what] ?? 0) + 1;
  const isDecision = what === "confirmed" || what === "rejected";
  if (!isDecision || record.key_id === null || record.via === "grant") return;
  countDecision(day, record, record.key_id, what === "confirmed" ? "approved" : "rejected");
}

function countDecision(
  day: DayCounts,
  { time, planned_at }: CountedRecord,
  keyId: string,
  decision: "approved" | "rejected",
): void {
  day[decision]++;
  const seconds =
    planned_at === null ? Number.NaN : (Date.parse(time) - Date.parse(planned_at)) / 1000;
  // The clock may have been set back in between.
  const isKnown = seconds >= 0;
  if (isKnown) {
    addDuration(day.took, seconds);
    day.max_s = Math.max(day.max_s ?? 0, seconds);
  }
  const approver = approverOf(day, keyId);
  if (approver === undefined) return;
  approver[decision]++;
  if (!isKnown) return;
  addDuration(approver.took, seconds);
  approver.fastest_s = Math.min(approver.fastest_s ?? Number.POSITIVE_INFINITY, seconds);
  if (decision === "approved" && seconds < HASTY_S) approver.under_two_seconds++;
}

function approverOf(day: DayCounts, keyId: string): ApproverCounts | undefined {
  if (!Object.hasOwn(day.approvers, keyId)) {
    if (Object.keys(day.approvers).length >= MAX_APPROVERS) return undefined;
    day.approvers[keyId] = { approved: 0, rejected: 0, took: {}, under_two_seconds: 0 };
  }
  return day.approvers[keyId];
}

/** Adds the counts of another day of the same approver. */
export function addApprover(to: ApproverCounts, from: ApproverCounts): void {
  to.approved += from.approved;
  to.rejected += from.rejected;
  to.under_two_seconds += from.under_two_seconds;
  addHistogram(to.took, from.took);
  const fastest = Math.min(
    to.fastest_s ?? Number.POSITIVE_INFINITY,
    from.fastest_s ?? Number.POSITIVE_INFINITY,
  );
  if (Number.isFinite(fastest)) to.fastest_s = fastest;
}
