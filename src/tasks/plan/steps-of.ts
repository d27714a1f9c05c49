import { GatewayError } from "../../contract/errors.ts";
import type { PlanRequest, StepRequest } from "../../contract/requests.ts";

/** The steps of a request, which has one action or several steps. Throws `invalid_request`. */
export function stepsOf(request: PlanRequest): readonly StepRequest[] {
  const { action, parameters, steps } = request;
  if ((action === undefined) === (steps === undefined)) {
    throw new GatewayError("invalid_request", "A plan has either `action` or `steps`.", {
      hint: 'Send {"action", "parameters"} for one action, {"steps": [{"action", "parameters"}]} for several.',
    });
  }
  if (steps === undefined) return [{ action: action ?? "", ...(parameters && { parameters }) }];
  if (parameters !== undefined) {
    throw new GatewayError("invalid_request", "/parameters does not stand beside /steps.", {
      hint: "Each step has its own parameters.",
    });
  }
  return steps;
}
