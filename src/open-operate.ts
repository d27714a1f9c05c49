import { capabilities } from "./capabilities/registry.ts";
import type { Principal } from "./contract/principal.ts";
import { DryRun } from "./operate/dry-run.ts";
import type { Operate } from "./operate/operate.ts";
import { PolicyDesk } from "./operate/policy-desk.ts";
import type { RecordedPlans } from "./operate/recorded-plans.ts";
import type { PolicySource } from "./policy/policy-source.ts";

export interface OpenOperateOptions {
  readonly policy: PolicySource;
  readonly plans: RecordedPlans;
  /** Keys that are alive, and people. */
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

/** What operators look at; it costs nothing until they do. */
export function openOperate({ policy, plans, findPrincipal }: OpenOperateOptions): Operate {
  return {
    policy: new PolicyDesk({ policy, capabilities, findPrincipal }),
    dryRun: new DryRun({ policy, plans, capabilities, findPrincipal }),
  };
}
