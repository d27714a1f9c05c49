import type {
  CapabilityPolicy,
  ConfirmationMode,
  EnvelopeFile,
  Policy,
  PolicyFile,
  RiskLevel,
} from "../../src/contract/policy.ts";

/** What GET /policy answers in its `policy`. */
export type ShownPolicy = Omit<Policy, "digest" | "own_hosts">;

export const MODE_WORDS: Readonly<Record<ConfirmationMode, string>> = {
  none: "nobody is asked",
  client: "whoever executes it confirms it",
  approver: "an approver decides",
};

export const RISKS = ["low", "medium", "high"] as const satisfies readonly RiskLevel[];

/** A bound on what an action may touch, as a person reads it. */
export interface Limit {
  readonly name: string;
  /** Each is shown for itself; none stands for `otherwise`. */
  readonly values: readonly string[];
  readonly otherwise: string;
}

/** Which lists an action is bound by, and what it means that one is missing. */
const LISTS: readonly {
  readonly member:
    | "allowed_paths"
    | "allowed_extensions"
    | "allowed_domains"
    | "allowed_commands"
    | "allowed_apps";
  readonly actions: RegExp;
  readonly name: string;
  readonly otherwise: string;
}[] = [
  { member: "allowed_paths", actions: /^fs\./, name: "within", otherwise: "no path at all" },
  { member: "allowed_extensions", actions: /^fs\./, name: "endings", otherwise: "every ending" },
  { member: "allowed_domains", actions: /^browser\./, name: "sites", otherwise: "no site at all" },
  {
    member: "allowed_commands",
    actions: /^shell\./,
    name: "commands",
    otherwise: "no command at all",
  },
  {
    member: "allowed_apps",
    actions: /^app\./,
    name: "applications",
    otherwise: "no application at all",
  },
];

export function limitsOf(action: string, capability: CapabilityPolicy): Limit[] {
  const lists = LISTS.filter(
    ({ member, actions }) => capability[member] !== undefined || actions.test(action),
  ).map(({ member, name, otherwise }) => ({ name, values: capability[member] ?? [], otherwise }));
  const size = capability.max_file_size_mb;
  return [
    ...lists,
    ...(size === undefined
      ? []
      : [{ name: "largest file", values: [`${size} MiB`], otherwise: "" }]),
    ...(capability.envelope === undefined ? [] : envelopeLimits(capability.envelope)),
  ];
}

function envelopeLimits({
  actions,
  applications,
  paths,
  max_actions,
  max_duration_s,
  region,
}: EnvelopeFile) {
  const limits: (Limit | undefined)[] = [
    actions && { name: "the agent may", values: actions, otherwise: "nothing" },
    applications && { name: "it may open", values: applications, otherwise: "no application" },
    paths && { name: "its files", values: paths, otherwise: "none" },
    max_actions === undefined
      ? undefined
      : { name: "at most", values: [`${max_actions} actions`], otherwise: "" },
    max_duration_s === undefined
      ? undefined
      : { name: "for at most", values: [`${max_duration_s} s`], otherwise: "" },
    region && {
      name: "in the region",
      values: [`${region.width} × ${region.height} px at ${region.x}, ${region.y}`],
      otherwise: "",
    },
  ];
  return limits.filter((limit) => limit !== undefined);
}

/** Who confirms an action at its configured risk, and how many. Its own risk where none is set. */
export function confirmationOf(
  policy: ShownPolicy,
  capability: CapabilityPolicy,
  risk: RiskLevel | undefined,
): { mode: ConfirmationMode | undefined; approvals: number; own: boolean } {
  const { confirmation } = capability;
  const mode = confirmation ?? (risk && policy.confirmation[risk]);
  const approvals = capability.approvals ?? (risk ? policy.approvals[risk] : 1);
  return { mode, approvals, own: confirmation !== undefined };
}

/** The policy as its file would hold it, every default written out. */
export function asFile(policy: ShownPolicy): PolicyFile {
  const { capabilities, confirmation, approvals, passkey, grants, target_check, security } = policy;
  return {
    capabilities: { ...capabilities },
    confirmation: { ...confirmation, approvals, passkey, grants },
    target_check,
    security,
  };
}
