import Type from "typebox";
import type { Principal } from "./principal.ts";

export const KeyId = Type.String({
  pattern: "^[a-z0-9][a-z0-9._-]{0,63}$",
  description: "A key's id: what X-Key-Id says, and the owner of its tasks.",
});

/** A credential as the configuration states it: who it proves and by what. */
export interface KeyDefinition {
  readonly principal: Principal;
  /** Scheme hmac: the secret itself. Scheme bearer: the SHA-256 of the token (32 bytes). */
  readonly secret: Uint8Array;
  /** A token that was replaced (its SHA-256) and still counts until then, ms since the epoch. */
  readonly previous?: { readonly secret: Uint8Array; readonly until: number };
  /** Where it stands. */
  readonly origin?: KeyOrigin;
}

export interface KeyOrigin {
  readonly source: "environment" | "file" | "console";
  /** For a person: `SHARED_SECRET`, `clients.json /clients/0`. */
  readonly place: string;
}
