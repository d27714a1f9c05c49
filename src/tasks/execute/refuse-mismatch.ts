import type { CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { ExecuteRequest } from "../../contract/requests.ts";
import { digestOf } from "../audit-details.ts";
import { checkParameters, findCapability } from "../plan/step-check.ts";
import type { PlannedStep, Task } from "../task.ts";

/** What an execute call repeats of the plan must equal it. Throws `plan_mismatch`. */
export function refuseMismatch(
  capabilities: CapabilityRegistry,
  task: Task,
  request: ExecuteRequest,
): void {
  if (request.action === undefined && request.parameters === undefined) return;
  const [step, ...others] = task.plan.steps;
  const isWhole = step !== undefined && others.length === 0;
  if (isWhole && repeats(capabilities, task, step, request)) return;
  throw new GatewayError("plan_mismatch", "The action or its parameters differ from the plan.", {
    hint: "Send the task_id alone, or exactly what was planned; plan again to change it.",
  });
}

function repeats(
  capabilities: CapabilityRegistry,
  task: Task,
  step: PlannedStep,
  request: ExecuteRequest,
): boolean {
  if (request.action !== undefined && request.action !== step.action) return false;
  if (request.parameters === undefined) return true;
  try {
    const capability = findCapability(capabilities, step.action);
    const parameters = checkParameters(capability, request.parameters, "/parameters");
    const planned = task.notes.requested ?? digestOf(step.parameters);
    return digestOf(parameters) === planned;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}
