import { once } from "node:events";
import { connect, isIPv4, type Socket } from "node:net";
import { DESKTOP_SOURCE } from "../../../contract/desktop-mark.ts";
import { isOwnMachine } from "./address-rule.ts";

/** ms that one address has to answer. */
const CONNECT_TIMEOUT = 5000;

export type Connect = (address: string, port: number) => Socket;

/**
 * A connection to the first of these addresses that takes one. They are tried in turn, as they
 * are: nothing is resolved here. Rejects with the last failure, or when the signal aborts.
 */
export async function dial(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
  open: Connect = openSocket,
): Promise<Socket> {
  let failure: unknown = new Error("no address to connect to");
  for (const address of addresses) {
    signal.throwIfAborted();
    try {
      return await connected(open(address, port), signal);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** To this machine it leaves from an address of its own, which a reverse proxy there passes on. */
function openSocket(address: string, port: number): Socket {
  const isMarked = isIPv4(address) && isOwnMachine(address);
  return connect({
    host: address,
    port,
    noDelay: true,
    allowHalfOpen: true,
    ...(isMarked && { localAddress: DESKTOP_SOURCE }),
  });
}

async function connected(socket: Socket, signal: AbortSignal): Promise<Socket> {
  // Whoever takes it over listens; until then, and for a late failure, nothing may throw.
  socket.on("error", () => {});
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT)]);
    await once(socket, "connect", { signal: limit });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
