import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authHeaders, call, nextTimestamp, sign, signedFetch } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-socket.ts";

const WAIT = '{"action":"wait","parameters":{"duration_ms":1}}';

let gateway: Gateway;
let secret: string;
beforeAll(async () => {
  gateway = await startGateway({
    env: { ALLOWED_HOSTS: "desk.example:8443, gateway.example" },
    policy: { capabilities: POLICY, security: { rate_limit_per_minute: 1_000_000 } },
    clients: [
      { id: "reader", scopes: ["read"] },
      { id: "token", scopes: ["plan", "execute"], scheme: "bearer" },
    ],
  });
  secret = gateway.keys.default.secret ?? "";
  writeFileSync(gateway.file("/tmp/a.txt"), "a");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const POLICY = {
  "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
  "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
  wait: { enabled: true, risk_level: "low" },
};

/** POST with a signature over `message`, whatever is sent. */
async function post(
  target: string,
  sent: string,
  message: (timestamp: number) => string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; code?: string; hint?: string; parameters?: unknown }> {
  const timestamp = nextTimestamp();
  const signature = sign(secret, message(timestamp));
  const answer = await fetch(gateway.url + target, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-timestamp": String(timestamp),
      "x-signature": signature,
      ...headers,
    },
    body: sent,
  });
  return { ...((await answer.json()) as object), status: answer.status };
}

describe("the seed's form: timestamp and compact body", () => {
  const FORMS: readonly [string, string, string][] = [
    [
      "spaces as Python's requests sends them",
      '{"action": "wait", "parameters": {"duration_ms": 1}}',
      WAIT,
    ],
    [
      "line ends and tabs",
      '{\n\t"action": "wait",\r\n\t"parameters": {"duration_ms": 1}\n}\n',
      WAIT,
    ],
    [
      "spaces that were signed as they stand",
      '{"action": "wait", "parameters": {"duration_ms": 1}}',
      '{"action": "wait", "parameters": {"duration_ms": 1}}',
    ],
    [
      "spaces and escapes inside of strings, which stay",
      '{"action": "fs.read", "parameters": {"path": "/tmp/a \\" b : , .txt"}}',
      '{"action":"fs.read","parameters":{"path":"/tmp/a \\" b : , .txt"}}',
    ],
    [
      "non-ASCII as it is",
      '{"action": "fs.read", "parameters": {"path": "/tmp/Grüße 🎉.txt"}}',
      '{"action":"fs.read","parameters":{"path":"/tmp/Grüße 🎉.txt"}}',
    ],
    [
      "non-ASCII escaped, as json.dumps writes it",
      '{"action": "fs.read", "parameters": {"path": "/tmp/Gr\\u00fc\\u00dfe \\ud83c\\udf89.txt"}}',
      '{"action":"fs.read","parameters":{"path":"/tmp/Gr\\u00fc\\u00dfe \\ud83c\\udf89.txt"}}',
    ],
    [
      "1.0, which is not written 1",
      '{"action": "wait", "parameters": {"duration_ms": 1.0}}',
      '{"action":"wait","parameters":{"duration_ms":1.0}}',
    ],
    [
      "1e3, which is not written 1000",
      '{"action": "wait", "parameters": {"duration_ms": 1e3}}',
      '{"action":"wait","parameters":{"duration_ms":1e3}}',
    ],
  ];
  test.each(FORMS)("verifies %s", async (_, sent, signed) => {
    expect(await post("/plan", sent, (timestamp) => `${timestamp}:${signed}`)).toMatchObject({
      status: 200,
    });
  });

  test("a body that means the same but is written otherwise does not verify", async () => {
    const sent = '{"action":"wait","parameters":{"duration_ms":1.0}}';
    const answer = await post("/plan", sent, (timestamp) => `${timestamp}:${WAIT}`);
    expect(answer).toMatchObject({ status: 401, code: "signature_invalid" });
  });

  test("the query of /execute is not signed, its body is", async () => {
    const { body } = await call<{ task_id: string }>(gateway, "POST", "/plan", WAIT);
    const sent = JSON.stringify({ task_id: body.task_id });
    const answer = await post("/execute?wait=20", sent, (timestamp) => `${timestamp}:${sent}`);
    expect(answer.status).toBe(200);
    const other = await post("/execute?wait=20", sent, (timestamp) => `${timestamp}:${WAIT}`);
    expect(other).toMatchObject({ status: 401, code: "signature_invalid" });
  });

  test.skipIf(spawnSync("python3", ["--version"]).status !== 0)(
    "the seed's own Python signs and is answered",
    () => {
      const program = `
import hmac, hashlib, base64, json, os, time, urllib.request
def generate_signature(payload, timestamp, secret):
    message = f"{timestamp}:{json.dumps(payload, separators=(',', ':'))}"
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()).decode()
def post(path, payload):
    timestamp = str(int(time.time() * 1000))
    signature = generate_signature(payload, timestamp, os.environ["SHARED_SECRET"])
    headers = {"Content-Type": "application/json", "X-Timestamp": timestamp, "X-Signature": signature}
    # As requests sends json=: with spaces.
    request = urllib.request.Request(os.environ["URL"] + path, json.dumps(payload).encode(), headers)
    return json.load(urllib.request.urlopen(request))
payload = {"action": "fs.write", "parameters": {"path": "/tmp/grüße.txt", "content": "zwei  Wörter"}}
plan = post("/plan", payload)
print(post("/execute", {"task_id": plan["task_id"], **payload})["status"])
`;
      const ran = spawnSync("python3", ["-c", program], {
        env: { PATH: process.env.PATH, SHARED_SECRET: secret, URL: gateway.url },
        encoding: "utf8",
      });
      expect(ran.stderr).toBe("");
      expect(ran.stdout.trim()).toBe("awaiting_confirmation");
    },
  );
});

