import type { Duplex } from "node:stream";
import { ProtocolError } from "./protocol-error.ts";
import { readExactly } from "./read-exactly.ts";

const VERSION = "RFB 003.008\n";
const NONE = 1;
const OK = Buffer.alloc(4);

/**
 * Our side of the handshake with a viewer, who has proven who they are to the route: no security, and
 * no say in whether others stay connected. Rejects with ProtocolError.
 */
export async function greetViewer(viewer: Duplex, signal: AbortSignal): Promise<void> {
  viewer.write(VERSION);
  const version = (await readExactly(viewer, VERSION.length, signal)).toString("latin1");
  if (version !== VERSION) throw new ProtocolError("the viewer does not speak RFB 3.8");
  viewer.write(Buffer.of(1, NONE));
  const chosen = (await readExactly(viewer, 1, signal)).readUInt8();
  if (chosen !== NONE) throw new ProtocolError("the viewer chose what it was not offered");
  viewer.write(OK);
  await readExactly(viewer, 1, signal);
}
