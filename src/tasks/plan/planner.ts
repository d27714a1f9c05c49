import type { Capability, CapabilityRegistry } from "../../capabilities/capability.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Policy } from "../../contract/policy.ts";
import type { Principal } from "../../contract/principal.ts";
import type { PlanRequest, StepRequest } from "../../contract/requests.ts";
import type { Parameters, Preview, RequestedBy } from "../../contract/task.ts";
import { canonicalJson, sha256 } from "../../lib/canonical.ts";
import { randomId } from "../../lib/random-id.ts";
import { afterOthers } from "../../lib/turns.ts";
import { higherRisk, stricterMode } from "../../policy/decide.ts";
import type { Permission, RiskFactor } from "../../policy/decision.ts";
import { locksOfLook } from "../desktop-locks.ts";
import type { Desktops, NamedDesktop } from "../desktops.ts";
import type { Availability, Driver, InspectContext, Inspection } from "../driver.ts";
import { lateDesktop } from "../late-desktop.ts";
import { fileSizeLimit } from "../limits.ts";
import type { LockManager } from "../scheduler.ts";
import type { Plan, PlanNotes, PlannedStep } from "../task.ts";
import { InspectionLimiter } from "./inspection-limiter.ts";
import { canInspect, permit, refuseDisabled } from "./permit.ts";
import { checkParameters, findCapability } from "./step-check.ts";
import { stepsOf } from "./steps-of.ts";

export interface PlannerDeps {
  readonly capabilities: CapabilityRegistry;
  readonly desktops: Desktops;
  readonly policy: () => Policy;
  /** Largest file of any action, bytes. */
  readonly maxFileSize: number;
  readonly lockManager: Pick<LockManager, "acquire">;
}

export interface Planned {
  readonly plan: Plan;
  readonly canonicalPlan: string;
  readonly digest: string;
  readonly notes: PlanNotes;
  /** JSON of the notes, as it is kept. */
  readonly notesText: string;
  /** To be kept as artifacts, so that the previews that name them can be shown. */
  readonly pictures: readonly PlanPicture[];
}

/** The picture of a preview. */
export interface PlanPicture {
  readonly id: string;
  readonly step: number;
  readonly png: Uint8Array;
  /** The requester may read what it shows without a person. */
  readonly open: boolean;
}

interface JudgedStep {
  /** Bytes of content: of a large step, others have a turn after each piece of work. */
  readonly size: number;
  readonly step: PlannedStep;
  readonly permission: Permission;
  readonly note: PlanNotes["steps"][number];
  readonly requested?: string;
  readonly picture?: PlanPicture;
}

/** What judging a step has to know. */
interface Planning {
  readonly policy: Policy;
  readonly principal: Principal;
  readonly desktop: NamedDesktop;
  readonly isScreenSettled: boolean;
  readonly index: number;
}

/** ms a desktop gets to show itself while a plan is made. */
const INSPECTION_MS = 10_000;
/** ms that a plan waits for a desktop which a person has taken over. */
const TURN_MS = 9_000;
/** Of one plan; what comes after them is not shown. */
const MAX_PICTURES = 10;

/** Turns a request into the plan that is digested, shown and run. Has no effect. */
export class Planner {
  readonly #deps: PlannerDeps;
  readonly #inspections = new InspectionLimiter();

  constructor(deps: PlannerDeps) {
    this.#deps = deps;
  }

