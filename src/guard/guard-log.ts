import type { Logger } from "pino";
import type { GatewayError } from "../contract/errors.ts";
import { oneLine } from "../lib/inert.ts";
import { auditParameters } from "../tasks/audit-details.ts";
import type { StepIo } from "../tasks/driver.ts";
import type { AgentAction } from "./translate.ts";

/** Refusals that are recorded at once, and how long it takes until one more may be. */
const BURST = 10;
const REFILL_MS = 1000;
const MAX_REASON = 500;

/** What stands in task events and the audit log of what an agent does by itself, and is refused. */
export class GuardLog {
  readonly #io: StepIo;
  readonly #log: Logger;
  readonly #now: () => number;
  #room = BURST;
  #lastRefill: number;
  #unrecorded = 0;

  constructor(io: StepIo, log: Logger, now: () => number) {
    this.#io = io;
    this.#log = log;
    this.#now = now;
    this.#lastRefill = now();
  }

  /** Before the action leaves. Rejects where it cannot be recorded: then it must not leave. */
  async intend(action: AgentAction, number: number): Promise<void> {
    const { capability, parameters } = action;
    await this.#io.record({
      event: {
        message: describe(action),
        agent: { kind: "action", action: capability.action, number },
      },
      audit: {
        type: "agent.action",
        details: {
          number,
          action: capability.action,
          parameters: auditParameters(capability, parameters),
        },
      },
    });
  }

  /** `outcome`: `done`, `not_sent`, or the code of an error. False where it could not be recorded. */
  async finish(number: number, outcome: string): Promise<boolean> {
    const details = { number, outcome };
    return this.#record({ audit: { type: "agent.action_finished", details } });
  }

  /** What was refused; of a flood only some are recorded, with the number of the others. */
  async refuse(error: GatewayError, request: number, action?: string): Promise<void> {
    const reason = oneLine(error.detail, MAX_REASON);
    this.#log.debug({ task_id: this.#io.taskId, request, action, code: error.code }, "refused");
    if (!this.#hasRoom()) {
      this.#unrecorded += 1;
      return;
    }
    const named = action !== undefined && { action };
    await this.#record({
      event: {
        message: `Refused ${action ?? "a request of the agent"}: ${reason}`,
        agent: { kind: "denied", ...named, code: error.code, request },
      },
      audit: {
        type: "agent.denied",
        details: { request, ...named, code: error.code, reason, ...this.#takeUnrecorded() },
      },
    });
  }

  /** Once, when nothing more comes. */
  async close(): Promise<void> {
    if (this.#unrecorded === 0) return;
    await this.#record({ audit: { type: "agent.denied", details: this.#takeUnrecorded() } });
  }

  #takeUnrecorded(): { unrecorded?: number } {
    const unrecorded = this.#unrecorded;
    this.#unrecorded = 0;
    return unrecorded === 0 ? {} : { unrecorded };
  }

  #hasRoom(): boolean {
    const refill = Math.floor((this.#now() - this.#lastRefill) / REFILL_MS);
    this.#lastRefill += refill * REFILL_MS;
    this.#room = Math.min(BURST, this.#room + refill);
    if (this.#room === 0) return false;
    this.#room -= 1;
    return true;
  }

  async #record(entry: Parameters<StepIo["record"]>[0]): Promise<boolean> {
    try {
      await this.#io.record(entry);
      return true;
    } catch (err) {
      const { type, details } = entry.audit ?? {};
      this.#log.error({ err, task_id: this.#io.taskId, type, details }, "not recorded");
      return false;
    }
  }
}

/** The action in words. What an agent types may be secret, and nobody has said whether it is. */
function describe({ capability, parameters }: AgentAction): string {
  const { text, sensitive } = parameters;
  if (typeof text !== "string" || sensitive === true) return capability.summary(parameters);
  const verb = capability.action === "keyboard.paste" ? "Paste" : "Type";
  const count = Array.from(text).length;
  return `${verb} ${count} ${count === 1 ? "character" : "characters"}`;
}
