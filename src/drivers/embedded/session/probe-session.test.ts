import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  missingForSession,
  never,
  openSessionBench,
} from "../../../../test/support/drivers/embedded/session/fixtures.ts";
import { probeSession } from "./probe-session.ts";

const missing = missingForSession();

describe.skipIf(missing !== undefined)("I11 the self-test of the desktop's sandbox", async () => {
  if (missing !== undefined) return;
  const bench = await openSessionBench();
  afterAll(() => bench[Symbol.asyncDispose]());

  test("finds nothing wrong with the sandbox as it is, with a display or without", async () => {
    const place = await bench.place();
    expect(await probeSession(place, never)).toBeUndefined();
    expect(await probeSession({ ...place, display: undefined }, never)).toBeUndefined();
  });

  test("refuses one that shares the machine's network", async () => {
    const problem = await probeSession(await bench.place({ sharesNetwork: true }), never);
    expect(problem?.reason).toContain("connect to the gateway's loopback");
    expect(problem?.hint).toBeTruthy();
  });

  test("refuses one that shows a directory of the gateway", async () => {
    const data = join(bench.workspace.outside, "data");
    mkdirSync(data);
    writeFileSync(join(data, "gateway.db"), "x");
    const place = await bench.place({ mounts: ["--ro-bind", data, data] });
    const problem = await probeSession({ ...place, hidden: [data] }, never);
    expect(problem?.reason).toContain("see the gateway's directories");
  });

  test("says that the proxy does not answer, or is not there", async () => {
    const place = await bench.place();
    const mute = createServer((socket) => socket.destroy());
    const path = join(bench.workspace.outside, "mute.sock");
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    const unanswered = await probeSession({ ...place, egressSocket: path }, never);
    expect(unanswered?.reason).toContain("cannot reach the gateway's proxy");
    mute.close();
    const absent = await probeSession({ ...place, egressSocket: `${path}.gone` }, never);
    expect(absent?.reason).toContain("does not come up");
  });
});
