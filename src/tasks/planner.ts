import type { Capability, CapabilityRegistry } from "../capabilities/capability.ts";
import { GatewayError } from "../contract/errors.ts";
import { CONFIRMATION_MODES, type Policy, RISK_LEVELS } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { PlanRequest, StepRequest } from "../contract/requests.ts";
import type { Parameters } from "../contract/task.ts";
import { canonicalJson, sha256 } from "../lib/canonical.ts";
import { randomId } from "../lib/random-id.ts";
import { decide } from "../policy/decide.ts";
import type { Permission, Raise } from "../policy/decision.ts";
import type { Driver, Inspection } from "./driver.ts";
import { checkParameters, findCapability } from "./step-check.ts";
import type { Plan, PlanNotes, PlannedStep } from "./task.ts";

export interface PlannerDeps {
  readonly capabilities: CapabilityRegistry;
  readonly driver: Driver;
  readonly policy: () => Policy;
  /** Largest file of any action, bytes. */
  readonly maxFileSize: number;
}

export interface Planned {
  readonly plan: Plan;
  readonly canonicalPlan: string;
  readonly digest: string;
  readonly notes: PlanNotes;
}

interface JudgedStep {
  readonly step: PlannedStep;
  readonly permission: Permission;
  readonly note: PlanNotes["steps"][number];
}

/** Turns a request into the plan that is digested, shown and run. Has no effect. */
export class Planner {
  readonly #deps: PlannerDeps;

  constructor(deps: PlannerDeps) {
    this.#deps = deps;
  }

