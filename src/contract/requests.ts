import Type, { type Static } from "typebox";
import { Assertion } from "./people.ts";
import {
  Action,
  ArtifactView,
  Parameters,
  PlanDigest,
  PlanRequest,
  TaskError,
  TaskId,
  TaskResult,
  TaskStatus,
  TaskView,
} from "./task.ts";

export { PlanRequest, StepRequest } from "./task.ts";

const closed = { additionalProperties: false } as const;

export const ConfirmRequest = Type.Object(
  {
    task_id: TaskId,
    plan_digest: PlanDigest,
    decision: Type.Enum(["approve", "reject"]),
    reason: Type.Optional(Type.String({ maxLength: 2000 })),
    on_behalf_of: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    assertion: Type.Optional(Assertion),
    /** With `reject`: what the requester may plan instead. */
    proposal: Type.Optional(PlanRequest),
  },
  closed,
);
export type ConfirmRequest = Static<typeof ConfirmRequest>;

/** POST /confirm/challenge */
export const ChallengeRequest = Type.Object({ task_id: TaskId, plan_digest: PlanDigest }, closed);

/** POST /execute: what is repeated of the plan must equal it; what runs is the stored plan. */
export const ExecuteRequest = Type.Object(
  {
    task_id: TaskId,
    action: Type.Optional(Action),
    parameters: Type.Optional(Parameters),
  },
  { ...closed, examples: [{ task_id: "task_Yx7c2nQeT0mVbW3kPz8a1Q" }] },
);
export type ExecuteRequest = Static<typeof ExecuteRequest>;

export const ExecuteQuery = Type.Object(
  { wait: Type.Optional(Type.Number({ minimum: 0, maximum: 300, description: "seconds" })) },
  closed,
);

/** With `wait`, a finished task also carries result, error and artifacts. */
export const ExecuteView = Type.Object({
  task_id: TaskId,
  status: TaskStatus,
  message: Type.String(),
  confirmation_url: Type.Optional(Type.String()),
  result: Type.Optional(TaskResult),
  error: Type.Optional(Type.Union([TaskError, Type.Null()])),
  artifacts: Type.Optional(Type.Array(ArtifactView)),
});
export type ExecuteView = Static<typeof ExecuteView>;

export const TaskListQuery = Type.Object(
  {
    status: Type.Optional(TaskStatus),
    cursor: Type.Optional(Type.String({ pattern: "^[0-9]{1,15}$" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  },
  closed,
);
export type TaskListQuery = Static<typeof TaskListQuery>;

/** Newest first; `next_cursor` is absent on the last page. */
export const TaskList = Type.Object({
  tasks: Type.Array(TaskView),
  next_cursor: Type.Optional(Type.String()),
});
export type TaskList = Static<typeof TaskList>;

/** The path of what concerns one task. */
export const TaskParams = Type.Object({ task_id: TaskId });

/** POST /tasks/{id}/messages: a word to the agent that works on the task. */
export const MessageRequest = Type.Object(
  { message: Type.String({ minLength: 1, maxLength: 20_000 }) },
  closed,
);
export type MessageRequest = Static<typeof MessageRequest>;

export const StopRequest = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 2000 })) },
  closed,
);
export const StopView = Type.Object({
  stopped: Type.Boolean(),
  cancelled: Type.Optional(Type.Integer({ description: "tasks that were queued or running" })),
  recorded: Type.Optional(
    Type.Literal(false, { description: "the disk takes no record of it yet; see `note`" }),
  ),
  note: Type.Optional(Type.String({ description: "what that means" })),
});
export type StopView = Static<typeof StopView>;
