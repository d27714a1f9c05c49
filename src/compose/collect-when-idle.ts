import type { Server } from "node:http";

/** ms without a request after which nobody waits for the collection, most likely. */
const QUIET_MS = 3000;
const LOOK_MS = 1000;
/** Fewer requests than this leave nothing worth a pause. */
const MIN_REQUESTS = 1000;

/**
 * Gives memory back to the system while nobody asks anything: after the start, and after a burst of
 * requests. V8 keeps a heap as large as it once had to be; one thorough collection takes 9 MB off a
 * gateway that has just started, and some 0.1 s. It needs Node's option --expose-gc, without which
 * nothing is done.
 */
export function collectWhenIdle(server: Server): Disposable {
  const collect = globalThis.gc;
  if (collect === undefined) return { [Symbol.dispose]: () => {} };
  let isDue = true;
  let requests = 0;
  let lastAt = performance.now();
  const note = () => {
    requests += 1;
    lastAt = performance.now();
  };
  server.on("request", note);
  const timer = setInterval(() => {
    isDue ||= requests >= MIN_REQUESTS;
    if (!isDue || performance.now() - lastAt < QUIET_MS) return;
    collect({ type: "major", flavor: "last-resort" });
    isDue = false;
    requests = 0;
  }, LOOK_MS);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      server.off("request", note);
    },
  };
}
