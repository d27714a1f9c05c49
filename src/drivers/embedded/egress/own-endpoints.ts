import { canonicalAddress, isOwnMachine } from "./address-rule.ts";
import { resolveOwnHost } from "./resolve-own-host.ts";

/** A place where the gateway is reached, its guard or ByteBot; `host` is a name or an address. */
export interface OwnEndpoint {
  readonly host: string;
  readonly port: number;
}

export type IsOwn = (address: string, port: number) => Promise<boolean>;

/**
 * Tells whether an address and port are one of these places. A place on this machine counts on
 * every address of this machine, whatever it is bound to. A name whose address nobody can tell
 * counts everywhere on its port; one that has none counts nowhere.
 */
export function ownEndpoints(
  list: () => readonly OwnEndpoint[],
  resolve: (host: string) => Promise<readonly string[]> = resolveOwnHost,
): IsOwn {
  return async (address, port) => {
    const candidates = list().filter((endpoint) => endpoint.port === port);
    const matches = candidates.map(({ host }) => leadsTo(host, address, resolve));
    return (await Promise.all(matches)).includes(true);
  };
}

async function leadsTo(
  host: string,
  address: string,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<boolean> {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  const literal = name === "localhost" ? "127.0.0.1" : canonicalAddress(name);
  try {
    const places = literal === undefined ? await resolve(name) : [literal];
    const isHere = isOwnMachine(address);
    return places.some(
      (place) =>
        canonicalAddress(place) === canonicalAddress(address) || (isHere && isOwnMachine(place)),
    );
  } catch {
    return true;
  }
}
