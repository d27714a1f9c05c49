import { lookup } from "node:dns/promises";
import { resolveHost } from "./resolve-host.ts";

/** ms that an answer is used again: each connection of the desktop asks. */
const KEPT = 30_000;

const kept = new Map<string, { readonly until: number; readonly answer: Promise<string[]> }>();

/**
 * The addresses of a name that the operator gave the gateway: of the name servers, or, where they know
 * none, of the machine's own table (`/etc/hosts`). None: such a name is nowhere. Rejects where nobody
 * can say.
 */
export async function resolveOwnHost(host: string): Promise<string[]> {
  const known = kept.get(host);
  if (known !== undefined && known.until > Date.now()) return await known.answer;
  const answer = resolveHost(host).catch(() => lookUp(host));
  kept.set(host, { until: Date.now() + KEPT, answer });
  return await answer;
}

async function lookUp(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTFOUND") return [];
    throw error;
  }
}
