import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DryRunView, ExplanationView, PolicyView } from "../../src/contract/operate.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
  },
  confirmation: { low: "client", medium: "approver", high: "approver" },
};

let gateway: Gateway;
let operator: Person;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY });
  operator = await firstOperator(gateway);
  mkdirSync(gateway.file("/tmp"), { recursive: true });
  writeFileSync(gateway.file("/tmp/there.txt"), "old");
  await plan(gateway, "fs.read", { path: "/tmp/there.txt" });
  await plan(gateway, "fs.write", { path: "/tmp/there.txt", content: "new", mode: "overwrite" });
  await plan(gateway, "fs.write", { path: "/tmp/new.txt", content: "SECRET-CONTENT" });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const dryRun = (policy: unknown) =>
  operator.call<DryRunView>("POST", "/policy/dry-run", { policy });

test("the policy in force, with every default, and why the file is not taken", async () => {
  const { body } = await operator.call<PolicyView>("GET", "/policy");
  expect(body).toMatchObject({
    digest: expect.stringMatching(/^sha256:/),
    file: join(gateway.configDir, "policy.json"),
    policy: { security: { plan_ttl_s: 900 }, capabilities: { "shell.run": { enabled: false } } },
  });
  expect(body.problem).toBeUndefined();
  gateway.writePolicy("{");
  await gateway.logged((line) => line.msg === "policy file refused; the one before stays");
  const bad = await operator.call<PolicyView>("GET", "/policy");
  expect(bad.body).toMatchObject({ digest: body.digest, loaded_at: body.loaded_at });
  expect(bad.body.problem).toMatch(/policy\.json: .*JSON/);
  gateway.writePolicy(POLICY);
  await gateway.logged((line) => line.msg === "policy reloaded");
  expect((await operator.call<PolicyView>("GET", "/policy")).body.problem).toBeUndefined();
});

describe("explain", () => {
  const explain = (body: unknown) =>
    operator.call<ExplanationView>("POST", "/policy/explain", body);

  test.each([
    ["fs.write", { path: "/tmp/run.sh", content: "x" }],
    ["fs.write", { path: "/etc/passwd", content: "x" }],
    ["shell.run", { command: ["ls"] }],
  ])("says of %s what the command line says", async (action, parameters) => {
    const words = Object.entries(parameters).map(([name, value]) =>
      typeof value === "string" ? `${name}=${value}` : `${name}:=${JSON.stringify(value)}`,
    );
    const file = join(gateway.configDir, "policy.json");
    const said = await cli(gateway, [
      "policy",
      "explain",
      action,
      ...words,
      "--policy",
      file,
      "--json",
    ]);
    const told = JSON.parse(said.stdout);
    const { body } = await explain({ action, parameters });
    expect({ checks: body.checks, changes: body.changes, rule: body.rule }).toEqual({
      checks: told.checks,
      changes: told.changes,
      rule: told.rule,
    });
    const { effect, mode, risk, code, detail } = told.decision;
    expect(body.decision).toMatchObject(
      effect === "allow" ? { effect, mode, risk } : { effect, code, detail },
    );
  });

  test("asks as another key, and leaves no trace", async () => {
    const before = await operator.call<{ head: { seq: number } }>("GET", "/audit?limit=1");
    const asked = { action: "fs.read", parameters: { path: "/tmp/a" } };
    expect((await explain({ ...asked, key_id: "approver" })).body).toMatchObject({
      key_id: "approver",
    });
    expect(await explain({ ...asked, key_id: "nobody" })).toMatchObject({ status: 404 });
    expect(await explain({ action: "fs.raed" })).toMatchObject({
      status: 403,
      body: { code: "capability_unknown" },
    });
    expect(await explain({ action: "fs.read", parameters: { pth: 1 } })).toMatchObject({
      status: 400,
    });
    const after = await operator.call<{ head: { seq: number } }>("GET", "/audit?limit=1");
    expect(after.body.head).toEqual(before.body.head);
  });
});

