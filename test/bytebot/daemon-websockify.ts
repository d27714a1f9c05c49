import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

// RFC 6455, section 1.3.
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const RFB = "RFB 003.008\n";

/** `/websockify`: says hello as a VNC server does. A plain GET breaks it for everyone after. */
export class Websockify {
  broken = false;

  upgrade(request: IncomingMessage, socket: Duplex): void {
    const key = request.headers["sec-websocket-key"];
    if (this.broken || key === undefined || request.url !== "/websockify") {
      socket.destroy();
      return;
    }
    const accept = createHash("sha1")
      .update(key + GUID)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    // One unmasked binary frame.
    socket.write(Buffer.concat([Buffer.from([0x82, RFB.length]), Buffer.from(RFB)]));
  }
}
