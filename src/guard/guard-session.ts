import { GatewayError } from "../contract/errors.ts";
import { oneLine } from "../lib/inert.ts";
import type { DaemonAnswer, GuardedRun, GuardedSession } from "../tasks/agent-guard.ts";
import { ActionJudge } from "./action-judge.ts";
import { ApprovedFiles } from "./approved-files.ts";
import { daemonRequest } from "./daemon-request.ts";
import { GuardLog } from "./guard-log.ts";
import { HeldInput } from "./held-input.ts";
import type { SessionDeps } from "./session-deps.ts";
import type { AgentAction } from "./translate.ts";
import { isDenial, verifyWrite } from "./verify-write.ts";

/** Requests that may wait for their turn: an agent has one under way. */
const MAX_WAITING = 4;
/** So many denials by envelope or policy are no slip: after them nothing is carried out any more. */
const MAX_REFUSALS = 20;
/** ms that letting go of keys may take once the run is over. */
const RELEASE_MS = 30_000;

/**
 * One run of an agent under guard: takes its requests one at a time, carries out what lies within the
 * envelope and the policy, and answers undefined to everything else, whose connection is dropped.
 */
export class GuardSession implements GuardedSession {
  readonly #run: GuardedRun;
  readonly #deps: SessionDeps;
  readonly #judge: ActionJudge;
  readonly #records: GuardLog;
  readonly #files: ApprovedFiles;
  readonly #held = new HeldInput();
  readonly #end = new AbortController();
  /** Aborts with the task or with this session, whichever ends first. */
  readonly #signal: AbortSignal;
  readonly #onEnd: () => void;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #requests = 0;
  #missed: string | undefined;
  #actions = 0;
  #denials = 0;
  /** While a person has the desktop; resolves when it is given back. */
  #gate: PromiseWithResolvers<void> | undefined;
  #released: Promise<void> = Promise.resolve();

  constructor(run: GuardedRun, deps: SessionDeps, onEnd: () => void) {
    this.#run = run;
    this.#deps = deps;
    this.#onEnd = onEnd;
    this.#signal = AbortSignal.any([run.io.signal, this.#end.signal]);
    this.#judge = new ActionJudge(run, deps, this.#signal);
    this.#files = new ApprovedFiles(run.files);
    this.#records = new GuardLog(run.io, deps.log, deps.now);
  }

  get requests(): number {
    return this.#requests;
  }

  /** Whether the agent may write files at all: only then its requests may be large. */
  get takesFiles(): boolean {
    return this.#files.size > 0 || this.#run.envelope.actions.includes("fs.write");
  }

  /** Resolves once nothing is held any more and everything is recorded, after the end. */
  get released(): Promise<void> {
    return this.#released;
  }

  get missed(): string | undefined {
    return this.#missed;
  }

