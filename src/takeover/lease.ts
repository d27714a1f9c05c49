import { setMaxListeners } from "node:events";
import { GatewayError } from "../contract/errors.ts";

/** Who takes a desktop over: a person, in one of their sessions. */
export interface Holder {
  /** `person:ID` */
  readonly keyId: string;
  readonly personId: string;
  readonly name: string;
  readonly sessionId: string;
}

/** Why a lease ended, as the audit log has it. */
export type LeaseEnd =
  | "returned"
  | "expired"
  | "stopped"
  | "signed_out"
  | "revoked"
  | "restart"
  | "shutdown"
  | "not_recorded";

/** A desktop in the hands of a person. Its end is told by `signal`, whose reason is a GatewayError. */
export class Lease {
  readonly desktop: string;
  /** Its session changes where the person goes on in another. */
  holder: Holder;
  /** ms since the epoch. */
  until: number;
  readonly #ended = new AbortController();
  readonly #closers = new Set<() => Promise<void>>();

  constructor(desktop: string, holder: Holder, until: number) {
    this.desktop = desktop;
    this.holder = holder;
    this.until = until;
    // Every input that leaves something held listens until the end.
    setMaxListeners(0, this.#ended.signal);
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Called at the end, before anyone else gets the desktop; `remove` where it is not needed any more. */
  onEnd(close: () => Promise<void>): { remove(): void } {
    this.#closers.add(close);
    return { remove: () => void this.#closers.delete(close) };
  }

  /** Nothing passes any more when it returns; resolves when what was under way is over. */
  async end(): Promise<void> {
    this.#ended.abort(
      new GatewayError("state_changed", "The takeover of the desktop has ended.", {
        hint: "Take it over again to go on.",
      }),
    );
    await Promise.allSettled([...this.#closers].map((close) => close()));
  }
}
