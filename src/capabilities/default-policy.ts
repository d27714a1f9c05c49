import type { PolicyFile } from "../contract/policy.ts";
import { capabilities } from "./registry.ts";

/** The policy where there is no file: every action but shell.run and agent.task. */
export const DEFAULT_POLICY: PolicyFile = {
  capabilities: Object.fromEntries(
    [...capabilities].map(([action, { defaultPolicy }]) => [action, defaultPolicy]),
  ),
};
