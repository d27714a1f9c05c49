import { People } from "../people/people.ts";
import type { PeopleStore } from "../people/people-store.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import type { Foundation } from "./foundation.ts";

/** Everybody who enrolled, with their sessions and links. */
export async function openPeople(
  { config, address, log }: Foundation,
  store: PeopleStore,
  policy: PolicySource,
): Promise<People> {
  return new People(
    {
      store,
      dataDir: config.dataDir,
      addresses: () => ({ publicUrl: address.publicUrl, port: address.port }),
      policy: () => policy.current,
      onError: (err) => log.error({ err }, "a session or link could not be kept"),
    },
    await store.load(),
  );
}
