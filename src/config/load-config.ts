import { join, resolve } from "node:path";
import { isLoopbackHost } from "../lib/loopback-host.ts";
import { ByteBotFile, readDesktops, type WrittenDesktop } from "./bytebot-file.ts";
import { clientVariables, readKeys } from "./clients.ts";
import { type Config, type Secrets, StartupError } from "./config.ts";
import { DesktopFile, USUAL_SCREEN } from "./desktop-file.ts";
import { readJsonFile } from "./json-file.ts";
import { STRENGTH_HINT, sampleOf, weaknessOf } from "./secret-strength.ts";
import {
  baseUrl,
  corsOrigin,
  host,
  hostHeader,
  integer,
  listOf,
  oneOf,
  proxy,
  scaled,
  ValueError,
  type ValueReader,
} from "./values.ts";
import { type SettingName, Variables } from "./variables.ts";
import { readWebhooks, webhookVariables } from "./webhooks.ts";

const LEVELS = { DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error" } as const;
const FORMATS = { json: "json", text: "text" } as const;
const DRIVERS = { embedded: "embedded", bytebot: "bytebot" } as const;
const MEGABYTE = 1024 * 1024;

/**
 * The whole configuration: `environment` beats `.env` in `cwd`, that beats bytebot.json of
 * CONFIG_DIR, that the defaults. Relative paths are taken from `cwd`. Reads files, makes none;
 * throws StartupError for whatever is unknown, malformed, missing or does not go together.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): { config: Config; secrets: Secrets } {
  const variables = new Variables(environment, cwd);
  const configDir = resolve(cwd, variables.get("CONFIG_DIR") ?? "config");
  const clientsFile = join(configDir, "clients.json");
  const webhooksFile = join(configDir, "webhooks.json");
  variables.refuseUnknown(clientVariables(clientsFile).union(webhookVariables(webhooksFile)));

  const bytebotFile = join(configDir, "bytebot.json");
  const bytebot = readJsonFile(bytebotFile, ByteBotFile) ?? {};
  /** A variable, else the key of bytebot.json that says the same. */
  const read = <Value>(
    name: SettingName,
    reader: ValueReader<Value>,
    key?: Exclude<keyof ByteBotFile, "desktops">,
  ): Value | undefined => {
    const written = key === undefined ? undefined : bytebot[key];
    const text = variables.get(name);
    if (text !== undefined) return readValue(text, name, reader);
    return written === undefined
      ? undefined
      : readValue(String(written), `${bytebotFile} /${key}`, reader);
  };
  const path = (text: string) => resolve(cwd, text);

  const port = read("PORT", integer(0, 65_535, 8089)) ?? 8089;
  const bytebotUrl = read("BYTEBOT_URL", baseUrl, "url");
  const agentUrl = read("BYTEBOT_AGENT_URL", baseUrl, "agent_url");
  const listed = readDesktops(bytebotFile, bytebot);
  if (listed !== undefined && (bytebotUrl ?? agentUrl) !== undefined) {
    const name = bytebotUrl === undefined ? "BYTEBOT_AGENT_URL" : "BYTEBOT_URL";
    const hint = "Unset it, or take the list out of that file.";
    throw new StartupError(name, `is set, and ${bytebotFile} lists desktops`, hint);
  }
  const isByteBotSet = bytebotUrl !== undefined || listed !== undefined;
  const driver = read("DRIVER", oneOf(DRIVERS)) ?? (isByteBotSet ? "bytebot" : "embedded");
  const apiKey = variables.secret("BYTEBOT_API_KEY");
  const desktops: readonly WrittenDesktop[] = listed?.map((desktop) => ({
    ...desktop,
    setting: `url of desktop ${JSON.stringify(desktop.name)} in bytebot.json`,
    apiKey: desktop.apiKey ?? apiKey,
  })) ?? [
    {
      name: "bytebot",
      url: bytebotUrl ?? "http://localhost:3000",
      agentUrl,
      keys: null,
      apiKey: apiKey ?? bytebot.api_key,
    },
  ];
  const { screen, applications = {} } =
    readJsonFile(join(configDir, "desktop.json"), DesktopFile) ?? {};

  const settings = {
    host: read("HOST", host) ?? "127.0.0.1",
    port,
    publicUrl: read("PUBLIC_URL", baseUrl) ?? `http://localhost:${port}`,
    allowedHosts: read("ALLOWED_HOSTS", listOf(hostHeader)) ?? [],
    trustedProxies: read("TRUSTED_PROXIES", listOf(proxy)) ?? [],
    corsOrigins: read("CORS_ORIGINS", listOf(corsOrigin)) ?? [],
    logLevel: read("LOG_LEVEL", oneOf(LEVELS)) ?? "info",
    logFormat: read("LOG_FORMAT", oneOf(FORMATS)) ?? "json",
    driver,
    bytebot: Object.freeze(desktops.map(({ apiKey: _, ...desktop }) => Object.freeze(desktop))),
    guard: Object.freeze({
      host: read("GUARD_HOST", host) ?? "127.0.0.1",
      port: read("GUARD_PORT", integer(0, 65_535, 8090)) ?? 8090,
    }),
    desktop: Object.freeze({ ...(screen ?? USUAL_SCREEN), applications }),
    workdir: read("WORKDIR", path, "workdir") ?? "/tmp/bytebot-workdir",
    dataDir: read("DATA_DIR", path) ?? path("data"),
    configDir,
    policyFile: join(configDir, "policy.json"),
    clientsFile,
    webhooksFile,
    maxFileSize: read("MAX_FILE_SIZE_MB", scaled(0.001, 1024, MEGABYTE)) ?? 10 * MEGABYTE,
    requestTimeoutMs: read("REQUEST_TIMEOUT", scaled(0.1, 3600, 1000), "timeout") ?? 30_000,
    retryAttempts: read("RETRY_ATTEMPTS", integer(0, 10, 3), "retry_attempts") ?? 3,
    retentionDays: read("RETENTION_DAYS", integer(1, 36_500, 30)) ?? 30,
  } satisfies Omit<Config, "secretFiles">;

  const secrets = readSecrets(variables, settings, desktops);
  const secretFiles = Object.freeze([...variables.secretFiles]);
  const config: Config = Object.freeze({ ...settings, secretFiles });
  readKeys(config, secrets);
  readWebhooks(config, secrets);
  return { config, secrets };
}

