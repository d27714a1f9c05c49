import {
  CreateKeyRequest,
  KeyList,
  KeyParams,
  NewKeyView,
  RevokedKeyView,
  RotateKeyRequest,
} from "../../contract/operate.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

/** Keys of programs, as operators make and end them in the console. */
export function createKeyRoutes({ keyService }: Pick<HttpDeps, "keyService">): Route[] {
  const forOperators = {
    tag: "Control",
    access: ["confirm"],
    sessionOnly: true,
    operators: true,
  } as const;
  return [
    route({
      ...forOperators,
      method: "GET",
      path: "/keys",
      summary: "List keys",
      description: "Those that are alive, without secrets, and when each was last used.",
      answers: { 200: { description: "Those of the configuration first.", schema: KeyList } },
      handle: () => ({ keys: keyService.list() }),
    }),
    route({
      ...forOperators,
      method: "POST",
      freshSignIn: true,
      path: "/keys",
      summary: "Make a key",
      description: "A bearer token, told this once and kept as its SHA-256.",
      body: CreateKeyRequest,
      answers: { 200: { description: "The token.", schema: NewKeyView } },
      handle: ({ principal, body }) => keyService.create(principal, body),
    }),
    route({
      ...forOperators,
      method: "POST",
      freshSignIn: true,
      path: "/keys/{key_id}/rotate",
      summary: "Give a key a new token",
      description:
        "The present token counts for the overlap beside it. Without an overlap it ends at once, and all that was begun under it.",
      params: KeyParams,
      body: RotateKeyRequest,
      answers: { 200: { description: "The new token.", schema: NewKeyView } },
      errors: ["not_found", "state_changed"],
      handle: ({ principal, params, body }) => keyService.rotate(principal, params.key_id, body),
    }),
    route({
      ...forOperators,
      method: "DELETE",
      freshSignIn: true,
      path: "/keys/{key_id}",
      summary: "Revoke a key",
      description:
        "Ends what it planned, what it approved and its event streams. Its id stays taken.",
      params: KeyParams,
      answers: { 200: { description: "It has ended.", schema: RevokedKeyView } },
      errors: ["not_found"],
      handle: async ({ principal, params }) => {
        await keyService.revoke(principal, params.key_id);
        return { id: params.key_id, revoked: true };
      },
    }),
  ];
}
