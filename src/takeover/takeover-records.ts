import type { AuditDraft } from "../contract/audit.ts";
import type { EventDraft } from "../contract/event.ts";
import type { Lease, LeaseEnd } from "./lease.ts";

/** A desktop is in the hands of a person, or stays there for longer. */
export function taken(
  { desktop, holder, until }: Pick<Lease, "desktop" | "holder" | "until">,
  renewed?: true,
): AuditDraft {
  return {
    type: "desktop.taken_over",
    key_id: holder.keyId,
    time: new Date().toISOString(),
    details: {
      desktop,
      until: new Date(until).toISOString(),
      ...(renewed !== undefined && { renewed }),
    },
  };
}

/** It is no longer; `keyId` is whose doing that is, null where nobody's. */
export function returned(
  desktop: string,
  personId: string,
  reason: LeaseEnd,
  keyId: string | null,
): AuditDraft {
  return {
    type: "desktop.returned",
    key_id: keyId,
    time: new Date().toISOString(),
    details: { desktop, person_id: personId, reason },
  };
}

/** Everybody sees it, so it says no more than that something has changed. */
export function changed(event: "desktop_taken_over" | "desktop_returned"): EventDraft {
  return { event, task_id: null, owner: null, timestamp: new Date().toISOString(), data: {} };
}
