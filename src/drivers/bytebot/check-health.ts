import { isIP } from "node:net";
import { GatewayError } from "../../contract/errors.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { namingSetting, statusError } from "./daemon-error.ts";
import { TransportError } from "./transport.ts";

interface Problem {
  readonly detail: string;
  readonly hint: string;
}

/** ms; the daemon takes 4. */
const TIMEOUT_MS = 3000;
const SLOW_MS = 1000;

const CAUSES: Readonly<Record<string, (url: URL) => Problem>> = {
  ECONNREFUSED: ({ host }) => ({
    detail: `nothing listens at ${host}`,
    hint: "Start ByteBot's desktop, or set BYTEBOT_URL to where it listens (port 9990).",
  }),
  ENOTFOUND: ({ hostname }) => ({
    detail: `there is no host ${hostname}`,
    hint: "Correct BYTEBOT_URL, or put the gateway into ByteBot's network.",
  }),
  EAI_AGAIN: ({ hostname }) => ({
    detail: `the name ${hostname} cannot be resolved at the moment`,
    hint: "Check the name service of this machine or container.",
  }),
};

/**
 * Asks the daemon for its pointer, once: what is wrong with the connection and what to do, or undefined.
 * `setting` is where its URL stands.
 */
export async function checkHealth(
  client: DaemonClient,
  url: string,
  setting: string,
): Promise<Problem | undefined> {
  const problem = await findProblem(client, url);
  return problem && { ...problem, hint: namingSetting(problem.hint, setting) };
}

async function findProblem(client: DaemonClient, url: string): Promise<Problem | undefined> {
  const start = performance.now();
  try {
    const { status, body } = await client.probe(TIMEOUT_MS);
    if (status !== 201) return problemOf(statusError(status));
    if (!hasPointer(body)) return problemOf(statusError(404));
  } catch (error) {
    return error instanceof TransportError ? describe(error, new URL(url)) : problemOf(error);
  }
  const took = Math.round(performance.now() - start);
  if (took < SLOW_MS) return undefined;
  return {
    detail: `ByteBot's desktop is slow: it took ${took} ms to tell where its pointer is`,
    hint: "Look at the load of its machine; a task that runs there may keep it busy.",
  };
}

function describe(error: TransportError, url: URL): Problem {
  if (error.isTimeout) {
    return {
      detail: `ByteBot's desktop at ${url.host} did not answer within ${TIMEOUT_MS} ms`,
      hint:
        isIP(url.hostname) === 0
          ? "It may hang: restart it."
          : "It may hang, or the address be wrong.",
    };
  }
  const known = CAUSES[codeOf(error.cause)];
  if (known !== undefined) return known(url);
  return {
    detail: `the connection to ByteBot's desktop at ${url.host} breaks`,
    hint: "Check that BYTEBOT_URL leads to its desktop daemon (port 9990) and speaks http or https as it does.",
  };
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof GatewayError)) throw error;
  return { detail: error.detail, hint: error.extras.hint ?? "See the log." };
}

function hasPointer(body: unknown): boolean {
  return typeof body === "object" && body !== null && "x" in body && "y" in body;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
