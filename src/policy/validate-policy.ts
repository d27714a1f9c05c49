import Type from "typebox";
import { Compile } from "typebox/compile";
import { Settings } from "typebox/system";
import { type CapabilityPolicy, type EnvelopeFile, PolicyFile } from "../contract/policy.ts";
import { makeVisible } from "../lib/inert.ts";
import { JsonError, parseJson } from "../lib/json.ts";
import { nearest } from "../lib/nearest.ts";
import { applicationRuleProblem } from "./application-rule.ts";
import { commandRuleProblem } from "./command-rule.ts";
import { pathRuleProblem } from "./path-rule.ts";
import { domainRuleProblem } from "./url-rule.ts";

export interface PolicyProblem {
  /** JSON pointer (RFC 6901) into the file; empty for the whole of it. */
  readonly pointer: string;
  readonly problem: string;
}

export type ValidatedPolicy =
  | { readonly file: PolicyFile }
  | { readonly problems: readonly PolicyProblem[] };

/** The policy in the bytes of a file, or every problem it has. Never throws for what stands in it. */
export function validatePolicy(bytes: Uint8Array, actions: readonly string[]): ValidatedPolicy {
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { problems: [{ pointer: "", problem: `not strict JSON: ${error.message}` }] };
  }
  const problems = [...schemaProblems(value), ...unknownActions(value, actions)];
  if (problems.length > 0 || !validator.Check(value)) return { problems };
  const entries = Object.entries(value.capabilities).flatMap(([action, capability]) => [
    ...listProblems<keyof typeof ENTRIES>(capability, ENTRIES, ["capabilities", action]),
    ...envelopeProblems(capability.envelope ?? {}, actions, ["capabilities", action, "envelope"]),
  ]);
  return entries.length > 0 ? { problems: entries } : { file: value };
}

/** `/a/b: what is wrong`, one line for each. */
export function describeProblems(problems: readonly PolicyProblem[]): string[] {
  return problems.map(({ pointer, problem }) =>
    makeVisible(`${pointer === "" ? "(whole file)" : pointer}: ${problem}`),
  );
}

/** A JSON pointer of these members. */
export function pointerTo(...members: readonly (string | number)[]): string {
  return members
    .map((member) => `/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

const validator = Compile(PolicyFile);
/** Of each kind; nobody reads more. */
const MAX_ERRORS = 1000;

/** Members each object of the file may have, to name the nearest one to a slip of the pen. */
const MEMBERS = [
  PolicyFile,
  PolicyFile.properties.capabilities.patternProperties,
  PolicyFile.properties.confirmation,
  PolicyFile.properties.security,
].flatMap(memberNames);

function memberNames(schema: object): string[] {
  return Object.entries(schema).flatMap(([name, part]) => {
    if (typeof part !== "object" || part === null) return [];
    return name === "properties"
      ? [
          ...Object.keys(part),
          ...Object.values(part).flatMap((inner) => memberNames(Object(inner))),
        ]
      : memberNames(part);
  });
}

function schemaProblems(value: unknown): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const { keyword, instancePath, params, message } of allErrors(value)) {
    // A member that is not known is reported twice; the entry with the member's own pointer stays.
    if (keyword === "additionalProperties") continue;
    const problem = keyword === "boolean" ? unknownMember(instancePath) : message;
    const values = "allowedValues" in params ? `: ${params.allowedValues.join(", ")}` : "";
    problems.push({ pointer: instancePath, problem: `${problem}${values}` });
  }
  return problems;
}

/** TypeBox stops at eight errors, by a setting of the whole process: lifted here, and only here. */
function allErrors(value: unknown): ReturnType<typeof validator.Errors> {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_ERRORS });
  try {
    return validator.Errors(value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function unknownMember(pointer: string): string {
  const name = pointer.slice(pointer.lastIndexOf("/") + 1);
  const [near] = nearest(name, new Set(MEMBERS));
  return near === undefined ? "is not known here" : `is not known here, did you mean "${near}"?`;
}

function unknownActions(value: unknown, actions: readonly string[]): PolicyProblem[] {
  if (!hasCapabilities(value)) return [];
  const unknown = Object.keys(value.capabilities).filter((name) => !actions.includes(name));
  return unknown.slice(0, MAX_ERRORS).flatMap((name) => {
    const problem = actionProblem(name, actions);
    return problem === undefined ? [] : [{ pointer: pointerTo("capabilities", name), problem }];
  });
}

function actionProblem(name: string, actions: readonly string[]): string | undefined {
  if (actions.includes(name)) return undefined;
  const near = nearest(name, actions);
  const hint = near.length > 0 ? `, did you mean ${near.join(" or ")}?` : "";
  return `there is no such action${hint}`;
}

const hasCapabilities = (value: unknown): value is { capabilities: object } =>
  CapabilitiesOnly.Check(value);
const CapabilitiesOnly = Compile(Type.Object({ capabilities: Type.Object({}) }));

/** What an entry of each list must look like, beyond what the schema can say. */
const ENTRIES = {
  allowed_paths: pathRuleProblem,
  allowed_domains: domainRuleProblem,
  allowed_commands: commandRuleProblem,
  allowed_apps: applicationRuleProblem,
} as const satisfies Partial<Record<keyof CapabilityPolicy, EntryRule>>;
const ENVELOPE_ENTRIES = {
  paths: pathRuleProblem,
  applications: applicationRuleProblem,
} as const satisfies Partial<Record<keyof EnvelopeFile, EntryRule>>;

type EntryRule = (entry: string) => string | undefined;

function envelopeProblems(
  envelope: EnvelopeFile,
  actions: readonly string[],
  place: readonly string[],
): PolicyProblem[] {
  const rules = { ...ENVELOPE_ENTRIES, actions: (name: string) => actionProblem(name, actions) };
  return listProblems<keyof typeof rules>(envelope, rules, place);
}

function listProblems<List extends string>(
  lists: { readonly [list in List]?: readonly string[] | undefined },
  rules: Readonly<Record<List, EntryRule>>,
  place: readonly string[],
): PolicyProblem[] {
  return (Object.keys(rules) as List[]).flatMap((list) =>
    (lists[list] ?? []).flatMap((entry, index) => {
      const problem = rules[list](entry);
      const pointer = pointerTo(...place, list, index);
      return problem === undefined
        ? []
        : [{ pointer, problem: `${JSON.stringify(entry)}: ${problem}` }];
    }),
  );
}
