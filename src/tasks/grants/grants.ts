import { GatewayError } from "../../contract/errors.ts";
import type { GrantView } from "../../contract/grant.ts";
import type { Plan, PlanNotes } from "../task.ts";
import type { Grant } from "./grant.ts";
import { findGrantDenial, type GrantDenialDeps } from "./grant-denial.ts";
import { createdRecords, endedRecords } from "./grant-records.ts";
import { isInScope } from "./grant-scope.ts";
import type { GrantStore } from "./grant-store.ts";
import { kindOf } from "./grantable.ts";

export interface GrantsDeps extends GrantDenialDeps {
  readonly grants: GrantStore;
  readonly stopped: () => boolean;
  /** Whether the audit log has the sealed record of its being given. */
  readonly wasGiven: (grant: Grant) => Promise<boolean>;
  readonly onForged: (grant: Grant) => void;
  /** Ends the tasks that a grant has approved and that have not started. */
  readonly withdraw: (grantId: string, why: string) => Promise<void>;
}

/** Grants that may hold at once: a person lists and revokes them. */
const MAX_GRANTS = 500;

/** The grants that hold. What a grant is asked for is looked up in memory, and counts once stored. */
export class Grants {
  readonly #deps: GrantsDeps;
  /** In order of creation. */
  readonly #held = new Map<string, Grant>();
  /** Ended, and not written down yet: tried again. */
  readonly #unwritten = new Map<string, () => Promise<unknown>>();
  /** Grows with every stop: what was being written then does not count either. */
  #stops = 0;

  constructor(deps: GrantsDeps) {
    this.#deps = deps;
  }

  /** Reads what an earlier run of the program left; ends what holds no longer, or never did (I19). */
  async load(): Promise<void> {
    for (const grant of (await this.#deps.grants.list()).toReversed()) {
      if (await this.#deps.wasGiven(grant)) this.#held.set(grant.id, grant);
      else {
        this.#deps.onForged(grant);
        await this.#end(grant, null, "the audit log does not have it");
      }
    }
    await this.recheck();
  }

  /** Newest first. */
  list(): GrantView[] {
    const now = Date.now();
    return [...this.#held.values()]
      .filter((grant) => findGrantDenial(this.#deps, grant, now) === undefined)
      .toReversed()
      .map(viewOf);
  }

  /** Throws `queue_full`, and `state_changed` where what it stands on went while it was written. */
  async add(grant: Grant): Promise<GrantView> {
    if (this.#held.size >= MAX_GRANTS) {
      throw new GatewayError("queue_full", `There are ${MAX_GRANTS} grants already.`, {
        hint: "Revoke those that are not needed: DELETE /grants/{grant_id}.",
      });
    }
    const stops = this.#stops;
    await this.#deps.grants.insert(grant, createdRecords(grant));
    this.#held.set(grant.id, grant);
    const denial =
      stops === this.#stops ? findGrantDenial(this.#deps, grant) : "everything was stopped";
    if (denial !== undefined) {
      await this.#end(grant, null, denial);
      throw new GatewayError("state_changed", `The grant does not hold: ${denial}.`, {
        hint: "Look at the plan again.",
      });
    }
    return viewOf(grant);
  }

  /** A grant that approves this plan of an approver's, or undefined. */
  covering(plan: Plan, notes: PlanNotes): Grant | undefined {
    if (this.#held.size === 0 || this.#deps.stopped()) return undefined;
    const candidates = [...this.#held.values()].filter(
      (grant) =>
        grant.key_id === plan.requester &&
        grant.desktop === plan.desktop &&
        findGrantDenial(this.#deps, grant) === undefined,
    );
    if (candidates.length === 0) return undefined;
    const kind = kindOf(this.#deps, plan, notes);
    if ("problem" in kind) return undefined;
    return candidates.find(
      ({ action, scope }) =>
        action === kind.action && kind.facts.every((facts) => isInScope(scope, facts)),
    );
  }

  /** Why a grant's approval holds no longer, or undefined where it does. */
  findDenial(grantId: string): string | undefined {
    const grant = this.#held.get(grantId);
    return grant === undefined ? "it was revoked" : findGrantDenial(this.#deps, grant);
  }

  /** A grant approved a task, as the store has it. */
  countUse(grantId: string, at: string): void {
    const grant = this.#held.get(grantId);
    if (grant === undefined) return;
    this.#held.set(grantId, { ...grant, used: grant.used + 1, last_used_at: at });
  }

  /** Throws `not_found`. */
  async revoke(grantId: string, keyId: string): Promise<GrantView> {
    const grant = this.#held.get(grantId);
    if (grant === undefined) {
      throw new GatewayError("not_found", "There is no such grant.", {
        hint: "GET /grants lists those that hold.",
      });
    }
    await this.#end(grant, keyId, `revoked by ${keyId}`);
    return viewOf(grant);
  }

  /** What a revoked key was granted, or gave. */
  async endOf(keyId: string): Promise<void> {
    await this.#endThose(
      ({ key_id, granted_by }) => key_id === keyId || granted_by === keyId,
      null,
      `key ${keyId} was revoked`,
    );
  }

  /** Everything was stopped. */
  async endAll(keyId: string): Promise<void> {
    this.#stops += 1;
    await this.#endThose(() => true, keyId, "everything was stopped");
  }

  /** Ends what holds no longer: the time is over, or policy or keys are others now. */
  async recheck(): Promise<void> {
    for (const [id, write] of [...this.#unwritten]) {
      await write();
      this.#unwritten.delete(id);
    }
    const now = Date.now();
    for (const grant of [...this.#held.values()]) {
      const denial = findGrantDenial(this.#deps, grant, now);
      if (denial !== undefined) await this.#end(grant, null, denial);
    }
  }

  async #endThose(
    isOne: (grant: Grant) => boolean,
    keyId: string | null,
    why: string,
  ): Promise<void> {
    const those = [...this.#held.values()].filter(isOne);
    // All of them at once, before any is written down.
    for (const { id } of those) this.#held.delete(id);
    await Promise.all(those.map((grant) => this.#end(grant, keyId, why)));
  }

  /** Counts at once, also where it cannot be written down; then its approvals are withdrawn. */
  async #end(grant: Grant, keyId: string | null, why: string): Promise<void> {
    this.#held.delete(grant.id);
    const write = () => this.#deps.grants.remove(grant.id, endedRecords(grant, keyId, why));
    this.#unwritten.set(grant.id, write);
    try {
      await write();
      this.#unwritten.delete(grant.id);
    } finally {
      await this.#deps.withdraw(grant.id, why);
    }
  }
}

function viewOf({ scope, risk: _, ...grant }: Grant): GrantView {
  return { ...grant, ...scope };
}
