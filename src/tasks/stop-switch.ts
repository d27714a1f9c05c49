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
   * Stopping counts at once, before it is written down and even where it cannot be; resuming
   * counts only once it is recorded.
   */
  async set(stopped: boolean, keyId: string, reason: string | undefined): Promise<void> {
    if (stopped) {
      this.#stopped = true;
      for (const listener of this.#listeners) listener(keyId);
    }
    await this.#settings.set(SETTING, String(stopped), recordsOf(stopped, keyId, reason));
    this.#stopped = stopped;
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
