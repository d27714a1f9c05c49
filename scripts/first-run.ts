import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";

/**
 * What start.sh does before the server: makes the secrets that a first start lacks, and says where
 * to look and what to try. Existing files are never changed, and no secret is ever printed.
 */
type Environment = Readonly<Record<string, string | undefined>>;

const ENV_FILE = ".env";
const KEY_FILE = "approver.key";
/** Secrets of `.env`, in its order. */
const SECRETS: readonly (readonly [name: string, what: string])[] = [
  ["SHARED_SECRET", "Signs requests of the key `default`: plan, execute, read."],
  [
    "API_TOKEN",
    "Bearer token of the key `api`, for clients that cannot sign: plan, execute, read.",
  ],
  ["AUDIT_KEY", "Seals the audit log. Keep a copy elsewhere: `audit verify` needs it."],
];

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const made = makeSecrets(root, process.env);
  process.stdout.write(welcome(root, process.env, made));
}

/**
 * Makes `.env` where there is none, with the secrets that the environment lacks, and the approver's
 * secret in a file of its own. Both are readable by their owner alone.
 *
 * @returns the names of the files it made
 */
export function makeSecrets(root: string, environment: Environment): string[] {
  if (existsSync(join(root, ENV_FILE))) return [];
  const made: string[] = [];
  const lines: string[] = [];
  for (const [name, what] of SECRETS) {
    if (!isSet(environment, name)) lines.push(`# ${what}`, `${name}=${newSecret()}`, "");
  }
  if (!isSet(environment, "APPROVER_SECRET")) {
    if (createOnce(join(root, KEY_FILE), `${newSecret()}\n`)) made.push(KEY_FILE);
    lines.push(
      "# Signs for the key `approver`: confirm, read. Give a copy to whoever approves, nobody else.",
      `APPROVER_SECRET_FILE=./${KEY_FILE}`,
      "",
    );
  }
  if (lines.length === 0) return made;
  const text = ["# Made by start.sh. Every setting is described in .env.example.", "", ...lines];
  if (createOnce(join(root, ENV_FILE), text.join("\n"))) made.unshift(ENV_FILE);
  return made;
}

function isSet(environment: Environment, name: string): boolean {
  return Boolean(environment[name] || environment[`${name}_FILE`]);
}

/** 256 random bits, as text that needs no quoting anywhere. */
function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Whole or not at all, and never over a file that is there. */
function createOnce(file: string, text: string): boolean {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What is printed before the server starts. */
export function welcome(root: string, environment: Environment, made: readonly string[]): string {
  const settings = { ...readEnvFile(join(root, ENV_FILE)), ...set(environment) };
  const url = settings.PUBLIC_URL?.replace(/\/+$/, "") ?? localUrl(settings);
  const isByteBot = drivesByteBot(root, settings);
  const workdir = settings.WORKDIR ?? "/tmp/bytebot-workdir";
  // The command line reads .env too, but not what only this environment says.
  const address = environment.HOST || environment.PORT ? `GATEWAY_URL=${localUrl(settings)} ` : "";
  const lines = [
    "",
    `  ByteBot Gateway   ${url}`,
    // Passkeys need a name; an address is none.
    `  to decide         ${url.replace("//127.0.0.1", "//localhost")}/console`,
    `  to read           ${url}/docs`,
    ...(isByteBot
      ? []
      : [
          `  its files         ${workdir} (what a request calls /tmp/a.txt is ${workdir}/tmp/a.txt)`,
        ]),
    ...(made.length === 0 ? [] : [`  new secrets       ${made.join(", ")} (yours alone to read)`]),
    "",
    "  Try, in another terminal:",
    "",
    `    cd ${quoted(root)}`,
    ...(isByteBot
      ? [`    ${address}npm run -s gateway -- run screen.capture`]
      : [
          `    echo hello > ${quoted(`${workdir}/tmp/test.txt`)}`,
          `    ${address}npm run -s gateway -- run fs.read path=/tmp/test.txt`,
        ]),
    "",
    "",
  ];
  return lines.join("\n");
}

/** Whose desktop it is: ByteBot's has its files elsewhere. The server checks the settings themselves. */
function drivesByteBot(root: string, settings: Environment): boolean {
  if (settings.DRIVER !== undefined) return settings.DRIVER.toLowerCase() === "bytebot";
  if (settings.BYTEBOT_URL !== undefined) return true;
  try {
    const file = join(root, settings.CONFIG_DIR ?? "config", "bytebot.json");
    return /"(?:url|desktops)"\s*:/.test(readFileSync(file, "utf8"));
  } catch {
    return false;
  }
}

function set(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
}

/** A file that cannot be read is the server's to complain of: it says which, and why. */
function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

/** Where a browser on this machine finds the gateway. */
function localUrl(settings: Environment): string {
  const host = settings.HOST ?? "127.0.0.1";
  const port = settings.PORT ?? "8089";
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
