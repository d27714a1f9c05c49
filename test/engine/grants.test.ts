import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/contract/errors.ts";
import type { CapabilityPolicy } from "../../src/contract/policy.ts";
import type { Principal } from "../../src/contract/principal.ts";
import type { PlanRequest } from "../../src/contract/requests.ts";
import { createFakeDriver, principalOf } from "../support/tasks/fixtures.ts";
import { APPROVER, REQUESTER, startEngine } from "./engine.ts";

const asked = { enabled: true, confirmation: "approver" as const, allowed_paths: ["/tmp"] };
const POLICY: Record<string, CapabilityPolicy> = {
  "fs.write": { ...asked, risk_level: "medium" },
  "fs.read": { ...asked, risk_level: "low" },
  "fs.list": { ...asked, risk_level: "low" },
  "browser.open": {
    enabled: true,
    confirmation: "approver",
    risk_level: "medium",
    allowed_domains: ["*.example.com", "*.example.com:*", "127.0.0.1"],
  },
  "keyboard.press": { enabled: true, confirmation: "approver", risk_level: "medium" },
};
const SIGNAL = new AbortController().signal;
const OTHER = principalOf("other", "plan", "execute", "read");

const write = (path: string, more: object = {}): PlanRequest => ({
  action: "fs.write",
  parameters: { path, content: "hello", ...more },
});

type Engine = Awaited<ReturnType<typeof startEngine>>["engine"];

async function start(options: Partial<Parameters<typeof startEngine>[0]> = {}) {
  return startEngine({
    driver: createFakeDriver(),
    capabilities: POLICY,
    keys: () => [OTHER],
    ...options,
  });
}

async function give(engine: Engine, request: PlanRequest, scope: object, minutes = 10) {
  const { task_id, plan_digest } = await engine.plan(REQUESTER, request);
  return engine.grantService.give(APPROVER, { task_id, plan_digest, minutes, ...scope });
}

/** Plans and executes; the task's status then, finished where it runs. */
async function run(engine: Engine, request: PlanRequest, principal: Principal = REQUESTER) {
  const { task_id } = await engine.plan(principal, request);
  const { view } = await engine.execute(principal, { task_id }, { waitMs: 0, signal: SIGNAL });
  return { task_id, status: view.status };
}

const codeOf = (error: unknown) => (error instanceof GatewayError ? error.code : error);

