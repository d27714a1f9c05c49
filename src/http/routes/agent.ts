import Type from "typebox";
import { MessageRequest, TaskParams } from "../../contract/requests.ts";
import { TaskView } from "../../contract/task.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const EMPTY = Type.Object({}, { additionalProperties: false });

/** What a person tells the agent that works on a task. */
export function createAgentRoutes(deps: Pick<HttpDeps, "tasks">): Route[] {
  const instruction = {
    method: "POST",
    tag: "Tasks",
    access: ["confirm"],
    params: TaskParams,
    missing: "task_not_found",
    answers: { 200: { description: "The task, which goes on.", schema: TaskView } },
    errors: [
      "task_not_found",
      "state_changed",
      "task_rejected",
      "task_cancelled",
      "plan_corrupted",
      "plan_expired",
      "bytebot_error",
      "bytebot_unavailable",
      "stopped",
    ],
  } as const;
  return [
    route({
      ...instruction,
      path: "/tasks/{task_id}/messages",
      operationId: "sendMessage",
      summary: "Tell the agent something, or answer its question",
      description: "An agent that asked for help goes on with it.",
      body: MessageRequest,
      handle: ({ principal, params, body, request }) => {
        request.taskId = params.task_id;
        return deps.tasks.instruct(principal, params.task_id, { kind: "message", ...body });
      },
    }),
    route({
      ...instruction,
      path: "/tasks/{task_id}/takeover",
      operationId: "takeOver",
      summary: "Take the desktop from the agent",
      description: "The agent can do nothing until it is given back.",
      body: EMPTY,
      bodyOptional: true,
      handle: ({ principal, params, request }) => {
        request.taskId = params.task_id;
        return deps.tasks.instruct(principal, params.task_id, { kind: "takeover" });
      },
    }),
    route({
      ...instruction,
      path: "/tasks/{task_id}/resume",
      operationId: "giveBack",
      summary: "Give the desktop back to the agent",
      body: EMPTY,
      bodyOptional: true,
      handle: ({ principal, params, request }) => {
        request.taskId = params.task_id;
        return deps.tasks.instruct(principal, params.task_id, { kind: "resume" });
      },
    }),
  ];
}
