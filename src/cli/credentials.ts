import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnvFile } from "../config/env-file.ts";
import { CliError } from "./cli-error.ts";
import type { Shell } from "./shell.ts";

/** Who a command acts as: plans and executes, or decides. */
export type Role = "requester" | "approver";

export interface Credential {
  readonly keyId: string;
  readonly secret: string;
  /** Where the secret was, for people. */
  readonly source: string;
}

/** The variables that name a secret, the nearest first; each may come as NAME_FILE too. */
const SECRET_NAMES: Readonly<Record<Role, string>> = {
  requester: "SHARED_SECRET",
  approver: "APPROVER_SECRET",
};
const KEY_ID_NAMES: Readonly<Record<Role, string>> = {
  requester: "GATEWAY_KEY_ID",
  approver: "APPROVER_KEY_ID",
};
const BUILT_IN_KEYS: Readonly<Record<Role, string>> = {
  requester: "default",
  approver: "approver",
};
/** For a key of `config/clients.json`, named by `--key-id`. */
const ANY_KEY_SECRET = "GATEWAY_SECRET";
const APPROVER_FILE = "approver.key";

/** A set of variables and what to call it. */
interface Layer {
  readonly name: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** The process environment, then `.env` of the current folder, nearest first. */
export class Settings {
  readonly #layers: readonly Layer[];
  readonly #cwd: string;

  constructor(shell: Pick<Shell, "env" | "cwd">) {
    this.#cwd = shell.cwd;
    this.#layers = [
      { name: "the environment", variables: shell.env },
      { name: "./.env", variables: readDotEnv(join(shell.cwd, ".env")) },
    ];
  }

  get(name: string): string | undefined {
    for (const { variables } of this.#layers) if (variables[name]) return variables[name];
    return undefined;
  }

  /** `--url`, GATEWAY_URL, or where a gateway configured here listens. */
  url(option: string | undefined): string {
    const named = option ?? this.get("GATEWAY_URL");
    if (named !== undefined) return checkedUrl(named);
    const host = this.get("HOST") ?? "127.0.0.1";
    const everywhere = host === "0.0.0.0" || host === "::" || host === "";
    const name = everywhere ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
    return checkedUrl(`http://${name}:${this.get("PORT") ?? "8089"}`);
  }

  /** Whether the role's own secret is at hand. */
  has(role: Role): boolean {
    return this.sourceOf(role) !== undefined;
  }

  /** Where the role's own secret is, for people. */
  sourceOf(role: Role): string | undefined {
    const found = this.credential(role, undefined);
    return "secret" in found ? found.source : undefined;
  }

  /** A secret by its variable or NAME_FILE; undefined where neither is set. */
  secret(name: string): string | undefined {
    const found = this.#find([name]);
    return "secret" in found ? found.secret : undefined;
  }

  /** The role's key and secret, or the places that were looked in. */
  credential(role: Role, keyIdOption: string | undefined): Credential | { looked: string[] } {
    const keyId = keyIdOption ?? this.get(KEY_ID_NAMES[role]) ?? BUILT_IN_KEYS[role];
    const names = secretNames(role, keyId, keyIdOption !== undefined);
    const found = this.#find(names);
    if ("secret" in found) return { keyId, ...found };
    const { looked } = found;
    if (names.includes(SECRET_NAMES.approver)) {
      looked.push(`./${APPROVER_FILE}`);
      const secret = readOptional(join(this.#cwd, APPROVER_FILE));
      if (secret !== undefined) return { keyId, secret, source: `./${APPROVER_FILE}` };
    }
    return { looked };
  }

  #find(names: readonly string[]): Omit<Credential, "keyId"> | { looked: string[] } {
    const looked: string[] = [];
    for (const { name: layer, variables } of this.#layers) {
      for (const name of names) {
        const source = `${name} in ${layer}`;
        looked.push(source);
        const value = variables[name];
        if (value) return { secret: value, source };
        const file = variables[`${name}_FILE`];
        if (!file) continue;
        const secret = readSecret(resolve(this.#cwd, file), `${name}_FILE in ${layer}`);
        return { secret, source: file };
      }
    }
    return { looked };
  }
}

/** The built-in keys' secrets are where the service has them, a key of its own has GATEWAY_SECRET. */
function secretNames(role: Role, keyId: string, named: boolean): string[] {
  if (keyId === BUILT_IN_KEYS.requester) return [SECRET_NAMES.requester];
  if (keyId === BUILT_IN_KEYS.approver) return [SECRET_NAMES.approver];
  if (role === "requester") return [ANY_KEY_SECRET];
  return named ? [ANY_KEY_SECRET, SECRET_NAMES.approver] : [SECRET_NAMES.approver];
}

function readDotEnv(path: string): Record<string, string | undefined> {
  const text = readOptional(path);
  return text === undefined ? {} : Object.fromEntries(parseEnvFile(text, path));
}

/** The file's text without the white space around it; undefined where there is none to read. */
function readOptional(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}

function readSecret(path: string, source: string): string {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret !== "") return secret;
  } catch (cause) {
    throw new CliError(
      "unauthorised",
      `The file ${path} cannot be read.`,
      `It is named by ${source}. Check the path and its permissions.`,
      cause,
    );
  }
  throw new CliError("unauthorised", `The file ${path} is empty.`, `It is named by ${source}.`);
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new CliError(
    "usage",
    `${JSON.stringify(text)} is not the URL of a gateway.`,
    "It looks like http://127.0.0.1:8089; give it as --url or GATEWAY_URL.",
  );
}