describe("grants", () => {
  it("I3 I13 approve what they cover, of their key alone, and are named where they did", async () => {
    await using started = await start();
    const { engine, store } = started;
    const grant = await give(engine, write("/tmp/a/one"), { path_prefix: "/tmp/a/" });
    expect(grant).toMatchObject({ path_prefix: "/tmp/a", used: 0, key_id: "default" });

    const covered = await run(engine, write("/tmp/a/b/two"));
    expect(covered.status).toBe("running");
    const view = await engine.get(APPROVER, covered.task_id);
    expect(view.approvals).toMatchObject([
      { key_id: "approver", via: "grant", grant_id: grant.id, plan_digest: view.plan_digest },
    ]);
    for (const path of ["/tmp/ab", "/tmp/b/one", "/tmp", "/tmp/A/one"]) {
      expect((await run(engine, write(path))).status, path).toBe("awaiting_confirmation");
    }
    expect((await run(engine, write("/tmp/a/one"), OTHER)).status).toBe("awaiting_confirmation");
    const read = { action: "fs.read", parameters: { path: "/tmp/a/one" } };
    expect((await run(engine, read)).status).toBe("awaiting_confirmation");

    expect(engine.grantService.list(APPROVER).grants).toMatchObject([{ id: grant.id, used: 1 }]);
    expect(await store.grants.list()).toMatchObject([{ id: grant.id, used: 1 }]);
    const records = await store.audit.read(0, 100, covered.task_id);
    expect(records.find(({ type }) => type === "task.confirmed")).toMatchObject({
      key_id: "approver",
      details: { via: "grant", grant_id: grant.id },
    });
  });

  it("I19 count after a restart only as the audit log has them", async () => {
    await using started = await start();
    const { engine, folder } = started;
    await give(engine, write("/tmp/a/one"), { path_prefix: "/tmp/a" });
    await give(engine, write("/tmp/b/one"), { path_prefix: "/tmp/b" });
    await engine[Symbol.asyncDispose]();
    await started.crash();
    {
      using database = new DatabaseSync(join(folder, "gateway.db"));
      database.exec(`UPDATE grants SET body = replace(body, '"/tmp/b"', '"/tmp"')`);
      database.exec(`INSERT INTO grants (id, body) SELECT 'grant_x', replace(
        replace(body, id, 'grant_x'), '"/tmp/a"', '"/tmp/c"') FROM grants LIMIT 1`);
    }
    await using again = await start({ folder });
    await again.engine.recover();
    expect((await run(again.engine, write("/tmp/a/two"))).status).toBe("running");
    for (const path of ["/tmp/b/two", "/tmp/c/two"]) {
      expect((await run(again.engine, write(path))).status, path).toBe("awaiting_confirmation");
    }
    expect(await again.store.grants.list()).toHaveLength(1);
  });

  it("I1 never cover input, several kinds, raised risk, or a plan with two approvers", async () => {
    await using started = await start({
      driver: createFakeDriver({
        inspect: async (_, parameters) => ({
          bound: {},
          riskFactors: String(parameters.path).endsWith("seen") ? ["it is executable"] : [],
        }),
      }),
      capabilities: { ...POLICY, "fs.list": { ...asked, approvals: 2 } },
    });
    const { engine } = started;
    const offered = async (request: PlanRequest) => {
      const { task_id } = await engine.plan(REQUESTER, request);
      return (await engine.get(APPROVER, task_id)).grantable;
    };
    const refused: PlanRequest[] = [
      { action: "keyboard.press", parameters: { keys: ["A"], press: "down" } },
      { steps: [write("/tmp/a"), { action: "fs.read", parameters: { path: "/tmp/a" } }] as never },
      write("/tmp/run.sh", { content: "#!/bin/sh\n" }),
      write("/tmp/seen"),
      { action: "browser.open", parameters: { url: "http://a.example.com:8080/" } },
      { action: "browser.open", parameters: { url: "http://127.0.0.1/" } },
      { action: "fs.list", parameters: { path: "/tmp/a" } },
    ];
    for (const request of refused) {
      const what = JSON.stringify(request);
      expect(await offered(request), what).toBeUndefined();
      const scope = request.action === "browser.open" ? { domain: "a" } : { path_prefix: "/tmp" };
      const error = await give(engine, request, scope).catch(codeOf);
      expect(error, what).toBe("invalid_request");
    }
    expect(await offered(write("/tmp/a/b"))).toEqual({
      action: "fs.write",
      path_prefix: "/tmp/a",
      max_minutes: 60,
    });
    await give(engine, write("/tmp/x"), { path_prefix: "/tmp" });
    for (const request of refused.slice(1, 4)) {
      const what = JSON.stringify(request);
      expect((await run(engine, request)).status, what).toBe("awaiting_confirmation");
    }
    const task = await engine.plan(REQUESTER, write("/tmp/a/b"));
    expect((await engine.get(REQUESTER, task.task_id)).grantable).toBeUndefined();
  });

  it("I2 cover pages of exactly one host", async () => {
    await using started = await start();
    const { engine } = started;
    const page = (url: string): PlanRequest => ({ action: "browser.open", parameters: { url } });
    const { task_id } = await engine.plan(REQUESTER, page("https://Docs.Example.com./a"));
    expect((await engine.get(APPROVER, task_id)).grantable).toMatchObject({
      action: "browser.open",
      domain: "docs.example.com",
    });
    await give(engine, page("https://docs.example.com/a"), { domain: "DOCS.example.com." });
    for (const [url, status] of [
      ["http://docs.example.com/b?c#d", "running"],
      ["https://DOCS.EXAMPLE.COM./", "running"],
      ["https://a.docs.example.com/", "awaiting_confirmation"],
      ["https://example.docs.example.com/", "awaiting_confirmation"],
      ["https://docs.example.com:8443/", "awaiting_confirmation"],
    ] as const) {
      expect((await run(engine, page(url))).status, url).toBe(status);
    }
    const steps = [page("https://docs.example.com/"), page("https://www.example.com/")] as never;
    expect((await run(engine, { steps })).status).toBe("awaiting_confirmation");
  });

  it("I4 are an approver's to give, on a plan that waits, within its scope and time", async () => {
    await using started = await start();
    const { engine } = started;
    const plan = await engine.plan(REQUESTER, write("/tmp/a/one"));
    const { task_id, plan_digest } = plan;
    const right = { task_id, plan_digest, minutes: 5, path_prefix: "/tmp/a" };
    const codes: [string, object, Principal?][] = [
      ["scope_missing", {}, REQUESTER],
      ["invalid_request", { path_prefix: "/" }],
      ["invalid_request", { path_prefix: "/tmp/../" }],
      ["invalid_request", { path_prefix: "tmp/a" }],
      ["invalid_request", { path_prefix: "/tmp/b" }],
      ["invalid_request", { path_prefix: undefined, domain: "example.com" }],
      ["invalid_request", { domain: "example.com" }],
      ["invalid_request", { minutes: 61 }],
      ["digest_mismatch", { plan_digest: `sha256:${"0".repeat(64)}` }],
      ["task_not_found", { task_id: `task_${"A".repeat(22)}` }],
    ];
    for (const [code, change, principal = APPROVER] of codes) {
      const request = { ...right, ...change } as typeof right;
      expect(await engine.grantService.give(principal, request).catch(codeOf)).toBe(code);
    }
    await engine.confirm(APPROVER, { task_id, plan_digest, decision: "reject" });
    expect(await engine.grantService.give(APPROVER, right).catch(codeOf)).toBe("already_decided");
    expect(engine.grantService.list(APPROVER).grants).toEqual([]);
  });

  it("I15 end with a stop, either key and a person's word, and are not there after a restart", async () => {
    const keys: Principal[] = [OTHER];
    const granter = principalOf("boss", "confirm", "read");
    const started = await start({ keys: () => keys });
    const { engine, store, folder } = started;
    keys.push(granter);
    const plan = await engine.plan(REQUESTER, write("/tmp/a"));
    const { task_id, plan_digest } = plan;
    const request = { task_id, plan_digest, minutes: 5, path_prefix: "/tmp" };
    const one = await engine.grantService.give(granter, request);
    keys.pop();
    // Before anybody has told the engine of it.
    expect((await run(engine, write("/tmp/b"))).status).toBe("awaiting_confirmation");
    keys.push(granter);
    expect((await run(engine, write("/tmp/b"))).status).toBe("running");
    await engine.revoke("boss");
    expect(engine.grantService.list(APPROVER).grants).toEqual([]);
    expect((await run(engine, write("/tmp/b"))).status).toBe("awaiting_confirmation");
    expect(await engine.grantService.revoke(APPROVER, one.id).catch(codeOf)).toBe("not_found");

    const two = await give(engine, write("/tmp/a"), { path_prefix: "/tmp" });
    await engine.grantService.revoke(APPROVER, two.id);
    expect((await run(engine, write("/tmp/b"))).status).toBe("awaiting_confirmation");

    await give(engine, write("/tmp/a"), { path_prefix: "/tmp" });
    await engine.stop(APPROVER, undefined);
    expect(await give(engine, write("/tmp/a"), { path_prefix: "/tmp" }).catch(codeOf)).toBe(
      "stopped",
    );
    await engine.resume(APPROVER);
    expect((await run(engine, write("/tmp/b"))).status).toBe("awaiting_confirmation");

    const kept = await give(engine, write("/tmp/a"), { path_prefix: "/tmp" });
    expect((await store.grants.list()).map(({ id }) => id)).toEqual([kept.id]);
    await engine[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();

    await using again = await start({ folder });
    await again.engine.recover();
    expect(again.engine.grantService.list(APPROVER).grants).toMatchObject([{ id: kept.id }]);
    expect((await run(again.engine, write("/tmp/b"))).status).toBe("running");
  });

  it("I16 revoked, withdraw their approvals that have not started, and end what goes on", async () => {
    const gate = Promise.withResolvers<void>();
    const performed: unknown[] = [];
    await using started = await start({
      driver: createFakeDriver({
        perform: async ({ parameters }) => {
          performed.push(parameters.path);
          await gate.promise;
          return {};
        },
      }),
    });
    const { engine, store } = started;
    const grant = await give(engine, write("/tmp/a"), { path_prefix: "/tmp" });
    const runs = await run(engine, { steps: [write("/tmp/a"), write("/tmp/b")] as never });
    const queued = await run(engine, write("/tmp/b"));
    expect((await engine.get(APPROVER, queued.task_id)).status).toBe("queued");
    await engine.grantService.revoke(APPROVER, grant.id);
    const withdrawn = await engine.get(REQUESTER, queued.task_id);
    expect(withdrawn).toMatchObject({ status: "cancelled", error: { code: "task_cancelled" } });
    gate.resolve();
    const ending = engine.execute(
      REQUESTER,
      { task_id: runs.task_id },
      { waitMs: 5000, signal: SIGNAL },
    );
    expect(await ending.catch(codeOf)).toBe("task_cancelled");
    expect(await engine.get(REQUESTER, runs.task_id)).toMatchObject({
      status: "cancelled",
      error: { code: "task_cancelled", step: 1 },
    });
    const records = await store.audit.read(0, 100, runs.task_id);
    // What was done before it ended is in the record, and what never began is not.
    expect(records.filter(({ type }) => type.startsWith("step."))).toMatchObject([
      { type: "step.started", details: { step: 0 } },
      { type: "step.finished", details: { step: 0, outcome: "completed" } },
    ]);
    expect(performed).toEqual(["/tmp/a"]);
  });
});
