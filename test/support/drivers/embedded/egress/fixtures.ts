import { createServer, type IncomingMessage, request as openRequest, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import {
  type EgressOptions,
  type EgressProxy,
  startEgressProxy,
} from "../../../../../src/drivers/embedded/egress/egress-proxy.ts";

/** What the tests of this folder share; nothing else imports it. */
export interface Site extends AsyncDisposable {
  readonly port: number;
  /** `METHOD path` and Host of each request that arrived. */
  readonly arrived: string[];
  /** The raw header of each request. */
  readonly headers: IncomingMessage["rawHeaders"][];
  readonly server: Server;
}

/** A web server on loopback that answers each request with `secret`. */
export async function startSite(host = "127.0.0.1"): Promise<Site> {
  const arrived: string[] = [];
  const headers: string[][] = [];
  const server = createServer((request, response) => {
    arrived.push(`${request.method} ${request.url} ${request.headers.host}`);
    headers.push(request.rawHeaders);
    request.resume().once("end", () => response.end("secret"));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    arrived,
    headers,
    server,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Bench extends AsyncDisposable {
  readonly proxy: EgressProxy;
  /** `host:port allowed|reason` of each decision. */
  readonly decisions: string[];
  /** `address:port` of each connection that was tried. */
  readonly dialed: string[];
}

/** A public address that leads to loopback in these tests. */
export const PUBLIC = "93.184.216.34";
export const PUBLIC_6 = "2606:2800:220:1::1";

/**
 * A proxy that allows everything and owns nothing but what `options` say. Connections to PUBLIC and
 * PUBLIC_6 arrive at loopback.
 */
export async function startBench(options: Partial<EgressOptions> = {}): Promise<Bench> {
  const decisions: string[] = [];
  const dialed: string[] = [];
  const proxy = await startEgressProxy({
    owner: undefined,
    decide: () => ({ allowed: true }),
    isOwn: async () => false,
    resolve: async () => [PUBLIC],
    connect: (address, port) => {
      dialed.push(`${address}:${port}`);
      const host = address === PUBLIC || address === PUBLIC_6 ? "127.0.0.1" : address;
      return connect({ host, port, allowHalfOpen: true });
    },
    onDecision: ({ host, port }, allowed, reason) => {
      decisions.push(`${host}:${port} ${allowed ? "allowed" : reason}`);
    },
    ...options,
  });
  return { proxy, decisions, dialed, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/** Sends a request in absolute form through the proxy. */
export async function fetchThrough(
  proxy: EgressProxy,
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const request = openRequest({
      socketPath: proxy.socket,
      path: url,
      method: options.method ?? "GET",
      headers: { Host: "whatever.test", ...options.headers },
    });
    request.once("error", reject).once("response", async (response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer);
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
      } catch (error) {
        reject(error);
      }
    });
    request.end(options.body);
  });
}

/** Sends text on a connection of its own and resolves with everything that comes until it closes. */
export async function speak(proxy: EgressProxy, text: string): Promise<string> {
  const socket = connect(proxy.socket);
  socket.write(text);
  return await restOf(socket);
}

/** Opens a tunnel; resolves with its status and the connection, bytes read so far left out. */
export async function openTunnel(
  proxy: EgressProxy,
  authority: string,
): Promise<{ status: number; socket: Socket }> {
  return await new Promise((resolve, reject) => {
    openRequest({ socketPath: proxy.socket, method: "CONNECT", path: authority })
      .once("connect", (response, socket) => resolve({ status: response.statusCode ?? 0, socket }))
      .once("error", reject)
      .end();
  });
}

export async function restOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(chunks).toString();
}