describe("I9 the form of every other route binds method and target", () => {
  test("GET with a query, POST with a body and without one", async () => {
    expect((await call(gateway, "GET", "/tasks?limit=1&status=planned")).status).toBe(200);
    const { body } = await call<{ task_id: string }>(gateway, "POST", "/plan", WAIT);
    expect((await call(gateway, "POST", `/tasks/${body.task_id}/cancel`)).status).toBe(200);
    const { approver } = gateway.keys;
    expect((await call(gateway, "POST", "/resume", undefined, approver)).status).toBe(200);
    const { keyId, secret: own = "" } = approver;
    const spaced = '{ "reason": "two  words" }';
    const timestamp = nextTimestamp();
    const headers = {
      "x-key-id": keyId ?? "",
      "x-timestamp": String(timestamp),
      "x-signature": sign(own, `${timestamp}:POST /resume:{"reason":"two  words"}`),
    };
    const answer = await call(gateway, "POST", "/resume", spaced, {}, headers);
    expect(answer.status).toBe(200);
  });

  const MOVED: readonly [string, string, string][] = [
    ["another path", "GET /tasks?limit=1", "/tasks/task_AAAAAAAAAAAAAAAAAAAAAA"],
    ["another query", "GET /tasks?limit=1", "/tasks?limit=2"],
    ["an added query", "GET /tasks", "/tasks?limit=1"],
    ["another spelling of the query", "GET /tasks?limit=1", "/tasks?limit=%31"],
    ["another method", "POST /tasks?limit=1", "/tasks?limit=1"],
    ["no method and target at all", "", "/tasks?limit=1"],
  ];
  test.each(MOVED)("it does not verify for %s", async (_, signed, target) => {
    const timestamp = nextTimestamp();
    const message = signed === "" ? `${timestamp}:` : `${timestamp}:${signed}:`;
    const headers = {
      "x-timestamp": String(timestamp),
      "x-signature": sign(secret, message),
    };
    const answer = await call(gateway, "GET", target, undefined, {}, headers);
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
  });

  test("a signed plan is no signature for another route, and the other way round", async () => {
    const { approver } = gateway.keys;
    const timestamp = nextTimestamp();
    const body = '{"reason":"x"}';
    const headers = {
      "x-key-id": "approver",
      "x-timestamp": String(timestamp),
      "x-signature": sign(approver.secret ?? "", `${timestamp}:${body}`),
    };
    const answer = await call(gateway, "POST", "/stop", body, {}, headers);
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
    const asOther = await post("/plan", WAIT, (at) => `${at}:POST /plan:${WAIT}`);
    expect(asOther).toMatchObject({ status: 401, code: "signature_invalid" });
  });
});

