import type { Duplex } from "node:stream";
import { ProtocolError } from "./protocol-error.ts";
import { readExactly } from "./read-exactly.ts";

const VERSION = "RFB 003.008\n";
const NONE = 1;
/** Whoever is connected already stays so. */
const SHARED = 1;

/**
 * Our side of the handshake with a desktop's VNC server (RFC 6143, section 7.1 to 7.3.1), up to where
 * it sends ServerInit. Rejects with ProtocolError for one that wants to be shown a password.
 */
export async function greetServer(server: Duplex, signal: AbortSignal): Promise<void> {
  const version = (await readExactly(server, VERSION.length, signal)).toString("latin1");
  if (!/^RFB 003\.\d{3}\n$/.test(version)) throw new ProtocolError("no RFB greeting of the server");
  if (version < VERSION) return await greetOldServer(server, version, signal);
  server.write(VERSION);
  await chooseNone(server, signal);
  const result = (await readExactly(server, 4, signal)).readUInt32BE();
  if (result !== 0) throw new ProtocolError("the server refuses the connection");
  server.write(Buffer.of(SHARED));
}

/** 3.3, where the server decides, and 3.7, which says nothing after "none". */
async function greetOldServer(server: Duplex, version: string, signal: AbortSignal): Promise<void> {
  const isSeven = version === "RFB 003.007\n";
  server.write(isSeven ? version : "RFB 003.003\n");
  if (isSeven) await chooseNone(server, signal);
  else if ((await readExactly(server, 4, signal)).readUInt32BE() !== NONE) throw noneOffered();
  server.write(Buffer.of(SHARED));
}

async function chooseNone(server: Duplex, signal: AbortSignal): Promise<void> {
  const count = (await readExactly(server, 1, signal)).readUInt8();
  const types = await readExactly(server, count, signal);
  if (!types.includes(NONE)) throw noneOffered();
  server.write(Buffer.of(NONE));
}

function noneOffered(): ProtocolError {
  return new ProtocolError("the server wants a password, or refuses the connection");
}
