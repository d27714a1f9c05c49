import type { DryRun } from "./dry-run.ts";
import type { PolicyDesk } from "./policy-desk.ts";

/** What operators look at. */
export interface Operate {
  readonly policy: Pick<PolicyDesk, "view" | "explain">;
  readonly dryRun: Pick<DryRun, "run">;
}
