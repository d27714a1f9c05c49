import type { TaskRepository } from "../task-repository.ts";

/** ms between two progress records of a task: each is a durable event. */
const INTERVAL_MS = 250;

/** Turns a driver's progress into events, a few a second at most; the newest always counts. */
export class ProgressReporter {
  readonly #repository: TaskRepository;
  readonly #taskId: string;
  readonly #steps: number;
  #newest: { progress: number; message: string } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lastWrite = 0;

  constructor(repository: TaskRepository, taskId: string, steps: number) {
    this.#repository = repository;
    this.#taskId = taskId;
    this.#steps = steps;
  }

  /** `fraction` of step `index`, 0 to 1. */
  report(index: number, fraction: number, message: string): void {
    const done = (index + Math.min(1, Math.max(0, fraction))) / this.#steps;
    // 100 is said by the end alone.
    this.#newest = { progress: Math.min(99, Math.floor(done * 100)), message };
    const now = Date.now();
    if (now - this.#lastWrite < INTERVAL_MS) return;
    this.#lastWrite = now;
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when what was begun is written: nothing may follow the end of the task. */
  async flush(): Promise<void> {
    this.#newest = undefined;
    await this.#writing;
  }

  async #write(): Promise<void> {
    const data = this.#newest;
    this.#newest = undefined;
    if (data === undefined) return;
    try {
      await this.#repository.change(this.#taskId, (task) => {
        if (task.state.status !== "running") return undefined;
        return {
          transitions: [],
          state: data,
          events: [{ event: "task_progress", data }],
          keyId: null,
          audit: [],
        };
      });
    } catch {
      // Progress may be lost; the outcome may not, and its writer insists.
    }
  }
}
