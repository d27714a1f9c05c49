import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { KeyList, KeyView, NewKeyView } from "../../src/contract/operate.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

const SCOPES = ["plan", "execute", "read"];
const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { max_concurrent_tasks: 1 },
};

/** As `shadow` was a key of the console before. */
const CLIENTS = [
  { id: "pipelines", scopes: SCOPES, capabilities: ["wait"] },
  { id: "shadow", scopes: SCOPES },
];

let gateway: Gateway;
let operator: Person;
beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    clients: [{ id: "pipelines", scopes: SCOPES, capabilities: ["wait"] }],
  });
  operator = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const create = (id: string, more: object = {}) =>
  operator.call<NewKeyView>("POST", "/keys", { id, scopes: SCOPES, ...more });
const rotate = (id: string, overlap_minutes: number) =>
  operator.call<NewKeyView>("POST", `/keys/${id}/rotate`, { overlap_minutes });
const revoke = (id: string) => operator.call("DELETE", `/keys/${id}`);
const tasksWith = async (token: string) =>
  (await call(gateway, "GET", "/tasks", undefined, { token })).status;
const find = async (id: string): Promise<KeyView | undefined> =>
  (await operator.call<KeyList>("GET", "/keys")).body.keys.find((key) => key.id === id);

describe("keys of the console", () => {
  test("are made, used, and kept as hashes alone, across restarts", async () => {
    const { body } = await create("ci", { capabilities: ["wait"] });
    expect(await tasksWith(body.token)).toBe(200);
    const planned = await plan(gateway, "wait", { duration_ms: 1 }, { token: body.token });
    const refused = await call(gateway, "POST", "/plan", writing(1), { token: body.token });
    expect(refused).toMatchObject({ status: 403 });
    await gateway.restart();
    expect(await tasksWith(body.token)).toBe(200);
    const own = await call(gateway, "GET", `/tasks/${planned.task_id}`, undefined, {
      token: body.token,
    });
    expect(own).toMatchObject({ status: 200, body: { requester: "ci" } });
    expect(await find("ci")).toMatchObject({
      source: "console",
      capabilities: ["wait"],
      created_by: operator.keyId,
      last_used_at: expect.any(String),
      tokens: [{ last_used_at: expect.any(String) }],
    });
    const files = ["gateway.db", "gateway.db-wal"].map((name) =>
      readFileSync(join(gateway.dataDir, name)).includes(body.token),
    );
    expect([files, gateway.output.includes(body.token)]).toEqual([[false, false], false]);
  });

  test("stand beside those of the configuration, which say where they are changed", async () => {
    expect(await find("default")).toMatchObject({
      scheme: "hmac",
      source: "environment",
      place: "SHARED_SECRET",
    });
    expect(await find("pipelines")).toMatchObject({
      source: "file",
      place: "clients.json /clients/0",
      capabilities: ["wait"],
    });
    const listed = JSON.stringify((await operator.call("GET", "/keys")).body);
    for (const { secret, token } of Object.values(gateway.keys)) {
      expect(listed).not.toContain(secret ?? token);
    }
    for (const id of ["pipelines", "default"]) {
      expect(await revoke(id)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
      expect(await rotate(id, 0)).toMatchObject({ status: 400 });
      expect(await create(id)).toMatchObject({ status: 400 });
    }
  });

  test("rotate: both tokens count until the overlap ends; without one the old ends at once", async () => {
    const first = (await create("rotated")).body.token;
    const second = (await rotate("rotated", 60)).body;
    expect(second.key.tokens).toMatchObject([{}, { expires_at: expect.any(String) }]);
    await gateway.restart();
    expect([await tasksWith(first), await tasksWith(second.token)]).toEqual([200, 200]);
    expect(await rotate("rotated", 5)).toMatchObject({
      status: 409,
      body: { code: "state_changed" },
    });
    const third = (await rotate("rotated", 0)).body.token;
    const statuses = await Promise.all([first, second.token, third].map(tasksWith));
    expect(statuses).toEqual([401, 401, 200]);
  });

  test("I15 revoked in the middle: work, plans and streams end, and no restart revives it", async () => {
    const { token } = (await create("doomed")).body;
    const running = await plan(gateway, "wait", { duration_ms: 60_000 }, { token });
    await call(gateway, "POST", "/execute", { task_id: running.task_id }, { token });
    const waiting = await call<{ task_id: string; plan_digest: string }>(
      gateway,
      "POST",
      "/plan",
      writing(2),
      { token },
    );
    const { task_id, plan_digest } = waiting.body;
    const events = await openEvents(gateway, { credentials: { token } });
    expect((await revoke("doomed")).body).toEqual({ id: "doomed", revoked: true });
    await events.ended();
    expect(await tasksWith(token)).toBe(401);
    const view = async (id: string) =>
      (await operator.call<{ status: string }>("GET", `/tasks/${id}`)).body.status;
    await expect.poll(() => view(running.task_id)).toBe("cancelled");
    await expect.poll(() => view(task_id)).toBe("cancelled");
    const confirmation = { task_id, plan_digest, decision: "approve" };
    expect((await operator.call("POST", "/confirm", confirmation)).status).toBe(409);
    expect(await revoke("doomed")).toMatchObject({ status: 404 });
    await gateway.restart();
    expect(await tasksWith(token)).toBe(401);
    expect(await create("doomed")).toMatchObject({ status: 400 });
  });

  test("give way where clients.json gets a key of the same id", async () => {
    const { token } = (await create("shadow")).body;
    gateway.writeClients(CLIENTS);
    await gateway.logged((line) => line.msg === "a key of the console does not count");
    expect(await tasksWith(token)).toBe(401);
    expect((await call(gateway, "GET", "/tasks", undefined, gateway.keys.shadow)).status).toBe(200);
    const { keys } = (await operator.call<KeyList>("GET", "/keys")).body;
    const both = keys.filter(({ id }) => id === "shadow");
    expect(both).toMatchObject([
      { source: "file" },
      { source: "console", problem: expect.stringContaining("clients.json") },
    ]);
  });

  test("I15 end where clients.json says so, without the console", async () => {
    const { token } = (await create("host")).body;
    const client = { id: "host", scheme: "bearer", scopes: ["read"], revoked: true };
    gateway.writeConfig("clients.json", { clients: [client] });
    await expect.poll(() => tasksWith(token)).toBe(401);
    expect(await find("host")).toMatchObject({ problem: expect.stringMatching(/revoked/) });
    gateway.writeConfig("clients.json", { clients: [{ ...client, secret_sha256: "x" }] });
    await gateway.logged((line) => line.msg === "clients file refused; the keys before stay");
    expect(await tasksWith(token)).toBe(401);
    expect(await create("host")).toMatchObject({ status: 400 });
    gateway.writeClients(CLIENTS);
    await expect.poll(() => tasksWith(token)).toBe(200);
  });

  test("every change is in the audit log, by whom", async () => {
    await create("audited");
    await rotate("audited", 1);
    await revoke("audited");
    const found = await operator.call<AuditList>("GET", "/audit?type=key.*&text=audited");
    expect(found.body.records.map(({ type, key_id }) => [type, key_id])).toEqual([
      ["key.created", operator.keyId],
      ["key.rotated", operator.keyId],
      ["key.revoked", operator.keyId],
    ]);
  });
});

describe("what is refused", () => {
  test.each<[string, unknown]>([
    ["I4 plan beside confirm", { id: "x", scopes: ["plan", "confirm"] }],
    ["I4 execute beside confirm", { id: "x", scopes: ["execute", "confirm"] }],
    ["no scope", { id: "x", scopes: [] }],
    ["an id that is a person's", { id: "person:olga", scopes: SCOPES }],
    ["an id that is long", { id: "x".repeat(65), scopes: SCOPES }],
    ["an action that is not there", { id: "x", scopes: SCOPES, capabilities: ["fs.rread"] }],
    ["a desktop that is not there", { id: "x", scopes: SCOPES, desktops: ["elsewhere"] }],
    ["a secret of its own", { id: "x", scopes: SCOPES, secret: "mine" }],
    ["no object", []],
  ])("%s", async (_, body) => {
    expect(await operator.call("POST", "/keys", body)).toMatchObject({
      status: 400,
      body: { code: "invalid_request" },
    });
    expect(await find("x")).toBeUndefined();
  });

  test("a rotation without its overlap, or with one that is none", async () => {
    await create("strict");
    for (const body of [{}, { overlap_minutes: -1 }, { overlap_minutes: 1e9 }, undefined]) {
      expect((await operator.call("POST", "/keys/strict/rotate", body)).status).toBe(400);
    }
    expect(
      await operator.call("POST", "/keys/nobody/rotate", { overlap_minutes: 1 }),
    ).toMatchObject({ status: 404 });
  });

  test("I11 every key, an approver, a stranger and another site", async () => {
    const approver = await operator.invite("Ann Approver", "approver");
    const { token } = (await create("attacker", { scopes: ["confirm", "read"] })).body;
    const keys = [...Object.values(gateway.keys), { token }];
    const requests: [string, string, unknown][] = [
      ["GET", "/keys", undefined],
      ["POST", "/keys", { id: "evil", scopes: SCOPES }],
      ["POST", "/keys/attacker/rotate", { overlap_minutes: 0 }],
      ["DELETE", "/keys/attacker", undefined],
    ];
    for (const [method, target, body] of requests) {
      for (const key of keys) {
        expect((await call(gateway, method, target, body, key)).status).toBe(403);
      }
      expect((await call(gateway, method, target, body, {})).status).toBe(401);
      expect(await approver.call(method, target, body)).toMatchObject({
        status: 403,
        body: { code: "scope_missing" },
      });
      const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
      expect((await operator.call(method, target, body, foreign)).status).toBeGreaterThan(400);
    }
    expect(await find("evil")).toBeUndefined();
    expect(await tasksWith(token)).toBe(200);
  });
});

const writing = (index: number) => ({
  action: "fs.write",
  parameters: { path: `/tmp/key-${index}.txt`, content: "x" },
});
