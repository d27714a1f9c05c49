import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { StatisticsView } from "../../src/contract/operate.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";
import { ApproversTable } from "./approvers-table.tsx";
import { type ChartDay, DayChart, type Series } from "./day-chart.tsx";
import { seconds } from "./seconds.ts";
import { Tiles } from "./tiles.tsx";

const PERIODS = [7, 14, 30, 90] as const;
const USUAL = 14;
/** While the service still counts what was recorded before. */
const CATCHING_UP_MS = 2000;

/** How tasks end, how decisions fall, and how long people take for them. */
export function StatisticsPart() {
  const [days, setDays] = useState<number>(USUAL);
  const { data, error, isPending } = useQuery({
    queryKey: keptForOperators.statistics(days),
    queryFn: ({ signal }) => operate.statistics(days, signal),
    refetchInterval: ({ state }) => (state.data?.complete === false ? CATCHING_UP_MS : false),
    placeholderData: (before) => before,
  });
  return (
    <>
      <div className="list-head">
        <label className="inline-field">
          <span>The last</span>
          <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {PERIODS.map((period) => (
              <option key={period} value={period}>
                {period} days
              </option>
            ))}
          </select>
        </label>
        <p className="hint" role="status">
          {data?.complete === false && "Still counting what was recorded before. "}
          {data?.up_to !== undefined && (
            <>
              As of <Moment at={data.up_to} />
            </>
          )}
        </p>
      </div>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      {data !== undefined && <Shown view={data} />}
    </>
  );
}

const OUTCOMES = [
  { id: "completed", name: "done" },
  { id: "failed", name: "failed" },
  { id: "interrupted", name: "interrupted" },
  { id: "rejected", name: "rejected" },
  { id: "expired", name: "expired" },
  { id: "cancelled", name: "cancelled" },
] as const satisfies readonly Series[];

const DECISIONS = [
  { id: "approved", name: "approved" },
  { id: "rejected", name: "rejected" },
] as const satisfies readonly Series[];

function Shown({ view }: { view: StatisticsView }) {
  const { waiting } = view;
  const tasks: ChartDay[] = view.tasks.map((day) => ({
    day: day.day,
    values: OUTCOMES.map(({ id }) => day[id]),
  }));
  const decisions: ChartDay[] = view.decisions.map((day) => ({
    day: day.day,
    values: DECISIONS.map(({ id }) => day[id]),
  }));
  return (
    <div className="statistics">
      <DayChart title="Tasks a day, by how they ended" series={OUTCOMES} days={tasks} />
      <DayChart title="Decisions a day" series={DECISIONS} days={decisions} />
      <section aria-labelledby="waiting">
        <h2 id="waiting">How long plans wait for a person</h2>
        {waiting.count === 0 ? (
          <p className="hint">Nothing was decided in these days.</p>
        ) : (
          <Tiles
            tiles={[
              { name: "decisions", value: waiting.count },
              { name: "half within", value: seconds(waiting.p50_s) },
              { name: "95 of 100 within", value: seconds(waiting.p95_s) },
              { name: "the longest", value: seconds(waiting.max_s) },
            ]}
          />
        )}
      </section>
      <ApproversTable approvers={view.approvers} />
    </div>
  );
}
