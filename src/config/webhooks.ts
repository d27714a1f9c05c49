import { dirname, resolve } from "node:path";
import Type, { type Static, type TSchema } from "typebox";
import { WEBHOOK_EVENTS, WEBHOOK_FORMATS, type WebhookEndpoint } from "../contract/webhook.ts";
import { isPrivateAddress } from "../lib/private-address.ts";
import { type Config, type Secrets, StartupError } from "./config.ts";
import { isInside } from "./directories.ts";
import { readJsonFile } from "./json-file.ts";
import { readSecretFile } from "./variables.ts";

const closed = { additionalProperties: false } as const;
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));
const variable = (description: string) =>
  Type.Optional(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$", description }));
const listOf = <Item extends TSchema>(item: Item, description: string) =>
  Type.Optional(Type.Array(item, { minItems: 1, uniqueItems: true, description }));

const Webhook = Type.Object(
  {
    id: Type.String({
      pattern: "^[a-z0-9][a-z0-9._-]{0,63}$",
      description: "What the command line and the log call it.",
    }),
    url: text("Where notifications are sent; one of url, url_env, url_file."),
    url_env: variable("Environment variable with the URL, read at the start."),
    url_file: text("File with the URL; from this file's folder."),
    secret: text(
      "whsec_ and base64 of 24 to 64 bytes: signs. Several with spaces between all sign.",
    ),
    secret_env: variable("Environment variable with the secret, read at the start."),
    secret_file: text("File with the secret; from this file's folder."),
    token: text("Sent as Authorization: Bearer."),
    token_env: variable("Environment variable with the token, read at the start."),
    token_file: text("File with the token; from this file's folder."),
    format: Type.Optional(
      Type.Enum([...WEBHOOK_FORMATS], {
        description: "standard (where absent) is signed JSON for programs.",
      }),
    ),
    events: listOf(Type.Enum([...WEBHOOK_EVENTS]), "What is told; absent: everything."),
    keys: listOf(
      Type.String({ minLength: 1, maxLength: 64 }),
      "Ids of the keys whose tasks are told of; absent: everyone's.",
    ),
    allow_http: Type.Optional(
      Type.Boolean({
        description: "The URL may be http, to a host whose addresses are private or loopback.",
      }),
    ),
  },
  closed,
);
type Webhook = Static<typeof Webhook>;

/** `config/webhooks.json`: who is told that a task waits or has ended. */
export const WebhooksFile = Type.Object(
  { $schema: Type.Optional(Type.String()), webhooks: Type.Array(Webhook, { maxItems: 100 }) },
  closed,
);
export type WebhooksFile = Static<typeof WebhooksFile>;

/**
 * Every endpoint of webhooks.json; none where there is no file. Reads it anew each time. Throws
 * StartupError naming the entry where one is malformed, its secret is missing, or its URL is none
 * that may be sent to.
 */
export function readWebhooks(config: Config, secrets: Secrets): readonly WebhookEndpoint[] {
  const file = config.webhooksFile;
  const { webhooks } = readJsonFile(file, WebhooksFile) ?? { webhooks: [] };
  const ids = new Set<string>();
  return webhooks.map((webhook, index) => {
    const place = `${file} /webhooks/${index}`;
    if (ids.has(webhook.id)) {
      throw new StartupError(`${place}/id`, `${webhook.id} stands twice`, "Give it another id.");
    }
    ids.add(webhook.id);
    return readWebhook(webhook, place, config, secrets);
  });
}

/** Variables that webhooks.json takes values from. */
export function webhookVariables(webhooksFile: string): ReadonlySet<string> {
  const webhooks = readJsonFile(webhooksFile, WebhooksFile)?.webhooks ?? [];
  return new Set(
    webhooks.flatMap(({ url_env, secret_env, token_env }) =>
      [url_env, secret_env, token_env].filter((name) => name !== undefined),
    ),
  );
}

function readWebhook(
  webhook: Webhook,
  place: string,
  config: Config,
  secrets: Secrets,
): WebhookEndpoint {
  const { id, format = "standard", events = WEBHOOK_EVENTS, keys = null } = webhook;
  const read = (name: "url" | "secret" | "token") =>
    readValue(webhook, name, place, config, secrets);
  const url = read("url");
  if (url === undefined) {
    throw new StartupError(place, "has no URL", "Give one of url, url_env, url_file.");
  }
  const signing = (read("secret") ?? "").split(/\s+/).filter((secret) => secret !== "");
  if (format === "standard" && signing.length === 0) {
    const hint = `Give one of secret, secret_env, secret_file. ${SECRET_HINT}`;
    throw new StartupError(place, "has no secret to sign with", hint);
  }
  for (const secret of signing) refuseSecret(secret, place);
  const token = read("token");
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    const problem = "its token has characters no Authorization header carries";
    throw new StartupError(place, problem, "Use printable ASCII without spaces.");
  }
  return Object.freeze({
    id,
    url: checkUrl(url, webhook.allow_http === true, place),
    format,
    secrets: Object.freeze(signing),
    token,
    events: Object.freeze([...events]),
    keys: keys === null ? null : Object.freeze([...keys]),
  });
}

/** NAME, NAME_env or NAME_file, at most one of them. */
function readValue(
  webhook: Webhook,
  name: "url" | "secret" | "token",
  place: string,
  config: Config,
  secrets: Secrets,
): string | undefined {
  const {
    [name]: written,
    [`${name}_env` as const]: env,
    [`${name}_file` as const]: file,
  } = webhook;
  if ([written, env, file].filter((source) => source !== undefined).length > 1) {
    const hint = `Give one of ${name}, ${name}_env, ${name}_file.`;
    throw new StartupError(place, `several sources of its ${name}`, hint);
  }
  if (file !== undefined) {
    const path = resolve(dirname(config.webhooksFile), file);
    if (!isInside(path, config.workdir)) return readSecretFile(path, place);
    throw new StartupError(place, `${path} lies inside WORKDIR`, "Tasks could read it: move it.");
  }
  if (env === undefined) return written;
  const value = secrets.variable(env);
  if (value !== undefined) return value;
  const hint = `Variables are read at the start; ${name}_file needs no restart.`;
  throw new StartupError(place, `the variable ${env} is not set`, hint);
}

const SECRET_HINT = "Make one: echo whsec_$(openssl rand -base64 32).";

/** Standard Webhooks: 24 to 64 bytes. */
function refuseSecret(secret: string, place: string): void {
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(base64, "base64");
  const isWhole = bytes.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  if (isWhole && base64.length % 4 === 0 && bytes.length >= 24 && bytes.length <= 64) return;
  const problem = "its secret is not whsec_ and the base64 of 24 to 64 bytes";
  throw new StartupError(place, problem, SECRET_HINT);
}

/** A URL may be a secret: no message repeats it. */
function checkUrl(written: string, allowHttp: boolean, place: string): string {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password || url.hash) {
    const problem = "its URL is not an http or https URL without user name and fragment";
    const hint = "Example: https://example.com/hooks. Credentials go into token.";
    throw new StartupError(place, problem, hint);
  }
  if (url.protocol === "https:") return url.href;
  if (!allowHttp) {
    const hint = "Use https; for a host on this machine or a private network set allow_http.";
    throw new StartupError(place, "its URL is http", hint);
  }
  // A name is looked at when it has been resolved, each time.
  const isAddress = /^\[|^[\d.]+$/.test(url.hostname);
  if (!isAddress || isPrivateAddress(url.hostname)) return url.href;
  const problem = "its URL is http, to a public address";
  throw new StartupError(place, problem, "Use https: allow_http is for private addresses.");
}
