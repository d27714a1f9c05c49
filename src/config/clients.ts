import { createHash } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import Type, { type Static } from "typebox";
import { type KeyDefinition, KeyId } from "../contract/key.ts";
import { type Principal, SCHEMES, SCOPES } from "../contract/principal.ts";
import { isLoopbackHost } from "../lib/loopback-host.ts";
import { nearest } from "../lib/nearest.ts";
import { type Config, type Secrets, StartupError } from "./config.ts";
import { isInside } from "./directories.ts";
import { readJsonFile } from "./json-file.ts";
import { STRENGTH_HINT, weaknessOf } from "./secret-strength.ts";
import { readSecretFile } from "./variables.ts";

const closed = { additionalProperties: false } as const;

const Client = Type.Object(
  {
    id: KeyId,
    scheme: Type.Enum([...SCHEMES], {
      description: "hmac: signs requests. bearer: sends a token.",
    }),
    secret_env: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
        description: "Environment variable with the secret, read at the start.",
      }),
    ),
    secret_file: Type.Optional(
      Type.String({ minLength: 1, description: "File with the secret; from this file's folder." }),
    ),
    secret_sha256: Type.Optional(
      Type.String({
        pattern: "^[0-9a-f]{64}$",
        description: "SHA-256 of a bearer token in hex, so that the token stands nowhere.",
      }),
    ),
    scopes: Type.Array(Type.Enum([...SCOPES]), {
      minItems: 1,
      uniqueItems: true,
      description: "confirm never stands beside plan or execute.",
    }),
    capabilities: Type.Optional(
      Type.Array(Type.String({ pattern: "^[a-z]+(\\.[a-z_]+)?$" }), {
        description: "Actions the key may use; absent: all that policy enables.",
      }),
    ),
    desktops: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        description: "Desktops the key may use; absent: all.",
      }),
    ),
    trusted_approval_surface: Type.Optional(
      Type.Boolean({
        description: "A person, not a program, decides on this key's approval card.",
      }),
    ),
    revoked: Type.Optional(Type.Boolean({ description: "The key ends, with all its work." })),
  },
  closed,
);
type Client = Static<typeof Client>;

/** `config/clients.json`: the keys besides the built-in ones. */
export const ClientsFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    clients: Type.Array(Client, { maxItems: 10_000 }),
    revoked: Type.Optional(
      Type.Array(KeyId, { description: "Ids that end, built-in ones too.", uniqueItems: true }),
    ),
  },
  closed,
);
export type ClientsFile = Static<typeof ClientsFile>;

/** What of a client is not its secret. */
type Rights = Pick<Client, "id" | "scheme" | "scopes"> & Partial<Client>;

/** Ids of no other key, also where the built-in one is not set. */
export const BUILT_IN_IDS: readonly string[] = ["default", "api", "approver"];
const BUILT_IN_SOURCES = new Set(["SHARED_SECRET", "API_TOKEN", "APPROVER_SECRET"]);
const REQUESTER = { scopes: ["plan", "execute", "read"] } satisfies Partial<Client>;
const APPROVER = { scopes: ["confirm", "read"] } satisfies Partial<Client>;
const PLANNING: ReadonlySet<string> = new Set(["plan", "execute"]);

/** A key before it is known whether all keys go together. */
interface Candidate {
  readonly definition: KeyDefinition;
  /** Where its secret comes from: a variable, or a place in clients.json. */
  readonly source: string;
  /** The secret as text, where that is known. */
  readonly text: string | undefined;
}

/**
 * Every key that is alive: the built-in ones and those of clients.json. Reads the file anew each
 * time. Throws StartupError naming the entry where one is malformed, its secret missing, weak (off
 * loopback) or another key's, or its scopes do not go together.
 */
export function readKeys(config: Config, secrets: Secrets): readonly KeyDefinition[] {
  const file = config.clientsFile;
  const { clients, revoked = [] } = readJsonFile(file, ClientsFile) ?? { clients: [] };
  refuseIds(file, clients, revoked);
  const alive = clients.flatMap((client, index) =>
    client.revoked === true || revoked.includes(client.id)
      ? []
      : [readClient(client, `${file} /clients/${index}`, config, secrets)],
  );
  const candidates = [
    ...builtIn(secrets).filter(({ definition }) => !revoked.includes(definition.principal.keyId)),
    ...alive,
  ];
  for (const candidate of candidates) refuseSecret(candidate, config);
  refuseShared(candidates);
  return candidates.map(({ definition, source }) => ({
    ...definition,
    origin: BUILT_IN_SOURCES.has(source)
      ? { source: "environment", place: source }
      : { source: "file", place: source.replace(file, basename(file)) },
  }));
}

/** Ids that clients.json says have ended, whatever they were. Throws as `readKeys` does. */
export function readRevokedIds({ clientsFile }: Config): readonly string[] {
  const { clients, revoked = [] } = readJsonFile(clientsFile, ClientsFile) ?? { clients: [] };
  return [...revoked, ...clients.flatMap((client) => (client.revoked === true ? client.id : []))];
}

/** Variables that clients.json takes secrets from. */
export function clientVariables(clientsFile: string): ReadonlySet<string> {
  const clients = readJsonFile(clientsFile, ClientsFile)?.clients ?? [];
  return new Set(clients.flatMap(({ secret_env }) => secret_env ?? []));
}

