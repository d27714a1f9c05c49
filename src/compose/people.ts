import type { Logger } from "pino";
import type { Policy } from "../contract/policy.ts";
import { People } from "../people/people.ts";
import type { PeopleStore } from "../people/people-store.ts";

export interface OpenPeopleOptions {
  readonly store: PeopleStore;
  readonly dataDir: string;
  readonly publicUrl: () => string;
  /** What the server is bound to. */
  readonly port: () => number;
  readonly policy: () => Policy;
  readonly log: Logger;
}

/** The room of people with everybody in it who enrolled. */
export async function openPeople(options: OpenPeopleOptions): Promise<People> {
  const { store, dataDir, publicUrl, port, policy, log } = options;
  return new People(
    {
      store,
      dataDir,
      addresses: () => ({ publicUrl: publicUrl(), port: port() }),
      policy,
      onError: (err) => log.error({ err }, "a session or link could not be kept"),
    },
    await store.load(),
  );
}
