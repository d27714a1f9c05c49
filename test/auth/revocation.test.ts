import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, task } from "../support/flow.ts";
import { type Gateway, startGateway, type TestClient } from "../support/gateway.ts";

const REQUESTER: TestClient = { id: "requester", scopes: ["plan", "execute", "read"] };
const OTHER: TestClient = { id: "other", scopes: ["plan", "execute", "read"] };
const ALICE: TestClient = { id: "alice", scopes: ["confirm", "read"] };
const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { max_concurrent_tasks: 1 },
};

describe("clients.json while the gateway runs", () => {
  test("a key that is added works, one that is taken away does not", async () => {
    await using gateway = await startGateway({ clients: [OTHER] });
    await rewrite(gateway, [OTHER, REQUESTER]);
    const { requester = {}, other = {} } = gateway.keys;
    await plan(gateway, "wait", { duration_ms: 1 }, requester);
    await rewrite(gateway, [REQUESTER]);
    const gone = await call(gateway, "GET", "/tasks", undefined, other);
    expect(gone).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
    expect((await call(gateway, "GET", "/tasks", undefined, requester)).status).toBe(200);
  });

  test("a file with a mistake is not taken, and /ready says why", async () => {
    await using gateway = await startGateway({ clients: [OTHER] });
    gateway.writeConfig("clients.json", { clients: [{ id: "x" }] });
    await gateway.logged((line) => line.msg === "clients file refused; the keys before stay");
    const ready = await call(gateway, "GET", "/ready");
    expect(ready).toMatchObject({
      status: 503,
      body: { parts: { policy: { ok: false, detail: expect.stringMatching(/clients\.json/) } } },
    });
    expect((await call(gateway, "GET", "/tasks", undefined, gateway.keys.other)).status).toBe(200);
    await rewrite(gateway, [OTHER]);
    expect((await call(gateway, "GET", "/ready")).status).toBe(200);
  });

  test("I15 a file that disappears revives nobody", async () => {
    await using gateway = await startGateway({ clients: [{ ...OTHER, revoked: true }] });
    rmSync(join(gateway.configDir, "clients.json"));
    await gateway.logged((line) => line.msg === "clients file refused; the keys before stay");
    const answer = await call(gateway, "GET", "/tasks", undefined, gateway.keys.other);
    expect(answer.status).toBe(401);
  });

  test("I15 a new secret ends the old one, and built-in keys can be ended too", async () => {
    await using gateway = await startGateway({ clients: [OTHER] });
    const old = gateway.keys.other ?? {};
    writeFileSync(
      join(gateway.configDir, "other.key"),
      "another secret, of forty characters or so",
    );
    gateway.writeConfig("clients.json", {
      clients: [{ ...OTHER, scheme: "hmac", secret_file: "other.key" }],
      revoked: ["api"],
    });
    await gateway.logged((line) => line.msg === "keys reloaded");
    expect((await call(gateway, "GET", "/tasks", undefined, old)).status).toBe(401);
    const present = { keyId: "other", secret: "another secret, of forty characters or so" };
    expect((await call(gateway, "GET", "/tasks", undefined, present)).status).toBe(200);
    const builtIn = await call(gateway, "GET", "/tasks", undefined, gateway.keys.api);
    expect(builtIn).toMatchObject({ status: 401, body: { code: "token_invalid" } });
  });
});

