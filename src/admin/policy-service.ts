import type { CapabilityRegistry } from "../capabilities/capability.ts";
import { explainStep } from "../capabilities/explain-step.ts";
import { GatewayError } from "../contract/errors.ts";
import type { ExplainRequest, ExplanationView, PolicyView } from "../contract/operate.ts";
import type { Principal } from "../contract/principal.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import { checkParameters, findCapability } from "../tasks/plan/step-check.ts";
import { neutralPrincipal } from "./neutral-principal.ts";
import { viewDecision } from "./view-decision.ts";

export interface PolicyServiceDeps {
  readonly policy: Pick<PolicySource, "current" | "problem" | "loadedAt" | "file">;
  readonly capabilities: CapabilityRegistry;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

const DEFAULT_KEY = "default";

/** The policy in force, to be looked at and asked. It is edited in its file. */
export class PolicyService {
  readonly #deps: PolicyServiceDeps;

  constructor(deps: PolicyServiceDeps) {
    this.#deps = deps;
  }

  view(): PolicyView {
    const { current, problem, loadedAt, file } = this.#deps.policy;
    const { digest, own_hosts: _, ...policy } = current;
    return {
      digest,
      loaded_at: loadedAt,
      file,
      ...(problem !== undefined && { problem }),
      policy: structuredClone(policy),
    };
  }

  /**
   * How policy comes to its decision on an action; nothing is looked at or kept. Throws `not_found`
   * for a key that is not there, `capability_unknown`, `invalid_request`.
   */
  explain({
    action,
    parameters = {},
    key_id: keyId = DEFAULT_KEY,
  }: ExplainRequest): ExplanationView {
    const capability = findCapability(this.#deps.capabilities, action);
    const asked = checkParameters(capability, parameters, "/parameters");
    const { decision, rule, checks, changes } = explainStep(
      this.#deps.policy.current,
      this.#principal(keyId),
      capability,
      asked,
    );
    return {
      action: capability.action,
      key_id: keyId,
      decision: viewDecision(decision, true),
      rule,
      checks: [...checks],
      changes: [...changes],
    };
  }

  #principal(keyId: string): Principal {
    const found = this.#deps.findPrincipal(keyId);
    if (found !== undefined) return found;
    if (keyId === DEFAULT_KEY) return neutralPrincipal(keyId);
    throw new GatewayError("not_found", "There is no key of the id in /key_id.", {
      hint: "GET /keys lists those that are alive.",
    });
  }
}
