import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../contract/errors.ts";

/** What an upgrade request is answered on, once somebody takes it. */
interface Offer {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly response: ServerResponse;
  /** Ends the socket where nobody answers. */
  readonly late: NodeJS.Timeout;
}

const offers = new WeakMap<IncomingMessage, Offer>();
const PATH = /^\/desktops\/[^/?]+\/vnc$/;
/** ms an upgrade may take to be answered. */
const ANSWER_MS = 30_000;

/** Whether a request to upgrade is one: everywhere else it is answered as if it did not ask. */
export function isUpgrade({ method, url = "" }: IncomingMessage): boolean {
  return method === "GET" && PATH.test(url);
}

/** Sends upgrade requests through the same stages as every other, and to a route. */
export function routeUpgrades(server: Server, listener: RequestListener): void {
  server.on("upgrade", (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const late = setTimeout(() => socket.destroy(), ANSWER_MS).unref();
    socket.once("close", () => clearTimeout(late));
    const response = new ServerResponse(raw);
    response.shouldKeepAlive = false;
    response.assignSocket(raw.socket);
    // An answer in place of the upgrade: a denial.
    response.once("finish", () => raw.socket.destroySoon());
    offers.set(raw, { socket, head, response, late });
    response.once("close", () => clearTimeout(late));
    listener(raw, response);
  });
}

/** A connection that was asked to become a WebSocket. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** From here on it is answered by whoever upgrades it. */
  begin(): void;
}

/** The upgrade that a request asks for. Throws `invalid_request` where it asks for none. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply): Upgrade {
  const offer = offers.get(request.raw);
  if (offer === undefined || request.headers.upgrade?.toLowerCase() !== "websocket") {
    throw new GatewayError("invalid_request", "This is a WebSocket.", {
      hint: "Open it as one: Connection: Upgrade, Upgrade: websocket.",
    });
  }
  return {
    request: request.raw,
    socket: offer.socket,
    head: offer.head,
    begin: () => {
      clearTimeout(offer.late);
      reply.hijack();
      offer.response.detachSocket(request.raw.socket);
    },
  };
}
