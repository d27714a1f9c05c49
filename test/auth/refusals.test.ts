import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { run } from "../support/flow.ts";
import { type GatewayOptions, startGateway, startRefused } from "../support/gateway.ts";

/** Not loopback, and not reachable from elsewhere either. */
const OPEN = "0.0.0.0";
const STRONG = "a secret that is long enough to be one";
const UNSIGNED = {
  capabilities: { wait: { enabled: true, risk_level: "low" } },
  security: { require_signature: false },
};

describe("refused at the start, with the name of what is wrong", () => {
  const client = (settings: object) => ({
    config: { "clients.json": { clients: [{ id: "x", scheme: "hmac", ...settings }] } },
  });
  const CASES: readonly [string, GatewayOptions, RegExp][] = [
    ["no SHARED_SECRET", { env: { SHARED_SECRET: undefined } }, /SHARED_SECRET: is required/],
    ["no AUDIT_KEY", { env: { AUDIT_KEY: undefined } }, /AUDIT_KEY: is required/],
    [
      "a weak secret off loopback",
      { env: { HOST: OPEN, SHARED_SECRET: "fifteen letters" } },
      /SHARED_SECRET: .*shorter than 16/,
    ],
    [
      "a weak token off loopback",
      { env: { HOST: OPEN, API_TOKEN: "short" } },
      /API_TOKEN: .*shorter than 16/,
    ],
    [
      "a weak AUDIT_KEY off loopback",
      { env: { HOST: OPEN, AUDIT_KEY: "short" } },
      /AUDIT_KEY: .*shorter than 16/,
    ],
    [
      "the seed's sample off loopback",
      { env: { HOST: OPEN, SHARED_SECRET: "your-shared-secret" } },
      /SHARED_SECRET: .*sample/,
    ],
    [
      "a template's value off loopback",
      { env: { HOST: OPEN, APPROVER_SECRET: "<paste the approver's secret>" } },
      /APPROVER_SECRET: .*sample/,
    ],
    [
      "one secret for two keys",
      { env: { SHARED_SECRET: STRONG, APPROVER_SECRET: STRONG } },
      /APPROVER_SECRET: the keys default and approver share a secret/,
    ],
    [
      "one secret for a signature and a token",
      {
        env: { SHARED_SECRET: STRONG.replaceAll(" ", "-"), API_TOKEN: STRONG.replaceAll(" ", "-") },
      },
      /share a secret/,
    ],
    [
      "a client with a built-in key's secret",
      {
        env: { SHARED_SECRET: STRONG, OTHER: STRONG },
        ...client({ secret_env: "OTHER", scopes: ["read"] }),
      },
      /\/clients\/0: the keys default and x share/,
    ],
    [
      "I4 confirm beside plan",
      { env: { OTHER: STRONG }, ...client({ secret_env: "OTHER", scopes: ["plan", "confirm"] }) },
      /x may both plan and confirm/,
    ],
    [
      "I4 confirm beside execute",
      {
        env: { OTHER: STRONG },
        ...client({ secret_env: "OTHER", scopes: ["execute", "confirm", "read"] }),
      },
      /x may both plan and confirm/,
    ],
    [
      "a secret that is not there",
      client({ secret_env: "MISSING_SECRET", scopes: ["read"] }),
      /MISSING_SECRET is not set/,
    ],
    ["a client without a secret", client({ scopes: ["read"] }), /0 sources of its secret/],
    [
      "an unknown scope",
      { env: { OTHER: STRONG }, ...client({ secret_env: "OTHER", scopes: ["admin"] }) },
      /clients\.json.*scopes/s,
    ],
    ["clients.json that is no JSON", { config: { "clients.json": "{" } }, /clients\.json/],
    [
      "require_signature: false off loopback",
      { env: { HOST: OPEN }, policy: UNSIGNED },
      /require_signature is false and HOST is 0\.0\.0\.0/,
    ],
    ["a policy that is none", { policy: { capabilities: { "fs.raed": {} } } }, /policy\.json/],
    ["a port that is none", { env: { PORT: "65536" } }, /PORT: "65536"/],
    ["a host that is none", { env: { HOST: "http://x" } }, /HOST: /],
    ["a size that is none", { env: { MAX_FILE_SIZE_MB: "ten" } }, /MAX_FILE_SIZE_MB: "ten"/],
    ["a level that is none", { env: { LOG_LEVEL: "LOUD" } }, /LOG_LEVEL: "LOUD".*DEBUG/],
    ["an origin that is none", { env: { CORS_ORIGINS: "localhost" } }, /CORS_ORIGINS: /],
    ["a driver that is none", { env: { DRIVER: "magic" } }, /DRIVER: "magic"/],
    ["days that are none", { env: { RETENTION_DAYS: "-1" } }, /RETENTION_DAYS: "-1"/],
    [
      "a secret given twice",
      { env: { SHARED_SECRET_FILE: "/dev/null" } },
      /SHARED_SECRET: is set, and so is SHARED_SECRET_FILE/,
    ],
    [
      "a secret file that is not there",
      { env: { SHARED_SECRET: undefined, SHARED_SECRET_FILE: "nowhere.key" } },
      /SHARED_SECRET_FILE: .*nowhere\.key/,
    ],
  ];

  test.each(CASES)("%s", async (_, options, message) => {
    const { code, output } = await startRefused(options);
    expect(output).toMatch(message);
    expect(output).not.toMatch(/^\s+at /m);
    expect(output).not.toContain(STRONG);
    expect(code).toBe(1);
  });

  test("a port in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const { code, output } = await startRefused({ env: { PORT: port } });
    server.close();
    expect(output).toContain(`PORT: ${port} on 127.0.0.1 is in use`);
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  test("a variable of .env that nobody knows, and what is set in it malformed", async () => {
    await using gateway = await startGateway();
    await gateway.stop();
    const env = join(gateway.directory, ".env");
    const refusal = async (content: string) => {
      writeFileSync(env, content, { mode: 0o600 });
      const before = gateway.output.length;
      await expect(gateway.start()).rejects.toThrow("ended with 1");
      return gateway.output.slice(before);
    };
    expect(await refusal("SHARED_SECERT=x\n")).toMatch(/SHARED_SECERT: .*mean SHARED_SECRET\?/);
    expect(await refusal("REQUEST_TIMEOUT=never\n")).toMatch(/REQUEST_TIMEOUT: "never"/);
    // The environment, where other programs' variables stand as well, may have any.
    writeFileSync(env, "RETENTION_DAYS=7\n");
    await gateway.start({ SHARED_SECERT: "x" });
  });
});

describe("secrets", () => {
  test("each may come from a file of its own", async () => {
    await using gateway = await startGateway();
    await gateway.stop();
    const file = (name: string, content: string) => {
      writeFileSync(join(gateway.directory, name), `${content}\n`, { mode: 0o600 });
      return name;
    };
    const { keys } = gateway;
    await gateway.start({
      SHARED_SECRET: undefined,
      SHARED_SECRET_FILE: file("shared.key", keys.default.secret ?? ""),
      APPROVER_SECRET: undefined,
      APPROVER_SECRET_FILE: join(
        gateway.directory,
        file("approver.key", keys.approver.secret ?? ""),
      ),
      API_TOKEN: undefined,
      API_TOKEN_FILE: file("api.token", keys.api.token ?? ""),
      AUDIT_KEY: undefined,
      AUDIT_KEY_FILE: file("audit.key", gateway.auditKey),
    });
    for (const key of [keys.default, keys.approver, keys.api]) {
      expect((await call(gateway, "GET", "/tasks", undefined, key)).status).toBe(200);
    }
  });

  test("a strong one, or any on loopback, is taken", async () => {
    await using weak = await startGateway({ env: { SHARED_SECRET: "weak" } });
    const key = { keyId: "default", secret: "weak" };
    expect((await call(weak, "GET", "/tasks", undefined, key)).status).toBe(200);
    await using open = await startGateway({ env: { HOST: OPEN } });
    expect(open.url).toContain(String(open.port));
  });

  test("I7 none is in the log, whatever its level", async () => {
    await using gateway = await startGateway({ env: { LOG_LEVEL: "DEBUG" } });
    await run(gateway, "wait", { duration_ms: 1 });
    await call(gateway, "GET", "/tasks", undefined, gateway.keys.api);
    const wrong = { keyId: "default", secret: "wrong" };
    await call(gateway, "GET", "/tasks", undefined, wrong);
    const { default: signing, api, approver } = gateway.keys;
    for (const secret of [signing.secret, approver.secret, api.token, gateway.auditKey]) {
      expect(gateway.output).not.toContain(secret);
    }
  });
});

test("LOG_LEVEL=DEBUG says what a signature was checked against and why a request was refused", async () => {
  await using gateway = await startGateway({ env: { LOG_LEVEL: "DEBUG" } });
  const body = { action: "fs.read", parameters: { path: "/etc/passwd" } };
  const wrong = { keyId: "pipelines", secret: "wrong" };
  expect((await call(gateway, "POST", "/plan", body, wrong)).status).toBe(401);
  expect((await call(gateway, "POST", "/plan", body)).status).toBe(403);
  await run(gateway, "wait", { duration_ms: 1 });
  const refused = await gateway.logged(({ msg }) => msg === "signature refused");
  expect(refused).toMatchObject({
    key_id: "pipelines",
    message_starts: expect.stringMatching(/^\d+:$/),
    tried: [{ body: "as sent", message_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
  });
  const rule = 'capabilities["fs.read"].allowed_paths';
  expect(
    await gateway.logged(({ msg, code }) => msg === "refused" && code === "path_not_allowed"),
  ).toMatchObject({ detail: expect.stringContaining(rule), hint: expect.stringContaining(rule) });
  expect(
    await gateway.logged(({ msg, event }) => msg === "event" && event === "task_completed"),
  ).toMatchObject({ key: "default", progress: 100 });
  expect(await gateway.logged(({ msg }) => msg === "configuration")).toMatchObject({
    config: { logLevel: "debug" },
  });
});

describe("require_signature: false on loopback", () => {
  test("plan and execute need no key; confirm, stop, resume and audit do", async () => {
    await using gateway = await startGateway({ policy: UNSIGNED });
    const body = { action: "wait", parameters: { duration_ms: 1 } };
    const planned = await call<Record<string, string>>(gateway, "POST", "/plan", body, {});
    expect(planned.status).toBe(200);
    const { task_id, plan_digest } = planned.body;
    const executed = await call(gateway, "POST", "/execute?wait=30", { task_id }, {});
    expect(executed).toMatchObject({ status: 200, body: { status: "completed" } });
    expect((await call(gateway, "GET", `/tasks/${task_id}`, undefined, {})).status).toBe(200);
    const confirmation = { task_id, plan_digest, decision: "approve" };
    for (const answer of [
      await call(gateway, "POST", "/confirm", confirmation, {}),
      await call(gateway, "POST", "/stop", {}, {}),
      await call(gateway, "POST", "/resume", {}, {}),
      await call(gateway, "GET", "/audit", undefined, {}),
    ]) {
      expect(answer).toMatchObject({ status: 401, body: { code: "signature_missing" } });
    }
    const { approver } = gateway.keys;
    expect((await call(gateway, "GET", "/audit", undefined, approver)).status).toBe(200);
    // Whoever does present credentials must present the right ones.
    const wrong = { keyId: "default", secret: "wrong" };
    const refused = await call(gateway, "POST", "/plan", body, wrong);
    expect(refused).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
  });

  test("is refused at a reload off loopback, and the policy before stays", async () => {
    const signed = { ...UNSIGNED, security: {} };
    await using gateway = await startGateway({ policy: signed, env: { HOST: OPEN } });
    gateway.writePolicy(UNSIGNED);
    await gateway.logged(({ msg }) => msg === "policy file refused; the one before stays");
    const body = { action: "wait", parameters: { duration_ms: 1 } };
    const answer = await call(gateway, "POST", "/plan", body, {});
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_missing" } });
    const ready = await call(gateway, "GET", "/ready", undefined, {});
    expect(ready).toMatchObject({
      status: 503,
      body: {
        parts: { policy: { ok: false, detail: expect.stringMatching(/require_signature/) } },
      },
    });
  });
});
