import { createHmac, randomBytes } from "node:crypto";
import { SECRET } from "../signing.ts";

/** A key of the gateway under the soak: it signs, or carries a token. */
export interface Key {
  readonly id: string;
  readonly scheme: "hmac" | "bearer";
  readonly secret: string;
}

const PLANS = ["plan", "execute", "read"];

/** Beside the built-in keys: one for each program that would have its own. */
const CLIENTS = [
  { id: "writer", scheme: "hmac", scopes: PLANS },
  { id: "clicker", scheme: "hmac", scopes: PLANS },
  { id: "chat", scheme: "bearer", scopes: PLANS },
  { id: "editor", scheme: "bearer", scopes: PLANS },
  { id: "watcher", scheme: "bearer", scopes: ["read"] },
] as const;

type ClientId = (typeof CLIENTS)[number]["id"];
export type KeyId = ClientId | "default" | "api" | "approver";
export type Keys = Readonly<Record<KeyId, Key>>;

export function makeKeys(): Keys {
  const key = (id: string, scheme: Key["scheme"], secret = newSecret()) => ({ id, scheme, secret });
  const own = Object.fromEntries(CLIENTS.map(({ id, scheme }) => [id, key(id, scheme)]));
  return {
    ...(own as Record<ClientId, Key>),
    default: key("default", "hmac", SECRET),
    api: key("api", "bearer"),
    approver: key("approver", "hmac"),
  };
}

/** `clients.json` and the files of its secrets, by name. */
export function clientFiles(keys: Keys): Record<string, string> {
  const clients = CLIENTS.map((client) => ({ ...client, secret_file: `${client.id}.key` }));
  return {
    "clients.json": JSON.stringify({ clients }),
    ...Object.fromEntries(CLIENTS.map(({ id }) => [`${id}.key`, keys[id].secret])),
  };
}

let lastTimestamp = 0;

/** Headers with which a key sends a body: compact JSON, or nothing. */
export function authenticate(
  { id, scheme, secret }: Key,
  method: string,
  target: string,
  body: string | Buffer,
): Record<string, string> {
  if (scheme === "bearer") return { authorization: `Bearer ${secret}` };
  // Never the same twice: a signature works once.
  lastTimestamp = Math.max(Date.now(), lastTimestamp + 1);
  const signsBodyAlone = method === "POST" && /^\/(?:plan|execute)(?:\?|$)/.test(target);
  const mac = createHmac("sha256", secret)
    .update(`${lastTimestamp}:${signsBodyAlone ? "" : `${method} ${target}:`}`)
    .update(body)
    .digest("base64");
  return { "x-key-id": id, "x-timestamp": String(lastTimestamp), "x-signature": mac };
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}
