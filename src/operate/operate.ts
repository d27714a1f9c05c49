import type { DryRun } from "./dry-run.ts";
import type { PolicyDesk } from "./policy-desk.ts";
import type { Statistics } from "./statistics.ts";

/** What operators look at. */
export interface Operate {
  readonly policy: Pick<PolicyDesk, "view" | "explain">;
  readonly dryRun: Pick<DryRun, "run">;
  readonly statistics: Pick<Statistics, "view">;
}
