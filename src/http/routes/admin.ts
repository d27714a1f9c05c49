import {
  DryRunRequest,
  DryRunView,
  ExplainRequest,
  ExplanationView,
  PolicyView,
  StatisticsQuery,
  StatisticsView,
} from "../../contract/operate.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const MAX_POLICY_BYTES = 1024 * 1024;
const DAYS = 14;

/** What operators look at: what policy says, and what another one would. Nothing is changed here. */
export function createAdminRoutes({ admin }: Pick<HttpDeps, "admin">): Route[] {
  const forOperators = { tag: "Control", access: ["confirm"], operators: true } as const;
  return [
    route({
      ...forOperators,
      method: "GET",
      path: "/policy",
      operationId: "readPolicy",
      summary: "Read the policy in force",
      description: "Every default is filled in. It is edited in its file.",
      answers: { 200: { description: "The policy.", schema: PolicyView } },
      handle: () => admin.policy.view(),
    }),
    route({
      ...forOperators,
      method: "POST",
      path: "/policy/explain",
      operationId: "explainPolicy",
      summary: "Ask what policy says to an action",
      description:
        "Which rule decides, and what would change it. What depends on the desktop, such as overwriting a file, is not looked at.",
      body: ExplainRequest,
      answers: { 200: { description: "The decision, check by check.", schema: ExplanationView } },
      errors: ["capability_unknown", "not_found"],
      handle: ({ body }) => admin.policy.explain(body),
    }),
    route({
      ...forOperators,
      method: "POST",
      path: "/policy/dry-run",
      operationId: "dryRunPolicy",
      summary: "Try a policy out on the last 1,000 plans",
      description:
        "Decides each recorded step anew under the policy in force and this one, on the record alone. It is not put in force.",
      body: DryRunRequest,
      maxBody: MAX_POLICY_BYTES,
      answers: { 200: { description: "What would change.", schema: DryRunView } },
      handle: ({ body }) => admin.dryRun.run(body),
    }),
    route({
      ...forOperators,
      method: "GET",
      path: "/statistics",
      operationId: "readStatistics",
      summary: "Count tasks and decisions, day by day",
      description:
        "And how long people took, from the plan to their decision. Counted beside other work: `complete` says whether that has come to the end.",
      query: StatisticsQuery,
      answers: { 200: { description: "The last days, today included.", schema: StatisticsView } },
      handle: ({ query }) => admin.statistics.view(query.days ?? DAYS),
    }),
  ];
}