  /** Throws `invalid_request`, the denials of the policy, and what the driver cannot do. */
  async plan(principal: Principal, request: PlanRequest): Promise<Planned> {
    const policy = this.#deps.policy();
    const desktop = this.#desktop(principal, request.desktop);
    const judged: JudgedStep[] = [];
    const requested = stepsOf(request);
    for (const [index, step] of requested.entries()) {
      const pointer = request.steps === undefined ? "/parameters" : `/steps/${index}/parameters`;
      judged.push(await this.#judge(policy, principal, step, pointer));
    }
    const mode = strictest(
      CONFIRMATION_MODES,
      judged.map(({ permission }) => permission.mode),
    );
    const plan: Plan = {
      task_id: `task_${randomId()}`,
      requester: principal.keyId,
      desktop,
      ...(request.title !== undefined && { title: request.title }),
      steps: judged.map(({ step }) => step),
      risk: strictest(
        RISK_LEVELS,
        judged.map(({ permission }) => permission.risk),
      ),
      mode,
      approvals: Math.max(...judged.map(({ permission }) => permission.approvals)),
      expires_at: new Date(Date.now() + policy.security.plan_ttl_s * 1000).toISOString(),
      salt: randomId(),
    };
    const canonicalPlan = canonicalJson(plan);
    const sent = requested[0]?.parameters ?? {};
    const used = judged[0]?.step.parameters ?? {};
    const defaults = Object.keys(used).filter((name) => !Object.hasOwn(sent, name));
    const summaries = judged.map(({ note }) => note.summary);
    return {
      plan,
      canonicalPlan,
      digest: sha256(canonicalPlan),
      notes: { summary: summaries.join("; "), defaults, steps: judged.map(({ note }) => note) },
    };
  }

  async #judge(
    policy: Policy,
    principal: Principal,
    request: StepRequest,
    pointer: string,
  ): Promise<JudgedStep> {
    const capability = findCapability(this.#deps.capabilities, request.action);
    const parameters = readParameters(policy, principal, capability, request, pointer);
    const raises = capability.raises(parameters);
    // Asked before the driver looks, so that a denied path is not even touched.
    const allowed = permit(policy, principal, capability, parameters, raises);
    const availability = this.#deps.driver.availability(capability.action);
    if (!availability.available) {
      const { code, reason, hint } = availability;
      throw new GatewayError(code, `${capability.action} cannot run here: ${reason}`, { hint });
    }
    const open = mayLook(policy, principal, this.#deps.capabilities, capability, parameters);
    const inspection = await this.#inspect(policy, capability, parameters, open);
    // What was seen raises the risk only where the key may see it: else the risk would tell.
    const seen = open ? inspection.raises.map(raiseByOne) : blindRaises(parameters);
    const permission =
      seen.length === 0
        ? allowed
        : permit(policy, principal, capability, parameters, [...raises, ...seen]);
    const preview = inspection.preview ?? capability.preview(parameters);
    return {
      permission,
      step: {
        action: capability.action,
        parameters,
        risk: permission.risk,
        bound: inspection.bound,
      },
      note: {
        summary: capability.summary(parameters),
        reasons: permission.reasons,
        privateReasons: open ? [] : inspection.raises,
        ...(preview !== undefined && { preview }),
        openPreview: inspection.preview === undefined || open,
      },
    };
  }

  async #inspect(
    policy: Policy,
    capability: Capability,
    parameters: Parameters,
    open: boolean,
  ): Promise<Inspection> {
    const limit = fileSizeLimit(policy, capability.action, this.#deps.maxFileSize);
    try {
      return await this.#deps.driver.inspect(capability.action, parameters, limit);
    } catch (error) {
      if (open || !(error instanceof GatewayError)) throw error;
      // A refusal would tell this key what stands there: the approver reads it, the run meets it.
      return {
        // Equals no state, so that the run cannot pass over what could not be inspected.
        bound: { [`file:${capability.facts(parameters).path}`]: "unreadable" },
        raises: [],
        preview: { kind: "text", text: `Will fail: ${error.detail}` },
      };
    }
  }

  #desktop(principal: Principal, asked: string | undefined): string {
    const { desktops } = this.#deps.driver;
    const desktop = asked ?? desktops[0] ?? "";
    if (!desktops.includes(desktop)) {
      throw new GatewayError("invalid_request", `There is no desktop ${JSON.stringify(desktop)}.`, {
        hint: `Known desktops: ${desktops.join(", ")}.`,
      });
    }
    if (principal.desktops !== null && !principal.desktops.has(desktop)) {
      throw new GatewayError(
        "scope_missing",
        `Key ${principal.keyId} may not use desktop ${JSON.stringify(desktop)}.`,
        { hint: "The operator lists a key's desktops in config/clients.json." },
      );
    }
    return desktop;
  }
}

/** The file size limit of an action in bytes: the policy's, never above the service's own. */
export function fileSizeLimit(policy: Policy, action: string, maxFileSize: number): number {
  const megabytes = policy.capabilities[action]?.max_file_size_mb;
  return megabytes === undefined ? maxFileSize : Math.min(maxFileSize, megabytes * 1024 * 1024);
}

function stepsOf(request: PlanRequest): readonly StepRequest[] {
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

/** Checked and normalised; of what may not be done at all the parameters need not be right. */
function readParameters(
  policy: Policy,
  principal: Principal,
  capability: Capability,
  request: StepRequest,
  pointer: string,
): Parameters {
  try {
    return checkParameters(capability, request.parameters ?? {}, pointer);
  } catch (error) {
    refuseDisabled(policy, principal, capability);
    throw error;
  }
}

function refuseDisabled(policy: Policy, principal: Principal, capability: Capability): void {
  const decision = decide(policy, principal, {
    action: capability.action,
    risk: capability.risk,
    facts: {},
    raises: [],
  });
  if (decision.effect === "deny" && EARLY_DENIALS.has(decision.code)) {
    throw new GatewayError(decision.code, decision.detail, decision.extras);
  }
}

const EARLY_DENIALS: ReadonlySet<string> = new Set([
  "capability_unknown",
  "capability_disabled",
  "scope_missing",
]);

function permit(
  policy: Policy,
  principal: Principal,
  capability: Capability,
  parameters: Parameters,
  raises: readonly Raise[],
): Permission {
  const decision = decide(policy, principal, {
    action: capability.action,
    risk: capability.risk,
    facts: capability.facts(parameters),
    raises,
  });
  if (decision.effect === "allow") return decision;
  throw new GatewayError(decision.code, decision.detail, decision.extras);
}

/** Whether this key may read, without a person, what planning the action looks at. */
function mayLook(
  policy: Policy,
  principal: Principal,
  registry: CapabilityRegistry,
  capability: Capability,
  parameters: Parameters,
): boolean {
  if (capability.readOnly || capability.holds !== "path") return true;
  const read = registry.get("fs.read");
  const { path } = capability.facts(parameters);
  if (read === undefined || path === undefined || !principal.scopes.has("execute")) return false;
  const decision = decide(policy, principal, {
    action: read.action,
    risk: read.risk,
    facts: { path },
    raises: [],
  });
  return decision.effect === "allow" && decision.mode !== "approver";
}

function raiseByOne(reason: string): Raise {
  return { reason, by: "one" };
}

/** Without a look, anything but a new file counts as a change to an existing one. */
function blindRaises(parameters: Parameters): Raise[] {
  if (parameters.mode === "create") return [];
  return [raiseByOne("this key may not read the file it would change")];
}

function strictest<T>(ladder: readonly T[], values: readonly T[]): T {
  const [first] = ladder;
  if (first === undefined) throw new Error("an empty ladder");
  return values.reduce((a, b) => (ladder.indexOf(b) > ladder.indexOf(a) ? b : a), first);
}
