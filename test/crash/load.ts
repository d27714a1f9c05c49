import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { authHeaders } from "../support/call.ts";
import type { Credentials, Gateway } from "../support/gateway.ts";
import type { Acknowledged, Job, Told } from "./acknowledged.ts";

const WORKERS = 8;
const MAX_WAIT_MS = 200;
/** Signatures kept for trying them again. */
const KEPT = 12;

/** The gateway was killed before it answered. */
class Gone extends Error {}

/** Clients that plan, confirm and execute at the same time until the gateway is killed. */
export class Load {
  readonly #gateway: Gateway;
  readonly #random: () => number;
  readonly #known: Acknowledged;
  #answers = 0;
  #killing = false;
  #reached: { answers: number; resolve: () => void } | undefined;

  constructor(gateway: Gateway, random: () => number, known: Acknowledged) {
    this.#gateway = gateway;
    this.#random = random;
    this.#known = known;
  }

  /** From now on a broken connection is what is expected. */
  kill(): Promise<unknown> {
    this.#killing = true;
    return this.#gateway.kill();
  }

  /** Resolves when so many requests have been answered. */
  answered(answers: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reached = { answers, resolve };
    return promise;
  }

  /** Ends when the gateway is gone; rejects where it answers what it should not. */
  async run(): Promise<void> {
    // Takes a place before others can: it surely runs when the gateway is killed.
    await this.#cycle({ action: "wait", parameters: { duration_ms: 60_000 } });
    const workers = Array.from({ length: WORKERS }, () => this.#work());
    const ends = await Promise.allSettled(workers);
    const failed = ends.find((end) => end.status === "rejected" && !(end.reason instanceof Gone));
    if (failed?.status === "rejected") throw failed.reason;
  }

  /** Asks again what an execute call that was not answered has led to, as a client would. */
  async askAgain(): Promise<void> {
    for (const [taskId, told] of this.#known.tasks) {
      if (told.executing) await this.#execute(taskId, told, "");
    }
  }

  async #work(): Promise<never> {
    for (;;) await this.#cycle(this.#newJob());
  }

  /** One task; confirmation comes before execution or after it. */
  async #cycle(job: Job): Promise<void> {
    const { action, parameters } = job;
    const planned = await this.#send<PlanView>("/plan", { action, parameters });
    const told = this.#known.planned(planned.task_id, job);
    if (planned.confirmation.mode === "client") {
      const isLong = Number(parameters.duration_ms) > MAX_WAIT_MS;
      const waits = !isLong && this.#random() < 0.5;
      await this.#execute(planned.task_id, told, waits ? "?wait=30" : "");
    } else if (this.#random() < 0.5) {
      await this.#confirm(planned, told);
      await this.#execute(planned.task_id, told, this.#random() < 0.5 ? "?wait=30" : "");
    } else {
      await this.#execute(planned.task_id, told, "");
      await this.#confirm(planned, told);
      if (this.#random() < 0.3) await this.#execute(planned.task_id, told, "?wait=30");
    }
  }

  async #confirm({ task_id, plan_digest }: PlanView, told: Told): Promise<void> {
    const body = { task_id, plan_digest, decision: "approve" };
    const task = await this.#send<TaskView>("/confirm", body, this.#gateway.keys.approver);
    told.approved = true;
    this.#known.reached(told, task.status);
  }

  async #execute(taskId: string, told: Told, query: string): Promise<void> {
    told.executing = true;
    const answer = await this.#send<ExecuteView>(`/execute${query}`, { task_id: taskId });
    told.executing = false;
    this.#known.reached(told, answer.status);
    const { status, result, error } = answer;
    if (result !== undefined && error !== undefined) told.outcome = { status, result, error };
  }

  async #send<Body>(target: string, content: unknown, credentials?: Credentials): Promise<Body> {
    const body = JSON.stringify(content);
    const signer = credentials ?? this.#gateway.keys.default;
    const headers = {
      "content-type": "application/json",
      ...authHeaders(signer, "POST", target, body),
    };
    let status: number;
    let answer: Body;
    try {
      const response = await fetch(this.#gateway.url + target, { method: "POST", headers, body });
      status = response.status;
      answer = (await response.json()) as Body;
    } catch (error) {
      if (this.#killing) throw new Gone();
      throw error;
    }
    if (status !== 200 && status !== 202) {
      throw new Error(`${target} was answered with ${status}: ${JSON.stringify(answer)}`);
    }
    this.#count();
    const sent = { method: "POST", target, headers, body };
    this.#known.signatures = [...this.#known.signatures, sent].slice(-KEPT);
    return answer;
  }

  #count(): void {
    this.#answers += 1;
    if (this.#reached !== undefined && this.#answers >= this.#reached.answers) {
      this.#reached.resolve();
    }
  }

  #newJob(): Job {
    const kind = this.#random();
    if (kind < 0.2) return { action: "fs.read", parameters: { path: "/tmp/read-me.txt" } };
    if (kind < 0.35) {
      return {
        action: "wait",
        parameters: { duration_ms: 1 + Math.floor(this.#random() * MAX_WAIT_MS) },
      };
    }
    const name = this.#random().toString(36).slice(2);
    const mode = kind < 0.7 ? "append" : "create";
    const path = `/tmp/${mode}/${name}.txt`;
    const content = `line of ${name}\n`;
    return {
      action: "fs.write",
      parameters: { path, content, mode },
      effect: { path, content },
    };
  }
}
