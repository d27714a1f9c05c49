import { limitRow, type Row } from "../row.ts";
import type { LogWatch } from "./log-watch.ts";
import type { KindSummary, Meter } from "./meter.ts";
import type { Delay, Rest } from "./vitals.ts";

export interface Outcome {
  /** As long as it was to last, and did. */
  readonly seconds: number;
  readonly lasted: number;
  /** The exit code or signal of a gateway that ended by itself. */
  readonly end: string | undefined;
  readonly meter: Meter;
  readonly log: LogWatch;
  readonly before: Rest;
  /** Missing where there is no process to ask any more. */
  readonly after?: Rest;
  readonly liveHeapMb?: number;
  readonly delays: readonly Delay[];
  /** 99 of 100 times the load generator's own event loop was late by at most this. */
  readonly ownDelayMs: number;
}

const ANSWER_MS = 250;
const STALL_MS = 50;
const MEMORY = 1.4;
/** Descriptors that may stay: connections kept alive, files of the database that opened later. */
const DESCRIPTORS = 10;

export function soakRows(outcome: Outcome): Row[] {
  const { seconds, lasted, end, meter, log, before, after, delays, ownDelayMs } = outcome;
  const windows = meter.windows();
  const worst = windows.reduce((most, next) => (next.p95 > most.p95 ? next : most), {
    from: 0,
    count: 0,
    p95: Number.NaN,
  });
  const slowest = windows.length === 0 ? worst : windows.toSorted((a, b) => b.p95 - a.p95)[0];
  const late = delays.toSorted((a, b) => b.max - a.max)[0];
  const kinds = meter.kinds();
  const never = kinds.filter(isNeverRight);
  const rows: Row[] = [
    {
      what: `soak of ${seconds} s: the process lives`,
      measured:
        end === undefined
          ? `${Math.round(lasted)} s`
          : `ended with ${end} after ${Math.round(lasted)} s`,
      target: `${seconds} s`,
      met: end === undefined,
    },
    limitRow(
      "soak: 95 of 100 answers within",
      meter.p95(),
      ANSWER_MS,
      " ms",
      `${meter.answers} answers; the load generator itself late by ${ownDelayMs.toFixed(0)} ms`,
    ),
    limitRow(
      "the same in the worst ten seconds",
      slowest?.p95 ?? Number.NaN,
      ANSWER_MS,
      " ms",
      `from second ${slowest?.from}, ${slowest?.count} answers`,
    ),
    limitRow(
      "soak: the event loop's longest stall",
      late?.max ?? Number.NaN,
      STALL_MS,
      " ms",
      `in second ${late?.at.toFixed(0)}; p99 of all looks ${Math.max(...delays.map(({ p99 }) => p99)).toFixed(0)} ms`,
    ),
    countRow("soak: unhandled rejections and exceptions", log.unhandled),
    countRow("soak: log lines of level error", log.errors),
    countRow("soak: warnings of Node", log.warnings),
    countRow("soak: answers that are not what they must be", meter.unexpected),
    {
      what: "soak: kinds of requests that never succeeded",
      measured: `${never.length} of ${kinds.length}`,
      target: "0",
      met: never.length === 0 && kinds.length > 0,
    },
  ];
  if (after === undefined) return rows;
  return [
    ...rows,
    limitRow(
      "soak: memory at rest after it, of that before",
      after.memoryMb / before.memoryMb,
      MEMORY,
      "×",
      `${mb(before.memoryMb)} → ${mb(after.memoryMb)}; heap ${mb(before.heapMb)} → ${mb(outcome.liveHeapMb)} alive`,
    ),
    limitRow(
      "soak: descriptors more than before",
      after.descriptors - before.descriptors,
      DESCRIPTORS,
      "",
    ),
    limitRow("soak: event streams left open", after.subscribers, 0, ""),
  ];
}

/** Every kind with its times and outcomes, and all that was wrong. */
export function tellDetails(outcome: Outcome, report: (progress: string) => void): void {
  const { meter, log, before, after } = outcome;
  const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0).padStart(7);
  report(`${"kind".padEnd(38)}${"answers".padStart(8)}     p50     p95     p99     max`);
  for (const kind of meter.kinds()) {
    const name = meter.isPatient(kind.kind) ? `${kind.kind} (waits)` : kind.kind;
    const times = [kind.p50, kind.p95, kind.p99, kind.max].map(ms).join(" ");
    const outcomes = [...kind.outcomes].map(([what, count]) => `${what} × ${count}`).join(", ");
    report(`${name.padEnd(38)}${String(kind.count).padStart(8)} ${times}  ${outcomes}`);
  }
  report(
    `p95 by ten seconds: ${meter
      .windows()
      .map(({ p95 }) => Math.round(p95))
      .join(" ")}`,
  );
  report(`longest stall: ${outcome.delays.map(({ max }) => Math.round(max)).join(" ")}`);
  report(`at rest before: ${JSON.stringify(before)}`);
  if (after !== undefined) report(`at rest after: ${JSON.stringify(after)}`);
  for (const wrong of [meter.unexpected, log.errors, log.warnings]) {
    for (const [what, count] of wrong) report(`wrong × ${count}: ${what}`);
  }
  for (const [what, line] of log.samples) report(`line of "${what}": ${line.slice(0, 3000)}`);
}

function countRow(what: string, counts: ReadonlyMap<string, number>): Row {
  const sum = counts.values().reduce((total, count) => total + count, 0);
  const first = counts.keys().next().value;
  return {
    what,
    measured: first === undefined ? "0" : `${sum} (${first.slice(0, 120)})`,
    target: "0",
    met: sum === 0,
  };
}

/** A soak in which something never worked has not shown that it works. */
function isNeverRight({ kind, outcomes }: KindSummary): boolean {
  return !kind.startsWith("wrong: ") && ![...outcomes.keys()].some((outcome) => /^2/.test(outcome));
}

function mb(value: number | undefined): string {
  return `${value?.toFixed(0)} MB`;
}
