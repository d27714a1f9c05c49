import { StopRequest, StopView } from "../../contract/requests.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

/** What only a person's key may: the emergency stop. */
export function createControlRoutes(deps: Pick<HttpDeps, "tasks">): Route[] {
  return [
    route({
      method: "POST",
      path: "/stop",
      operationId: "stop",
      summary: "Stop everything now",
      description:
        "Stops what runs, cancels what is queued and refuses new work (503 `stopped`) until resumed, also after a restart. Where the disk takes no record, it stops all the same and says `recorded: false`.",
      tag: "Control",
      access: ["confirm"],
      evenUnrecorded: true,
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
  ];
}
