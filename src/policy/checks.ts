import type { ErrorCode, ErrorExtras } from "../contract/errors.ts";
import type { CapabilityPolicy, Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { makeVisible, oneLine } from "../lib/inert.ts";
import { nearest } from "../lib/nearest.ts";
import { baseName } from "../lib/posix-path.ts";
import { matchApplication } from "./application-rule.ts";
import { NOT_LISTED } from "./build-policy.ts";
import { matchCommand } from "./command-rule.ts";
import type { Denial, Facts, Proposal } from "./decision.ts";
import { findExcess } from "./envelope-rule.ts";
import { matchPath } from "./path-rule.ts";
import type { RuleMatch } from "./rule-match.ts";
import { matchUrl } from "./url-rule.ts";

export interface CheckInput {
  readonly policy: Policy;
  readonly principal: Principal;
  readonly proposal: Proposal;
  /** The policy of the action; one that is unknown has NOT_LISTED. */
  readonly capability: CapabilityPolicy;
}

/** A change of a configuration file that would let the check pass. */
export interface Change {
  readonly file: "policy.json" | "clients.json";
  /** JSON pointer of the object the line belongs to. */
  readonly pointer: string;
  /** The member as it should then stand, e.g. `"enabled": true`. */
  readonly line: string;
}

interface DeniedVerdict {
  readonly outcome: "denied";
  readonly denial: Denial;
  readonly change?: Change;
}
type Verdict = { readonly outcome: "passed" | "skipped"; readonly note: string } | DeniedVerdict;

export interface Check {
  readonly name: string;
  run(input: CheckInput): Verdict;
}

/** In order: the first that denies decides. */
export const CHECKS: readonly Check[] = [
  { name: "key", run: checkKey },
  { name: "known", run: checkKnown },
  { name: "enabled", run: checkEnabled },
  listCheck("path", "allowed_paths", "path_not_allowed", (path, rules) => matchPath(path, rules)),
  { name: "extension", run: checkExtension },
  { name: "size", run: checkSize },
  { name: "files", run: checkFiles },
  listCheck("url", "allowed_domains", "domain_not_allowed", (url, rules, policy) =>
    matchUrl(url, rules, policy.own_hosts),
  ),
  listCheck("command", "allowed_commands", "command_not_allowed", (argv, rules) =>
    matchCommand(argv, rules),
  ),
  listCheck("application", "allowed_apps", "application_not_allowed", (application, rules) =>
    matchApplication(application, rules),
  ),
  { name: "envelope", run: checkEnvelope },
];

/** Where the policy of an action stands, e.g. `capabilities["fs.read"].allowed_paths`. */
export function ruleName(action: string, member?: string): string {
  const place = `capabilities[${JSON.stringify(makeVisible(action))}]`;
  return member === undefined ? place : `${place}.${member}`;
}

const passed = (note: string): Verdict => ({ outcome: "passed", note });
const skipped = (note: string): Verdict => ({ outcome: "skipped", note });

function denied(
  code: ErrorCode,
  rule: string,
  detail: string,
  extras: ErrorExtras,
  change?: Change,
): Verdict {
  const denial: Denial = { effect: "deny", code, rule, detail: `${detail} (${rule})`, extras };
  return change === undefined
    ? { outcome: "denied", denial }
    : { outcome: "denied", denial, change };
}

function checkKey({ principal, proposal }: CheckInput): Verdict {
  if (principal.capabilities === null) return passed("the key may use every action");
  if (principal.capabilities.has(proposal.action)) return passed("the key lists the action");
  const list = [...principal.capabilities, proposal.action];
  const rule = `clients[${JSON.stringify(makeVisible(principal.keyId))}].capabilities`;
  return denied(
    "scope_missing",
    rule,
    `The key ${makeVisible(principal.keyId)} may not use ${oneLine(proposal.action, 64)}`,
    { hint: "Use a key that may, or let the operator add the action to this key." },
    { file: "clients.json", pointer: "", line: `"capabilities": ${inline(list)}` },
  );
}

function checkKnown({ policy, proposal }: CheckInput): Verdict {
  if (Object.hasOwn(policy.capabilities, proposal.action)) return passed("the action is known");
  const names = nearest(proposal.action, Object.keys(policy.capabilities));
  return denied(
    "capability_unknown",
    "capabilities",
    `There is no action ${oneLine(proposal.action, 64)}`,
    {
      hint:
        names.length > 0
          ? `Did you mean ${names.join(" or ")}? GET /capabilities lists every action.`
          : "GET /capabilities lists every action.",
    },
  );
}

function checkEnabled({ proposal: { action }, capability }: CheckInput): Verdict {
  const rule = ruleName(action, "enabled");
  if (capability.enabled) return passed(rule);
  const unlisted = capability === NOT_LISTED;
  const change: Change = unlisted
    ? { file: "policy.json", pointer: "/capabilities", line: `"${action}": {"enabled": true}` }
    : { file: "policy.json", pointer: `/capabilities/${action}`, line: '"enabled": true' };
  return denied(
    "capability_disabled",
    unlisted ? ruleName(action) : rule,
    unlisted ? `${action} is not listed in the policy` : `${action} is disabled by policy`,
    { hint: `An operator can enable it in policy.json: ${change.line} at ${change.pointer}.` },
    change,
  );
}

type List = "allowed_paths" | "allowed_domains" | "allowed_commands" | "allowed_apps";

/** A check that one of the policy's lists allows one of the facts. No list allows nothing. */
function listCheck<Name extends "path" | "url" | "command" | "application">(
  name: Name,
  list: List,
  code: ErrorCode,
  match: (fact: NonNullable<Facts[Name]>, rules: readonly string[], policy: Policy) => RuleMatch,
): Check {
  const run = ({ policy, proposal, capability }: CheckInput): Verdict => {
    const fact = proposal.facts[name];
    if (fact === undefined) return skipped(`the action has no ${name}`);
    const rules = capability[list] ?? [];
    const found = match(fact, rules, policy);
    const rule = ruleName(proposal.action, list);
    if ("rule" in found) return passed(`${rule} has ${JSON.stringify(found.rule)}`);
    const change: Change | undefined =
      found.entry === undefined
        ? undefined
        : {
            file: "policy.json",
            pointer: `/capabilities/${proposal.action}`,
            line: `"${list}": ${inline([...rules, found.entry])}`,
          };
    const hint =
      found.entry === undefined
        ? "No policy can allow it; ask for something else."
        : `An operator can add ${JSON.stringify(found.entry)} to ${rule} in policy.json.`;
    const shown = typeof fact === "string" ? fact : fact.join(" ");
    return denied(
      code,
      rule,
      `The ${name} ${oneLine(shown, 300)} is not allowed: ${found.problem}`,
      { [list]: rules, hint },
      change,
    );
  };
  return { name, run };
}

function checkExtension({ proposal, capability }: CheckInput): Verdict {
  const allowed = capability.allowed_extensions;
  if (proposal.facts.path === undefined) return skipped("the action has no path");
  if (allowed === undefined) return skipped("every extension is allowed");
  const name = baseName(proposal.facts.path);
  const rule = ruleName(proposal.action, "allowed_extensions");
  const ending = allowed.find((extension) => name.endsWith(extension));
  if (ending !== undefined) return passed(`${rule} has ${JSON.stringify(ending)}`);
  const dot = name.lastIndexOf(".");
  const own = dot === -1 || dot === name.length - 1 ? undefined : name.slice(dot);
  return denied(
    "path_not_allowed",
    rule,
    `The file name ${oneLine(name, 255)} ends in none of ${allowed.join(", ") || "(an empty list)"}`,
    { hint: `Choose another name, or let an operator add the ending to ${rule} in policy.json.` },
    own === undefined
      ? undefined
      : {
          file: "policy.json",
          pointer: `/capabilities/${proposal.action}`,
          line: `"allowed_extensions": ${inline([...allowed, own])}`,
        },
  );
}

const MIB = 1024 * 1024;

function checkSize({ proposal, capability }: CheckInput): Verdict {
  const size = proposal.facts.contentSize;
  const limit = capability.max_file_size_mb;
  if (size === undefined) return skipped("the request carries no content");
  if (limit === undefined) return skipped("the policy sets no size; MAX_FILE_SIZE_MB holds");
  const rule = ruleName(proposal.action, "max_file_size_mb");
  if (size <= limit * MIB) return passed(rule);
  return denied(
    "file_too_large",
    rule,
    `The content has ${size} bytes, more than ${limit} MiB`,
    { hint: `Send less, or let an operator raise ${rule} in policy.json.` },
    {
      file: "policy.json",
      pointer: `/capabilities/${proposal.action}`,
      line: `"max_file_size_mb": ${Math.ceil(size / MIB)}`,
    },
  );
}

/** Within what an agent shall act: never more than the policy's envelope, nor than its requester may do. */
function checkEnvelope(input: CheckInput): Verdict {
  const { policy, proposal, capability } = input;
  const { envelope } = proposal.facts;
  if (envelope === undefined) return skipped("the action states no envelope");
  const denial = findExcess(envelope, capability.envelope);
  if (denial !== undefined) {
    const { member, code, problem, wider } = denial;
    const rule = ruleName(proposal.action, `envelope.${member}`);
    return denied(
      code,
      rule,
      `The envelope is too wide: ${problem}`,
      {
        hint:
          wider === undefined
            ? "No policy can allow it; ask for less."
            : `Ask for less, or let an operator widen ${rule} in policy.json.`,
      },
      wider && {
        file: "policy.json",
        pointer: `/capabilities/${proposal.action}`,
        line: `"envelope": ${inline({ ...capability.envelope, ...wider })}`,
      },
    );
  }
  for (const action of envelope.actions) {
    const rules = {
      ...input,
      proposal: { ...proposal, action },
      capability: policy.capabilities[action] ?? NOT_LISTED,
    };
    for (const check of [checkKey, checkKnown, checkEnabled]) {
      const verdict = check(rules);
      if (verdict.outcome === "denied") return inEnvelope(verdict, action);
    }
  }
  return passed(`within ${ruleName(proposal.action, "envelope")}`);
}

/** A denial of one of the actions of an envelope, told as one of the envelope. */
function inEnvelope({ denial, change }: DeniedVerdict, action: string): Verdict {
  const hint = `Leave ${action} out of the envelope's actions. ${denial.extras.hint ?? ""}`.trim();
  const told: Denial = {
    ...denial,
    detail: `The envelope is too wide: ${denial.detail}`,
    extras: { ...denial.extras, hint },
  };
  return { outcome: "denied", denial: told, ...(change && { change }) };
}

const WRITE = "fs.write";
/** What may be written and where. */
const OF_A_FILE: ReadonlySet<string> = new Set(["key", "enabled", "path", "extension", "size"]);

function checkFiles({ policy, principal, proposal }: CheckInput): Verdict {
  const { files = [] } = proposal.facts;
  if (files.length === 0) return skipped("the request brings no files");
  const capability = policy.capabilities[WRITE] ?? NOT_LISTED;
  for (const facts of files) {
    const written = { action: WRITE, risk: proposal.risk, facts, riskFactors: [] };
    const verdicts = CHECKS.filter(({ name }) => OF_A_FILE.has(name)).map((check) =>
      check.run({ policy, principal, proposal: written, capability }),
    );
    const against = verdicts.find(({ outcome }) => outcome === "denied");
    if (against !== undefined) return against;
  }
  return passed(`${ruleName(WRITE)} allows every file`);
}

/** JSON on one line, spaced as people write it. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}: ${inline(member)}`,
  );
  return `{${members.join(", ")}}`;
}
