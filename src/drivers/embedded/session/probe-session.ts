import { coveredPlaces } from "../sandbox.ts";
import { runSandboxed } from "../sandboxed-command.ts";
import { type SandboxProblem, testSandbox } from "../self-test.ts";
import { EGRESS_SOCKET, NODE, probeStart, type SessionPlace } from "./session-sandbox.ts";

/**
 * Tries from inside the session's sandbox what must be impossible there, and its way out. Resolves
 * with what is wrong, or undefined where everything held.
 */
export async function probeSession(
  place: SessionPlace,
  signal: AbortSignal,
): Promise<SandboxProblem | undefined> {
  return await testSandbox({
    kind: "desktop",
    workdir: place.workspace.workdir,
    covered: coveredPlaces(place.hidden),
    run: (command) => runSandboxed(probeStart(place, command), signal),
    wayOut: { node: NODE, egressSocket: EGRESS_SOCKET, hidden: place.hidden },
  });
}
