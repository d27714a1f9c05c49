import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../contract/errors.ts";
import { backoff } from "../../lib/backoff.ts";
import type { DaemonAnswer, DaemonRequest } from "../../tasks/agent-guard.ts";
import { abortError } from "../step/aborted.ts";
import { SerialQueue } from "../step/serial-queue.ts";
import { type Inputs, pressesAfter, traitsOf } from "./daemon-actions.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { statusError } from "./daemon-error.ts";
import { EVERY_INPUT, HeldInputs } from "./held-inputs.ts";
import { TransportError } from "./transport.ts";

const SUCCESS = 201;
const NEVER = new AbortController().signal;
/** ms that closing waits for what is under way. */
const CLOSING_MS = 5000;
/** ms within which the daemon tells where its pointer is; it takes 4. */
const PROBE_MS = 2000;
/** ms between two looks whether a daemon that may have died still answers. */
const LOOK_MS = 250;
/** ms between two looks whether a daemon that is gone is back, at first and at most. */
const RETURN_MS = [100, 1000] as const;

/** Lets so many ms pass, unless the signal aborts; never rejects. */
export type Rest = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * The one line of requests to a desktop's daemon. A request holds it until the daemon has answered,
 * even when nobody waits for the answer any more, and after a lost answer until the action has surely
 * ended, or the daemon has died over it. What a failed or abandoned request may have left held is
 * released as soon as the daemon answers, before anything else: a key that stays pressed repeats.
 */
export class DaemonQueue implements AsyncDisposable {
  readonly #client: DaemonClient;
  readonly #queue = new SerialQueue();
  readonly #closing = new AbortController();
  /** On purpose, by `press_keys` and `press_mouse`. */
  readonly #held = new HeldInputs();
  /** To be let go of before anything else is done. */
  readonly #pendingReleases = new HeldInputs();

  readonly #rest: Rest;
  #isWaitingForReturn = false;
  /** The request that holds the line, and when it should be over. */
  #current: { readonly action: string; readonly until: number } | undefined;

  constructor(client: DaemonClient, rest: Rest = sleepUntilAborted) {
    this.#client = client;
    this.#rest = rest;
  }

  /** The body of the daemon's 201. Rejects as `Desktop` says. */
  async call(request: DaemonRequest, signal: AbortSignal): Promise<unknown> {
    const { status, body } = await this.forward(request, signal);
    if (status === SUCCESS) return body;
    throw statusError(status);
  }

