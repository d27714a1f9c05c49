import { GatewayError } from "../contract/errors.ts";
import type { StopView } from "../contract/requests.ts";
import { Interruption } from "./execute/interruption.ts";
import type { Grants } from "./grants/grants.ts";
import type { StopSwitch } from "./stop-switch.ts";
import type { TaskCanceller } from "./task-canceller.ts";

export interface StopperDeps {
  readonly stopSwitch: StopSwitch;
  readonly canceller: TaskCanceller;
  readonly grants: Grants;
  readonly onError: (error: unknown, what: string) => void;
}

const NOTE =
  "Everything is stopped, but that is not recorded: the disk takes no record of it. What ran was told to end and is shown as running until it does. The gateway keeps trying by itself; if it starts anew before the disk has room, it is not stopped any more.";

/** Stops everything, also where the disk takes no record of it: that is made up for later. */
export class Stopper {
  readonly #deps: StopperDeps;
  /** Stops of which something is still to be written, oldest first. */
  readonly #unfinished = new Set<() => Promise<unknown>>();
  #finishing: Promise<void> | undefined;

  constructor(deps: StopperDeps) {
    this.#deps = deps;
  }

  async stop(keyId: string, reason: string | undefined): Promise<StopView> {
    const { stopSwitch, canceller, grants } = this.#deps;
    const interruption = new Interruption("stop", keyId, `Everything was stopped by key ${keyId}.`);
    const record = stopSwitch.stop(keyId, reason);
    const end = () => canceller.endActive(interruption, record());
    const running = canceller.interruptRunning(interruption);
    // From the start: a resume meanwhile waits for it.
    this.#unfinished.add(end);
    try {
      const [cancelled] = await Promise.all([end(), grants.endAll(keyId)]);
      this.#unfinished.delete(end);
      return { stopped: true, cancelled };
    } catch (error) {
      // Grants make up for their own records.
      if (!isUnrecorded(error)) {
        this.#unfinished.delete(end);
        throw error;
      }
      const cancelled = await canceller.countActive(running.ids);
      await running.halted;
      return { stopped: true, cancelled, recorded: false, note: NOTE };
    }
  }

  /** Nobody goes on before each stop is written down with what it ended. */
  async resume(keyId: string): Promise<StopView> {
    await this.finish();
    if (this.#deps.stopSwitch.stopped) await this.#deps.stopSwitch.resume(keyId);
    return { stopped: false };
  }

  /** Writes what could not be written before. Rejects with `audit_unavailable` where it still cannot. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finishAll().finally(() => {
      this.#finishing = undefined;
    });
    return this.#finishing;
  }

  /** `finish` from time to time: what cannot be done now is tried again. */
  sweep(): void {
    if (this.#unfinished.size === 0) return;
    this.finish().catch((error: unknown) => this.#deps.onError(error, "stop"));
  }

  async #finishAll(): Promise<void> {
    for (const end of this.#unfinished) {
      try {
        await end();
      } catch (error) {
        if (isUnrecorded(error)) throw error;
        this.#deps.onError(error, "stop");
      }
      this.#unfinished.delete(end);
    }
  }
}

function isUnrecorded(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "audit_unavailable";
}
