import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer } from "ws";
import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import { refuseOthers } from "../takeover/takeover-denials.ts";
import type { Takeovers } from "../takeover/takeovers.ts";
import type { Desktops } from "../tasks/desktops.ts";
import { Connection, type Viewer } from "./connection.ts";

export interface VncProxyDeps {
  readonly desktops: Desktops;
  readonly takeovers: Pick<Takeovers, "of" | "isOthers" | "onChange">;
  readonly isSignedIn: (sessionId: string) => boolean;
  /** Records that someone looks at a desktop, before they do. */
  readonly recordView: (keyId: string, desktop: string) => Promise<void>;
  readonly audit: { append(drafts: readonly AuditDraft[]): Promise<void> };
  readonly log: Logger;
  /** ms; for tests. */
  readonly maxAgeMs?: number;
}

/** An upgrade request that nobody has answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Bytes of one message of a viewer: a clipboard's text and what surrounds it. */
const MAX_MESSAGE = 128 * 1024;
const MAX_CONNECTIONS = 64;
const MAX_PER_SESSION = 4;
const CONNECT_MS = 6000;
const MAX_AGE_MS = 60 * 60_000;

/** Desktops' VNC for people who are signed in: to look at, and to act on by whoever has the lease. */
export class VncProxy {
  readonly #deps: VncProxyDeps;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<Connection>();
  /** Sessions of connections that are being made. */
  readonly #opening: Viewer[] = [];
  #closed = false;

  constructor(deps: VncProxyDeps) {
    this.#deps = deps;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
      // What older viewers of websockify ask for.
      handleProtocols: (offered) => (offered.has("binary") ? "binary" : false),
    });
    deps.takeovers.onChange((desktop) =>
      this.#closeWhere(
        (connection) =>
          connection.desktop === desktop &&
          deps.takeovers.isOthers(desktop, connection.viewer.keyId),
        "taken_over",
      ),
    );
  }

  /**
   * Answers an upgrade with a connection to a desktop's VNC. Throws, with the upgrade still
   * unanswered: `not_found`, `state_changed` while another person has it, `rate_limited`,
   * `bytebot_unavailable`, `audit_unavailable`. `answer` is called at the moment it is taken.
   */
  async accept(
    desktop: string,
    viewer: Viewer,
    { request, socket, head }: Upgrade,
    answer: () => void,
  ): Promise<void> {
    const { takeovers, recordView, isSignedIn } = this.#deps;
    const openVnc = this.#find(desktop);
    this.#refuseMany(viewer.sessionId);
    this.#opening.push(viewer);
    let server: Duplex | undefined;
    try {
      refuseOthers(takeovers, desktop, viewer.keyId);
      await recordView(viewer.keyId, desktop);
      server = await openVnc(AbortSignal.timeout(CONNECT_MS));
      // Connecting took its time.
      refuseOthers(takeovers, desktop, viewer.keyId);
      if (this.#closed || !isSignedIn(viewer.sessionId)) throw signedOut();
      answer();
      this.#upgrade(desktop, viewer, { request, socket, head }, server);
    } catch (error) {
      server?.destroy();
      throw error;
    } finally {
      this.#opening.splice(this.#opening.indexOf(viewer), 1);
    }
  }

  endSession(sessionId: string): void {
    this.#closeWhere(({ viewer }) => viewer.sessionId === sessionId, "signed_out");
  }

  endPerson(keyId: string): void {
    this.#closeWhere(({ viewer }) => viewer.keyId === keyId, "signed_out");
  }

  /** Ends every connection; what comes later is refused. */
  close(): void {
    this.#closed = true;
    this.#closeWhere(() => true, "shutdown");
  }

  #find(name: string): (signal: AbortSignal) => Promise<Duplex> {
    const driver = this.#deps.desktops.get(name)?.driver;
    if (driver?.openVnc !== undefined) return (signal) => openOf(driver.openVnc?.(signal));
    throw new GatewayError("not_found", "There is no VNC of this desktop.", {
      hint: 'GET /desktops says how each is watched; `live` is "vnc" where it can be so.',
    });
  }

  #refuseMany(sessionId: string): void {
    const open = [...[...this.#connections].map(({ viewer }) => viewer), ...this.#opening];
    const own = open.filter((viewer) => viewer.sessionId === sessionId).length;
    if (own < MAX_PER_SESSION && open.length < MAX_CONNECTIONS) return;
    throw new GatewayError("rate_limited", "Too many live views are open.", {
      hint: `A session has ${MAX_PER_SESSION} at most, all together ${MAX_CONNECTIONS}: close one.`,
      retry_after: 10,
    });
  }

  #upgrade(desktop: string, viewer: Viewer, upgrade: Upgrade, server: Duplex): void {
    const { takeovers, audit, log, maxAgeMs = MAX_AGE_MS } = this.#deps;
    const { request, socket, head } = upgrade;
    // Of a request that is no good it destroys the socket, and calls nobody.
    socket.once("close", () => server.destroy());
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      const connection = new Connection({
        websocket,
        server,
        desktop,
        viewer,
        maxAgeMs,
        findLease: () => takeovers.of(desktop, viewer.sessionId),
        record: (type, details) =>
          audit.append([
            {
              type,
              key_id: viewer.keyId,
              time: new Date().toISOString(),
              details: { desktop, via: "vnc", ...details },
            },
          ]),
        onStuck: () => this.#deps.desktops.get(desktop)?.driver.recover?.([], Date.now()),
      });
      this.#connections.add(connection);
      log.info({ desktop, key: viewer.keyId }, "a live view is opened");
      void connection.ended.then(({ reason, error }) => {
        this.#connections.delete(connection);
        log.info({ desktop, key: viewer.keyId, reason, err: error }, "a live view has ended");
      });
    });
  }

  #closeWhere(
    matches: (connection: Connection) => boolean,
    reason: Parameters<Connection["close"]>[0],
  ): void {
    for (const connection of this.#connections) if (matches(connection)) connection.close(reason);
  }
}

function openOf(opened: Promise<Duplex> | undefined): Promise<Duplex> {
  if (opened === undefined) throw new Error("a driver has lost its VNC");
  return opened;
}

function signedOut(): GatewayError {
  return new GatewayError("token_invalid", "The session has ended.", { hint: "Sign in again." });
}
