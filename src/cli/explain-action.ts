import { join, resolve } from "node:path";
import { DEFAULT_POLICY } from "../capabilities/default-policy.ts";
import { explainStep } from "../capabilities/explain-step.ts";
import { capabilities } from "../capabilities/registry.ts";
import { protectedHosts } from "../compose/protected-hosts.ts";
import { readKeys } from "../config/clients.ts";
import { StartupError } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import type { Policy, ProtectedHost } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { nearest } from "../lib/nearest.ts";
import { buildPolicy } from "../policy/build-policy.ts";
import type { Explanation } from "../policy/explain.ts";
import { describeProblems, validatePolicy } from "../policy/validate-policy.ts";
import { CliError } from "./cli-error.ts";
import { inert } from "./inert-text.ts";
import { type Output, programOf } from "./output.ts";
import { type ParameterSchema, parseParameters } from "./parameters.ts";
import { fileReader } from "./read-input.ts";
import { riskText } from "./render-plan.ts";
import type { Session } from "./session.ts";

export interface ExplainOptions {
  /** The policy file to explain. */
  readonly policy?: string;
  /** Id of the key that asks. */
  readonly as?: string;
}

/** How the policy that holds here decides on an action of the command line. */
export async function explainAction(
  session: Session,
  action: string,
  words: readonly string[],
  options: ExplainOptions,
): Promise<Explanation> {
  const capability = capabilities.get(action);
  if (capability === undefined) {
    const [meant] = nearest(action, capabilities.keys());
    const hint = meant === undefined ? undefined : `Did you mean ${meant}?`;
    throw new CliError("usage", `There is no action ${action}.`, hint);
  }
  const schema = capability.parameters as ParameterSchema;
  const read = fileReader(session.shell);
  const asked = capability.normalise(await parseParameters(action, words, schema, read));
  const policy = await readPolicy(session, options.policy);
  return explainStep(policy, principalOf(session, options.as), capability, asked);
}

/** The named file, or the one a server started here would read, or the shipped default. */
async function readPolicy(session: Session, named: string | undefined): Promise<Policy> {
  const { shell, settings } = session;
  const file =
    named ?? join(resolve(shell.cwd, settings.get("CONFIG_DIR") ?? "config"), "policy.json");
  const surroundings = { actions: [...capabilities.keys()], protectedHosts: hostsHere(session) };
  const bytes = await fileReader(shell)(file).catch((error: unknown) => {
    if (named !== undefined || !isMissing(error)) throw error;
    return undefined;
  });
  if (bytes === undefined) return buildPolicy(DEFAULT_POLICY, surroundings);
  const validated = validatePolicy(bytes, surroundings.actions);
  if ("file" in validated) return buildPolicy(validated.file, surroundings);
  throw new CliError(
    "usage",
    `${file} is refused:\n${describeProblems(validated.problems).join("\n")}`,
    `${programOf(shell.env)} policy check ${file}`,
  );
}

/** Those of a server started here; where its configuration is not whole, what is said of its listener. */
function hostsHere({ shell, settings }: Session): ProtectedHost[] {
  try {
    return protectedHosts(loadConfig(shell.env, shell.cwd).config);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    const host = settings.get("HOST") ?? "127.0.0.1";
    return [{ host, port: Number(settings.get("PORT") ?? 8089) }];
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof CliError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

/** The built-in key needs no configuration; others are looked up as a server would. */
function principalOf({ shell }: Session, keyId = "default"): Principal {
  if (keyId === "default") return DEFAULT_PRINCIPAL;
  const { config, secrets } = loadConfig(shell.env, shell.cwd);
  const principals = readKeys(config, secrets).map(({ principal }) => principal);
  const found = principals.find((principal) => principal.keyId === keyId);
  if (found !== undefined) return found;
  const known = principals.map((principal) => principal.keyId).join(", ");
  throw new CliError("usage", `There is no key ${keyId}.`, `There are: ${known}.`);
}

const DEFAULT_PRINCIPAL: Principal = {
  keyId: "default",
  scheme: "hmac",
  scopes: new Set(["plan", "execute", "read"]),
  capabilities: null,
  desktops: null,
  trustedApprovalSurface: false,
};

const OUTCOME_STYLES = {
  passed: ["green", "✔"],
  denied: ["red", "✖"],
  skipped: ["dim", "–"],
  "not reached": ["dim", " "],
} as const;

const MODES = {
  none: "runs on execute, unconfirmed",
  client: "runs once its requester executes it",
  approver: "waits for an approver",
} as const;

/** For a person: the decision, the checks that led to it, and what would change it. */
export function printExplanation(output: Output, action: string, explanation: Explanation): void {
  const { decision, rule, checks, changes } = explanation;
  const { paint } = output;
  const name = paint("bold", inert(action));
  if (decision.effect === "deny") {
    output.print(`${name}  ${paint(["red", "bold"], "denied")}  ${decision.code}`);
    output.print(`  ${inert(decision.detail)}`);
  } else {
    const needed = decision.approvals > 1 ? `, ${decision.approvals} of them` : "";
    output.print(`${name}  ${riskText(decision.risk, paint)}  ${MODES[decision.mode]}${needed}`);
    for (const reason of decision.reasons) output.print(`  • ${inert(reason)}`);
  }
  output.print("", `${paint("dim", "decided by")}  ${inert(rule)}`, "");
  for (const check of checks) {
    const [style, mark] = OUTCOME_STYLES[check.outcome];
    output.print(
      `  ${paint(style, mark)} ${check.name.padEnd(12)} ${paint("dim", inert(check.note))}`,
    );
  }
  if (changes.length === 0) return;
  output.print("", paint("dim", "what would change it"));
  for (const { effect, file, pointer, line } of changes) {
    output.print(`  ${effect}: ${inert(line)} ${paint("dim", `at ${pointer} of ${file}`)}`);
  }
}
