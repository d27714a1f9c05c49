import type { Principal } from "./principal.ts";

/** A credential as the configuration states it: who it proves and by what. */
export interface KeyDefinition {
  readonly principal: Principal;
  /** Scheme hmac: the secret itself. Scheme bearer: the SHA-256 of the token (32 bytes). */
  readonly secret: Uint8Array;
}
