import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { performance } from "node:perf_hooks";
import { GatewayError } from "../contract/errors.ts";
import type { AgentGuard, DaemonAnswer, GuardedRun, GuardedSession } from "../tasks/agent-guard.ts";
import type { Availability } from "../tasks/driver.ts";
import { MAX_REQUEST_BYTES } from "./action-judge.ts";
import { type GuardServer, listenForAgents } from "./guard-server.ts";
import { GuardSession } from "./guard-session.ts";
import { readBody } from "./read-body.ts";
import type { SessionDeps } from "./session-deps.ts";

export interface GuardOptions extends Omit<SessionDeps, "now"> {
  /** GUARD_HOST: an address on a network that only agents are on. */
  readonly host: string;
  /** GUARD_PORT; 0: any free one. */
  readonly port: number;
  /** GUARD_KEY, a part of the agents' addresses; undefined: there is no guard, and nothing listens. */
  readonly key: string | undefined;
  /** For tests; ms of a clock that never goes back. */
  readonly now?: () => number;
}

export interface Guard extends AgentGuard, AsyncDisposable {
  /** Where it listens, without the key; undefined where it does not. */
  readonly url: string | undefined;
}

/**
 * Starts the guard. An agent's BYTEBOT_DESKTOP_BASE_URL is `http://GUARD_HOST:GUARD_PORT/KEY/DESKTOP`.
 * Rejects with what listening comes to where the address cannot be bound.
 */
export async function openGuard(options: GuardOptions): Promise<Guard> {
  const { key, host, port, now = () => performance.now() } = options;
  const deps: SessionDeps = { ...options, now };
  if (key === undefined) return new OpenGuard(undefined, deps);
  let guard: OpenGuard | undefined;
  const server = await listenForAgents({
    host,
    port,
    answer: async (request, gone) => guard?.answer(request, gone, key),
    onError: (err) => options.log.error({ err }, "a request of an agent failed"),
  });
  guard = new OpenGuard(server, deps);
  return guard;
}

/** What JSON and base64 add to the largest file. */
const BODY_OVERHEAD = 1.4;

class OpenGuard implements Guard {
  readonly #server: GuardServer | undefined;
  readonly #deps: SessionDeps;
  readonly #sessions = new Map<string, GuardSession>();
  readonly #ended = new Set<Promise<void>>();

  constructor(server: GuardServer | undefined, deps: SessionDeps) {
    this.#server = server;
    this.#deps = deps;
  }

  get url(): string | undefined {
    return this.#server?.url;
  }

  availability(): Availability {
    if (this.#server !== undefined) return { available: true };
    return {
      available: false,
      code: "capability_disabled",
      reason: "nothing stands between the agent and its desktop: GUARD_KEY is not set",
      hint: "Set GUARD_KEY, and the agent's BYTEBOT_DESKTOP_BASE_URL to http://GUARD_HOST:GUARD_PORT/GUARD_KEY/DESKTOP.",
    };
  }

  begin(run: GuardedRun): GuardedSession {
    const availability = this.availability();
    if (!availability.available) {
      const { code, reason, hint } = availability;
      throw new GatewayError(code, `No agent is let loose here: ${reason}.`, { hint });
    }
    if (this.#sessions.has(run.desktop)) {
      throw new GatewayError(
        "desktop_unavailable",
        `An agent works on desktop ${JSON.stringify(run.desktop)} already.`,
        { hint: "Wait until its task has ended." },
      );
    }
    const session = new GuardSession(run, this.#deps, () => this.#forget(run.desktop, session));
    this.#sessions.set(run.desktop, session);
    return session;
  }

  /** undefined drops the connection, whatever the reason: nobody is told which part was wrong. */
  async answer(
    request: IncomingMessage,
    gone: AbortSignal,
    key: string,
  ): Promise<DaemonAnswer | undefined> {
    const desktop = desktopOf(request.url ?? "", key);
    if (desktop === undefined) {
      this.#deps.log.debug("the guard dropped a request that is no agent's");
      return undefined;
    }
    const session = this.#sessions.get(desktop);
    if (session === undefined) {
      this.#deps.log.debug({ desktop }, "the guard dropped a request of an agent without a task");
      for (const other of this.#sessions.values()) other.miss(desktop);
      return undefined;
    }
    const file = Math.ceil(this.#deps.maxFileSize * BODY_OVERHEAD);
    const limit = session.takesFiles ? Math.max(file, MAX_REQUEST_BYTES) : MAX_REQUEST_BYTES;
    return session.take(readBody(request, limit), gone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#sessions.values()]) session[Symbol.dispose]();
    await this.#server?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#ended);
  }

  #forget(desktop: string, session: GuardSession): void {
    this.#sessions.delete(desktop);
    const released = session.released.finally(() => this.#ended.delete(released));
    this.#ended.add(released);
  }
}

/** The desktop a path names, if it is `/KEY/DESKTOP/computer-use` with the right key. */
function desktopOf(url: string, key: string): string | undefined {
  const [root, sent = "", desktop = "", door, ...rest] = url.split("/");
  const isKey = timingSafeEqual(digest(sent), digest(encodeURIComponent(key)));
  if (!isKey || root !== "" || door !== "computer-use" || rest.length > 0) return undefined;
  try {
    return decodeURIComponent(desktop);
  } catch {
    return undefined;
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
