import type { Availability, StepIo } from "../../../tasks/driver.ts";
import type { PlannedStep } from "../../../tasks/task.ts";

/** Lets ByteBot's own agent work on `agent.task`, within its envelope and under guard. */
export interface AgentRunner extends AsyncDisposable {
  /** Of `agent.task`: an agent that cannot be guarded is not offered at all. */
  availability(): Availability;
  /** Resolves with `{outcome, messages}`; rejects as `Driver.perform` does. */
  perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>>;
  /** For /ready: what is wrong with the agent, or undefined. */
  health(): Promise<{ readonly detail: string; readonly hint: string } | undefined>;
}
