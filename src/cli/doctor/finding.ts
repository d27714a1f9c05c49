import type { Session } from "../session.ts";

/** What a check found. A fault keeps the gateway from working; a warning is for a person to weigh. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "fault";
  readonly detail: string;
  /** What to do. */
  readonly hint?: string;
}

/** Looks, changes nothing, and never throws for what it finds. */
export type Check = (session: Session) => Promise<readonly Finding[]>;

export function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

export function warning(name: string, detail: string, hint: string): Finding {
  return { name, state: "warning", detail, hint };
}

export function fault(name: string, detail: string, hint: string): Finding {
  return { name, state: "fault", detail, hint };
}
