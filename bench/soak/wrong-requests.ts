import { authenticate, type Keys } from "./keys.ts";

/** A request that is refused, and with what. */
export interface WrongRequest {
  readonly name: string;
  make(keys: Keys): {
    readonly method: string;
    readonly target: string;
    readonly body?: string | Buffer;
    readonly headers: Readonly<Record<string, string>>;
    readonly expects: readonly string[];
  };
}

const MEGABYTE = 1024 * 1024;
const BAD = { "x-timestamp": "", "x-signature": Buffer.alloc(32).toString("base64") };
const LARGE = Buffer.from(
  JSON.stringify({
    action: "fs.write",
    parameters: { path: "/tmp/large", content: "x".repeat(13 * MEGABYTE) },
  }),
);
const TOO_LARGE = Buffer.alloc(16 * MEGABYTE, " ");
const DEEP = `{"action":"fs.read","parameters":${'{"a":'.repeat(5000)}1${"}".repeat(5001)}`;
const NOT_UTF8 = Buffer.from('{"action":"fs.read","parameters":{"path":"/tmp/\xff"}}', "latin1");

/** Built once, because building them costs the load generator as much as the gateway. */
let manyMembers: Buffer | undefined;
let manySteps: Buffer | undefined;
let manyLines: Buffer | undefined;

function plan(name: string, body: () => string | Buffer, expects: readonly string[]): WrongRequest {
  return {
    name,
    make: (keys) => {
      const text = body();
      const headers = authenticate(keys.default, "POST", "/plan", text);
      return { method: "POST", target: "/plan", body: text, headers, expects };
    },
  };
}

function unsigned(
  name: string,
  method: string,
  target: string,
  headers: () => Readonly<Record<string, string>>,
  expects: readonly string[],
  body?: string | Buffer,
): WrongRequest {
  return {
    name,
    make: () => ({
      method,
      target,
      headers: headers(),
      expects,
      ...(body !== undefined && { body }),
    }),
  };
}

const now = () => ({ ...BAD, "x-timestamp": String(Date.now()) });
const NONE = () => ({});

/** Small ones, as they come by mistake and from scanners. */
export const WRONG_REQUESTS: readonly WrongRequest[] = [
  plan("malformed JSON", () => '{"action":', ["400 invalid_request"]),
  plan("no UTF-8", () => NOT_UTF8, ["400 invalid_request"]),
  plan("a member twice", () => '{"action":"a","action":"b"}', ["400 invalid_request"]),
  plan("too deep", () => DEEP, ["400 invalid_request"]),
  plan("no parameters", () => '{"action":"fs.read"}', ["400 invalid_request"]),
  plan("an unknown action", () => '{"action":"fs.raed","parameters":{}}', ["403"]),
  plan("a disabled action", () => '{"action":"shell.run","parameters":{"command":["ls"]}}', [
    "403",
  ]),
  plan("a forbidden path", () => '{"action":"fs.read","parameters":{"path":"/etc/passwd"}}', [
    "403",
  ]),
  plan("a forbidden domain", () => '{"action":"browser.open","parameters":{"url":"http://x.y/"}}', [
    "403",
  ]),
  unsigned("no credentials", "POST", "/plan", NONE, ["401"], "{}"),
  unsigned("a wrong signature", "POST", "/plan", now, ["401"], "{}"),
  unsigned(
    "an old signature",
    "POST",
    "/plan",
    () => ({ ...BAD, "x-timestamp": "1" }),
    ["401"],
    "{}",
  ),
  unsigned("a wrong token", "GET", "/tasks", () => ({ authorization: "Bearer nobody" }), ["401"]),
  unsigned("no such route", "GET", "/wp-login.php", NONE, ["404 not_found"]),
  unsigned("another method", "PUT", "/plan", NONE, ["405 method_not_allowed"]),
  unsigned("a foreign host", "GET", "/health", () => ({ host: "evil.example" }), ["403"]),
  unsigned(
    "another media type",
    "POST",
    "/plan",
    () => ({ "content-type": "text/xml" }),
    ["415"],
    "<a/>",
  ),
  unsigned("long headers", "GET", "/health", () => ({ "x-long": "a".repeat(9000) }), ["431"]),
  unsigned("a card of nobody", "POST", "/cards/open", NONE, ["400", "401", "404"], '{"token":"x"}'),
  unsigned("no passkey", "POST", "/session/passkey", NONE, ["400", "403"], "{}"),
  {
    name: "a scope it lacks",
    make: (keys) => ({
      method: "POST",
      target: "/stop",
      headers: authenticate(keys.api, "POST", "/stop", ""),
      expects: ["403 scope_missing"],
    }),
  },
  {
    name: "somebody else's task",
    make: (keys) => {
      const target = `/tasks/task_${"A".repeat(22)}`;
      const headers = authenticate(keys.api, "GET", target, "");
      return { method: "GET", target, headers, expects: ["404 task_not_found"] };
    },
  },
];

/** Such as nobody sends by mistake: each tries to keep the gateway busy. */
export const HEAVY_REQUESTS: readonly WrongRequest[] = [
  plan("900,000 unknown members", () => {
    manyMembers ??= membersBody(900_000);
    return manyMembers;
  }, ["400 invalid_request"]),
  plan("100 steps, each wrong", () => {
    manySteps ??= stepsBody();
    return manySteps;
  }, ["400 invalid_request"]),
  plan("a write of a million short lines", () => {
    manyLines ??= linesBody();
    return manyLines;
  }, ["200", "413 file_too_large"]),
  unsigned("13 MB, a wrong signature", "POST", "/plan", now, ["401"], LARGE),
  unsigned("16 MB", "POST", "/plan", now, ["413 body_too_large"], TOO_LARGE),
  unsigned("13 MB, a wrong token", "POST", "/tools/fs_write", wrongToken, ["401"], LARGE),
  unsigned("13 MB to a card", "POST", "/cards/open", NONE, ["413 body_too_large"], LARGE),
];

function wrongToken(): Record<string, string> {
  return { authorization: "Bearer nobody" };
}

function membersBody(count: number): Buffer {
  const members = Array.from({ length: count }, (_, index) => `"k${index}":1`).join(",");
  return Buffer.from(`{"action":"fs.read","parameters":{${members}}}`);
}

function stepsBody(): Buffer {
  const parameters = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n]));
  const steps = Array.from({ length: 100 }, () => ({ action: "mouse.drag", parameters }));
  return Buffer.from(JSON.stringify({ steps }));
}

function linesBody(): Buffer {
  const parameters = {
    path: "/tmp/lines.txt",
    content: "a\n".repeat(1_000_000),
    mode: "overwrite",
  };
  return Buffer.from(JSON.stringify({ action: "fs.write", parameters }));
}
