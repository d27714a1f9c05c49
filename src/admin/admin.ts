import type { DryRun } from "./dry-run.ts";
import type { PolicyService } from "./policy-service.ts";
import type { Statistics } from "./statistics.ts";

/** What operators look at. */
export interface Admin {
  readonly policy: Pick<PolicyService, "view" | "explain">;
  readonly dryRun: Pick<DryRun, "run">;
  readonly statistics: Pick<Statistics, "view">;
}
