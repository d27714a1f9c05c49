import { sha256 } from "../lib/canonical.ts";
import { deepFreeze } from "../lib/deep-freeze.ts";
import { RecentMap } from "../lib/recent-map.ts";
import type { Plan, PlanNotes, StoredPlan } from "./task.ts";

/** What stands in the store of a plan. */
export interface PlanBytes {
  readonly canonicalPlan: string;
  readonly digest: string;
  readonly notes: string;
}

export interface ReadPlan {
  readonly plan: StoredPlan;
  readonly notes: PlanNotes;
}

/** Plans that are kept once read, and the longest text of one, in UTF-16 units. */
const MAX_KEPT = 512;
const MAX_KEPT_LENGTH = 8 * 1024;

/**
 * Reads plans from their bytes. A plan is read several times within a second of being made, so the
 * newest are kept beside their bytes: the same bytes are compared, which is cheaper than digesting
 * and parsing them again.
 */
export class PlanBytesReader {
  readonly #kept = new RecentMap<string, { readonly bytes: PlanBytes; readonly read: ReadPlan }>(
    MAX_KEPT,
  );

  /** The plan, or why it is not the one that was stored. */
  read(bytes: PlanBytes): ReadPlan | { readonly problem: string } {
    const { canonicalPlan, digest, notes } = bytes;
    const kept = this.#kept.get(digest);
    if (kept?.bytes.canonicalPlan === canonicalPlan && kept.bytes.notes === notes) return kept.read;
    if (sha256(canonicalPlan) !== digest) {
      return { problem: "the bytes of the plan do not have its digest" };
    }
    const plan = parse<StoredPlan>(canonicalPlan);
    if (plan === undefined) return { problem: "the plan is no JSON" };
    if (plan.notes_digest !== undefined && plan.notes_digest !== sha256(notes)) {
      return { problem: "what is shown with the plan does not have its digest" };
    }
    const read = parse<PlanNotes>(notes);
    if (read === undefined) return { problem: "what is shown with the plan is no JSON" };
    const found = { plan, notes: read };
    if (canonicalPlan.length + notes.length <= MAX_KEPT_LENGTH) {
      this.#kept.set(digest, { bytes: { canonicalPlan, digest, notes }, read: found });
    }
    return found;
  }
}

/** A plan without what is shown of it; undefined where its bytes do not have the digest. */
export function readPlan(canonicalPlan: string, digest: string): StoredPlan | undefined {
  return sha256(canonicalPlan) === digest ? parse<StoredPlan>(canonicalPlan) : undefined;
}

/** A plan from elsewhere than the store of tasks, such as the audit log's account of it. */
export function freezePlan(plan: Plan): StoredPlan {
  return deepFreeze(plan) as StoredPlan;
}

function parse<Value>(text: string): Value | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? deepFreeze(value as Value) : undefined;
  } catch {
    return undefined;
  }
}