function readValue<Value>(text: string, variable: string, reader: ValueReader<Value>): Value {
  try {
    return reader(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new StartupError(variable, error.message, error.hint, error);
  }
}

/** The secrets of keys are checked where keys are read, the two others here. */
function readSecrets(
  variables: Variables,
  { host: bound, guard, driver }: Pick<Config, "host" | "guard" | "driver">,
  desktops: readonly WrittenDesktop[],
): Secrets {
  const refuse = (name: string, problem: string | undefined, listener = bound) => {
    if (problem !== undefined && !isLoopbackHost(listener)) {
      throw new StartupError(name, problem, STRENGTH_HINT);
    }
  };
  const required = (name: "SHARED_SECRET" | "AUDIT_KEY", purpose: string) => {
    const secret = variables.secret(name);
    if (secret !== undefined) return secret;
    const hint = `It ${purpose}. \`openssl rand -base64 32\` makes one.`;
    throw new StartupError(name, "is required", hint);
  };

  const sharedSecret = required("SHARED_SECRET", "signs the requests of the key `default`");
  const auditKey = required("AUDIT_KEY", "seals the audit log");
  const approverSecret = variables.secret("APPROVER_SECRET");
  const apiToken = variables.secret("API_TOKEN");
  const guardKey = variables.secret("GUARD_KEY");
  const jwtSecret = variables.secret("OPENWEBUI_JWT_SECRET");
  const apiKeys = new Map<string, string>();

  refuse("AUDIT_KEY", weaknessOf(auditKey));
  if ([sharedSecret, approverSecret, apiToken].includes(auditKey)) {
    refuse("AUDIT_KEY", "is also the secret of a key, whose holder could rewrite the audit log");
  }
  refuse("OPENWEBUI_JWT_SECRET", jwtSecret && weaknessOf(jwtSecret));
  if (
    jwtSecret !== undefined &&
    [sharedSecret, approverSecret, apiToken, auditKey, guardKey].includes(jwtSecret)
  ) {
    const hint = "Open WebUI needs to know this one alone: openssl rand -base64 32.";
    throw new StartupError("OPENWEBUI_JWT_SECRET", "is also another secret", hint);
  }
  for (const { name, apiKey } of driver === "bytebot" ? desktops : []) {
    if (apiKey === undefined) {
      const hint = "Set it to `none` for a ByteBot without one.";
      const problem = `is required with DRIVER=bytebot (desktop ${name})`;
      throw new StartupError("BYTEBOT_API_KEY", problem, hint);
    }
    refuse("BYTEBOT_API_KEY", sampleOf(apiKey));
    if (apiKey !== "none") apiKeys.set(name, apiKey);
  }
  if (guardKey !== undefined) {
    refuseGuardKey(guardKey, [sharedSecret, approverSecret, apiToken, auditKey]);
    refuse("GUARD_KEY", weaknessOf(guardKey), guard.host);
  }
  return Object.freeze({
    sharedSecret,
    approverSecret,
    apiToken,
    auditKey,
    bytebotApiKeys: apiKeys,
    openWebUiJwtSecret: jwtSecret,
    guardKey,
    variable: (name: string) => variables.get(name),
  });
}

/** It stands in a URL, and whoever knows it acts as the agent. */
function refuseGuardKey(guardKey: string, others: readonly (string | undefined)[]): void {
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(guardKey)) {
    const hint = "Letters, digits, - and _ only: openssl rand -hex 32.";
    throw new StartupError("GUARD_KEY", "cannot stand in the path of a URL", hint);
  }
  if (others.includes(guardKey)) {
    throw new StartupError("GUARD_KEY", "is also another secret", "Give the guard its own.");
  }
}
