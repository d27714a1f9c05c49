import { randomBytes } from "node:crypto";
import { lstatSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { coveredPlaces } from "../sandbox.ts";
import { type Outcome, runSandboxed } from "../sandboxed-command.ts";
import { type SandboxProblem, testSandbox } from "../self-test.ts";
import { type ProbeArgument, SESSION_HOLDS, SESSION_PROBE } from "./session-probe.ts";
import {
  EGRESS_SOCKET,
  probeStart,
  type SandboxStart,
  type SessionPlace,
} from "./session-sandbox.ts";

/**
 * Tries from inside the session's sandbox what must be impossible there: all that is tried of every
 * sandbox, and to get out other than through the proxy. Resolves with what is wrong, or undefined
 * where everything held.
 */
export async function probeSession(
  place: SessionPlace,
  signal: AbortSignal,
): Promise<SandboxProblem | undefined> {
  const run = async (start: SandboxStart): Promise<Outcome> =>
    await runSandboxed(start.argv, start.files, signal);
  const covered = coveredPlaces(place.hidden);
  const problem = await testSandbox(place.world.workdir, covered, (command) =>
    run(probeStart(place, command)),
  );
  if (problem !== undefined) return problem;
  const name = `bytebot-self-test-${randomBytes(8).toString("hex")}`;
  const servers: Server[] = [];
  try {
    const hosts = ["127.0.0.1", ...outerAddresses()];
    const tcp = await Promise.all(hosts.map((host) => listen({ host, port: 0 }, servers)));
    await listen({ path: `\0${name}` }, servers);
    const argument: ProbeArgument = {
      listeners: hosts.map((host, at) => ({ host, port: tcp[at] ?? 0 })),
      abstract: name,
      egress: EGRESS_SOCKET,
      hidden: place.hidden.flatMap(identityOf),
    };
    const script = { script: SESSION_PROBE, argument: JSON.stringify(argument) };
    return judge(await run(probeStart(place, script)));
  } catch (error) {
    return {
      reason: `the self-test of the desktop's sandbox could not run: ${error instanceof Error ? error.message : error}`,
      hint: "See the gateway's log, then restart.",
    };
  } finally {
    for (const server of servers) server.close();
  }
}

function judge({ stdout, stderr }: Outcome): SandboxProblem | undefined {
  const lines = stdout.text.split("\n");
  if (!lines.includes("done")) {
    const said = stderr.text.split("\n", 1)[0] ?? "";
    return {
      reason: `the self-test of the desktop's sandbox did not finish: ${said || "no reason given"}`,
      hint: "It runs the gateway's own Node inside, whose file every user must be able to reach.",
    };
  }
  const leaks = SESSION_HOLDS.filter((name) => !lines.includes(`held: ${name}`));
  if (leaks.length > 0) {
    return {
      reason: `the desktop's sandbox does not hold: ${leaks.join("; ")}`,
      hint: "Run the gateway where bubblewrap isolates: the desktop stays off until it does.",
    };
  }
  if (lines.includes("works: proxy")) return undefined;
  return {
    reason: "the desktop's programs cannot reach the gateway's proxy",
    hint: "See the gateway's log, then restart.",
  };
}

function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
}

function identityOf(path: string): ProbeArgument["hidden"] {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? [] : [{ path, dev: `${stats.dev}`, ino: `${stats.ino}` }];
}

/** Resolves with the port. Whoever connects is hung up on. */
async function listen(
  where: { host: string; port: number } | { path: string },
  servers: Server[],
): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
