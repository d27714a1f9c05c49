import { GatewayError } from "../../contract/errors.ts";
import type { GrantList, GrantRequest, GrantView } from "../../contract/grant.ts";
import type { Principal } from "../../contract/principal.ts";
import { findDecisionDenial } from "../desktops.ts";
import type { TaskCanceller } from "../task-canceller.ts";
import type { TaskRepository } from "../task-repository.ts";
import { isUndecided } from "../task-view.ts";
import { readGrant } from "./grant-request.ts";
import type { GrantableDeps } from "./grantable.ts";
import type { Grants } from "./grants.ts";

export interface GrantServiceDeps extends GrantableDeps {
  readonly repository: TaskRepository;
  readonly canceller: TaskCanceller;
  readonly grants: Grants;
  readonly stopped: () => boolean;
}

/** Where people give grants, look at them and take them back. Scopes are checked before. */
export class GrantService {
  readonly #deps: GrantServiceDeps;

  constructor(deps: GrantServiceDeps) {
    this.#deps = deps;
  }

  /** Those on desktops that this approver decides on. */
  list(principal: Principal): GrantList {
    const grants = this.#deps.grants.list();
    return {
      grants: grants.filter(({ desktop }) => findDecisionDenial(desktop, principal) === undefined),
    };
  }

  /**
   * Allows one kind of task for a while, on the example of one that waits; that one is decided by
   * itself. Throws `task_not_found`, `digest_mismatch`, `already_decided`, `stopped`, what
   * `readGrant` and `Grants.add` throw.
   */
  async give(principal: Principal, request: GrantRequest): Promise<GrantView> {
    const { repository, canceller, grants } = this.#deps;
    if (this.#deps.stopped()) {
      throw new GatewayError("stopped", "The gateway is stopped and nothing is allowed.", {
        hint: "An approver resumes it: POST /resume.",
      });
    }
    await canceller.expireIfDue(await repository.get(request.task_id));
    const task = await repository.get(request.task_id);
    const grant = readGrant(this.#deps, principal, task, request);
    if (request.plan_digest !== task.digest) {
      throw new GatewayError("digest_mismatch", "The digest is not that of this task's plan.", {
        hint: "Read the task again and decide on what it shows.",
      });
    }
    if (!isUndecided(task.state.status)) {
      throw new GatewayError("already_decided", `The task is ${task.state.status}.`, {
        hint: "A grant is given on a plan that waits.",
      });
    }
    return grants.add(grant);
  }

  /** Its approvals that have not started are withdrawn. Throws `not_found`. */
  async revoke(principal: Principal, grantId: string): Promise<GrantView> {
    const isTheirs = this.list(principal).grants.some(({ id }) => id === grantId);
    return this.#deps.grants.revoke(isTheirs ? grantId : "", principal.keyId);
  }
}
