import { startSession } from "../../src/drivers/embedded/session/session.ts";
import { familyOf, never, openSessionBench } from "../support/drivers/embedded/session/fixtures.ts";

/**
 * Stands for a gateway that is killed: opens a session with programs in it, writes the processes that
 * it has started and its folders as one line of JSON, and waits.
 */
const bench = await openSessionBench();
const session = await startSession(await bench.place(), never);
await session.start(["/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"]);
await session.start(["/usr/bin/xterm"]);
const started = familyOf(process.pid).filter((pid) => pid !== process.pid);
console.log(
  JSON.stringify({
    started,
    workspace: bench.workspace.workspace.workdir,
    egress: bench.egress.proxy.socket,
  }),
);
setInterval(() => {}, 1000);
