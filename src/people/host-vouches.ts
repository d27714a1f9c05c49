import Type from "typebox";
import { PersonId } from "../contract/people.ts";
import { HostFolder } from "./host-folder.ts";

const HostVouchFile = Type.Object({ person: PersonId }, { additionalProperties: false });

/** People whom the host vouched for. */
export function hostVouches(dataDir: string, onRefused?: (file: string) => void) {
  return new HostFolder("vouches", HostVouchFile, dataDir, onRefused);
}
export type HostVouches = ReturnType<typeof hostVouches>;

/** Vouches on the host for a person, which the gateway takes over when it runs. */
export function makeHostVouch(dataDir: string, id: string, person: string): void {
  hostVouches(dataDir).put(id, { person });
}
