import type { StatisticsView } from "../contract/operate.ts";
import { type ApproverCounts, addApprover, type DayCounts, emptyDay } from "./day-counts.ts";
import { addHistogram, countOf, type Histogram, quantile } from "./histogram.ts";

type View = Pick<StatisticsView, "tasks" | "decisions" | "waiting" | "approvers">;

/** Approvers shown, those with the most decisions. */
const MAX_SHOWN = 100;

/** The counts of these days, as they are shown. */
export function viewStatistics(
  names: readonly string[],
  counts: ReadonlyMap<string, DayCounts>,
  nameOf: (keyId: string) => string | undefined,
): View {
  const days = names.map((day) => ({ day, ...(counts.get(day) ?? emptyDay()) }));
  return {
    tasks: days.map(({ day, tasks }) => ({
      day,
      planned: tasks.planned ?? 0,
      completed: tasks.completed ?? 0,
      failed: tasks.failed ?? 0,
      rejected: tasks.rejected ?? 0,
      expired: tasks.expired ?? 0,
      cancelled: tasks.cancelled ?? 0,
      interrupted: tasks.interrupted ?? 0,
    })),
    decisions: days.map(({ day, approved, rejected }) => ({ day, approved, rejected })),
    waiting: viewWaiting(days),
    approvers: viewApprovers(days, nameOf),
  };
}

function viewWaiting(days: readonly DayCounts[]): View["waiting"] {
  const took: Histogram = {};
  for (const day of days) addHistogram(took, day.took);
  const longest = Math.max(...days.flatMap(({ max_s }) => max_s ?? []));
  const [p50, p95] = [quantile(took, 0.5), quantile(took, 0.95)];
  return {
    count: countOf(took),
    ...(p50 !== undefined && { p50_s: p50 }),
    ...(p95 !== undefined && { p95_s: p95 }),
    ...(Number.isFinite(longest) && { max_s: longest }),
  };
}

function viewApprovers(
  days: readonly DayCounts[],
  nameOf: (keyId: string) => string | undefined,
): View["approvers"] {
  const all = new Map<string, ApproverCounts>();
  for (const [keyId, counts] of days.flatMap(({ approvers }) => Object.entries(approvers))) {
    const sum = all.get(keyId) ?? { approved: 0, rejected: 0, took: {}, under_two_seconds: 0 };
    addApprover(sum, counts);
    all.set(keyId, sum);
  }
  return [...all]
    .map(([key_id, { approved, rejected, took, fastest_s, under_two_seconds }]) => {
      const name = nameOf(key_id);
      const median = quantile(took, 0.5);
      return {
        key_id,
        ...(name !== undefined && { name }),
        decisions: approved + rejected,
        ...(median !== undefined && { median_s: median }),
        ...(fastest_s !== undefined && { fastest_s }),
        under_two_seconds,
      };
    })
    .sort((a, b) => b.decisions - a.decisions)
    .slice(0, MAX_SHOWN);
}
