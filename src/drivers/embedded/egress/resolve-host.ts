import { Resolver } from "node:dns/promises";

/** ms a name server has to answer, and how often it is asked. */
const TIMEOUT = 3000;
const TRIES = 2;

/**
 * The addresses of a name, IPv4 first. Asks the name servers directly: the system's own call would
 * hold one of the few threads that files are written with, for as long as a server pleases.
 * Rejects where neither family has an answer.
 */
export async function resolveHost(host: string, signal?: AbortSignal): Promise<string[]> {
  signal?.throwIfAborted();
  const resolver = new Resolver({ timeout: TIMEOUT, tries: TRIES });
  const cancel = (): void => resolver.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const [first] = answers;
    if (found.length === 0 && first?.status === "rejected") throw first.reason;
    return found;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
