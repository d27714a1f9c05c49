import type { Records, SettingStore } from "./task-store.ts";

const SETTING = "stopped";

/** Whether everything is stopped; remembered across restarts. */
export class StopSwitch {
  readonly #settings: SettingStore;
  readonly #listeners = new Set<(keyId: string) => void>();
  #stopped: boolean;

  private constructor(settings: SettingStore, stopped: boolean) {
    this.#settings = settings;
    this.#stopped = stopped;
  }

  static async open(settings: SettingStore): Promise<StopSwitch> {
    return new StopSwitch(settings, (await settings.get(SETTING)) === "true");
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Called at the moment of each stop, before it is written down, with the key that asked for it. */
  onStopped(listener: (keyId: string) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Counts at once, before it is written down and even where it cannot be. Returns what writes it:
   * once, however often it is called, and again only where it failed.
   */
  stop(keyId: string, reason: string | undefined): () => Promise<void> {
    this.#stopped = true;
    for (const listener of this.#listeners) listener(keyId);
    const records = recordsOf(true, keyId, reason);
    let recorded: Promise<void> | undefined;
    return () => {
      recorded ??= this.#settings.set(SETTING, "true", records).catch((error: unknown) => {
        recorded = undefined;
        throw error;
      });
      return recorded;
    };
  }

  /** Counts only once it is recorded. */
  async resume(keyId: string): Promise<void> {
    await this.#settings.set(SETTING, "false", recordsOf(false, keyId, undefined));
    this.#stopped = false;
  }
}

function recordsOf(stopped: boolean, keyId: string, reason: string | undefined): Records {
  const timestamp = new Date().toISOString();
  return {
    events: [
      {
        event: stopped ? "gateway_stopped" : "gateway_resumed",
        task_id: null,
        owner: null,
        timestamp,
        data: {},
      },
    ],
    audit: [
      {
        type: stopped ? "gateway.stopped" : "gateway.resumed",
        key_id: keyId,
        time: timestamp,
        ...(reason !== undefined && { details: { reason } }),
      },
    ],
  };
}
