import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { nearest } from "../lib/nearest.ts";
import { StartupError } from "./config.ts";
import { parseEnvFile } from "./env-file.ts";

const SETTING_NAMES = [
  "HOST",
  "PORT",
  "PUBLIC_URL",
  "ALLOWED_HOSTS",
  "TRUSTED_PROXIES",
  "CORS_ORIGINS",
  "LOG_LEVEL",
  "LOG_FORMAT",
  "DRIVER",
  "BYTEBOT_URL",
  "BYTEBOT_AGENT_URL",
  "GUARD_HOST",
  "GUARD_PORT",
  "WORKDIR",
  "DATA_DIR",
  "CONFIG_DIR",
  "MAX_FILE_SIZE_MB",
  "REQUEST_TIMEOUT",
  "RETRY_ATTEMPTS",
  "RETENTION_DAYS",
] as const;
export type SettingName = (typeof SETTING_NAMES)[number];

/** Each may come as NAME_FILE, the name of a file that holds it. */
const SECRET_NAMES = [
  "SHARED_SECRET",
  "APPROVER_SECRET",
  "API_TOKEN",
  "AUDIT_KEY",
  "BYTEBOT_API_KEY",
  "GUARD_KEY",
  "OPENWEBUI_JWT_SECRET",
] as const;
export type SecretName = (typeof SECRET_NAMES)[number];

/** Every variable the gateway reads. */
export const VARIABLE_NAMES: readonly string[] = [
  ...SETTING_NAMES,
  ...SECRET_NAMES.flatMap((name) => [name, `${name}_FILE`]),
];

/** What the command line reads from the same `.env`; the gateway passes over it. */
const COMMAND_LINE_NAMES: ReadonlySet<string> = new Set(
  ["GATEWAY_URL", "GATEWAY_KEY_ID", "GATEWAY_SECRET", "APPROVER_KEY_ID"].flatMap((name) => [
    name,
    `${name}_FILE`,
  ]),
);

/** Whether a name in `.env` is one that the gateway or its command line reads. */
export function isKnownVariable(name: string): boolean {
  return VARIABLE_NAMES.includes(name) || COMMAND_LINE_NAMES.has(name);
}

type Layer = (name: string) => string | undefined;

/**
 * The variables as they were at the start: the process environment, below it `.env`. An empty value
 * counts as none, as Compose passes on what is unset.
 */
export class Variables {
  /** Names that `.env` sets. */
  readonly fileNames: readonly string[];
  /** Files that hold secrets: `.env` where there is one, and what NAME_FILE named so far. */
  readonly secretFiles: string[] = [];
  readonly #cwd: string;
  readonly #layers: readonly Layer[];

  constructor(environment: Readonly<Record<string, string | undefined>>, cwd: string) {
    const file = resolve(cwd, ".env");
    const text = readIfPresent(file);
    const variables = text === undefined ? new Map<string, string>() : parseEnvFile(text, file);
    if (text !== undefined) this.secretFiles.push(file);
    this.fileNames = [...variables.keys()];
    this.#cwd = cwd;
    this.#layers = [
      (name) => environment[name] || undefined,
      (name) => variables.get(name) || undefined,
    ];
  }

  get(name: string): string | undefined {
    for (const layer of this.#layers) {
      const value = layer(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** NAME, or the content of the file that NAME_FILE names. */
  secret(name: SecretName): string | undefined {
    for (const layer of this.#layers) {
      const value = layer(name);
      const file = layer(`${name}_FILE`);
      if (value !== undefined && file !== undefined) {
        throw new StartupError(name, `is set, and so is ${name}_FILE`, "Set one of the two.");
      }
      if (value !== undefined) return value;
      if (file !== undefined) {
        const path = resolve(this.#cwd, file);
        this.secretFiles.push(path);
        return readSecretFile(path, `${name}_FILE`);
      }
    }
    return undefined;
  }

  /** Throws StartupError where `.env` sets a variable that nobody reads: most likely a typing error. */
  refuseUnknown(others: ReadonlySet<string>): void {
    const unknown = this.fileNames.find((name) => !isKnownVariable(name) && !others.has(name));
    if (unknown === undefined) return;
    const [meant] = nearest(unknown, VARIABLE_NAMES);
    const hint = meant === undefined ? "Remove it from .env." : `Did you mean ${meant}?`;
    throw new StartupError(unknown, "is set in .env, but is no variable of the gateway", hint);
  }
}

/** A secret alone in a file; the newline at its end is not part of it. */
export function readSecretFile(path: string, variable: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const hint = "Check that the file exists and that the gateway's user may read it.";
    throw new StartupError(variable, `${path} cannot be read (${codeOf(error)})`, hint, error);
  }
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new StartupError(variable, `${path} is empty`, "Put the secret in it.");
  return secret;
}

/** undefined where there is no such file. */
export function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    const hint = "Make it a file the gateway's user may read, or remove it.";
    throw new StartupError(file, `cannot be read (${codeOf(error)})`, hint, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
