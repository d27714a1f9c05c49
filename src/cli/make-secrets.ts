import { randomBytes } from "node:crypto";
import { existsSync, linkSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { StartupError } from "../config/config.ts";
import { parseEnvFile } from "../config/env-file.ts";
import { isKnownVariable, readIfPresent } from "../config/variables.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const ENV_FILE = ".env";
const KEY_FILE = "approver.key";
const HEADER = "# Made by the first start. docs/operations.md describes every setting.";

interface Secret {
  readonly name: string;
  readonly what: string;
  /** Whether the gateway does not start without it. */
  readonly required: boolean;
  /** It stands in a file of its own, so that it can be handed to somebody else. */
  readonly file?: string;
}

/** Secrets of `.env`, in its order. */
const SECRETS: readonly Secret[] = [
  {
    name: "SHARED_SECRET",
    what: "Signs requests of the key `default`: plan, execute, read.",
    required: true,
  },
  {
    name: "API_TOKEN",
    what: "Bearer token of the key `api`, for clients that cannot sign: plan, execute, read.",
    required: false,
  },
  {
    name: "AUDIT_KEY",
    what: "Seals the audit log. Keep a copy elsewhere: `audit verify` needs it.",
    required: true,
  },
  {
    name: "APPROVER_SECRET",
    what: "Signs for the key `approver`: confirm, read. Give a copy to whoever approves, nobody else.",
    required: false,
    file: KEY_FILE,
  },
];

/**
 * Makes the secrets that neither the environment nor `.env` in `folder` gives: all of them where
 * `.env` holds none, else those that the gateway does not start without. They go to `.env`, whose
 * other lines stay as they are, and the approver's to a file of its own. Both files are readable by
 * their owner alone. Prints nothing.
 *
 * @returns what it made, for people
 * @throws StartupError for a `.env` that is malformed or cannot be read, and a folder that cannot be
 *   written
 */
export function makeSecrets(folder: string, environment: Environment): string[] {
  const envFile = join(folder, ENV_FILE);
  const text = readIfPresent(envFile);
  const there = parseEnvFile(text ?? "", envFile);
  const settings: Environment = { ...Object.fromEntries(there), ...set(environment) };
  if (isSomebodyElses(there, folder, settings)) return [];

  const isFirst = !SECRETS.some(({ name }) => has(Object.fromEntries(there), name));
  const missing = SECRETS.filter(
    ({ name, required }) => (required || isFirst) && !has(settings, name),
  ).filter(({ name }) => name !== "AUDIT_KEY" || !isSealed(folder, settings));
  if (missing.length === 0) return [];
  try {
    const made = missing
      .flatMap(({ file }) => file ?? [])
      .filter((name) => createOnce(join(folder, name), `${newSecret()}\n`));
    const content = withLines(text ?? HEADER, missing.map(lineOf));
    if (text === undefined) return createOnce(envFile, content) ? [ENV_FILE, ...made] : made;
    replace(envFile, content);
    return [`${missing.map(({ name }) => name).join(", ")} in ${ENV_FILE}`, ...made];
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    const hint = "Give the secrets in the environment, or start it in a folder that you may write.";
    throw new StartupError(envFile, `cannot be written (${error.code})`, hint, error);
  }
}

function has(settings: Environment, name: string): boolean {
  return Boolean(settings[name] || settings[`${name}_FILE`]);
}

function set(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
}

/** The server refuses such a file and names the line; no secret goes into it before. */
function isSomebodyElses(
  there: ReadonlyMap<string, string>,
  folder: string,
  settings: Environment,
): boolean {
  const configDir = resolve(folder, settings.CONFIG_DIR ?? "config");
  // These two may name variables of their own.
  const mayNameOthers = ["clients.json", "webhooks.json"].some((name) =>
    existsSync(join(configDir, name)),
  );
  return !mayNameOthers && [...there.keys()].some((name) => !isKnownVariable(name));
}

/** Another key than the one that sealed an audit log would make all of it look forged. */
function isSealed(folder: string, settings: Environment): boolean {
  return existsSync(join(resolve(folder, settings.DATA_DIR ?? "data"), "gateway.db"));
}

function lineOf({ name, what, file }: Secret): string {
  const value = file === undefined ? `${name}=${newSecret()}` : `${name}_FILE=./${file}`;
  return `# ${what}\n${value}`;
}

/** 256 random bits, as text that needs no quoting anywhere. */
function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** The text with lines at its end. A name that stands there without a value would stand twice. */
function withLines(text: string, lines: readonly string[]): string {
  const names = lines.flatMap((line) => /^[A-Z_]+(?==)/m.exec(line) ?? []);
  const kept = text
    .split("\n")
    .filter((line) => !names.some((name) => isEmptyAssignment(line, name)))
    .join("\n");
  return `${[kept.trimEnd(), ...lines].join("\n\n").trimStart()}\n`;
}

function isEmptyAssignment(line: string, name: string): boolean {
  return new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(line);
}

/** Whole or not at all, and never over a file that is there. */
function createOnce(file: string, text: string): boolean {
  const draft = writeDraft(file, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The new content or the old one, whatever happens; a link stays one. */
function replace(file: string, text: string): void {
  const place = realpathSync(file);
  const draft = writeDraft(place, text);
  try {
    renameSync(draft, place);
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  return draft;
}
