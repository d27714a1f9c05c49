import { GatewayError } from "../../../contract/errors.ts";
import type { GuardedSession } from "../../../tasks/agent-guard.ts";
import { abortError, throwIfAborted } from "../../step/aborted.ts";
import { type AgentMessage, type AgentTask, isTakenInByteBot, LIVE } from "./agent-answers.ts";
import type { AgentApi } from "./agent-api.ts";
import { shortLine } from "./agent-event.ts";
import { OversizeAnswerError } from "./agent-http.ts";
import type { TaskWatch } from "./agent-socket.ts";
import { doubled, type MessageReporter } from "./message-reporter.ts";
import { RenewableTimeout } from "./renewable-timeout.ts";
import type { Timings } from "./timings.ts";

export interface FollowerParts {
  readonly api: Pick<AgentApi, "task" | "messages">;
  readonly task: AgentTask;
  readonly reporter: MessageReporter;
  /** By its name here. */
  readonly desktop: string;
  readonly session: Pick<GuardedSession, "requests" | "missed">;
  readonly timings: Timings;
  readonly signal: AbortSignal;
}

/** Looks at a task of the agent again and again, as soon as it is woken, and reports what is new. */
export class TaskFollower {
  readonly #parts: FollowerParts;
  readonly #timeout: RenewableTimeout;
  #task: AgentTask;
  /** The page of messages that is read next; all before it are whole. */
  #page = 0;
  #seenAt = performance.now();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#task = parts.task;
    this.#timeout = new RenewableTimeout(parts.timings.gapMs);
  }

  /** Something has changed: looks at once. */
  wake(): void {
    this.#timeout.ring();
  }

  /**
   * Resolves with the task once it is over. Throws the signal's reason; `outcome_unknown` for an
   * agent that is lost or acts around its guard; `bytebot_error` for a task that is gone.
   */
  async follow(watch: TaskWatch | undefined): Promise<AgentTask> {
    const { timings, signal } = this.#parts;
    for (;;) {
      throwIfAborted(signal);
      const news = await this.#look();
      const isWhole = news !== undefined && (await this.#reportMessages(news));
      if (isWhole && (await this.#reportTask(news.task))) return news.task;
      // The rest of what was said follows at once; a page is reported before the next is held.
      if (news !== undefined && !isWhole) continue;
      const pause = news && watch?.isConnected ? timings.checkMs : timings.pollMs;
      await this.#timeout.sleep(pause, signal);
    }
  }

  /** The task and then what was said: what led to its end is among that. */
  async #look(): Promise<News | undefined> {
    const { api, signal, timings } = this.#parts;
    try {
      const task = await api.task(this.#task.id, signal, 0);
      if (task === undefined) throw new TaskGone();
      const page = await api.messages(this.#task.id, this.#page, signal);
      this.#seenAt = performance.now();
      return { task, ...page };
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      if (error instanceof TaskGone) throw gone();
      if (error instanceof OversizeAnswerError) throw error;
      if (performance.now() - this.#seenAt > timings.lostAfterMs) throw lost(error);
      return undefined;
    }
  }

  /** Resolves with whether all that was said so far is reported. */
  async #reportMessages({ messages, isLast }: News): Promise<boolean> {
    const { reporter, session } = this.#parts;
    const isNews = reporter.hasNew(messages);
    await reporter.report(messages);
    if (reporter.performed > session.requests) throw unguarded();
    if (session.missed !== undefined) this.#requireAtGuard();
    // An agent that knows no pages answers every one of them with the same.
    if (isLast || !isNews) return true;
    this.#page++;
    return false;
  }

  /** Resolves with whether the task is over. */
  async #reportTask(task: AgentTask): Promise<boolean> {
    const { reporter } = this.#parts;
    const before = this.#task;
    this.#task = task;
    const wasTaken = isTakenInByteBot(before);
    const isLive = LIVE.has(task.status);
    if (isTakenInByteBot(task) && !wasTaken && isLive) await reporter.reportControl("user");
    // Whether its loop went on meanwhile cannot be told: a second one may be beside it now.
    if (wasTaken && task.status === "RUNNING" && task.control === "ASSISTANT") throw doubled();
    // Answered and asking again between two looks, it has the same status and another question.
    const asks = before.status !== "NEEDS_HELP" || reporter.hasQuestion;
    if (task.status === "NEEDS_HELP" && asks) await reporter.askForHelp();
    // Of what it says that it has done, nothing was.
    if (task.status === "COMPLETED" || task.status === "NEEDS_REVIEW") this.#requireAtGuard();
    return !isLive;
  }

  /** Throws where all that the agent tried on its desktop has failed before it came to the guard. */
  #requireAtGuard(): void {
    const { reporter, session, desktop } = this.#parts;
    if (reporter.tried > 0 && session.requests === 0) throw misdirected(desktop, session.missed);
  }
}

interface News {
  readonly task: AgentTask;
  readonly messages: readonly AgentMessage[];
  readonly isLast: boolean;
}

class TaskGone extends Error {}

function gone(): GatewayError {
  return new GatewayError("bytebot_error", "the agent's task was deleted while it worked on it", {
    hint: "Somebody did that in ByteBot; look at the desktop before planning it again.",
  });
}

function lost(cause: unknown): GatewayError {
  return new GatewayError(
    "outcome_unknown",
    "ByteBot's agent went out of reach while it worked on the task",
    { hint: "Look at the task in ByteBot; nothing it does now reaches the desktop." },
    cause,
  );
}

function misdirected(desktop: string, missed: string | undefined): GatewayError {
  const name = JSON.stringify(desktop);
  const end = `/${encodeURIComponent(desktop)}`;
  if (missed === undefined) {
    return new GatewayError(
      "bytebot_error",
      "nothing that ByteBot's agent did reached the gateway's guard, whatever it says",
      {
        hint: `BYTEBOT_DESKTOP_BASE_URL of that agent must be http://GUARD_HOST:GUARD_PORT/GUARD_KEY${end}, and within its reach.`,
      },
    );
  }
  return new GatewayError(
    "bytebot_error",
    `ByteBot's agent asks the guard for desktop ${JSON.stringify(shortLine(missed, 60))} and not for ${name}: nothing that it did reached one`,
    { hint: `End BYTEBOT_DESKTOP_BASE_URL of that agent with ${end}.` },
  );
}

function unguarded(): GatewayError {
  return new GatewayError(
    "outcome_unknown",
    "ByteBot's agent drives the desktop around the gateway's guard, and was stopped",
    {
      hint: "Set BYTEBOT_DESKTOP_BASE_URL of ByteBot's agent to the guard's URL, and let the agent reach the desktop in no other way.",
    },
  );
}
