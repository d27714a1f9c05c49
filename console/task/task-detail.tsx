import { useState } from "react";
import type { TaskView } from "../../src/contract/task.ts";
import { useTask } from "../api/queries.ts";
import { DecideBar } from "../card/decide-bar.tsx";
import { PlanCard } from "../card/plan-card.tsx";
import { RevealProvider } from "../card/reveal.tsx";
import { isUndecided } from "../inbox/waiting.ts";
import { useTaskEvents } from "../live/use-task-events.ts";
import { RiskBadge, StatusBadge } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { AgentControls } from "./agent-controls.tsx";
import { Artifacts } from "./artifacts.tsx";
import { CancelButton } from "./cancel-button.tsx";
import { Outcome } from "./outcome.tsx";
import { Timeline } from "./timeline.tsx";

/** One task: to decide on while it waits, to watch while it runs, to look at afterwards. */
export function TaskDetail({ id, me }: { id: string; me: string }) {
  const { data: task, error, isPending } = useTask(id);
  if (task === undefined) {
    if (isPending) return <p className="loading">Asking the gateway…</p>;
    return <ProblemNote error={error} />;
  }
  return isUndecided(task) ? (
    <Undecided key={task.task_id} task={task} me={me} />
  ) : (
    <Decided key={task.task_id} task={task} />
  );
}

function Undecided({ task, me }: { task: TaskView; me: string }) {
  return (
    <RevealProvider key={task.plan_digest}>
      <div className="task undecided">
        <PlanCard task={task} undecided />
        <DecideBar task={task} me={me} />
      </div>
    </RevealProvider>
  );
}

const MAY_CANCEL: ReadonlySet<string> = new Set(["planned", "ready", "queued", "running"]);

function Decided({ task }: { task: TaskView }) {
  const works = task.status === "running" || task.status === "queued";
  const [again, setAgain] = useState(false);
  const events = useTaskEvents(task.task_id);
  const hasAgent = task.steps.some(({ action }) => action === "agent.task");
  return (
    <div className="task">
      <header className="task-head">
        <div className="badges">
          <StatusBadge status={task.status} />
          <RiskBadge risk={task.estimated_risk} />
        </div>
        <h2 className="plan-summary">
          <Inert text={task.plan_summary} />
        </h2>
        {works && (
          <div className="progress">
            <progress max={100} value={task.progress} aria-label="Progress" />
            {task.message !== undefined && (
              <p>
                <Inert text={task.message} />
              </p>
            )}
          </div>
        )}
        {MAY_CANCEL.has(task.status) && <CancelButton taskId={task.task_id} />}
      </header>
      {hasAgent && task.status === "running" && (
        <AgentControls taskId={task.task_id} events={events} />
      )}
      <Outcome task={task} />
      <Artifacts artifacts={task.artifacts} />
      <Timeline events={events} />
      <details
        className="plan-again"
        onToggle={({ currentTarget }) => setAgain(currentTarget.open)}
      >
        <summary>The plan, exactly</summary>
        {again && <PlanCard task={task} undecided={false} />}
      </details>
    </div>
  );
}
