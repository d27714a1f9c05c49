import type { Logger } from "pino";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ReplayStore } from "../auth/replay-store.ts";
import type { TaskStore } from "../tasks/task-store.ts";

export interface MaintenanceDeps {
  readonly tasks: TaskStore;
  readonly replays: ReplayStore;
  readonly artifacts: Artifacts;
  readonly notifications: { prune(time: string): Promise<void> };
  readonly retentionDays: number;
  readonly log: Logger;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Tasks removed in one commit: others write between two of them. */
const BATCH = 200;

/** What is done beside requests: forgetting signatures, tasks and artifacts whose time is over. */
export class Maintenance implements Disposable {
  readonly #deps: MaintenanceDeps;
  readonly #timers: NodeJS.Timeout[];

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
    this.#timers = [
      setInterval(() => this.#run("replays", () => deps.replays.prune(Date.now())), MINUTE_MS),
      setInterval(() => this.#run("retention", () => this.#removeOld()), 60 * MINUTE_MS),
    ];
    for (const timer of this.#timers) timer.unref();
    this.#run("artifacts", () => deps.artifacts.sweep());
    this.#run("retention", () => this.#removeOld());
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #removeOld(): Promise<void> {
    const { tasks, artifacts, notifications, retentionDays, log } = this.#deps;
    const before = new Date(Date.now() - retentionDays * DAY_MS).toISOString();
    await notifications.prune(before);
    let removed = 0;
    for (;;) {
      const batch = await tasks.removeFinished(before, BATCH);
      await artifacts.remove(batch.artifactIds);
      removed += batch.tasks;
      if (batch.tasks < BATCH) break;
    }
    if (removed > 0) log.info({ removed, before }, "finished tasks removed");
  }

  #run(job: string, work: () => Promise<void>): void {
    work().catch((err: unknown) =>
      this.#deps.log.error({ err, job }, "a job failed; it is tried again"),
    );
  }
}
