import { GatewayError } from "../../contract/errors.ts";
import type { Availability } from "../../tasks/driver.ts";

/** Throws what is missing, where it is not available. */
export function requireAvailable(availability: Availability): void {
  if (availability.available) return;
  const { code, reason, hint } = availability;
  throw new GatewayError(code, reason, { hint });
}
