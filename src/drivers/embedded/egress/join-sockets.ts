import type { Duplex } from "node:stream";

/**
 * Passes bytes both ways, at the speed of the slower side, until both have ended. Where one breaks
 * the other is broken too.
 */
export function joinSockets(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => {
      // What was still to be written to a peer that ended in order may arrive.
      if (!from.readableEnded) to.destroy();
    });
    from.pipe(to);
  }
}