describe("what is refused", () => {
  const changed = (headers: Record<string, string | undefined>) => {
    const sound: Record<string, string | undefined> = authHeaders(
      gateway.keys.default,
      "POST",
      "/plan",
      WAIT,
    );
    const entries = Object.entries({ ...sound, ...headers });
    const present = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
    return call(gateway, "POST", "/plan", WAIT, {}, Object.fromEntries(present));
  };
  const hex = "ab".repeat(32);

  test.each([
    [{ "x-signature": undefined }, "signature_missing"],
    [{ "x-timestamp": undefined }, "signature_missing"],
    [
      { "x-signature": undefined, "x-timestamp": undefined, "x-key-id": undefined },
      "signature_missing",
    ],
    [{ "x-signature": hex }, "signature_invalid"],
    [{ "x-signature": "" }, "signature_invalid"],
    [{ "x-timestamp": "soon" }, "signature_invalid"],
    [{ "x-timestamp": "0123" }, "signature_invalid"],
    [{ "x-key-id": "nobody" }, "signature_invalid"],
    [{ "x-key-id": "token" }, "signature_invalid"],
    [{ authorization: "Bearer x" }, "signature_invalid"],
    [{ signature: "sig1=:AA==:" }, "signature_invalid"],
    [{ "signature-input": 'sig1=("@method");keyid="default"' }, "signature_invalid"],
    [{ "signature-agent": '"x"' }, "signature_invalid"],
  ])("%j", async (headers, code) => {
    expect(await changed(headers)).toMatchObject({ status: 401, body: { code } });
  });

  test.each([-6, 6])("I9 a timestamp %d minutes off", async (minutes) => {
    const at = Date.now() + minutes * 60_000;
    const headers = authHeaders(gateway.keys.default, "POST", "/plan", WAIT, at);
    const answer = await call(gateway, "POST", "/plan", WAIT, {}, headers);
    expect(answer).toMatchObject({ status: 401, body: { code: "timestamp_out_of_window" } });
    const near = Date.now() + Math.sign(minutes) * 4 * 60_000;
    const within = authHeaders(gateway.keys.default, "POST", "/plan", WAIT, near);
    expect((await call(gateway, "POST", "/plan", WAIT, {}, within)).status).toBe(200);
  });

  test("every 401 says how to authenticate and gives nothing away", async () => {
    const answer = await changed({ "x-key-id": "nobody" });
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(answer.headers.get("www-authenticate")).toBeTruthy();
    const wrongKey = await changed({ "x-key-id": "reader" });
    expect({ ...(wrongKey.body as object), request_id: 0, instance: 0 }).toEqual({
      ...(answer.body as object),
      request_id: 0,
      instance: 0,
    });
    expect(gateway.output).not.toContain(secret);
  });
});

describe("bearer tokens", () => {
  test("a key of its own with its own scopes", async () => {
    const { api, token = {} } = gateway.keys;
    const { body } = await call<{ task_id: string }>(gateway, "POST", "/plan", WAIT, api);
    const target = `/tasks/${body.task_id}`;
    expect((await call(gateway, "GET", target, undefined, api)).status).toBe(200);
    expect((await call(gateway, "GET", target)).status).toBe(404);
    expect((await call(gateway, "POST", "/plan", WAIT, token)).status).toBe(200);
    const unscoped = await call(gateway, "GET", target, undefined, token);
    expect(unscoped).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });

  test.each(["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer a b", "bearer"])(
    "%j is refused",
    async (authorization) => {
      const answer = await call(gateway, "GET", "/tasks", undefined, {}, { authorization });
      expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    },
  );

  test("a signing key's secret is no token", async () => {
    const answer = await call(gateway, "GET", "/tasks", undefined, { token: secret });
    expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
  });
});

test("I4 I11 no requester's key decides, stops or reads the audit log", async () => {
  const planned = await call<Record<string, string>>(gateway, "POST", "/plan", WAIT);
  const { task_id, plan_digest } = planned.body;
  const confirmation = { task_id, plan_digest, decision: "approve" };
  const { default: signing, api, reader = {} } = gateway.keys;
  for (const key of [signing, api, reader]) {
    for (const answer of [
      await call(gateway, "POST", "/confirm", confirmation, key),
      await call(gateway, "POST", "/stop", {}, key),
      await call(gateway, "POST", "/resume", {}, key),
      await call(gateway, "GET", "/audit", undefined, key),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
    }
  }
  const { approver } = gateway.keys;
  for (const [target, body] of [
    ["/plan", JSON.parse(WAIT)],
    ["/execute", { task_id }],
  ] as const) {
    const answer = await call(gateway, "POST", target, body, approver);
    expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  }
});

describe("Host", () => {
  const ask = (host: string, path = "/health") =>
    rawRequest(gateway, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

  test.each([
    "localhost",
    "localhost:1",
    "127.0.0.1",
    "[::1]:8089",
    "LOCALHOST",
    "gateway.example",
    "gateway.example:99",
    "desk.example:8443",
  ])("%s is ours", async (host) => {
    expect((await ask(host)).status).toBe(200);
  });

  test.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "desk.example:8444",
    "desk.example",
    "169.254.169.254",
  ])("%s is refused on every route", async (host) => {
    for (const path of ["/health", "/ready", "/events", "/openapi.json", "/docs", "/nothing"]) {
      const answer = await ask(host, path);
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "host_not_allowed" });
    }
  });

  test("none, or two of them, is a bad request", async () => {
    const none = await rawRequest(gateway, "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(none.status).toBe(400);
    const both = "Host: localhost\r\nHost: evil.example\r\n";
    const two = await rawRequest(
      gateway,
      `GET /health HTTP/1.1\r\n${both}Connection: close\r\n\r\n`,
    );
    expect(two.status).toBe(400);
  });
});

test("an unauthenticated body is not even looked at", async () => {
  const answer = await signedFetch(gateway, "POST", "/plan", "{not json", {});
  expect(answer.status).toBe(401);
});
