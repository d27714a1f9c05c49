import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What goes through a tunnel, told by who speaks first and how. */
export type TunnelContent =
  /** TLS, a protocol whose server speaks first, or a client that will say nothing: passed on unread. */
  | "unreadable"
  /** Whatever else a client begins with: read as HTTP, and refused where it is not. */
  | "requests"
  /** The other end has gone before anything was said. */
  | "nothing";

/** First byte of a TLS record that carries a handshake (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16;

/**
 * Waits until one side of a tunnel says something. Takes nothing away: what was said is still to be
 * read. `head` is what the client sent along with its request for the tunnel.
 */
export async function tunnelContent(
  client: Duplex,
  head: Buffer,
  upstream: Socket,
): Promise<TunnelContent> {
  if (head.length > 0) client.unshift(head);
  const first = await firstToSpeak(client, upstream);
  if (first === undefined) return "nothing";
  if (first === upstream || client.readableLength === 0) return "unreadable";
  const said: unknown = client.read();
  if (!Buffer.isBuffer(said)) return "nothing";
  client.unshift(said);
  return said[0] === TLS_HANDSHAKE ? "unreadable" : "requests";
}

/** The client also where it has ended its side; undefined: an end has hung up. */
async function firstToSpeak(client: Duplex, upstream: Socket): Promise<Duplex | undefined> {
  const streams = [client, upstream];
  const forget: (() => void)[] = [];
  const speaker = await new Promise<Duplex | undefined>((resolve) => {
    for (const stream of streams) {
      const onReadable = (): void =>
        resolve(stream === client || stream.readableLength > 0 ? stream : undefined);
      const onClose = (): void => resolve(undefined);
      stream.on("readable", onReadable).on("close", onClose);
      forget.push(() => stream.off("readable", onReadable).off("close", onClose));
      if (stream.destroyed) onClose();
    }
  });
  for (const off of forget) off();
  // A stream flows again only once it has noticed that nobody waits for `readable` any more.
  await new Promise((resolve) => setImmediate(resolve));
  return speaker;
}
