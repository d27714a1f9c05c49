import { Compile, type Validator } from "typebox/compile";
import type { Capability, CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import { nearest } from "../../lib/nearest.ts";

const validators = new WeakMap<Capability, Validator>();

/** The capability of an action; throws `capability_unknown` that suggests the nearest. */
export function findCapability(registry: CapabilityRegistry, action: string): Capability {
  const capability = registry.get(action);
  if (capability === undefined) {
    const near = nearest(action, registry.keys());
    throw new GatewayError("capability_unknown", `There is no action ${JSON.stringify(action)}.`, {
      hint:
        near.length > 0
          ? `Did you mean ${near.join(" or ")}? GET /capabilities lists every action.`
          : `GET /capabilities lists them: ${[...registry.keys()].join(", ")}.`,
    });
  }
  return capability;
}

/**
 * Parameters checked against the capability's schema and normalised. Throws `invalid_request` that
 * names the place as a JSON pointer below `pointer`.
 */
export function checkParameters(
  capability: Capability,
  parameters: Parameters,
  pointer: string,
): Parameters {
  let validator = validators.get(capability);
  if (validator === undefined) {
    validator = Compile(capability.parameters);
    validators.set(capability, validator);
  }
  if (!validator.Check(parameters)) {
    throw new GatewayError(
      "invalid_request",
      `${capability.action}: ${describe(validator, parameters, pointer)}.`,
      { hint: "GET /capabilities with a key shows the schema of each action's parameters." },
    );
  }
  return capability.normalise(parameters);
}

function describe(validator: Validator, parameters: Parameters, pointer: string): string {
  const errors = validator.Errors(parameters);
  const unknown = errors.find((error) => error.keyword === "additionalProperties");
  if (unknown !== undefined) {
    const names =
      (unknown.params as { additionalProperties?: string[] }).additionalProperties ?? [];
    return `${pointer} has unknown fields: ${names.map((name) => JSON.stringify(name)).join(", ")}`;
  }
  const [first] = errors;
  if (first === undefined) return `${pointer} does not fit the schema`;
  return `${pointer}${first.instancePath} ${first.message}`;
}
