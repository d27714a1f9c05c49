import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { GatewayError } from "../contract/errors.ts";
import { randomId } from "../lib/random-id.ts";
import { createServer, type ServerDeps } from "./create-server.ts";
import { EventLog } from "./event-log.ts";

const MAX_PER_KEY = 32;
/** ms without a request or an open stream. */
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
/** Of what the sessions of a key sent and might be asked for again. */
const MAX_KEY_BYTES = 32 * 1024 * 1024;
/** ms after which a client that lost its stream may come back. */
const RETRY_MS = 1_000;

/** A client of a protocol version up to 2025-11-25, from `initialize` to its end. */
export interface McpSession {
  readonly keyId: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: ReturnType<typeof createServer>;
  readonly events: EventLog;
  /** HTTP answers under way. */
  open: number;
  usedAt: number;
}

/** The sessions there are, a bounded number for each key. Nothing of one outlives its key. */
export class SessionTable {
  readonly #deps: ServerDeps;
  readonly #now: () => number;
  readonly #sessions = new Map<string, McpSession>();
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: ServerDeps, now: () => number = Date.now) {
    this.#deps = deps;
    this.#now = now;
    this.#sweep = setInterval(() => this.endIdle(), SWEEP_MS).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Throws `not_found` unless it is a session of this key. */
  find(id: string, keyId: string): McpSession {
    const session = this.#sessions.get(id);
    if (session?.keyId === keyId) return session;
    throw new GatewayError("not_found", "There is no such MCP session.", {
      hint: "It has ended, or never was this key's. Begin another with initialize.",
    });
  }

  /**
   * A session that begins with the request it is made for. Where the key has all it may have, its
   * longest unused one ends.
   */
  async begin(keyId: string): Promise<McpSession> {
    this.#makeRoom(keyId);
    let isDeleted = false;
    const server = createServer(this.#deps, "legacy", () => isDeleted);
    const events = new EventLog({ onGrown: () => this.#boundEvents(session) });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => `mcp_${randomId()}`,
      onsessioninitialized: (id) => {
        this.#sessions.set(id, session);
      },
      // Before the calls under way are told.
      onsessionclosed: () => {
        isDeleted = true;
      },
      eventStore: events,
      retryInterval: RETRY_MS,
    });
    const session: McpSession = { keyId, transport, server, events, open: 0, usedAt: this.#now() };
    await server.connect(transport);
    server.onclose = () => this.#drop(session);
    return session;
  }

  /** Marks a session as used while an answer of it is under way. */
  use(session: McpSession): Disposable {
    session.open += 1;
    session.usedAt = this.#now();
    let ended = false;
    return {
      [Symbol.dispose]: () => {
        if (ended) return;
        ended = true;
        session.open -= 1;
        session.usedAt = this.#now();
      },
    };
  }

  toolsChanged(): void {
    for (const { server } of this.#sessions.values()) {
      server.sendToolListChanged().catch(() => {});
    }
  }

  endIdle(): void {
    const due = this.#now() - IDLE_MS;
    this.#end(({ open, usedAt }) => open === 0 && usedAt <= due);
  }

  endKey(keyId: string): void {
    this.#end((session) => session.keyId === keyId);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#end(() => true);
  }

  #makeRoom(keyId: string): void {
    const own = this.#ofKey(keyId);
    if (own.length < MAX_PER_KEY) return;
    // A client that forgot its sessions must not lock out the next: one in use goes too, and begins anew.
    this.#end((session) => session === own[0]);
  }

  /** What another session was sent is let go before what this one was. */
  #boundEvents(newest: McpSession): void {
    const own = this.#ofKey(newest.keyId);
    let bytes = own.reduce((sum, { events }) => sum + events.bytes, 0);
    for (const session of own) {
      if (bytes <= MAX_KEY_BYTES) return;
      if (session === newest) continue;
      bytes -= session.events.bytes;
      session.events.clear();
    }
  }

  /** The longest unused first. */
  #ofKey(keyId: string): McpSession[] {
    return [...this.#sessions.values()]
      .filter((session) => session.keyId === keyId)
      .sort((a, b) => Math.sign(a.open) - Math.sign(b.open) || a.usedAt - b.usedAt);
  }

  #end(matches: (session: McpSession) => boolean): void {
    for (const session of [...this.#sessions.values()].filter(matches)) {
      this.#drop(session);
      session.transport.close().catch((err: unknown) => this.#deps.log.debug({ err }, "MCP"));
    }
  }

  #drop(session: McpSession): void {
    const { sessionId } = session.transport;
    if (sessionId !== undefined) this.#sessions.delete(sessionId);
  }
}
