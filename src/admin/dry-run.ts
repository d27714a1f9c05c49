import type { CapabilityRegistry } from "../capabilities/capability.ts";
import { proposeStep } from "../capabilities/explain-step.ts";
import { GatewayError } from "../contract/errors.ts";
import type { DryRunRequest, DryRunView } from "../contract/operate.ts";
import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { checkPolicy } from "../policy/check.ts";
import { compareDecisions } from "../policy/compare-decisions.ts";
import { decide } from "../policy/decide.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import { describeProblems } from "../policy/validate-policy.ts";
import { readPlan } from "../tasks/stored-plan.ts";
import { neutralPrincipal } from "./neutral-principal.ts";
import type { RecordedPlan, RecordedPlans } from "./recorded-plans.ts";
import { recordedRiskFactors } from "./recorded-risk-factors.ts";
import { Slices } from "./slices.ts";
import { viewDecision } from "./view-decision.ts";

export interface DryRunDeps {
  readonly policy: Pick<PolicySource, "current" | "examine">;
  readonly plans: RecordedPlans;
  readonly capabilities: CapabilityRegistry;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

const MAX_PLANS = 1000;
const PAGE = 20;
const MAX_CHANGED = 200;
/** ms for all plans together, waiting for others included. */
const TIME_MS = 10_000;
/** Entries of all lists up to which a person is told of those that look odd: it compares each with each. */
const MAX_ENTRIES = 500;
/** `/capabilities/fs.read/…: what is wrong`, of one policy. */
const MAX_PROBLEMS = 100;

type Changed = DryRunView["changed"][number];
type Counts = DryRunView["counts"];

/**
 * What a policy would have said to the plans that were recorded last. It is decided on the record
 * alone: no file, no desktop is looked at, and the policy is not put in force. One at a time.
 */
export class DryRun {
  readonly #deps: DryRunDeps;
  #isRunning = false;

  constructor(deps: DryRunDeps) {
    this.#deps = deps;
  }

  /** Throws `rate_limited` while another one runs. */
  async run({ policy: proposed }: DryRunRequest): Promise<DryRunView> {
    if (this.#isRunning) {
      throw new GatewayError("rate_limited", "Another policy is being tried out at this moment.", {
        retry_after: 2,
        hint: "One at a time: ask again in a moment.",
      });
    }
    this.#isRunning = true;
    try {
      return await this.#tryOut(
        Buffer.from(typeof proposed === "string" ? proposed : JSON.stringify(proposed)),
      );
    } finally {
      this.#isRunning = false;
    }
  }

  async #tryOut(bytes: Uint8Array): Promise<DryRunView> {
    const before = this.#deps.policy.current;
    const examined = this.#deps.policy.examine(bytes);
    if ("problems" in examined) {
      const { problems } = examined;
      const more = problems.length - MAX_PROBLEMS;
      return {
        ...NOTHING,
        valid: false,
        problems: [
          ...problems.slice(0, MAX_PROBLEMS),
          ...(more > 0 ? [`and ${more} more problems`] : []),
        ],
        digests: { before: before.digest },
      };
    }
    const after = examined.policy;
    const warnings = this.#warningsOf(bytes, after);
    return {
      ...(await this.#compare(before, after)),
      valid: true,
      ...(warnings.length > 0 && { warnings }),
      digests: { before: before.digest, after: after.digest },
    };
  }

  async #compare(before: Policy, after: Policy) {
    const counts = { ...NOTHING.counts };
    const changed: Changed[] = [];
    const slices = new Slices();
    const deadline = performance.now() + TIME_MS;
    let [checked, skipped, next] = [0, 0, Number.MAX_SAFE_INTEGER];
    let isOver = false;
    while (!isOver && checked + skipped < MAX_PLANS) {
      const page = await this.#deps.plans.read(next, PAGE);
      for (const recorded of page) {
        if (performance.now() > deadline)
          return { counts, changed, checked, skipped, complete: false };
        const steps = this.#decideAnew(recorded, before, after);
        if (steps === undefined) skipped++;
        else checked++;
        for (const step of steps ?? []) count(step, counts, changed);
        await slices.giveWay();
      }
      next = page.at(-1)?.seq ?? next;
      isOver = page.length < PAGE;
    }
    return { counts, changed, checked, skipped, complete: true };
  }

  /** Each step under both policies; undefined where the record does not allow it. */
  #decideAnew(
    { plan: text, digest, task_id, requester, created_at, steps: notes }: RecordedPlan,
    before: Policy,
    after: Policy,
  ): (Changed | Unchanged)[] | undefined {
    if (text === undefined) return undefined;
    const plan = readPlan(text, digest);
    if (plan === undefined) return undefined;
    const principal = this.#deps.findPrincipal(requester) ?? neutralPrincipal(requester);
    const decided: (Changed | Unchanged)[] = [];
    for (const [step, { action, parameters }] of plan.steps.entries()) {
      const capability = this.#deps.capabilities.get(action);
      if (capability === undefined) return undefined;
      const { summary = "", reasons = [] } = notes[step] ?? {};
      const seen = recordedRiskFactors(reasons, capability.riskFactors(parameters));
      const proposal = proposeStep(capability, parameters, seen);
      const then = decide(before, principal, proposal);
      const now = decide(after, principal, proposal);
      const direction = compareDecisions(then, now);
      decided.push(
        direction === "unchanged"
          ? { direction }
          : {
              task_id,
              step,
              key_id: requester,
              action,
              summary,
              planned_at: created_at,
              before: viewDecision(then),
              after: viewDecision(now),
              direction,
              rule: now.rule,
            },
      );
    }
    return decided;
  }

  #warningsOf(bytes: Uint8Array, policy: Policy): string[] {
    const entries = Object.values(policy.capabilities).flatMap((capability) =>
      Object.values(capability).flatMap((member) => (Array.isArray(member) ? member : [])),
    );
    if (entries.length > MAX_ENTRIES) return [];
    const { warnings } = checkPolicy(bytes, this.#deps.capabilities);
    return describeProblems(warnings.slice(0, MAX_PROBLEMS));
  }
}

interface Unchanged {
  readonly direction: "unchanged";
}

const NOTHING = {
  checked: 0,
  skipped: 0,
  complete: true,
  changed: [],
  counts: {
    steps: 0,
    unchanged: 0,
    stricter: 0,
    laxer: 0,
    mixed: 0,
    newly_denied: 0,
    newly_unattended: 0,
  },
} satisfies Partial<DryRunView>;

function count(step: Changed | Unchanged, counts: Counts, changed: Changed[]): void {
  counts.steps++;
  counts[step.direction]++;
  if (step.direction === "unchanged") return;
  const { before, after } = step;
  if (before.effect === "allow" && after.effect === "deny") counts.newly_denied++;
  if (after.effect === "allow" && after.mode !== "approver" && !ranUnattended(before)) {
    counts.newly_unattended++;
  }
  if (changed.length < MAX_CHANGED) changed.push(step);
}

function ranUnattended({ effect, mode }: Changed["before"]): boolean {
  return effect === "allow" && mode !== "approver";
}
