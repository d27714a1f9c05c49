import { chmodSync, chownSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { inRequest } from "../../../lib/request-scope.ts";
import type { Owner } from "../confined-path.ts";
import { type Connect, dial } from "./dial.ts";
import {
  type Denial,
  NOT_A_PROXY_REQUEST,
  notReached,
  rawDenial,
  refusalBody,
  refusalFields,
  refusedByRule,
} from "./egress-denial.ts";
import { admit, type EgressRules } from "./egress-gate.ts";
import { type EgressTarget, isPath, readRequestTarget, readTunnelTarget } from "./egress-target.ts";
import { type Asked, forwardRequest, forwardUpgrade } from "./forward.ts";
import { joinSockets } from "./join-sockets.ts";
import { OpenConnections } from "./open-connections.ts";
import { openPrivateDirectory } from "./private-directory.ts";
import { tunnelContent } from "./tunnel-content.ts";

export interface EgressLimits {
  /** Bytes of a request's line and header. */
  readonly headerSize: number;
  /** ms until a request's header is whole. */
  readonly headerTimeout: number;
  /** ms without a byte either way. */
  readonly idleTimeout: number;
  readonly connections: number;
}

const UNREADABLE =
  "what cannot be read goes to this machine only where allowed_domains lists the port";

const LIMITS: EgressLimits = {
  headerSize: 32 * 1024,
  headerTimeout: 10_000,
  idleTimeout: 300_000,
  connections: 256,
};

export interface EgressOptions extends EgressRules {
  /** Who may connect besides the gateway: the programs of the desktop. */
  readonly owner: Owner | undefined;
  readonly limits?: Partial<EgressLimits>;
  readonly connect?: Connect;
  /** Told of each decision; nothing of a request but its target is ever passed on. */
  onDecision?(target: EgressTarget, allowed: boolean, reason: string): void;
  /** Told of what went wrong in one connection, which is cut off. */
  onError?(error: unknown): void;
}

/** A tunnel whose client sends requests that can be read. */
interface ReadableTunnel {
  readonly target: EgressTarget;
  /** Already connected; for the first request. */
  upstream: Socket | undefined;
}

/**
 * Starts the one way out of the embedded desktop: an HTTP proxy on a unix socket in a directory of
 * its own. Each connection and each request is decided by itself, and each request that can be read is
 * marked. TLS in a tunnel is not looked at: a server that answers for other names too can be asked
 * for these.
 */
export async function startEgressProxy(options: EgressOptions): Promise<EgressProxy> {
  const directory = await openPrivateDirectory("bytebot-egress-", options.owner);
  const proxy = new EgressProxy(options, directory.path, () => directory[Symbol.dispose]());
  try {
    await proxy.listen();
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
  return proxy;
}

export class EgressProxy implements AsyncDisposable {
  /** Path of the socket. */
  readonly socket: string;
  readonly #options: EgressOptions;
  readonly #limits: EgressLimits;
  readonly #server: Server;
  readonly #open = new OpenConnections();
  readonly #clients = new Set<Duplex>();
  readonly #tunnels = new WeakMap<Duplex, ReadableTunnel>();
  readonly #cleanUp: () => void;

  constructor(options: EgressOptions, directory: string, cleanUp: () => void) {
    this.socket = join(directory, "egress.sock");
    this.#options = options;
    this.#cleanUp = cleanUp;
    this.#limits = { ...LIMITS, ...options.limits };
    const { headerSize, headerTimeout, idleTimeout, connections } = this.#limits;
    this.#server = createServer({
      maxHeaderSize: headerSize,
      headersTimeout: headerTimeout,
      connectionsCheckingInterval: Math.min(headerTimeout, 5000),
      // An upload may take as long as it moves.
      requestTimeout: 0,
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.#server.maxConnections = connections;
    this.#server.timeout = idleTimeout;
    this.#server
      .on("connection", (socket) => this.#track(socket))
      .on("request", (request, response) =>
        this.#contain(request.socket, () => this.#forward(request, response)),
      )
      .on("connect", (request, socket, head) =>
        this.#contain(socket, () => this.#tunnel(request, socket, head)),
      )
      .on("upgrade", (request, socket, head) =>
        this.#contain(socket, () => this.#upgrade(request, socket, head)),
      )
      .on("clientError", (_error, socket) => {
        if (socket.writable) socket.end(rawDenial(NOT_A_PROXY_REQUEST));
        else socket.destroy();
      });
  }

  /** How many connections lead out. */
  get connections(): number {
    return this.#open.size;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.socket, () => resolve());
    });
    chmodSync(this.socket, 0o600);
    const { owner } = this.#options;
    if (owner !== undefined) chownSync(this.socket, owner.uid, owner.gid);
  }

  /** Ends the connections that policy would not allow any more. */
  async recheck(): Promise<void> {
    await this.#open.recheck((target) => this.#options.decide(target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#open.closeAll();
    for (const socket of [...this.#clients]) socket.destroy();
    await closed;
    this.#cleanUp();
  }

  #contain(socket: Duplex, serve: () => Promise<void>): void {
    const fail = (error: unknown) => {
      this.#options.onError?.(error);
      socket.destroy();
    };
    inRequest({ fail }, () => void serve().catch(fail));
  }

  #track(socket: Duplex): void {
    if (this.#clients.has(socket)) return;
    this.#clients.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#clients.delete(socket));
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = this.#asked(request);
    if (asked === undefined) return answer(response, NOT_A_PROXY_REQUEST);
    const upstream = await this.#connect(request, asked.target, response);
    if ("reason" in upstream) return answer(response, upstream);
    const failure = await forwardRequest(request, response, upstream, asked);
    if (failure !== undefined) answer(response, notReached(asked.target, failure));
  }

  async #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = this.#tunnels.has(socket) ? undefined : readTunnelTarget(request.url ?? "");
    if (target === undefined) return void socket.end(rawDenial(NOT_A_PROXY_REQUEST));
    const reached = await this.#reach(target, socket);
    if ("reason" in reached) return void socket.end(rawDenial(reached));
    const { socket: upstream, opaque } = reached;
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    const content = await tunnelContent(socket, head, upstream);
    if (content === "requests") {
      this.#tunnels.set(socket, { target, upstream });
      socket.once("close", () => upstream.destroy());
      this.#server.emit("connection", socket);
    } else if (opaque && content === "unreadable") {
      joinSockets(socket, upstream);
    } else {
      if (content === "unreadable") this.#options.onDecision?.(target, false, UNREADABLE);
      upstream.destroy();
      socket.destroy();
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const asked = this.#asked(request);
    if (asked === undefined) return void socket.end(rawDenial(NOT_A_PROXY_REQUEST));
    const upstream = await this.#connect(request, asked.target, socket);
    if ("reason" in upstream) return void socket.end(rawDenial(upstream));
    forwardUpgrade(request, socket, head, upstream, asked);
  }

  /** What a request is for: its own URL, or a path at the far end of the tunnel that it came through. */
  #asked({ socket, url = "" }: IncomingMessage): Asked | undefined {
    const tunnel = this.#tunnels.get(socket);
    if (tunnel === undefined) return readRequestTarget(url);
    return isPath(url) ? { target: tunnel.target, path: url } : undefined;
  }

  /** A connection for this request alone, or why there is none. */
  async #connect(
    { socket }: IncomingMessage,
    target: EgressTarget,
    client: Duplex | ServerResponse,
  ): Promise<Socket | Denial> {
    const tunnel = this.#tunnels.get(socket);
    const present = tunnel?.upstream;
    if (tunnel !== undefined) tunnel.upstream = undefined;
    if (present !== undefined && !present.destroyed) return present;
    const reached = await this.#reach(target, client);
    return "reason" in reached ? reached : reached.socket;
  }

  /** A connection to the target, or why there is none. It ends with the client's. */
  async #reach(
    target: EgressTarget,
    client: Duplex | ServerResponse,
  ): Promise<{ readonly socket: Socket; readonly opaque: boolean } | Denial> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    client.once("close", onClose);
    try {
      const admission = await admit(this.#options, target, gone.signal);
      const isAllowed = "addresses" in admission;
      this.#options.onDecision?.(target, isAllowed, isAllowed ? "" : admission.refused);
      if (!isAllowed) {
        return admission.kind === "rule"
          ? refusedByRule(target, admission.refused)
          : notReached(target, admission.refused);
      }
      const { connect } = this.#options;
      const socket = await dial(admission.addresses, target.port, gone.signal, connect);
      if (gone.signal.aborted) socket.destroy();
      socket.setTimeout(this.#limits.idleTimeout, () => socket.destroy());
      const remove = this.#open.add(target, () => socket.destroy());
      socket.once("close", remove);
      return { socket, opaque: admission.opaque };
    } catch {
      return notReached(target, "nothing answered there");
    } finally {
      client.off("close", onClose);
    }
  }
}

function answer(response: ServerResponse, denial: Denial): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = refusalBody(denial);
  // Of a body that nobody reads no end is seen: the connection cannot be used again.
  response.writeHead(denial.status, { ...refusalFields(body), Connection: "close" });
  response.end(body);
}
