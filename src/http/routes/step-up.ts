import { GatewayError } from "../../contract/errors.ts";
import { CeremonyView } from "../../contract/people.ts";
import { ChallengeRequest } from "../../contract/requests.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";
import { requireOwnOrigin } from "../session-cookie.ts";

/** What an approver's passkey is asked to sign before an approval of high risk. */
export function createStepUpRoutes(deps: Pick<HttpDeps, "people" | "tasks">): Route[] {
  return [
    route({
      method: "POST",
      path: "/confirm/challenge",
      summary: "Options for touching a passkey for one plan",
      description:
        "The challenge holds the plan's digest. What the passkey answers goes into `assertion` of POST /confirm, once, within five minutes.",
      tag: "Tasks",
      access: ["confirm"],
      sessionOnly: true,
      body: ChallengeRequest,
      answers: { 200: { description: "For navigator.credentials.get.", schema: CeremonyView } },
      errors: ["task_not_found", "digest_mismatch", "host_not_allowed"],
      handle: async ({ principal, body, request }) => {
        request.taskId = body.task_id;
        const origin = requireOwnOrigin(deps.people.origins, request.raw);
        const task = await deps.tasks.get(principal, body.task_id);
        if (task.plan_digest !== body.plan_digest) {
          throw new GatewayError("digest_mismatch", "The digest is not that of this task's plan.", {
            hint: "Read the task again and decide on what it shows.",
          });
        }
        return deps.people.stepUp.begin(principal, body, { origin, ip: request.ip });
      },
    }),
  ];
}
