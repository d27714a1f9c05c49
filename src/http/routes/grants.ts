import { GrantList, GrantParams, GrantRequest, GrantView } from "../../contract/grant.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

/** What people allow beforehand, for a while. */
export function createGrantRoutes({ grants }: Pick<HttpDeps, "grants">): Route[] {
  return [
    route({
      method: "GET",
      path: "/grants",
      operationId: "listGrants",
      summary: "List the grants that hold, newest first",
      description:
        "A grant approves one kind of task of one key without asking, for a while. One that has ended is in the audit log only.",
      tag: "Control",
      access: ["confirm"],
      answers: { 200: { description: "The grants.", schema: GrantList } },
      handle: ({ principal }) => grants.list(principal),
    }),
    route({
      method: "POST",
      path: "/grants",
      summary: "Allow one kind of task for a while",
      description:
        "On the example of a plan that waits and has `grantable`; that plan itself is decided with POST /confirm. Tasks that the requester executes meanwhile and that the grant covers start at once, approved by who gave it.",
      tag: "Control",
      access: ["confirm"],
      sessionOnly: true,
      body: GrantRequest,
      answers: { 200: { description: "The grant.", schema: GrantView } },
      errors: [
        "task_not_found",
        "digest_mismatch",
        "already_decided",
        "plan_corrupted",
        "state_changed",
        "queue_full",
        "stopped",
      ],
      handle: ({ principal, body, request }) => {
        request.taskId = body.task_id;
        return grants.give(principal, body);
      },
    }),
    route({
      method: "DELETE",
      path: "/grants/{grant_id}",
      operationId: "revokeGrant",
      summary: "Revoke a grant",
      description: "At once: what it has approved and has not started is cancelled.",
      tag: "Control",
      access: ["confirm"],
      params: GrantParams,
      missing: "not_found",
      answers: { 200: { description: "The grant that was.", schema: GrantView } },
      errors: ["not_found"],
      handle: ({ principal, params }) => grants.revoke(principal, params.grant_id),
    }),
  ];
}
