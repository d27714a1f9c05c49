import {
  InvitationParams,
  InviteRequest,
  LinkView,
  PeopleList,
  PersonParams,
  RemovedView,
  VouchedView,
} from "../../contract/people.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

/** What operators do about people, from the console alone. */
export function createPeopleRoutes(deps: Pick<HttpDeps, "people">): Route[] {
  const common = {
    tag: "People",
    access: ["confirm"],
    sessionOnly: true,
    operators: true,
  } as const;
  return [
    route({
      ...common,
      method: "GET",
      path: "/people",
      summary: "List people and invitations",
      answers: { 200: { description: "Everybody who may sign in.", schema: PeopleList } },
      handle: async () => {
        await deps.people.vouching.importHostVouches();
        return deps.people.admin.list();
      },
    }),
    route({
      ...common,
      method: "POST",
      freshSignIn: true,
      path: "/people",
      summary: "Invite a person",
      description: "The link is shown this once, and opens once within a day.",
      body: InviteRequest,
      answers: { 200: { description: "The link.", schema: LinkView } },
      errors: ["audit_unavailable"],
      handle: ({ principal, body: { role, name } }) =>
        deps.people.admin.invite(role, name, principal.keyId),
    }),
    route({
      ...common,
      method: "POST",
      freshSignIn: true,
      path: "/people/{person_id}/link",
      summary: "Give a person access again",
      description:
        "The link is shown this once, and opens once within an hour. Using it replaces their passkeys and password and ends their sessions.",
      params: PersonParams,
      missing: "not_found",
      answers: { 200: { description: "The link.", schema: LinkView } },
      errors: ["not_found", "audit_unavailable"],
      handle: ({ principal, params }) =>
        deps.people.admin.recover(params.person_id, principal.keyId),
    }),
    route({
      ...common,
      method: "POST",
      freshSignIn: true,
      path: "/people/{person_id}/vouch",
      summary: "Say that a person is a person of their own",
      description:
        "Whoever saw the link that let somebody in may have opened it: until somebody vouches, both count as one of two approvals. Only an operator vouches who cannot be either of them; `people vouch` does it on the host.",
      params: PersonParams,
      missing: "not_found",
      answers: { 200: { description: "They count by themselves.", schema: VouchedView } },
      errors: ["not_found", "same_approver", "audit_unavailable"],
      handle: async ({ principal, params: { person_id: id } }) => {
        await deps.people.vouching.vouch(id, principal.keyId);
        return { vouched: id };
      },
    }),
    route({
      ...common,
      method: "DELETE",
      freshSignIn: true,
      path: "/people/{person_id}",
      summary: "Remove a person",
      description:
        "Ends their sessions, streams, grants and approvals that were not used. The last operator stays.",
      params: PersonParams,
      missing: "not_found",
      answers: { 200: { description: "They are gone.", schema: RemovedView } },
      errors: ["not_found", "state_changed", "audit_unavailable"],
      handle: async ({ principal, params: { person_id: id } }) => {
        await deps.people.admin.remove(id, principal.keyId);
        return { removed: id };
      },
    }),
    route({
      ...common,
      method: "DELETE",
      freshSignIn: true,
      path: "/people/invitations/{invitation_id}",
      summary: "Withdraw an invitation",
      params: InvitationParams,
      missing: "not_found",
      answers: { 200: { description: "It opens nothing any more.", schema: RemovedView } },
      errors: ["not_found", "audit_unavailable"],
      handle: async ({ principal, params: { invitation_id: id } }) => {
        await deps.people.admin.withdraw(id, principal.keyId);
        return { removed: id };
      },
    }),
  ];
}
