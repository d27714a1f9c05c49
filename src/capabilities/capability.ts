import type { TSchema } from "typebox";
import type { CapabilityPolicy, RiskLevel } from "../contract/policy.ts";
import type { Parameters, Preview } from "../contract/task.ts";
import type { ActionTraits } from "../policy/action-traits.ts";
import type { Facts, RiskFactor } from "../policy/decision.ts";

/**
 * What a grant for an action can cover: files below the folder that a file lies in, files below a
 * folder itself, or the pages of a host.
 */
export type GrantCover = "file" | "folder" | "page";

/** One action, and all that is known of it: policy, tools, grants and drivers ask here. */
export interface Capability extends ActionTraits {
  /** `fs.read`; as a tool `fs_read`. */
  readonly action: string;
  readonly description: string;
  /** For models: what its name and parameters do not say. */
  readonly note: string;
  readonly risk: RiskLevel;
  /** Closed object schema of the parameters. */
  readonly parameters: TSchema;
  /** Schema of the result. */
  readonly result: TSchema;
  /** What is locked while it runs. */
  readonly lock: "desktop" | "path" | "nothing";
  readonly readOnly: boolean;
  readonly destructive: boolean;
  readonly idempotent: boolean;
  /** It may reach beyond the desktop. */
  readonly openWorld: boolean;
  /** What a person may allow for a while; absent where each one is asked for. */
  readonly grantCovers?: GrantCover;
  /**
   * The action that reads what planning this one looks at: whoever may not do that alone is told
   * nothing of it. Absent where planning looks at nothing.
   */
  readonly readsWith?: string;
  /** What it gets where there is no policy file. */
  readonly defaultPolicy: CapabilityPolicy;
  /**
   * Validated parameters with paths normalised and defaults filled in. Throws GatewayError
   * `invalid_request` for what the schema cannot say.
   */
  normalise(parameters: Parameters): Parameters;
  /**
   * Normalised parameters with what the policy decides filled in, once, when they are planned. Throws
   * GatewayError where they ask for more than it allows.
   */
  applyPolicyDefaults(parameters: Parameters, rules: CapabilityPolicy): Parameters;
  facts(parameters: Parameters): Facts;
  /** Reasons the request itself gives to raise the risk. */
  riskFactors(parameters: Parameters): readonly RiskFactor[];
  /** Whether the screen may show something else after it than before. */
  changesScreen(parameters: Parameters): boolean;
  /** One line for a person, e.g. `Read contents of /tmp/test.txt`. */
  summary(parameters: Parameters): string;
  /** A preview the request alone gives (URL, argv, text); the driver's inspection may give a better one. */
  preview(parameters: Parameters): Preview | undefined;
  /** Parameters with what is `sensitive` masked, for everyone but the approver who decides. */
  mask(parameters: Parameters): Parameters;
}

/** Every capability of this version, by action. */
export type CapabilityRegistry = ReadonlyMap<string, Capability>;
