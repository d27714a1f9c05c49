import { accessSync, constants, lstatSync, readFileSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { capabilities } from "../../capabilities/registry.ts";
import { count } from "../../capabilities/wording.ts";
import { readKeys } from "../../config/clients.ts";
import { type Config, type Secrets, StartupError } from "../../config/config.ts";
import { isInside } from "../../config/directories.ts";
import { loadConfig } from "../../config/load-config.ts";
import { SANDBOX_ID } from "../../lib/sandbox-user.ts";
import { checkPolicy } from "../../policy/check.ts";
import { describeProblems } from "../../policy/validate-policy.ts";
import type { Session } from "../session.ts";
import { checkSpace } from "./check-machine.ts";
import { type Finding, fault, ok, warning } from "./finding.ts";

/** What a gateway started in this folder would be configured with. */
export async function checkInstallation({ shell, output }: Session): Promise<Finding[]> {
  const files = [
    ...privateFile(shell.cwd, ".env", `Make one: ${output.program} serve`),
    ...privateFile(shell.cwd, "approver.key"),
  ];
  let loaded: { config: Config; secrets: Secrets };
  try {
    loaded = loadConfig(shell.env, shell.cwd);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return [...files, fault("configuration", `${error.variable}: ${error.problem}`, error.hint)];
  }
  const { config, secrets } = loaded;
  return [
    ...files,
    ok("configuration", `driver ${config.driver}, ${config.host}:${config.port}`),
    checkKeys(config, secrets),
    ...checkDirectories(config),
    checkPolicyFile(config, output.program),
    ...(await checkSpace(config)),
  ];
}

/** Files with secrets are for their owner alone. */
function privateFile(folder: string, name: string, absent?: string): Finding[] {
  const stats = statsOf(join(folder, name));
  if (stats === undefined) {
    return absent === undefined ? [] : [warning(name, `there is no ./${name} here`, absent)];
  }
  if ((stats.mode & 0o077) !== 0) {
    return [warning(name, `other users may read ./${name}`, `chmod 600 ${name}`)];
  }
  return [ok(name, `./${name} is readable by its owner only`)];
}

function checkKeys(config: Config, secrets: Secrets): Finding {
  const ids = readKeys(config, secrets).map(({ principal }) => principal.keyId);
  const confirming = readKeys(config, secrets).some(({ principal }) =>
    principal.scopes.has("confirm"),
  );
  return confirming
    ? ok("keys", ids.join(", "))
    : warning(
        "keys",
        `${ids.join(", ")}: none of them may approve`,
        "Set APPROVER_SECRET or APPROVER_SECRET_FILE.",
      );
}

function checkDirectories(config: Config): Finding[] {
  const places = [
    ["WORKDIR", config.workdir],
    ["DATA_DIR", config.dataDir],
    ["CONFIG_DIR", config.configDir],
  ] as const;
  return places.map(([name, path]) => {
    const outer = places.find(([other, folder]) => other !== name && isInside(path, folder));
    return outer === undefined
      ? checkDirectory(name, path)
      : fault(name, `${path} lies inside ${outer[0]}`, "They must lie apart.");
  });
}

/** The gateway proves more at its start; making nothing, this finds what is usually wrong. */
function checkDirectory(name: string, path: string): Finding {
  const stats = statsOf(path);
  const writes = name !== "CONFIG_DIR";
  if (stats === undefined) {
    if (!writes) return ok(name, `${path} is missing: the defaults hold`);
    const parent = existingParent(path);
    return mayWrite(parent)
      ? ok(name, `${path} will be made`)
      : fault(name, `${path} cannot be made`, `Make it yourself, or let ${parent} be written.`);
  }
  if (!stats.isDirectory()) {
    return fault(name, `${path} is no directory`, "Name a directory, not a file or a link.");
  }
  const own = process.getuid?.() ?? stats.uid;
  const sandbox = name === "WORKDIR" && own === 0 && stats.uid === SANDBOX_ID;
  const mounted = !writes && stats.uid === 0;
  if (stats.uid !== own && !sandbox && !mounted) {
    return fault(name, `${path} belongs to another user`, `chown ${own} ${path}, or name another.`);
  }
  return !writes || mayWrite(path)
    ? ok(name, path)
    : fault(name, `${path} cannot be written`, `chmod u+rwx ${path}`);
}

function checkPolicyFile(config: Config, program: string): Finding {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(config.policyFile);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return ok("policy", "no policy.json: the shipped default holds");
    }
    return fault("policy", `${config.policyFile} cannot be read`, "Check its permissions.");
  }
  const { problems, warnings } = checkPolicy(bytes, capabilities);
  const hint = `${program} policy check ${config.policyFile}`;
  if (problems.length > 0) {
    return fault("policy", `refused: ${describeProblems(problems)[0]}`, hint);
  }
  return warnings.length > 0
    ? warning("policy", `valid, with ${count(warnings.length, "thing")} to look at`, hint)
    : ok("policy", `${config.policyFile} is valid`);
}

function existingParent(path: string): string {
  const parent = dirname(path);
  return parent === path || statsOf(parent) !== undefined ? parent : existingParent(parent);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
