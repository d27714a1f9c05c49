import type { IncomingHttpHeaders } from "node:http";
import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import {
  ConfirmRequest,
  ExecuteQuery,
  ExecuteRequest,
  ExecuteView,
  PlanRequest,
  TaskList,
  TaskListQuery,
  TaskParams,
} from "../../contract/requests.ts";
import { PlanView, TaskView } from "../../contract/task.ts";
import { jsonAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { NEVER } from "../pending-waits.ts";
import { type Route, route } from "../route.ts";

/** Plan → confirm → execute, and looking at what became of it. */
export function createTaskRoutes(deps: Pick<HttpDeps, "tasks">): Route[] {
  return [
    route({
      method: "POST",
      path: "/plan",
      operationId: "plan",
      summary: "Plan an action, or several steps",
      description:
        "Checks the request against policy and answers what would run. Nothing runs yet. A single action goes in `action` and `parameters`, several in `steps`.",
      tag: "Tasks",
      access: ["plan"],
      signs: "body",
      headers: {
        "Idempotency-Key":
          "Up to 255 visible ASCII characters. The same key with the same body answers the same plan.",
      },
      body: PlanRequest,
      answers: { 200: { description: "The plan.", schema: PlanView } },
      errors: [
        "capability_unknown",
        "capability_disabled",
        "path_not_allowed",
        "domain_not_allowed",
        "command_not_allowed",
        "application_not_allowed",
        "plan_mismatch",
        "file_too_large",
        "queue_full",
        "desktop_unavailable",
        "bytebot_error",
        "bytebot_unavailable",
        "stopped",
        "timeout",
      ],
      handle: async ({ principal, body, request }) => {
        const plan = await deps.tasks.plan(principal, body, {
          idempotencyKey: idempotencyKey(request.headers),
        });
        request.taskId = plan.task_id;
        return plan;
      },
    }),
    route({
      method: "POST",
      path: "/confirm",
      summary: "Approve or reject a plan",
      description:
        "`plan_digest` names exactly what was shown. `on_behalf_of` is recorded as claimed and never makes a second approver. With `reject`, `proposal` is what the requester may plan instead: it is told, and nothing is planned by itself.",
      tag: "Tasks",
      access: ["confirm"],
      body: ConfirmRequest,
      answers: { 200: { description: "The task after the decision.", schema: TaskView } },
      errors: [
        "task_not_found",
        "capability_unknown",
        "digest_mismatch",
        "already_decided",
        "same_approver",
        "task_rejected",
        "task_cancelled",
        "plan_corrupted",
        "plan_expired",
        "queue_full",
        "stopped",
      ],
      handle: ({ principal, body, request }) => {
        request.taskId = body.task_id;
        return deps.tasks.confirm(principal, body);
      },
    }),
    route({
      method: "POST",
      path: "/execute",
      operationId: "execute",
      summary: "Execute a plan, once",
      description:
        "Starts the stored plan, or waits for an approver first. What the body repeats of the plan must equal it. Asking again answers the present state and starts nothing.",
      tag: "Tasks",
      access: ["execute"],
      signs: "body",
      body: ExecuteRequest,
      query: ExecuteQuery,
      answers: {
        200: {
          description: "With `wait`: the finished task, failed ones too.",
          schema: ExecuteView,
        },
        202: { description: "It runs, queues, or waits for an approver.", schema: ExecuteView },
      },
      errors: [
        "task_not_found",
        "plan_mismatch",
        "state_changed",
        "task_rejected",
        "task_cancelled",
        "plan_corrupted",
        "plan_expired",
        "capability_unknown",
        "capability_disabled",
        "path_not_allowed",
        "domain_not_allowed",
        "command_not_allowed",
        "application_not_allowed",
        "file_too_large",
        "queue_full",
        "stopped",
      ],
      handle: async (call) => {
        const { principal, body, query, request } = call;
        request.taskId = body.task_id;
        const waitMs = (query.wait ?? 0) * 1000;
        const signal = waitMs > 0 ? call.signal : NEVER;
        const { finished, view } = await deps.tasks.execute(principal, body, { waitMs, signal });
        return jsonAnswer(view, { status: finished ? 200 : 202 });
      },
    }),
    route({
      method: "GET",
      path: "/tasks",
      operationId: "listTasks",
      summary: "List tasks, newest first",
      description: "A key sees its own tasks, a `confirm` key all. `next_cursor` leads on.",
      tag: "Tasks",
      access: ["read"],
      query: TaskListQuery,
      answers: { 200: { description: "A page of tasks.", schema: TaskList } },
      handle: ({ principal, query }) => deps.tasks.list(principal, query),
    }),
    route({
      method: "GET",
      path: "/tasks/{task_id}",
      operationId: "getTask",
      summary: "One task, whole",
      tag: "Tasks",
      access: ["read"],
      params: TaskParams,
      missing: "task_not_found",
      answers: { 200: { description: "The task.", schema: TaskView } },
      errors: ["task_not_found"],
      handle: ({ principal, params, request }) => {
        request.taskId = params.task_id;
        return deps.tasks.get(principal, params.task_id);
      },
    }),
    route({
      method: "POST",
      path: "/tasks/{task_id}/cancel",
      operationId: "cancelTask",
      summary: "Stop a task and release what it holds",
      tag: "Tasks",
      access: ["execute", "confirm"],
      params: TaskParams,
      missing: "task_not_found",
      body: Type.Object({}, { additionalProperties: false }),
      bodyOptional: true,
      answers: { 200: { description: "The task after it was stopped.", schema: TaskView } },
      errors: ["task_not_found", "plan_corrupted"],
      handle: ({ principal, params, request }) => {
        request.taskId = params.task_id;
        return deps.tasks.cancel(principal, params.task_id);
      },
    }),
  ];
}

function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new GatewayError(
    "invalid_request",
    "Idempotency-Key is not 1 to 255 visible ASCII characters.",
    { hint: "A UUID serves well." },
  );
}
