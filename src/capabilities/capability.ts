import type { TSchema } from "typebox";
import type { CapabilityPolicy, RiskLevel } from "../contract/policy.ts";
import type { Parameters, Preview } from "../contract/task.ts";
import type { Facts, RiskFactor } from "../policy/decision.ts";

/** One action: its schema, summary, risk and checks stand together. */
export interface Capability {
  /** `fs.read`; as a tool `fs_read`. */
  readonly action: string;
  readonly description: string;
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