  /** The daemon's answer whatever its status. Rejects as `Driver.perform` says. */
  async forward(request: DaemonRequest, signal: AbortSignal): Promise<DaemonAnswer> {
    const traits = traitsOf(request);
    let sentAt = 0;
    let status = 0;
    const work = async () => {
      if (this.#closing.signal.aborted) throw abortError(this.#closing.signal);
      if (traits.hasEffect) await this.#releasePending();
      else if (!this.#pendingReleases.isEmpty && (await this.#answers())) await this.#letGo();
      sentAt = performance.now();
      this.#current = { action: request.action, until: sentAt + traits.durationMs };
      const answer = await this.#client.send(request, signal);
      status = answer.status;
      return answer;
    };
    const settle = async (error: unknown) => {
      try {
        await recover(error);
      } finally {
        this.#current = undefined;
      }
    };
    const recover = async (error: unknown) => {
      if (!traits.hasEffect) return;
      if (status === SUCCESS) {
        this.#held.account(request);
        if (signal.aborted) await this.#letGo();
      } else if (status !== 0 || isCode(error, "outcome_unknown")) {
        const elapsed = performance.now() - sentAt;
        this.#pendingReleases.add(pressesAfter(request, elapsed));
        await this.#recover(status === 0 ? traits.durationMs - elapsed : 0);
      }
    };
    return await this.#queue.run(signal, work, settle);
  }

  /** What holds the line, and for how many ms yet. */
  busy(): { readonly action: string; readonly forMs: number } | undefined {
    if (this.#current === undefined) return undefined;
    const { action, until } = this.#current;
    return { action, forMs: Math.max(0, until - performance.now()) };
  }

  /** Lets go of all that is or may be held. Never rejects: what cannot be released now is later. */
  async release(): Promise<void> {
    if (this.#held.isEmpty && this.#pendingReleases.isEmpty) return;
    await this.#queue.run(NEVER, () => this.#letGo());
  }

  /** Holds the line for `ms`, then lets go of whatever an earlier run may have left held. */
  recover(ms: number, presses: readonly Inputs[] = []): void {
    for (const inputs of [EVERY_INPUT, ...presses]) this.#pendingReleases.add(inputs);
    void this.#queue.run(NEVER, () => this.#recover(ms));
  }

  /** Resolves when what was asked for before is over. */
  async settled(signal: AbortSignal): Promise<void> {
    await this.#queue.run(signal, async () => {});
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new GatewayError("stopped", "the gateway is shutting down"));
    const limit = new AbortController();
    const patience = sleep(CLOSING_MS, undefined, { signal: limit.signal }).catch(() => {});
    await Promise.race([this.#queue.run(NEVER, () => this.#letGo()), patience]);
    limit.abort();
    await this.#client[Symbol.asyncDispose]();
  }

  async #releasePending(): Promise<void> {
    if (this.#pendingReleases.isEmpty) return;
    try {
      await this.#releaseOwed();
    } catch (error) {
      throw new GatewayError(
        "bytebot_unavailable",
        "keys that an earlier action may have left held cannot be released",
        { hint: "Nothing was done. Check that ByteBot's desktop answers, then try again." },
        error,
      );
    }
  }

  /** Nobody can stop what was sent: it goes on without anyone to answer to, unless the daemon died. */
  async #recover(ms: number): Promise<void> {
    // Where nothing can be held the daemon's death changes nothing.
    if (ms > 0 && this.#pendingReleases.isEmpty) await this.#rest(ms, this.#closing.signal);
    else if (ms > 0 && (await this.#isDeadWithin(ms))) return this.#releaseOnReturn();
    await this.#letGo();
  }

  /** Resolves after so many ms with false, or with true as soon as nobody answers any more. */
  async #isDeadWithin(ms: number): Promise<boolean> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, over.signal]);
    const dead = async (): Promise<boolean> => {
      while (!signal.aborted) {
        if (await this.#isGone()) return true;
        await sleepUntilAborted(LOOK_MS, signal);
      }
      return false;
    };
    const isDead = await Promise.race([this.#rest(ms, signal).then(() => false), dead()]);
    over.abort();
    return isDead;
  }

  /** One that does not answer in time may be busy with what it was sent. */
  async #isGone(): Promise<boolean> {
    try {
      await this.#client.look(PROBE_MS);
      return false;
    } catch (error) {
      return error instanceof TransportError && !error.isTimeout;
    }
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.#client.probe(PROBE_MS)).status === SUCCESS;
    } catch {
      return false;
    }
  }

  async #letGo(): Promise<void> {
    this.#pendingReleases.add(this.#held.take());
    try {
      await this.#releaseOwed();
    } catch {
      // Still owed: an action before then releases it first, and says so where it cannot.
      this.#releaseOnReturn();
    }
  }

  /** Asks until the daemon answers, and lets go then. */
  #releaseOnReturn(): void {
    if (this.#isWaitingForReturn) return;
    this.#isWaitingForReturn = true;
    void (async () => {
      const { signal } = this.#closing;
      for (let attempt = 0; !this.#pendingReleases.isEmpty && !signal.aborted; attempt++) {
        await sleepUntilAborted(backoff(attempt, ...RETURN_MS), signal);
        if (signal.aborted || !(await this.#answers())) continue;
        await this.#queue.run(NEVER, () => this.#letGo());
      }
      this.#isWaitingForReturn = false;
    })();
  }

  async #releaseOwed(): Promise<void> {
    for (const request of this.#pendingReleases.releases()) {
      await this.#client.call(request, NEVER);
      this.#pendingReleases.account(request);
    }
  }
}

function isCode(error: unknown, code: GatewayError["code"]): boolean {
  return error instanceof GatewayError && error.code === code;
}

async function sleepUntilAborted(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