  /** Throws `invalid_request`, the denials of the policy, and what the driver cannot do. */
  async plan(
    principal: Principal,
    request: PlanRequest,
    requestedBy?: RequestedBy,
  ): Promise<Planned> {
    const policy = this.#deps.policy();
    const desktop = this.#deps.desktops.find(principal, request.desktop);
    const judged: JudgedStep[] = [];
    const requested = stepsOf(request);
    for (const [index, step] of requested.entries()) {
      const pointer = request.steps === undefined ? "/parameters" : `/steps/${index}/parameters`;
      const isScreenSettled =
        !judged.some(({ step }) => this.#changesScreen(step)) &&
        judged.filter(({ picture }) => picture !== undefined).length < MAX_PICTURES;
      const seen = { policy, principal, desktop, isScreenSettled, index };
      judged.push(await this.#judge(seen, step, pointer));
    }
    const permissions = judged.map(({ permission }) => permission);
    const mode = permissions.map((permission) => permission.mode).reduce(stricterMode);
    const sent = requested[0]?.parameters ?? {};
    const used = judged[0]?.step.parameters ?? {};
    const requestedDigest = judged[0]?.requested;
    const notes: PlanNotes = {
      summary: judged.map(({ note }) => note.summary).join("; "),
      ...(requestedBy !== undefined && { requested_by: requestedBy }),
      defaults: Object.keys(used).filter((name) => !Object.hasOwn(sent, name)),
      ...(requestedDigest !== undefined && { requested: requestedDigest }),
      steps: judged.map(({ note }) => note),
    };
    const size = judged.reduce((sum, { size }) => sum + size, 0);
    await afterOthers(size);
    const notesText = JSON.stringify(notes);
    const plan: Plan = {
      task_id: `task_${randomId()}`,
      requester: principal.keyId,
      desktop: desktop.name,
      ...(request.title !== undefined && { title: request.title }),
      steps: judged.map(({ step }) => step),
      risk: permissions.map((permission) => permission.risk).reduce(higherRisk),
      mode,
      approvals: Math.max(...permissions.map((permission) => permission.approvals)),
      expires_at: new Date(Date.now() + policy.security.plan_ttl_s * 1000).toISOString(),
      salt: randomId(),
      notes_digest: sha256(notesText),
    };
    await afterOthers(size);
    const canonicalPlan = canonicalJson(plan);
    await afterOthers(size);
    return {
      plan,
      canonicalPlan,
      digest: sha256(canonicalPlan),
      notes,
      notesText,
      pictures: judged.flatMap(({ picture }) => (picture === undefined ? [] : [picture])),
    };
  }

  async #judge(planning: Planning, request: StepRequest, pointer: string): Promise<JudgedStep> {
    const { policy, principal, desktop } = planning;
    const capability = findCapability(this.#deps.capabilities, request.action);
    const asked = readParameters(policy, principal, capability, request, pointer);
    const size = capability.facts(asked).contentSize ?? 0;
    await afterOthers(size);
    const rules = policy.capabilities[capability.action] ?? { enabled: false };
    const parameters = rules.enabled ? capability.applyPolicyDefaults(asked, rules) : asked;
    const riskFactors = [
      ...capability.riskFactors(parameters),
      ...screenRiskFactors(planning, capability),
    ];
    // Asked before the driver looks, so that a denied path is not even touched.
    const allowed = permit(policy, principal, capability, parameters, riskFactors);
    const availability = await settledAvailability(desktop.driver, capability.action);
    if (!availability.available) {
      const { code, reason, hint } = availability;
      throw new GatewayError(code, `${capability.action} cannot run here: ${reason}`, { hint });
    }
    const open = canInspect(policy, principal, this.#deps.capabilities, capability, parameters);
    await afterOthers(size);
    const inspection = await this.#inspect(planning, capability, parameters, open);
    await afterOthers(size);
    // What was seen raises the risk only where the key may see it: else the risk would tell.
    const seen = open
      ? inspection.riskFactors.map(oneLevelUp)
      : unseenRiskFactors(capability, parameters);
    const permission =
      seen.length === 0
        ? allowed
        : permit(policy, principal, capability, parameters, [...riskFactors, ...seen]);
    const picture = inspection.picture && {
      id: `artifact_${randomId()}`,
      step: planning.index,
      png: inspection.picture.png,
      open,
    };
    const preview =
      picture === undefined
        ? (inspection.preview ?? capability.preview(parameters))
        : screenshotPreview(picture.id, inspection);
    return {
      size,
      permission,
      ...(parameters !== asked && { requested: sha256(canonicalJson(asked)) }),
      ...(picture !== undefined && { picture }),
      step: {
        action: capability.action,
        parameters,
        risk: permission.risk,
        bound: inspection.bound,
      },
      note: {
        summary: capability.summary(parameters),
        reasons: permission.reasons,
        rule: permission.rule,
        privateReasons: open ? [] : inspection.riskFactors,
        ...(preview !== undefined && { preview }),
        openPreview: (inspection.preview === undefined && picture === undefined) || open,
      },
    };
  }

  async #inspect(
    { policy, principal, desktop, isScreenSettled }: Planning,
    capability: Capability,
    parameters: Parameters,
    open: boolean,
  ): Promise<Inspection> {
    using timeout = new RenewableTimeout(INSPECTION_MS);
    using _inspection =
      capability.lock === "desktop" ? this.#inspections.take(principal.keyId) : undefined;
    const look: InspectContext = {
      maxFileSize: fileSizeLimit(policy, capability.action, this.#deps.maxFileSize),
      isScreenSettled,
      targetCheck: policy.target_check,
      signal: timeout.signal,
      turn: async () => {
        const turn = await this.#turn(desktop.name);
        timeout.renew();
        return turn;
      },
    };
    try {
      return await desktop.driver.inspect(capability.action, parameters, look);
    } catch (reason) {
      const isLate = timeout.signal.aborted;
      const error = isLate ? lateDesktop(desktop, INSPECTION_MS, reason) : reason;
      // Of a screen no more is told than that it cannot be seen, or how large it is.
      const tells = capability.lock === "path";
      if (open || !tells || !(error instanceof GatewayError)) throw error;
      // A denial would tell this key what stands there: the approver reads it, the run meets it.
      return {
        // Equals no state, so that the run cannot pass over what could not be inspected.
        bound: { [`file:${capability.facts(parameters).path}`]: "unreadable" },
        riskFactors: [],
        preview: { kind: "text", text: `Will fail: ${error.detail}` },
      };
    }
  }

  async #turn(desktop: string): Promise<Disposable> {
    try {
      return await this.#deps.lockManager.acquire(
        locksOfLook(desktop),
        AbortSignal.timeout(TURN_MS),
      );
    } catch (error) {
      throw new GatewayError(
        "desktop_unavailable",
        `A person has taken desktop ${desktop} over, so it cannot be looked at for a plan.`,
        { hint: "Plan it again when the desktop is given back.", retry_after: 10 },
        error,
      );
    }
  }

  /** Whether a step may leave another picture on the screen than it found. */
  #changesScreen({ action, parameters }: PlannedStep): boolean {
    return this.#deps.capabilities.get(action)?.changesScreen(parameters) ?? false;
  }
}

