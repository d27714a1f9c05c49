import type { KeyDefinition } from "../contract/key.ts";
import type { WebhookEndpoint } from "../contract/webhook.ts";

/** What the log must never show of these keys; of a bearer key only a digest is known. */
export function secretsOfKeys(keys: readonly KeyDefinition[]): string[] {
  return keys
    .filter(({ principal }) => principal.scheme === "hmac")
    .map(({ secret }) => Buffer.from(secret).toString());
}

/** What the log must never show of these endpoints, whose URLs may be secrets too. */
export function secretsOfWebhooks(endpoints: readonly WebhookEndpoint[]): string[] {
  return endpoints.flatMap(({ url, secrets, token = "" }) => [url, ...secrets, token]);
}
