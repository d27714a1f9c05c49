import type { CapabilityRegistry } from "../capabilities/capability.ts";
import type { AuditDraft } from "../contract/audit.ts";
import type { InputRequest } from "../contract/desktop.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";
import type { Parameters } from "../contract/task.ts";
import { auditParameters } from "../tasks/audit-details.ts";
import type { Desktops } from "../tasks/desktops.ts";
import { checkParameters, findCapability } from "../tasks/plan/step-check.ts";
import type { Lease } from "./lease.ts";
import { createPersonIo } from "./person-io.ts";
import type { Takeovers } from "./takeovers.ts";

export interface TakeoverInputDeps {
  readonly takeovers: Pick<Takeovers, "of">;
  readonly desktops: Desktops;
  readonly capabilities: CapabilityRegistry;
  readonly policy: () => Policy;
  readonly audit: { append(drafts: readonly AuditDraft[]): Promise<void> };
}

/** Inputs of one lease that may wait for the one before. */
const MAX_WAITING = 16;
/** Keys that are pressed with others; a key without them types, and may be part of a password. */
const MODIFIER = /^(?:Control|Alt|Super|Meta)_[LR]$/;

/** What a person does at a desktop they have taken over, action by action, in order, each recorded. */
export class TakeoverInput {
  readonly #deps: TakeoverInputDeps;
  readonly #lines = new WeakMap<Lease, { last: Promise<unknown>; waiting: number }>();

  constructor(deps: TakeoverInputDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when it is done and recorded. Throws `state_changed` without the session's lease,
   * `invalid_request`, `rate_limited` where too much waits, `audit_unavailable` before anything is
   * done, and what the driver rejects with.
   */
  async perform(desktop: string, sessionId: string, request: InputRequest): Promise<void> {
    const lease = this.#require(desktop, sessionId);
    const capability = findCapability(this.#deps.capabilities, request.action);
    const checked = checkParameters(capability, asPrivate(request), "/parameters");
    const parameters = capability.applyPolicyDefaults(checked, { enabled: true });
    const line = this.#lineOf(lease);
    if (line.waiting >= MAX_WAITING) {
      throw new GatewayError("rate_limited", `${MAX_WAITING} inputs wait already.`, {
        hint: "Wait for their answers.",
        retry_after: 1,
      });
    }
    line.waiting += 1;
    const done = line.last
      .then(() => this.#act(lease, sessionId, request.action, parameters))
      .finally(() => {
        line.waiting -= 1;
      });
    line.last = done.catch(() => {});
    await done;
  }

  async #act(
    lease: Lease,
    sessionId: string,
    action: string,
    parameters: Parameters,
  ): Promise<void> {
    const { desktops, capabilities, policy } = this.#deps;
    const { desktop, holder } = lease;
    const shown = auditParameters(capabilities.get(action), parameters);
    this.#require(desktop, sessionId, lease);
    await this.#record(holder.keyId, "desktop.input_started", {
      desktop,
      via: "action",
      action,
      parameters: withoutTyping(shown),
    });
    let outcome = "not_done";
    try {
      // Writing it down took its time.
      this.#require(desktop, sessionId, lease);
      const driver = desktops.get(desktop)?.driver;
      if (driver === undefined) throw new Error(`desktop ${desktop} is gone`);
      const io = createPersonIo({
        keyId: holder.keyId,
        signal: lease.signal,
        targetCheck: policy().target_check,
      });
      outcome = "outcome_unknown";
      await driver.perform({ action, parameters, risk: "medium", bound: {} }, io);
      outcome = "completed";
    } catch (error) {
      if (error instanceof GatewayError) outcome = error.code;
      throw answerable(error);
    } finally {
      await this.#record(holder.keyId, "desktop.input", {
        desktop,
        via: "action",
        action,
        outcome,
      });
    }
  }

  #require(desktop: string, sessionId: string, expected?: Lease): Lease {
    const lease = this.#deps.takeovers.of(desktop, sessionId);
    if (lease !== undefined && (expected ?? lease) === lease) return lease;
    throw new GatewayError("state_changed", `This session has not taken desktop ${desktop} over.`, {
      hint: `Take it over first: POST /desktops/${desktop}/takeover.`,
    });
  }

  #lineOf(lease: Lease): { last: Promise<unknown>; waiting: number } {
    let line = this.#lines.get(lease);
    if (line === undefined) {
      const made = { last: Promise.resolve() as Promise<unknown>, waiting: 0 };
      // Whoever gets the desktop next comes after what is under way.
      lease.onEnd(async () => void (await made.last));
      this.#lines.set(lease, made);
      line = made;
    }
    return line;
  }

  #record(keyId: string, type: string, details: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#deps.audit.append([
      { type, key_id: keyId, time: new Date().toISOString(), details },
    ]);
  }
}

/** Whatever a person types may be a password. */
function asPrivate({ parameters }: InputRequest): Parameters {
  return typeof parameters.text === "string" ? { ...parameters, sensitive: true } : parameters;
}

/** Keys that type, one by one, are what was typed. */
function withoutTyping(parameters: Parameters): Parameters {
  const { keys } = parameters;
  if (!Array.isArray(keys) || keys.some((key) => MODIFIER.test(String(key)))) return parameters;
  return { ...parameters, keys: keys.length };
}

/** An outcome that nobody knows heads no answer of its own. */
function answerable(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code !== "outcome_unknown") return error;
  return new GatewayError(
    "bytebot_error",
    "Nobody can tell whether the input happened.",
    {
      hint: "Look at the desktop before you repeat it.",
    },
    error,
  );
}
