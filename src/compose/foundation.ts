import type { Logger } from "pino";
import type { Config, Secrets } from "../config/config.ts";
import type { ServiceAddress } from "./address.ts";

/** What every part of the service is built on. */
export interface Foundation {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** Tells the log which secrets it masks from now on. */
  readonly redact: (secrets: readonly string[]) => void;
  readonly address: ServiceAddress;
}
