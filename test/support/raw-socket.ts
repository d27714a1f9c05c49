import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Gateway } from "./gateway.ts";

/** HTTP as no client library would send it. */
export interface RawAnswer {
  /** 0 where nothing that looks like HTTP came. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Everything that came, as it came. */
  readonly text: string;
}

/** A connection to the gateway with nothing sent yet. */
export async function openSocket(gateway: Gateway): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
  await once(socket, "connect");
  return socket;
}

/** Sends bytes as they stand and reads until the gateway closes the connection. */
export async function rawRequest(gateway: Gateway, bytes: string | Uint8Array): Promise<RawAnswer> {
  const socket = await openSocket(gateway);
  socket.write(bytes);
  return readToEnd(socket);
}

/** Reads until the other side closes; a reset counts as closed. */
export async function readToEnd(socket: Socket): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined);
  if (!socket.closed) await once(socket, "close").catch(() => undefined);
  return parse(Buffer.concat(chunks).toString("latin1"));
}

function parse(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { status, headers, body: rest.join("\r\n\r\n"), text };
}