  /** Some agent asks for a desktop that has no task: it may be this one's. */
  miss(desktop: string): void {
    if (this.#requests === 0) this.#missed = desktop;
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /**
   * A request of the agent. `body` rejects with a GatewayError where it is none; `gone` aborts when
   * nobody waits for the answer any more. Resolves with undefined where nothing was done, or where
   * nobody can tell. Never rejects.
   */
  async take(body: Promise<Uint8Array>, gone: AbortSignal): Promise<DaemonAnswer | undefined> {
    this.#requests += 1;
    const request = this.#requests;
    body.catch(() => undefined);
    if (this.#isOver()) return undefined;
    if (this.#waiting >= MAX_WAITING) {
      await this.#refuse(BUSY, request);
      return undefined;
    }
    this.#waiting += 1;
    const turn = this.#turn.then(() => this.#serve(body, request, gone));
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (err) {
      this.#deps.log.error({ err, task_id: this.#run.io.taskId }, "a request of an agent failed");
      return undefined;
    } finally {
      this.#waiting -= 1;
    }
  }

  [Symbol.dispose](): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    // Asked for at once, so that it comes before whatever is done on the desktop next.
    const releases = this.#letGo();
    this.#released = Promise.all([releases, this.#turn]).then(() => this.#records.close());
    this.#onEnd();
  }

  async #serve(
    body: Promise<Uint8Array>,
    request: number,
    gone: AbortSignal,
  ): Promise<DaemonAnswer | undefined> {
    // Whatever else is asked holds now, and not when a slow request began.
    await body.catch(() => undefined);
    await this.#untilGivenBack(gone);
    if (this.#isOver() || gone.aborted) return undefined;
    const interruption = this.#interruption() ?? this.#run.io.findDenial();
    if (interruption !== undefined) {
      await this.#records.refuse(interruption, request);
      return undefined;
    }
    const read = await this.#read(body);
    const asked = read instanceof GatewayError ? undefined : read;
    if (asked !== undefined && this.#files.wasTaken(asked)) {
      await this.#records.refuse(ALREADY_THERE, request, asked.capability.action);
      return undefined;
    }
    // What a person has seen byte for byte needs no envelope, and comes before the task runs.
    const isApproved = asked !== undefined && this.#files.has(asked);
    const agentDenial = await this.#findAgentDenial(isApproved);
    if (agentDenial !== undefined) {
      await this.#records.refuse(agentDenial, request, asked?.capability.action);
      return undefined;
    }
    // A person was quicker: everything is asked again once they have given it back.
    if (this.#gate !== undefined) return this.#serve(body, request, gone);
    let action: AgentAction;
    try {
      if (read instanceof GatewayError) throw read;
      if (isApproved) {
        this.#judge.checkPolicy(read);
        this.#files.take(read);
        action = read;
      } else action = await this.#judge.judge(read, this.#actions);
    } catch (error) {
      await this.#refuse(toGatewayError(error), request, asked?.capability.action);
      return undefined;
    }
    return this.#perform(action, request, gone);
  }

  /** What is asked for, or why it cannot be told. */
  async #read(body: Promise<Uint8Array>): Promise<AgentAction | GatewayError> {
    try {
      return this.#judge.read(await body);
    } catch (error) {
      return toGatewayError(error);
    }
  }

  async #perform(
    action: AgentAction,
    request: number,
    gone: AbortSignal,
  ): Promise<DaemonAnswer | undefined> {
    this.#actions += 1;
    const number = this.#actions;
    try {
      await this.#records.intend(action, number);
    } catch (err) {
      this.#deps.log.error({ err, task_id: this.#run.io.taskId, request }, "agent held: no audit");
      return undefined;
    }
    // Recording may have taken long.
    const isLate = this.#gate !== undefined || gone.aborted;
    if (isLate || this.#interruption() !== undefined || this.#run.io.findDenial() !== undefined) {
      await this.#records.finish(number, "not_sent");
      return undefined;
    }
    const { answer, outcome } = await this.#forward(action);
    // An effect without its record: nothing may follow it.
    if (!(await this.#records.finish(number, outcome))) this.#denials = MAX_REFUSALS;
    return answer;
  }

  async #forward(action: AgentAction): Promise<{ answer?: DaemonAnswer; outcome: string }> {
    const request = daemonRequest(action);
    this.#held.begin(request);
    try {
      const answer = await this.#run.forward(request, this.#signal);
      this.#judge.learn(action, answer);
      // The agent does not look at the status: as an answer it would count as done.
      if (answer.status >= 200 && answer.status < 300) {
        this.#held.finish(request);
        if (isDenial(answer.body)) return { answer, outcome: "bytebot_error" };
        await verifyWrite(request, (read) => this.#run.forward(read, this.#signal));
        return { answer, outcome: "done" };
      }
      await this.#letGo();
      return { outcome: "bytebot_error" };
    } catch (error) {
      if (!this.#signal.aborted) await this.#letGo();
      const { code } = toGatewayError(error);
      // It was on its way: nobody knows how far it came.
      if (this.#signal.aborted && !action.capability.readOnly)
        return { outcome: "outcome_unknown" };
      if (code === "internal_error")
        this.#deps.log.error({ err: error }, "an agent's action failed");
      return { outcome: code };
    }
  }

  /** Lets go of all that may be held. Also after the end: the one thing that is sent then. */
  async #letGo(): Promise<void> {
    const requests = this.#held.releases();
    const { taskId } = this.#run.io;
    const signal = AbortSignal.timeout(RELEASE_MS);
    const sent = requests.map((request) => ({
      request,
      answer: this.#run.forward(request, signal),
    }));
    for (const { request, answer } of sent) {
      try {
        const { status } = await answer;
        if (status >= 200 && status < 300) this.#held.finish(request);
        else this.#deps.log.warn({ status, task_id: taskId }, "keys may still be held");
      } catch (err) {
        this.#deps.log.warn({ err, task_id: taskId }, "keys may still be held");
      }
    }
  }

  /** Of the present moment, without asking anybody. */
  #interruption(): GatewayError | undefined {
    return this.#signal.aborted ? ENDED : undefined;
  }

  /** Resolves at once where no person has the desktop, and when nobody waits for an answer any more. */
  async #untilGivenBack(gone: AbortSignal): Promise<void> {
    const noMore = AbortSignal.any([gone, this.#signal]);
    while (this.#gate !== undefined && !noMore.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = () => resolve();
      noMore.addEventListener("abort", stop, { once: true });
      await Promise.race([this.#gate.promise, promise]);
      noMore.removeEventListener("abort", stop);
    }
  }

  async #findAgentDenial(isApproved: boolean): Promise<GatewayError | undefined> {
    try {
      const agentDenial = isApproved
        ? await this.#run.findFileDenial(this.#signal)
        : await this.#run.findAgentDenial(this.#signal);
      if (agentDenial !== undefined) return notNow(oneLine(agentDenial, 300));
    } catch (error) {
      if (!(error instanceof GatewayError))
        this.#deps.log.error({ err: error }, "agent not checked");
      return notNow("The agent's task could not be verified.");
    }
    return this.#interruption();
  }

  async #refuse(error: GatewayError, request: number, action?: string): Promise<void> {
    if (!NOT_ITS_FAULT.has(error.code)) this.#denials += 1;
    const last = this.#denials === MAX_REFUSALS;
    await this.#records.refuse(last ? lastDenial(error) : error, request, action);
  }

  #isOver(): boolean {
    return this.#end.signal.aborted || this.#denials >= MAX_REFUSALS;
  }
}

/** Codes of what the desktop or the gateway could not do. */
const NOT_ITS_FAULT: ReadonlySet<string> = new Set([
  "bytebot_error",
  "bytebot_unavailable",
  "desktop_unavailable",
  "outcome_unknown",
  "task_cancelled",
  "timeout",
  "internal_error",
]);

const notNow = (detail: string): GatewayError =>
  new GatewayError("state_changed", detail, { hint: "An agent acts only while its task runs." });
const ALREADY_THERE = notNow(
  "This file of the task was put there before: it is not written again.",
);
const ENDED = notNow("The task is over.");
const BUSY = new GatewayError("queue_full", "Too many requests of the agent at once.", {
  hint: "An agent waits for the answer to one action before it takes the next.",
});

function lastDenial({ code, detail, extras }: GatewayError): GatewayError {
  const end = `It was refused ${MAX_REFUSALS} times: nothing more of it is carried out.`;
  return new GatewayError(code, `${detail} ${end}`, extras);
}

function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("internal_error", "The request could not be judged.", {}, error);
}
