import type { IncomingMessage } from "node:http";
import { type AgentRunner, WrongStateError } from "./agent-runner.ts";
import type { AgentStore } from "./agent-store.ts";
import { type AgentTask, STATUSES } from "./agent-types.ts";
import type { Answer } from "./answer.ts";
import type { Fields } from "./request-body.ts";

export interface RestParts {
  readonly store: AgentStore;
  readonly runner: AgentRunner;
}

interface Call {
  readonly task: AgentTask;
  readonly body: Fields;
  readonly query: URLSearchParams;
}

type Route = (parts: RestParts, call: Call) => Answer | Promise<Answer>;

export const MODELS = [
  { provider: "anthropic", name: "claude-opus-4-1-20250805", title: "Claude Opus 4.1" },
  { provider: "anthropic", name: "claude-sonnet-4-20250514", title: "Claude Sonnet 4" },
];

const FINISHED: readonly string[] = ["COMPLETED", "CANCELLED", "FAILED"];

/** The agent's REST interface; nothing is validated. */
const ROUTES: Readonly<Record<string, Route>> = {
  "POST /tasks": ({ store }, { body }) => ({ status: 201, body: store.create(body) }),
  "GET /tasks": ({ store }, { query }) => ({ status: 200, body: list(store.tasks, query) }),
  "GET /tasks/models": () => ({ status: 200, body: MODELS }),
  "GET /tasks/:id": ({ store }, { task }) => ({
    status: 200,
    body: { ...task, files: store.filesOf(task.id) },
  }),
  "DELETE /tasks/:id": ({ store }, { task }) => {
    store.delete(task);
    return { status: 204 };
  },
  "GET /tasks/:id/messages": ({ store }, { task, query }) => {
    const [page, limit] = [Number(query.get("page") ?? 1), Number(query.get("limit") ?? Infinity)];
    const first = page === 1 ? 0 : (page - 1) * limit;
    return { status: 200, body: store.messagesOf(task.id).slice(first, first + limit) };
  },
  "POST /tasks/:id/messages": ({ store }, { task, body }) => {
    store.say(task.id, "USER", [{ type: "text", text: String(body.message) }]);
    return { status: 201, body: task };
  },
  "POST /tasks/:id/cancel": ({ store, runner }, { task }) => {
    if (FINISHED.includes(task.status)) return wrongState(task, "cannot be cancelled");
    const cancelled = store.update(task, { status: "CANCELLED" });
    runner.interrupt();
    return { status: 200, body: cancelled };
  },
  "POST /tasks/:id/takeover": async ({ runner }, { task }) => ({
    status: 200,
    body: await runner.takeOver(task),
  }),
  "POST /tasks/:id/resume": async ({ runner }, { task }) => ({
    status: 200,
    body: await runner.resume(task),
  }),
};

/** The route of a request, `POST /tasks/:id/cancel`, whether there is such a route or not. */
export function routeOf(request: IncomingMessage): { route: string; id: string; url: URL } {
  const url = new URL(request.url ?? "/", "http://agent");
  const [, first = "", id = "", action] = url.pathname.split("/");
  const named = id === "models" || id === "" ? id : ":id";
  const path = [first, named, action].filter((part) => part !== undefined && part !== "");
  return { route: `${request.method} /${path.join("/")}`, id, url };
}

/** Never throws: whatever goes wrong is a bare 500, as in ByteBot. */
export async function answerRest(
  parts: RestParts,
  { route, id, url }: ReturnType<typeof routeOf>,
  body: Fields,
): Promise<Answer> {
  const perform = ROUTES[route];
  if (perform === undefined) return refusal(404, `Cannot ${route}`, "Not Found");
  const task = parts.store.find(id);
  if (task === undefined && route.includes(":id"))
    return route === "DELETE /tasks/:id"
      ? INTERNAL
      : refusal(404, `Task with ID ${id} not found`, "Not Found");
  try {
    return await perform(parts, { task: task as AgentTask, body, query: url.searchParams });
  } catch (error) {
    return error instanceof WrongStateError
      ? wrongState(task as AgentTask, error.message)
      : INTERNAL;
  }
}

const INTERNAL: Answer = {
  status: 500,
  body: { statusCode: 500, message: "Internal server error" },
};

function refusal(status: number, message: string, error: string): Answer {
  return { status, body: { message, error, statusCode: status } };
}

function wrongState({ id }: AgentTask, why: string): Answer {
  return refusal(400, `Task ${id} ${why}`, "Bad Request");
}

/** Newest first. */
function list(tasks: readonly AgentTask[], query: URLSearchParams): Fields {
  const [page, limit] = [Number(query.get("page") ?? 1), Number(query.get("limit") ?? 10)];
  const statuses = query.get("statuses")?.split(",");
  const known = statuses?.every((status) => STATUSES.some((one) => one === status)) ?? true;
  if (!(page >= 1 && limit >= 1) || !known) throw new Error("Prisma: invalid");
  const found = tasks.filter(({ status }) => statuses?.includes(status) ?? true).toReversed();
  return {
    tasks: found.slice((page - 1) * limit, page * limit),
    total: found.length,
    totalPages: Math.ceil(found.length / limit),
  };
}
