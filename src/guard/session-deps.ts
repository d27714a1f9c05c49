import type { Logger } from "pino";
import type { CapabilityRegistry } from "../capabilities/capability.ts";
import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";

/** What every run under guard is judged and recorded with. */
export interface SessionDeps {
  readonly capabilities: CapabilityRegistry;
  readonly policy: () => Policy;
  /** The principal of a key that is alive. */
  readonly findPrincipal: (keyId: string) => Principal | undefined;
  /** Largest file of any action, bytes. */
  readonly maxFileSize: number;
  readonly log: Logger;
  /** ms of a clock that never goes back. */
  readonly now: () => number;
}