describe("dry run", () => {
  test("of the policy in force changes nothing", async () => {
    const { status, body } = await dryRun(POLICY);
    expect([status, body.valid, body.checked, body.changed]).toEqual([200, true, 3, []]);
    expect(body.digests.after).toBe(body.digests.before);
  });

  test("says what would change, by the record alone, and puts nothing in force", async () => {
    const before = await operator.call<PolicyView>("GET", "/policy");
    writeFileSync(gateway.file("/tmp/new.txt"), "now it is there");
    const files = readdirSync(gateway.file("/tmp"));
    const { body } = await dryRun({
      capabilities: {
        "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
      },
      confirmation: { medium: "client", high: "approver" },
    });
    expect(body.changed).toMatchObject([
      {
        action: "fs.write",
        key_id: "default",
        before: { mode: "approver", risk: "medium" },
        after: { mode: "client", risk: "medium" },
        direction: "laxer",
        rule: "confirmation.medium",
      },
      { action: "fs.read", direction: "stricter", after: { code: "capability_disabled" } },
    ]);
    expect(body.counts).toMatchObject({
      steps: 3,
      unchanged: 1,
      newly_denied: 1,
      newly_unattended: 1,
    });
    expect(JSON.stringify(body)).not.toContain("SECRET-CONTENT");
    expect(readdirSync(gateway.file("/tmp"))).toEqual(files);
    const after = await operator.call<PolicyView>("GET", "/policy");
    expect(after.body).toEqual(before.body);
    const refused = await call(gateway, "POST", "/plan", {
      action: "fs.read",
      parameters: { path: "/tmp/there.txt" },
    });
    expect(refused.status).toBe(200);
  });

  test("names every problem, of an object and of a file's text", async () => {
    for (const policy of [
      { capabilities: { "fs.raed": {} } },
      '{"capabilities": {"fs.raed": {}}}',
    ]) {
      const { status, body } = await dryRun(policy);
      expect([status, body.valid, body.checked]).toEqual([200, false, 0]);
      expect(body.problems?.join("\n")).toMatch(/did you mean fs\.read/);
    }
    const off = await dryRun({ ...POLICY, security: { require_signature: false } });
    expect(off.body.valid).toBe(true);
  });

  test("I10 takes up to 1 MB, and one at a time", async () => {
    const huge = await dryRun("x".repeat(1024 * 1024));
    expect(huge).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    const large = await dryRun(`${" ".repeat(1000 * 1000)}${JSON.stringify(POLICY)}`);
    expect(large.body).toMatchObject({ valid: true });
    for (const body of [{}, { policy: 1 }, { policy: null }, { policy: POLICY, apply: true }]) {
      expect((await operator.call("POST", "/policy/dry-run", body)).status).toBe(400);
    }
    const answers = await Promise.all(Array.from({ length: 6 }, () => dryRun(POLICY)));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 200 && status !== 429)).toEqual([]);
  });
});

test("I11 none of it for requesters, approvers who are people, strangers and other sites", async () => {
  const approver = await operator.invite("Ann Approver", "approver");
  const requests: [string, string, unknown?][] = [
    ["GET", "/policy"],
    ["POST", "/policy/explain", { action: "fs.read", parameters: { path: "/tmp/a" } }],
    ["POST", "/policy/dry-run", { policy: POLICY }],
    ["GET", "/audit"],
    ["GET", "/audit/verification"],
    ["GET", "/statistics"],
  ];
  for (const [method, target, body] of requests) {
    for (const key of [gateway.keys.default, gateway.keys.api]) {
      expect((await call(gateway, method, target, body, key)).status).toBe(403);
    }
    expect((await call(gateway, method, target, body, {})).status).toBe(401);
    expect((await approver.call(method, target, body)).status).toBe(403);
    expect((await call(gateway, method, target, body, gateway.keys.approver)).status).toBe(200);
    const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await operator.call(method, target, body, foreign)).status).toBeGreaterThan(400);
  }
});
