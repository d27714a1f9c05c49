import Type from "typebox";
import { PersonId, PersonName, PersonRole } from "../contract/people.ts";
import { HostFolder } from "./host-folder.ts";

const HostLinkFile = Type.Object(
  {
    id: Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" }),
    hash: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    purpose: Type.Enum(["invite", "recovery"]),
    role: PersonRole,
    person: Type.Optional(PersonId),
    name: Type.Optional(PersonName),
    made_by: Type.Null(),
    expires_at: Type.Number(),
  },
  { additionalProperties: false },
);

/** Links made on the host, without what opens them. */
export function hostLinks(dataDir: string, onRefused?: (file: string) => void) {
  return new HostFolder("links", HostLinkFile, dataDir, onRefused);
}
export type HostLinks = ReturnType<typeof hostLinks>;
