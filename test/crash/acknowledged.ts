import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import type { TaskStatus, TaskView } from "../../src/contract/task.ts";
import type { StreamEvent } from "../support/events.ts";
import type { Gateway } from "../support/gateway.ts";

/** A signed request as it was sent: sending it once more is a replay. */
export interface SentRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What a task is to do. */
export interface Job {
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** For a write: the file and what the task puts in it, which no other task does. */
  readonly effect?: { readonly path: string; readonly content: string };
}

/** What a client was told of one task. */
export interface Told {
  readonly job: Job;
  /** The furthest status that an answer named. */
  status: TaskStatus;
  approved: boolean;
  /** An execute call left; whether it arrived is not known. */
  executing: boolean;
  /** The answer of a finished task. */
  outcome?: Pick<TaskView, "status" | "result" | "error">;
}

/** How far along a status is; a later one never goes back to an earlier. */
const PLACE: Readonly<Record<TaskStatus, number>> = {
  planned: 0,
  awaiting_confirmation: 1,
  ready: 1,
  queued: 2,
  running: 3,
  completed: 4,
  failed: 4,
  cancelled: 4,
  interrupted: 4,
  rejected: 4,
  expired: 4,
};

/** An execute call says `running` of a queued task as well. */
const placeTold = (status: TaskStatus) => PLACE[status === "running" ? "queued" : status];

/** Everything that answers and streams acknowledged before the process was killed. */
export class Acknowledged {
  readonly tasks = new Map<string, Told>();
  readonly events = new Map<number, StreamEvent>();
  signatures: SentRequest[] = [];

  planned(taskId: string, job: Job): Told {
    const told: Told = { job, status: "planned", approved: false, executing: false };
    this.tasks.set(taskId, told);
    return told;
  }

  reached(told: Told, status: TaskStatus): void {
    if (placeTold(status) > placeTold(told.status)) told.status = status;
  }

  streamed(events: readonly StreamEvent[]): void {
    for (const event of events) this.events.set(event.id, event);
  }

  /** Nothing that was acknowledged of a task is lost. */
  check(task: TaskView): void {
    const told = this.tasks.get(task.task_id);
    if (told === undefined) return;
    const { status, result, error, approvals } = task;
    if (told.outcome !== undefined) expect({ status, result, error }).toEqual(told.outcome);
    const place = { task: task.task_id, told: told.status, status };
    expect(PLACE[status], JSON.stringify(place)).toBeGreaterThanOrEqual(placeTold(told.status));
    if (told.approved) expect(approvals.map(({ key_id }) => key_id)).toEqual(["approver"]);
  }

  /** I5: the effect is there exactly as often as the task's status says. */
  checkEffect(gateway: Gateway, { task_id, status }: TaskView): void {
    const effect = this.tasks.get(task_id)?.job.effect;
    if (effect === undefined) return;
    const file = gateway.file(effect.path);
    const there = existsSync(file) ? readFileSync(file, "utf8") : "";
    const times = there === effect.content ? 1 : there === "" ? 0 : there;
    const allowed = status === "completed" ? [1] : status === "interrupted" ? [0, 1] : [0];
    expect(allowed, `${task_id} is ${status}, its effect is there: ${times}`).toContain(times);
  }
}
