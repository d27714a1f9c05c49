import type { CapabilityPolicy, PolicyFile } from "../contract/policy.ts";
import { isWithin, normalisePath } from "../lib/posix-path.ts";
import type { ActionRegistry, ActionTraits, PolicyList } from "./action-traits.ts";
import { buildPolicy } from "./build-policy.ts";
import { allowsAnyCommand } from "./command-rule.ts";
import { envelopeWarnings } from "./envelope-warnings.ts";
import { isBroadDomainRule, opensThisMachine } from "./url-rule.ts";
import { type PolicyProblem, pointerTo, validatePolicy } from "./validate-policy.ts";

export interface PolicyReport {
  /** The file is refused for each of these. */
  readonly problems: readonly PolicyProblem[];
  /** It is taken, but a person should look at these. */
  readonly warnings: readonly PolicyProblem[];
}

/** Everything there is to say about a policy file, for `policy check FILE`. */
export function checkPolicy(bytes: Uint8Array, actions: ActionRegistry): PolicyReport {
  const validated = validatePolicy(bytes, [...actions.keys()]);
  if ("problems" in validated) return { problems: validated.problems, warnings: [] };
  const { file } = validated;
  const known = [...new Set([...actions.values()].flatMap(({ lists }) => lists))];
  const capabilities = Object.entries(file.capabilities).flatMap(([action, capability]) => {
    const traits = actions.get(action);
    return capability.enabled && traits !== undefined
      ? capabilityWarnings(file, action, capability, traits, known)
      : [];
  });
  return { problems: [], warnings: [...generalWarnings(file), ...capabilities] };
}

function generalWarnings(file: PolicyFile): PolicyProblem[] {
  const warnings: PolicyProblem[] = [];
  const { confirmation = {}, security = {} } = file;
  if (!Object.values(file.capabilities).some((capability) => capability.enabled)) {
    warnings.push({ pointer: "/capabilities", problem: "no action is enabled" });
  }
  if (confirmation.high !== undefined && confirmation.high !== "approver") {
    const problem = "actions of high risk run without an approver";
    warnings.push({ pointer: "/confirmation/high", problem });
  }
  if (security.require_signature === false) {
    const problem = "anyone who reaches the port may plan and execute; binds loopback only";
    warnings.push({ pointer: "/security/require_signature", problem });
  }
  return warnings;
}

function capabilityWarnings(
  file: PolicyFile,
  action: string,
  capability: CapabilityPolicy,
  { lists, hasEffect, danger, takesEnvelope }: ActionTraits,
  known: readonly PolicyList[],
): PolicyProblem[] {
  const at = (...members: (string | number)[]) => pointerTo("capabilities", action, ...members);
  const warnings: PolicyProblem[] = [];
  const warn = (pointer: string, problem: string) => warnings.push({ pointer, problem });

  if (danger !== undefined) warn(at("enabled"), danger);
  const mode = modeWithoutRaise(file, action, capability);
  if (hasEffect && mode !== "approver") {
    warn(at(), `no approver is asked (${mode}): whoever holds a key runs it alone`);
  }
  const [needed] = lists;
  if (needed !== undefined && (capability[needed] ?? []).length === 0) {
    warn(at(needed), `without an entry in ${needed} nothing is allowed`);
  }
  for (const list of known) {
    if (capability[list] !== undefined && !lists.includes(list)) {
      warn(at(list), `${list} says nothing about ${action}`);
    }
    for (const [index, problem] of repeated(list, capability[list] ?? [])) {
      warn(at(list, index), problem);
    }
  }
  capability.allowed_paths?.forEach((path, index) => {
    if (normalisePath(path) === "/") warn(at("allowed_paths", index), "allows every path");
  });
  capability.allowed_domains?.forEach((domain, index) => {
    const warning = domainWarning(domain);
    if (warning !== undefined) warn(at("allowed_domains", index), warning);
  });
  capability.allowed_commands?.forEach((command, index) => {
    if (allowsAnyCommand(command))
      warn(at("allowed_commands", index), "starts whatever its arguments name");
  });
  if (capability.envelope !== undefined && !takesEnvelope) {
    warn(at("envelope"), `envelope says nothing about ${action}`);
  } else if (capability.envelope !== undefined) {
    for (const warning of envelopeWarnings(file, capability.envelope)) {
      warn(at("envelope", ...warning.at), warning.problem);
    }
  }
  return warnings;
}

function domainWarning(domain: string): string | undefined {
  if (opensThisMachine(domain)) {
    return "opens every port of this machine but the gateway's own: list the ports, as in localhost:5173";
  }
  return isBroadDomainRule(domain)
    ? "reaches far: every port or a whole top-level domain"
    : undefined;
}

/** The mode at the configured level; where the file sets no level, at the highest, so that it warns less. */
function modeWithoutRaise(file: PolicyFile, action: string, capability: CapabilityPolicy): string {
  const policy = buildPolicy(file, { actions: [action], protectedHosts: [] });
  return capability.confirmation ?? policy.confirmation[capability.risk_level ?? "medium"];
}

/** Entries that can never decide, because an earlier one allows all that they do. */
function repeated(
  list: PolicyList,
  entries: readonly string[],
): [index: number, problem: string][] {
  const covers = COVERS[list];
  return entries.flatMap((entry, index): [number, string][] => {
    const earlier = entries.find(
      (other, at) => at !== index && covers(other, entry) && (at < index || !covers(entry, other)),
    );
    return earlier === undefined
      ? []
      : [[index, `never decides: ${JSON.stringify(earlier)} allows the same and more`]];
  });
}

const same = (a: string, b: string): boolean => a === b;
const COVERS: Readonly<Record<PolicyList, (wide: string, narrow: string) => boolean>> = {
  allowed_paths: (wide, narrow) => isWithin(normalisePath(narrow), normalisePath(wide)),
  allowed_extensions: (wide, narrow) => narrow.endsWith(wide),
  allowed_domains: same,
  allowed_commands: (wide, narrow) => `${narrow} `.startsWith(`${wide} `),
  allowed_apps: same,
};
