import type { Static, TObject } from "typebox";
import { GatewayError } from "../contract/errors.ts";
import type { CapabilityPolicy } from "../contract/policy.ts";
import type { Parameters, Preview } from "../contract/task.ts";
import type { Facts, RiskFactor } from "../policy/decision.ts";
import type { Capability } from "./capability.ts";

type Stated = "action" | "description" | "note" | "risk" | "result" | "lock" | "defaultPolicy";
type Optional =
  | "readOnly"
  | "destructive"
  | "idempotent"
  | "openWorld"
  | "hasEffect"
  | "lists"
  | "danger"
  | "takesEnvelope"
  | "grantCovers"
  | "readsWith";

/** A capability as its file states it, with the parameters' own types. What is absent has a default. */
export interface CapabilityDefinition<Schema extends TObject>
  extends Pick<Capability, Stated>,
    Partial<Pick<Capability, Optional>> {
  readonly parameters: Schema;
  /** Defaults are filled in already. */
  normalise?(parameters: Static<Schema>): Static<Schema>;
  applyPolicyDefaults?(parameters: Static<Schema>, rules: CapabilityPolicy): Static<Schema>;
  facts?(parameters: Static<Schema>): Facts;
  riskFactors?(parameters: Static<Schema>): readonly RiskFactor[];
  /** Whatever holds the desktop and does not only read, where nothing is said. */
  changesScreen?(parameters: Static<Schema>): boolean;
  summary(parameters: Static<Schema>): string;
  preview?(parameters: Static<Schema>): Preview | undefined;
  mask?(parameters: Static<Schema>): Static<Schema>;
}

export function defineCapability<Schema extends TObject>(
  definition: CapabilityDefinition<Schema>,
): Capability {
  const defaults = defaultsOf(definition.parameters);
  // Parameters were checked against the schema before any of these is called.
  const typed = (parameters: Parameters) => parameters as Static<Schema>;
  const plain = (parameters: Static<Schema>) => parameters as Parameters;
  return Object.freeze<Capability>({
    action: definition.action,
    description: definition.description,
    note: definition.note,
    risk: definition.risk,
    parameters: definition.parameters,
    result: definition.result,
    lock: definition.lock,
    readOnly: definition.readOnly ?? false,
    destructive: definition.destructive ?? false,
    idempotent: definition.idempotent ?? false,
    openWorld: definition.openWorld ?? false,
    hasEffect: definition.hasEffect ?? false,
    lists: definition.lists ?? [],
    takesEnvelope: definition.takesEnvelope ?? false,
    defaultPolicy: definition.defaultPolicy,
    ...(definition.danger !== undefined && { danger: definition.danger }),
    ...(definition.grantCovers !== undefined && { grantCovers: definition.grantCovers }),
    ...readingOf(definition),
    normalise(parameters) {
      const filled = typed({ ...defaults, ...parameters });
      return plain(definition.normalise?.(filled) ?? filled);
    },
    applyPolicyDefaults: (parameters, rules) =>
      plain(definition.applyPolicyDefaults?.(typed(parameters), rules) ?? typed(parameters)),
    facts: (parameters) => definition.facts?.(typed(parameters)) ?? {},
    riskFactors: (parameters) => definition.riskFactors?.(typed(parameters)) ?? [],
    changesScreen: (parameters) =>
      definition.changesScreen?.(typed(parameters)) ??
      (definition.lock === "desktop" && definition.readOnly !== true),
    summary: (parameters) => definition.summary(typed(parameters)),
    preview: (parameters) => definition.preview?.(typed(parameters)),
    mask: (parameters) => plain(definition.mask?.(typed(parameters)) ?? typed(parameters)),
  });
}

/** What reads the thing that an action locks, where the action does not only read itself. */
const READERS = { path: "fs.read", desktop: "screen.capture", nothing: undefined } as const;

function readingOf({
  readOnly,
  lock,
  readsWith,
}: Pick<Capability, "lock"> & {
  readonly readOnly?: boolean;
  readonly readsWith?: string;
}): { readsWith?: string } {
  const reader = readsWith ?? (readOnly === true ? undefined : READERS[lock]);
  return reader === undefined ? {} : { readsWith: reader };
}

/** `invalid_request` for a parameter its schema cannot refuse. */
export function refuse(parameter: string, problem: string, hint: string): GatewayError {
  return new GatewayError("invalid_request", `/parameters/${parameter}: ${problem}`, { hint });
}

function defaultsOf(schema: TObject): Parameters {
  return Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, part]) =>
      "default" in part ? [[name, part.default]] : [],
    ),
  );
}
