import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import type { Principal } from "../../contract/principal.ts";
import { TaskId } from "../../contract/task.ts";
import type { EventSink } from "../../events/subscription.ts";
import { liveAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";
import { requireScope } from "../stages/authorise.ts";

const EventsQuery = Type.Object(
  {
    task_id: Type.Optional(TaskId),
    since: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          "Events after this id, 0 for all, without credentials the newest thousand; absent: only those to come.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** The event log as server-sent events. */
export function createEventRoutes(
  deps: Pick<HttpDeps, "events" | "tasks" | "policy" | "keys" | "people">,
): Route[] {
  return [
    route({
      method: "GET",
      path: "/events",
      operationId: "events",
      summary: "Follow events (server-sent events)",
      description:
        "`data` is one line of JSON with `event`, `task_id` (null for the gateway's own), `timestamp` and what belongs to the event; `id` grows. Anonymous subscribers see name, task, time and progress of all tasks; with credentials those of one's own in full, with a `confirm` key all. `Last-Event-ID` resumes and wins over `since`.",
      tag: "Events",
      access: "optional",
      query: EventsQuery,
      headers: { "Last-Event-ID": "The id of the newest event that was seen." },
      answers: { 200: { description: "A stream without an end.", mediaType: "text/event-stream" } },
      errors: ["signature_missing", "scope_missing", "task_not_found"],
      // A stream has no length or end that a HEAD could tell.
      head: "none",
      handle: async ({ principal, query, request }) => {
        const lastEventId = request.headers["last-event-id"];
        const after = parseEventId(lastEventId) ?? query.since;
        if (principal === undefined) {
          refuseAnonymous(deps.policy.current.security.anonymous_events);
        } else {
          requireScope(principal, ["read"]);
          if (query.task_id !== undefined) await deps.tasks.get(principal, query.task_id);
        }
        await request.durable;
        if (principal !== undefined) refuseRevoked(principal, request.sessionId, deps);
        const { task_id: taskId } = query;
        const own = principal !== undefined && !principal.scopes.has("confirm");
        const subscribe = (sink: EventSink) =>
          deps.events.subscribe(sink, {
            after,
            filter: { ...(taskId && { taskId }), ...(own && { owner: principal.keyId }) },
            view: principal === undefined ? "redacted" : "full",
            keyId: principal?.keyId,
          });
        return liveAnswer(subscribe, { headers: STREAM_HEADERS });
      },
    }),
  ];
}

const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
  // The stream ends with its connection.
  connection: "close",
};

function parseEventId(value: string | string[] | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  throw new GatewayError("invalid_request", "Last-Event-ID is not the id of an event.", {
    hint: "Send the id of the newest event seen, or none.",
  });
}

function refuseAnonymous(allowed: boolean): void {
  if (allowed) return;
  throw new GatewayError(
    "signature_missing",
    "Anonymous subscribers are turned off (security.anonymous_events).",
    { hint: "Send credentials of a key with the scope read." },
  );
}

/** A key may go while its request waits; its streams are closed only once, at that moment. */
function refuseRevoked(
  { keyId, scheme, scopes }: Principal,
  sessionId: string | undefined,
  { keys, people }: Pick<HttpDeps, "keys" | "people">,
): void {
  const present = keys.principal(keyId);
  const isSignedIn = sessionId === undefined || people.isSignedIn(sessionId);
  if (isSignedIn && present !== undefined && scopes.isSubsetOf(present.scopes)) return;
  const code = scheme === "hmac" ? "signature_invalid" : "token_invalid";
  throw new GatewayError(code, `Key ${keyId} was revoked.`, {
    hint: "The operator lists keys in config/clients.json.",
  });
}
