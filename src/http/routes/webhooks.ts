import { RetryRequest, RetryView, WebhookList } from "../../contract/webhook.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

/** What became of notifications. Where they go is the operator's to say, in a file. */
export function createWebhookRoutes({ notifications }: Pick<HttpDeps, "notifications">): Route[] {
  return [
    route({
      method: "GET",
      path: "/webhooks",
      operationId: "listWebhooks",
      summary: "List endpoints and failed notifications",
      description: "At most 200 failed ones, newest first. Of a URL the host alone is told.",
      tag: "Control",
      access: ["confirm"],
      operators: true,
      answers: { 200: { description: "Endpoints and what failed.", schema: WebhookList } },
      handle: () => notifications.list(),
    }),
    route({
      method: "POST",
      path: "/webhooks/retry",
      operationId: "retryWebhooks",
      summary: "Send failed notifications again",
      description: "The one named, or all whose endpoint is still configured.",
      tag: "Control",
      access: ["confirm"],
      operators: true,
      body: RetryRequest,
      bodyOptional: true,
      answers: { 200: { description: "They are on their way again.", schema: RetryView } },
      errors: ["not_found"],
      handle: ({ principal, body }) => notifications.retry(principal.keyId, body),
    }),
  ];
}
