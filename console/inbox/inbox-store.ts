import type { TaskListQuery } from "../../src/contract/requests.ts";
import type { TaskView } from "../../src/contract/task.ts";
import type { LiveEvent } from "../live/live-events.ts";
import { byUrgency, type Waiting, waitingOf } from "./waiting.ts";

export interface InboxState {
  /** Highest risk first. */
  readonly waiting: readonly Waiting[];
  readonly loaded: boolean;
  readonly error: unknown;
}

interface Source {
  tasks(query: TaskListQuery): Promise<{ tasks: TaskView[]; next_cursor?: string }>;
  task(id: string): Promise<TaskView>;
}

interface Options {
  readonly source: Source;
  /** Of a task that was not known to wait. */
  readonly onArrival?: (waiting: Waiting) => void;
  readonly pauseMs?: number;
}

const PAGE = 200;
const MAX_PAGES = 10;
/** Changes within so long are drawn, and asked for, together. */
const PAUSE_MS = 200;
/** Where more than so many tasks changed at once, the lists are cheaper than each by itself. */
const ONE_BY_ONE = 50;

const ASKED: ReadonlySet<string> = new Set(["task_planned", "task_confirmed"]);
const GONE: ReadonlySet<string> = new Set([
  "task_rejected",
  "task_expired",
  "task_queued",
  "task_started",
  "task_completed",
  "task_failed",
  "task_cancelled",
  "task_interrupted",
]);

/** What waits for a person, kept as the events say. Draws at most five times a second. */
export class InboxStore {
  readonly #options: Options;
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Set<() => void>();
  readonly #asked = new Set<string>();
  #state: InboxState = { waiting: [], loaded: false, error: undefined };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<void> | undefined;
  #again = false;

  constructor(options: Options) {
    this.#options = options;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): InboxState => this.#state;

  /** Asks for all of it. A second call while one is under way makes it run once more. */
  load(): Promise<void> {
    if (this.#loading !== undefined) {
      this.#again = true;
      return this.#loading;
    }
    this.#loading = this.#loadAll().finally(() => {
      this.#loading = undefined;
      if (!this.#again) return;
      this.#again = false;
      void this.load();
    });
    return this.#loading;
  }

  apply({ event, task_id: id }: LiveEvent): void {
    if (id === null) return;
    if (GONE.has(event)) {
      this.#asked.delete(id);
      if (this.#waiting.delete(id)) this.#soon();
    } else if (ASKED.has(event)) {
      this.#asked.add(id);
      this.#soon();
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => void this.#settle(), this.#options.pauseMs ?? PAUSE_MS);
  }

  async #settle(): Promise<void> {
    this.#timer = undefined;
    const asked = [...this.#asked];
    this.#asked.clear();
    if (asked.length > ONE_BY_ONE) await this.load();
    else await Promise.all(asked.map((id) => this.#ask(id)));
    this.#draw();
  }

  async #ask(id: string): Promise<void> {
    try {
      this.#put(id, waitingOf(await this.#options.source.task(id)));
    } catch {
      // Gone, or the gateway is away: then all of it is loaded again.
    }
  }

  #put(id: string, waiting: Waiting | undefined): void {
    if (waiting === undefined) {
      this.#waiting.delete(id);
      return;
    }
    const isNew = !this.#waiting.has(id);
    this.#waiting.set(id, waiting);
    if (isNew && this.#state.loaded) this.#options.onArrival?.(waiting);
  }

  async #loadAll(): Promise<void> {
    try {
      const found = [
        ...(await this.#list("awaiting_confirmation")),
        ...(await this.#list("planned")),
      ];
      const seen = new Set<string>();
      for (const task of found) {
        const waiting = waitingOf(task);
        if (waiting === undefined) continue;
        seen.add(waiting.id);
        this.#put(waiting.id, waiting);
      }
      for (const id of this.#waiting.keys()) if (!seen.has(id)) this.#waiting.delete(id);
      this.#draw({ loaded: true, error: undefined });
    } catch (error) {
      this.#draw({ error });
    }
  }

  async #list(status: "planned" | "awaiting_confirmation"): Promise<TaskView[]> {
    const tasks: TaskView[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await this.#options.source.tasks({
        status,
        limit: PAGE,
        ...(cursor !== undefined && { cursor }),
      });
      tasks.push(...answer.tasks);
      cursor = answer.next_cursor;
      if (cursor === undefined) break;
    }
    return tasks;
  }

  #draw(change: Partial<Omit<InboxState, "waiting">> = {}): void {
    const waiting = [...this.#waiting.values()].sort(byUrgency);
    this.#state = { ...this.#state, ...change, waiting };
    for (const listener of [...this.#listeners]) listener();
  }
}
