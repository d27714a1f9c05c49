import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocket } from "ws";
import { GatewayError } from "../../contract/errors.ts";
import { abortError } from "../step/aborted.ts";

const CONNECT_MS = 5000;
/** Bytes of one message; websockify sends what it has read at once, 64 KiB at most. */
const MAX_MESSAGE = 8 * 1024 * 1024;

/**
 * ByteBot's VNC, which its daemon carries over `/websockify`. A plain GET to that path breaks it for
 * everyone: nothing but an upgrade is ever sent there.
 */
export async function openVnc(
  url: string,
  apiKey: string | undefined,
  signal: AbortSignal,
): Promise<Duplex> {
  if (signal.aborted) throw abortError(signal);
  const address = new URL(url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.pathname = `${address.pathname.replace(/\/+$/, "")}/websockify`;
  const socket = new WebSocket(address, {
    handshakeTimeout: CONNECT_MS,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    followRedirects: false,
    ...(apiKey !== undefined && { headers: { authorization: `Bearer ${apiKey}` } }),
  });
  // Its first bytes may come with the answer: there must be someone to take them.
  const stream = createWebSocketStream(socket);
  const opened = Promise.withResolvers<void>();
  const giveUp = () => opened.reject(abortError(signal));
  signal.addEventListener("abort", giveUp, { once: true });
  socket.once("open", opened.resolve);
  stream.once("error", opened.reject);
  stream.once("close", () => opened.reject(new Error("closed")));
  // Whoever reads it sees its end; an error besides has nobody to go to.
  stream.on("error", () => {});
  try {
    await opened.promise;
    return stream;
  } catch (error) {
    stream.destroy();
    socket.terminate();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError(
      "bytebot_unavailable",
      "ByteBot's desktop offers no VNC at the moment",
      { hint: "Look at pictures of it instead; check that its daemon answers at BYTEBOT_URL." },
      error,
    );
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
