import type { FastifyRequest } from "fastify";
import { CapabilitiesView, HealthView, ReadyView } from "../../contract/service.ts";
import { isLoopbackHost } from "../../lib/loopback-host.ts";
import { bytesAnswer, jsonAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

type Deps = Pick<HttpDeps, "version" | "readiness" | "capabilities" | "metrics">;

/** How the service is, what it can do, and how it fares. */
export function createServiceRoutes(deps: Deps): Route[] {
  return [
    health(deps, "/health", "health"),
    health(deps, "/healthz", "healthz"),
    route({
      method: "GET",
      path: "/ready",
      operationId: "ready",
      summary: "Whether work would be accepted, part by part",
      tag: "Service",
      access: "open",
      anyQuery: true,
      answers: {
        200: { description: "Every part is ready.", schema: ReadyView },
        503: { description: "A part is not ready; it says why.", schema: ReadyView },
      },
      handle: async () => {
        const view = await deps.readiness();
        return jsonAnswer(view, { status: view.ready ? 200 : 503 });
      },
    }),
    route({
      method: "GET",
      path: "/capabilities",
      operationId: "capabilities",
      summary: "What can be done, and how risky it is",
      description: "With credentials also parameters (JSON Schema), confirmation and limits.",
      tag: "Service",
      access: "optional",
      answers: { 200: { description: "By action.", schema: CapabilitiesView } },
      handle: async ({ principal }) => deps.capabilities(principal),
    }),
    route({
      method: "GET",
      path: "/metrics",
      operationId: "metrics",
      summary: "Prometheus metrics",
      description: "Needs no credentials from the gateway's own machine.",
      tag: "Service",
      access: ["read"],
      isOpenTo: isLocal,
      anyQuery: true,
      answers: { 200: { description: "Exposition format.", mediaType: "text/plain" } },
      handle: async () => {
        const headers = { "content-type": deps.metrics.contentType };
        return bytesAnswer(await deps.metrics.metrics(), { headers });
      },
    }),
  ];
}

function health({ version }: Deps, path: string, operationId: string): Route {
  const view = { status: "healthy", service: "bytebot-gateway", version } as const;
  return route({
    method: "GET",
    path,
    operationId,
    summary: "Whether the process lives",
    tag: "Service",
    access: "open",
    anyQuery: true,
    answers: { 200: { description: "It does.", schema: HealthView } },
    handle: async () => view,
  });
}

const FORWARDING_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** From this very machine, and not through a proxy on it. */
function isLocal({ raw: { socket, headers } }: FastifyRequest): boolean {
  const address = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  return isLoopbackHost(address) && FORWARDING_HEADERS.every((name) => headers[name] === undefined);
}