function builtIn({ sharedSecret, apiToken, approverSecret }: Secrets): Candidate[] {
  const table: readonly [source: string, secret: string | undefined, rights: Rights][] = [
    ["SHARED_SECRET", sharedSecret, { ...REQUESTER, id: "default", scheme: "hmac" }],
    ["API_TOKEN", apiToken, { ...REQUESTER, id: "api", scheme: "bearer" }],
    ["APPROVER_SECRET", approverSecret, { ...APPROVER, id: "approver", scheme: "hmac" }],
  ];
  return table.flatMap(([source, text, rights]) =>
    text === undefined ? [] : [{ definition: define(rights, bytesOf(rights, text)), source, text }],
  );
}

function readClient(client: Client, place: string, config: Config, secrets: Secrets): Candidate {
  const { secret_env, secret_file, secret_sha256 } = client;
  const given = [secret_env, secret_file, secret_sha256].filter((source) => source !== undefined);
  if (given.length !== 1) {
    const problem = `${given.length} sources of its secret`;
    throw new StartupError(place, problem, "Give one: secret_env, secret_file or secret_sha256.");
  }
  if (client.scopes.includes("confirm") && client.scopes.some((scope) => PLANNING.has(scope))) {
    const problem = `${client.id} may both plan and confirm`;
    throw new StartupError(place, problem, "Who plans cannot approve: make two keys of it.");
  }
  if (secret_sha256 !== undefined) {
    if (client.scheme === "bearer") {
      const definition = define(client, Buffer.from(secret_sha256, "hex"));
      return { definition, source: place, text: undefined };
    }
    const hint = "Signing needs the secret itself: use secret_env or secret_file.";
    throw new StartupError(place, "secret_sha256 is for bearer tokens", hint);
  }
  const text =
    secret_env === undefined
      ? readClientFile(secret_file ?? "", place, config)
      : secrets.variable(secret_env);
  if (text === undefined) {
    const hint = "Variables are read at the start; secret_file needs no restart.";
    throw new StartupError(place, `the variable ${secret_env} is not set`, hint);
  }
  return { definition: define(client, bytesOf(client, text)), source: place, text };
}

function readClientFile(name: string, place: string, config: Config): string {
  const file = resolve(dirname(config.clientsFile), name);
  if (!isInside(file, config.workdir)) return readSecretFile(file, place);
  throw new StartupError(place, `${file} lies inside WORKDIR`, "Tasks could read it: move it.");
}

function define(rights: Rights, secret: Uint8Array): KeyDefinition {
  const principal: Principal = Object.freeze({
    keyId: rights.id,
    scheme: rights.scheme,
    scopes: new Set(rights.scopes),
    capabilities: rights.capabilities === undefined ? null : new Set(rights.capabilities),
    desktops: rights.desktops === undefined ? null : new Set(rights.desktops),
    trustedApprovalSurface: rights.trusted_approval_surface ?? false,
  });
  return Object.freeze({ principal, secret });
}

function bytesOf({ scheme }: Rights, text: string): Uint8Array {
  return scheme === "hmac" ? Buffer.from(text) : hash(text);
}

function hash(bytes: string | Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function refuseIds(file: string, clients: readonly Client[], revoked: readonly string[]): void {
  const ids = new Set(BUILT_IN_IDS);
  for (const [index, { id }] of clients.entries()) {
    const place = `${file} /clients/${index}/id`;
    if (BUILT_IN_IDS.includes(id)) {
      throw new StartupError(place, `${id} is a built-in key`, "Give it another id.");
    }
    if (ids.has(id)) {
      throw new StartupError(place, `${id} stands twice`, "One id has one scheme and one secret.");
    }
    ids.add(id);
  }
  const unknown = revoked.find((id) => !ids.has(id));
  if (unknown === undefined) return;
  const [meant] = nearest(unknown, ids);
  const hint = meant === undefined ? "Remove it." : `Did you mean ${meant}? If not, remove it.`;
  throw new StartupError(`${file} /revoked`, `${unknown} is no key's id`, hint);
}

function refuseSecret({ definition, source, text }: Candidate, config: Config): void {
  if (text === undefined) return;
  const { keyId, scheme } = definition.principal;
  if (scheme === "bearer" && !/^[\x21-\x7e]+$/.test(text)) {
    const problem = `the token of ${keyId} has characters no Authorization header carries`;
    throw new StartupError(source, problem, "Use printable ASCII without spaces.");
  }
  const weakness = isLoopbackHost(config.host) ? undefined : weaknessOf(text);
  if (weakness === undefined) return;
  throw new StartupError(source, `the secret of the key ${keyId} ${weakness}`, STRENGTH_HINT);
}

/** Compares what the secrets hash to, so that a token known by its hash counts too. */
function refuseShared(candidates: readonly Candidate[]): void {
  const owners = new Map<string, string>();
  for (const { definition, source } of candidates) {
    const { keyId, scheme } = definition.principal;
    const digest = scheme === "bearer" ? definition.secret : hash(definition.secret);
    const fingerprint = Buffer.from(digest).toString("hex");
    const owner = owners.get(fingerprint);
    if (owner !== undefined) {
      const problem = `the keys ${owner} and ${keyId} share a secret`;
      throw new StartupError(source, problem, "Give each key a secret of its own.");
    }
    owners.set(fingerprint, keyId);
  }
}