/** Aborts after so many ms unless it is renewed or disposed. */
class RenewableTimeout implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    const reason = new DOMException("The desktop does not show itself in time.", "TimeoutError");
    this.#timer = setTimeout(() => this.#controller.abort(reason), ms).unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  renew(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** What acts on a screen that nobody has seen is riskier than on one that was shown and is checked. */
function screenRiskFactors({ isScreenSettled }: Planning, capability: Capability): RiskFactor[] {
  if (isScreenSettled || capability.lock !== "desktop" || !capability.destructive) return [];
  return [
    oneLevelUp("earlier steps change the screen: what it acts on can be neither shown nor checked"),
  ];
}

/** Just after the start a self-test may still be under way: a plan waits for it. */
async function settledAvailability(driver: Driver, action: string): Promise<Availability> {
  const present = driver.availability(action);
  if (present.available || driver.ready === undefined) return present;
  await driver.ready;
  return driver.availability(action);
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

function screenshotPreview(artifactId: string, { picture, preview }: Inspection): Preview {
  const note = preview?.kind === "text" ? preview.text : undefined;
  return {
    kind: "screenshot",
    artifact_id: artifactId,
    url: `/artifacts/${artifactId}`,
    width: picture?.width ?? 0,
    height: picture?.height ?? 0,
    targets: [...(picture?.targets ?? [])],
    ...(note !== undefined && { note }),
  };
}

function oneLevelUp(reason: string): RiskFactor {
  return { reason, by: "one" };
}

/** Without a look, anything but a new file counts as a change to an existing one. */
function unseenRiskFactors(capability: Capability, parameters: Parameters): RiskFactor[] {
  if (capability.lock !== "path" || parameters.mode === "create") return [];
  return [oneLevelUp("this key may not read the file it would change")];
}
