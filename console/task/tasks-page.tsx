import { useInfiniteQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link } from "wouter";
import { kept, useRefresh } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useLiveEvents } from "../live/live-provider.tsx";
import { Requester, RiskBadge, StatusBadge } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";
import { type StatusChoice, TASK_STATUS_CHOICES } from "./status-choices.ts";

const PAGE = 50;
const PAUSE_MS = 1500;
/** Of everything that changes a row, progress aside: it would be asked for all the time. */
const SETTLES = /^task_(?!progress)/;

/** All tasks there are, the newest first. */
export function TasksPage() {
  const [status, setStatus] = useState<StatusChoice>("");
  const refresh = useRefresh();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useInfiniteQuery({
      queryKey: [...kept.tasks, status],
      queryFn: ({ pageParam, signal }) =>
        service.tasks(
          {
            limit: PAGE,
            ...(status !== "" && { status }),
            ...(pageParam !== undefined && { cursor: pageParam }),
          },
          signal,
        ),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor,
    });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLiveEvents(({ event }) => {
    if (!SETTLES.test(event)) return;
    // Events that come together make one question.
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      refresh(kept.tasks);
    }, PAUSE_MS);
  });
  const tasks = data?.pages.flatMap((page) => page.tasks) ?? [];
  return (
    <div className="page">
      <header className="page-head">
        <h1>Tasks</h1>
        <label className="inline-field">
          <span>Show</span>
          <select
            value={status}
            onChange={(event) => setStatus(event.target.value as StatusChoice)}
          >
            {TASK_STATUS_CHOICES.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
      </header>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      {data !== undefined && tasks.length === 0 && <p className="hint">There is none.</p>}
      <ul className="task-list">
        {tasks.map((task) => (
          <li key={task.task_id}>
            <Link className="row" href={`/console/tasks/${task.task_id}`}>
              <span className="row-top">
                <StatusBadge status={task.status} />
                <RiskBadge risk={task.estimated_risk} />
                <Moment at={task.created_at} />
              </span>
              <span className="row-summary">
                <Inert text={task.plan_summary} />
              </span>
              <span className="row-by">
                <Requester keyId={task.requester} by={task.requested_by} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show earlier ones
        </button>
      )}
    </div>
  );
}
