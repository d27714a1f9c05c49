import { AuditList, AuditQuery } from "../../contract/audit.ts";
import { StopRequest, StopView } from "../../contract/requests.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const AUDIT_PAGE = 100;

/** What only a person's key may: the emergency stop and the record. */
export function createControlRoutes(deps: Pick<HttpDeps, "tasks" | "audit">): Route[] {
  return [
    route({
      method: "POST",
      path: "/stop",
      operationId: "stop",
      summary: "Stop everything now",
      description:
        "Stops what runs, cancels what is queued and refuses new work (503 `stopped`) until resumed, also after a restart.",
      tag: "Control",
      access: ["confirm"],
      body: StopRequest,
      bodyOptional: true,
      answers: { 200: { description: "Stopped.", schema: StopView } },
      handle: ({ principal, body }) => deps.tasks.stop(principal, body.reason),
    }),
    route({
      method: "POST",
      path: "/resume",
      operationId: "resume",
      summary: "Accept work again after a stop",
      tag: "Control",
      access: ["confirm"],
      body: StopRequest,
      bodyOptional: true,
      answers: { 200: { description: "Resumed.", schema: StopView } },
      handle: ({ principal }) => deps.tasks.resume(principal),
    }),
    route({
      method: "GET",
      path: "/audit",
      operationId: "readAudit",
      summary: "Read the audit log, oldest first",
      description: "`next_after` leads on; `head` is the newest record's place in the chain.",
      tag: "Control",
      access: ["confirm"],
      operators: true,
      query: AuditQuery,
      answers: { 200: { description: "A page of records.", schema: AuditList } },
      handle: async ({ query }): Promise<AuditList> => {
        const { after = 0, limit = AUDIT_PAGE, task_id } = query;
        // The head last, so that no record of the page stands after it.
        const found = await deps.audit.read(after, limit + 1, task_id);
        const head = await deps.audit.head();
        const records = found.slice(0, limit);
        const last = records.at(-1);
        const more = found.length > limit && last !== undefined;
        return {
          records,
          head: { seq: head.seq, mac: head.mac },
          ...(more && { next_after: last.seq }),
        };
      },
    }),
  ];
}