describe("I15 revocation ends everything", () => {
  test("what the key has running, queued, confirmed and planned, and its streams", async () => {
    await using gateway = await startGateway({ policy: POLICY, clients: [REQUESTER, OTHER] });
    const { requester = {}, other = {}, approver } = gateway.keys;
    const start = async (planned: PlanView, key = requester) => {
      await call(gateway, "POST", "/execute", { task_id: planned.task_id }, key);
      return planned;
    };
    const wait = (key = requester) => plan(gateway, "wait", { duration_ms: 60_000 }, key);
    const write = (name: string) =>
      plan(gateway, "fs.write", { path: `/tmp/${name}.txt`, content: name }, requester);
    const running = await start(await wait());
    const queued = await start(await wait());
    const ready = await write("ready");
    await approve(gateway, ready);
    const waiting = await start(await write("waiting"));
    const planned = await write("planned");
    const others = await start(await plan(gateway, "wait", { duration_ms: 1 }, other), other);
    await using stream = await openEvents(gateway, { credentials: requester });

    await rewrite(gateway, [OTHER]);
    await stream.ended();
    // The other key's turn comes as soon as the revoked one's task has ended.
    expect((await execute(gateway, others.task_id, other)).status).toBe("completed");
    await using all = await openEvents(gateway, { credentials: approver, query: "since=0" });
    for (const { task_id } of [running, queued, ready, waiting, planned]) {
      while (!all.seen.some((e) => e.event === "task_cancelled" && e.task_id === task_id)) {
        await all.next();
      }
      const { status, error } = await task(gateway, task_id, approver);
      expect({ status, code: error?.code }).toEqual({
        status: "cancelled",
        code: "task_cancelled",
      });
      expect(error?.detail).toContain("requester");
    }
    const { plan_digest, task_id } = waiting;
    const late = { task_id, plan_digest, decision: "approve" };
    const decided = await call(gateway, "POST", "/confirm", late, approver);
    expect(decided).toMatchObject({ status: 409, body: { code: "already_decided" } });
    for (const name of ["ready", "waiting", "planned"]) {
      expect(existsSync(gateway.file(`/tmp/${name}.txt`))).toBe(false);
    }
  });

  test("approvals the key gave to what has not started are void", async () => {
    await using gateway = await startGateway({ policy: POLICY, clients: [ALICE] });
    const { alice = {}, approver } = gateway.keys;
    const write = (name: string) =>
      plan(gateway, "fs.write", { path: `/tmp/${name}.txt`, content: name });
    const blocker = await plan(gateway, "wait", { duration_ms: 60_000 });
    await call(gateway, "POST", "/execute", { task_id: blocker.task_id });
    const byAlice = await write("by-alice");
    const queuedByAlice = await write("queued");
    const byApprover = await write("by-approver");
    await approve(gateway, byAlice, alice);
    await approve(gateway, queuedByAlice, alice);
    await call(gateway, "POST", "/execute", { task_id: queuedByAlice.task_id });
    await approve(gateway, byApprover, approver);

    await rewrite(gateway, []);
    await call(gateway, "POST", `/tasks/${blocker.task_id}/cancel`);
    const kept = await execute(gateway, byApprover.task_id);
    expect(kept.status).toBe("completed");
    for (const { task_id } of [byAlice, queuedByAlice]) {
      const answer = await call(gateway, "POST", "/execute?wait=10", { task_id });
      expect(answer).toMatchObject({ status: 409, body: { code: "task_cancelled" } });
    }
    for (const name of ["by-alice", "queued"]) {
      expect(existsSync(gateway.file(`/tmp/${name}.txt`))).toBe(false);
    }
  });

  test("an approval is void though its key lives on, with fewer scopes", async () => {
    const policy = { ...POLICY, confirmation: { approvals: { medium: 2 } } };
    await using gateway = await startGateway({ policy, clients: [ALICE] });
    const planned = await plan(gateway, "fs.write", { path: "/tmp/two.txt", content: "two" });
    expect((await approve(gateway, planned, gateway.keys.alice)).status).toBe("planned");
    await using all = await openEvents(gateway, { credentials: gateway.keys.approver });
    await rewrite(gateway, [{ ...ALICE, scopes: ["read"] }]);
    await all.until("task_cancelled", planned.task_id);
    const { task_id, plan_digest } = planned;
    const second = { task_id, plan_digest, decision: "approve" };
    expect(await call(gateway, "POST", "/confirm", second, gateway.keys.approver)).toMatchObject({
      status: 409,
      body: { code: "already_decided" },
    });
  });

  test("also where it was revoked while the gateway was not running", async () => {
    await using gateway = await startGateway({ policy: POLICY, clients: [REQUESTER] });
    const { requester = {}, approver } = gateway.keys;
    const planned = await plan(
      gateway,
      "fs.write",
      { path: "/tmp/x.txt", content: "x" },
      requester,
    );
    await approve(gateway, planned);
    await gateway.stop();
    gateway.writeClients([]);
    await gateway.start();
    expect((await task(gateway, planned.task_id, approver)).status).toBe("cancelled");
  });
});

/** Resolves when the gateway has taken the new keys. */
async function rewrite(gateway: Gateway, clients: readonly TestClient[]): Promise<void> {
  const before = gateway.logs().length;
  gateway.writeClients(clients);
  await gateway.logged(
    (line) => line.msg === "keys reloaded" && gateway.logs().indexOf(line) >= before,
  );
}
