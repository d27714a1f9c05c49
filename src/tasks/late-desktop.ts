import { GatewayError } from "../contract/errors.ts";
import type { NamedDesktop } from "./desktops.ts";

/** s after which to try again where nobody knows how long it lasts. */
const RETRY_S = 5;

/** A desktop that did not show itself in time: what it is busy with, and when to ask again. */
export function lateDesktop(
  { name, driver }: Pick<NamedDesktop, "name" | "driver">,
  waitedMs: number,
  cause: unknown,
): GatewayError {
  const busy = driver.busy?.();
  const why = busy === undefined ? "It may hang." : `It is busy: ${busy.what}.`;
  return new GatewayError(
    "timeout",
    `Desktop ${name} did not show itself within ${Math.round(waitedMs / 1000)} s. ${why}`,
    {
      hint:
        busy === undefined
          ? "GET /ready says how it is. Try again in a moment."
          : "Try again when that is over: Retry-After says when it should be.",
      retry_after: busy === undefined ? RETRY_S : Math.max(1, Math.ceil(busy.forMs / 1000)),
    },
    cause,
  );
}
