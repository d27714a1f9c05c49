import type { AuditSearch } from "../../audit/audit-search.ts";
import { AuditList, AuditQuery } from "../../contract/audit.ts";
import { GatewayError } from "../../contract/errors.ts";
import { VerificationView } from "../../contract/operate.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const PAGE = 100;

/** The record of everything, and whether it is as it was written. */
export function createAuditRoutes({ audit }: Pick<HttpDeps, "audit">): Route[] {
  const forOperators = {
    method: "GET",
    tag: "Control",
    access: ["confirm"],
    operators: true,
  } as const;
  return [
    route({
      ...forOperators,
      path: "/audit",
      operationId: "readAudit",
      summary: "Read or search the audit log",
      description:
        "Oldest first unless `order` says otherwise; `next_after` or `next_before` leads on. A search looks at a part of the log at a time, so that a page may be short or empty and still lead on. `head` is the newest record's place in the chain.",
      query: AuditQuery,
      answers: { 200: { description: "A page of records.", schema: AuditList } },
      handle: async ({ query }): Promise<AuditList> => {
        const { records, next } = await audit.search(searchOf(query));
        // The head last, so that no record of the page stands after it.
        const { seq, mac } = await audit.head();
        const place = query.order === "newest" ? "next_before" : "next_after";
        return { records, head: { seq, mac }, ...(next !== undefined && { [place]: next }) };
      },
    }),
    route({
      ...forOperators,
      path: "/audit/verification",
      operationId: "verifyAudit",
      summary: "Whether the audit log is as it was written",
      description:
        "What the last verification found, which goes on in the background; asking starts another where that one is old.",
      answers: { 200: { description: "The state of the chain.", schema: VerificationView } },
      handle: () => audit.verification(),
    }),
  ];
}

function searchOf(query: AuditQuery): AuditSearch {
  const {
    order = "oldest",
    after,
    before,
    limit = PAGE,
    task_id,
    type,
    key_id,
    from,
    to,
    text,
  } = query;
  const [cursor, other] = order === "newest" ? [before, after] : [after, before];
  if (other !== undefined) {
    const [name, wanted] = order === "newest" ? ["after", "before"] : ["before", "after"];
    throw new GatewayError("invalid_request", `/${name} does not go with the order ${order}.`, {
      hint: `Use ${wanted}.`,
    });
  }
  return {
    order,
    limit,
    ...(cursor !== undefined && { cursor }),
    ...(task_id !== undefined && { taskId: task_id }),
    ...(type !== undefined && { type }),
    ...(key_id !== undefined && { keyId: key_id === GATEWAY ? null : key_id }),
    ...(from !== undefined && { from: momentOf("from", from) }),
    ...(to !== undefined && { to: momentOf("to", to) }),
    ...(text !== undefined && { text }),
  };
}

/** Stands for null in a query. */
const GATEWAY = "-";

/** As records have it. A date is its beginning in UTC. */
function momentOf(name: string, text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new GatewayError("invalid_request", `/${name} is no time there is.`, {
    hint: "Write it as 2026-01-31 or 2026-01-31T12:00:00Z.",
  });
}
