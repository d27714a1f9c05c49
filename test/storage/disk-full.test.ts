import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { StopView } from "../../src/contract/requests.ts";
import type { PlanView } from "../../src/contract/task.ts";
import { type Answer, authHeaders, call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { approve, execute, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator } from "../support/people.ts";
import { canLimit, canMount, type Disk, limitFileSize, mountSmallDisk } from "./disks.ts";

const DISKS: readonly (readonly [string, boolean, () => Disk])[] = [
  ["on a full file system (needs root to mount)", canMount, mountSmallDisk],
  ["at a limit on file size (needs prlimit)", canLimit, limitFileSize],
];

const ONE_AT_A_TIME = {
  capabilities: {
    wait: { enabled: true },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"], confirmation: "approver" },
  },
  security: { max_concurrent_tasks: 1 },
};

describe.each(DISKS)("a gateway %s", (_, possible, makeDisk) => {
  test.skipIf(!possible)(
    "I6 does nothing that it cannot record, keeps serving, and recovers by itself",
    async () => {
      using disk = makeDisk();
      await using gateway = await startGateway({ env: { DATA_DIR: disk.dataDir } });
      const { api } = gateway.keys;
      const before = await prepare(gateway);
      // What runs meanwhile: one whose outcome and one whose next step comes when nothing fits.
      const waiting = await plan(gateway, "wait", { duration_ms: 2500 }, api);
      const steps = [
        { action: "wait", parameters: { duration_ms: 2500 } },
        { action: "fs.write", parameters: { path: "/tmp/second.txt", content: "x" } },
      ];
      const stepping = await planRequest(gateway, { steps }, api);
      await approve(gateway, stepping);
      for (const { task_id } of [waiting, stepping]) {
        expect((await call(gateway, "POST", "/execute", { task_id }, api)).status).toBe(202);
      }

      await fillUntilRefused(gateway, disk);
      await refusesWork(gateway, before, disk);
      await servesOn(gateway, before);
      for (const { task_id } of [waiting, stepping]) {
        // Its end was to be written, and could not be.
        await gateway.logged(
          (line) => line.task_id === task_id && /unforeseen error/.test(line.msg),
        );
        expect((await task(gateway, task_id, api)).status).toBe("running");
      }
      expect(existsSync(gateway.file("/tmp/second.txt"))).toBe(false);

      disk.free(gateway);
      expect(await execute(gateway, waiting.task_id, api)).toMatchObject({ status: "completed" });
      expect(await execute(gateway, stepping.task_id, api)).toMatchObject({
        status: "failed",
        error: { code: "audit_unavailable", step: 1 },
      });
      expect(existsSync(gateway.file("/tmp/second.txt"))).toBe(false);
      const ready = await call(gateway, "GET", "/ready");
      expect(ready.status).toBe(200);
      await takesWorkAgain(gateway, before);
      await recordsAreWhole(gateway, disk, [waiting, stepping]);
    },
  );

  test.skipIf(!possible)(
    "says that a sign-out was not recorded, and records it once it can be, for good",
    async () => {
      using disk = makeDisk();
      await using gateway = await startGateway({ env: { DATA_DIR: disk.dataDir } });
      const olga = await firstOperator(gateway);
      const { cookie } = olga;
      await fillUntilRefused(gateway, disk);
      disk.fill(gateway);
      const out = await olga.call<{ code: string; detail: string }>("DELETE", "/session");
      expect(out).toMatchObject({ status: 503, body: { code: "audit_unavailable" } });
      expect(out.body.detail).toContain("if the gateway starts anew");
      expect(olga.cookie).toBe("");
      const status = async () => (await olga.call("GET", "/session", undefined, { cookie })).status;
      expect(await status()).toBe(401);
      disk.free(gateway);
      const ended = async () => {
        const target = "/audit?type=session.ended";
        return (await call<AuditList>(gateway, "GET", target, undefined, gateway.keys.approver))
          .body.records?.length;
      };
      await expect.poll(ended, { timeout: 30_000 }).toBe(1);
      await gateway.restart();
      expect(await status()).toBe(401);
    },
  );
});

describe.each(DISKS)("while nothing can be recorded, a gateway %s", (_, possible, makeDisk) => {
  test.skipIf(!possible)(
    "I9 answers what is signed and only reads, each signature once, also after the disk takes it",
    async () => {
      using disk = makeDisk();
      await using gateway = await startGateway({ env: { DATA_DIR: disk.dataDir } });
      const { default: signing, approver } = gateway.keys;
      const { task_id } = await plan(gateway, "wait", { duration_ms: 1 }, signing);
      const earlier = authHeaders(signing, "GET", "/tasks", "");
      const send = async (headers: Record<string, string>, target = "/tasks", method = "GET") => {
        const answer = await fetch(gateway.url + target, { method, headers });
        return { status: answer.status, body: (await answer.json()) as { code?: string } };
      };
      expect((await send(earlier)).status).toBe(200);
      await fillUntilRefused(gateway, disk);
      disk.fill(gateway);
      for (const target of ["/tasks", `/tasks/${task_id}`, "/capabilities"]) {
        expect((await call(gateway, "GET", target, undefined, signing)).status, target).toBe(200);
      }
      expect((await call(gateway, "GET", "/audit", undefined, approver)).status).toBe(200);
      const artifact = await call<{ code: string }>(
        gateway,
        "GET",
        "/artifacts/art_none",
        undefined,
        signing,
      );
      expect(artifact.body.code).toBe("artifact_not_found");
      const stop = new AbortController();
      const events = await fetch(`${gateway.url}/events`, {
        headers: authHeaders(signing, "GET", "/events", ""),
        signal: stop.signal,
      });
      expect(events.status).toBe(200);
      stop.abort();

      const used = authHeaders(signing, "GET", "/tasks", "");
      const together = await Promise.all([send(used), send(used), send(used)]);
      expect(together.map(({ status }) => status).toSorted()).toEqual([200, 401, 401]);
      const replayed = { status: 401, body: { code: "signature_replayed" } };
      expect(await send(used)).toMatchObject(replayed);
      expect(await send(earlier)).toMatchObject(replayed);
      const cancel = `/tasks/${task_id}/cancel`;
      expect(await call(gateway, "POST", cancel, undefined, signing)).toMatchObject({
        status: 503,
        body: { code: "audit_unavailable" },
      });
      disk.free(gateway);
      expect(await send(used)).toMatchObject(replayed);
      await expect
        .poll(() => replaysOf(disk, Number(used["x-timestamp"])), { timeout: 30_000 })
        .toBe(1);
      await gateway.restart();
      expect(await send(used)).toMatchObject(replayed);
    },
  );

  test.skipIf(!possible)(
    "I15 stops what runs, says that it is not recorded, and records it once it can be",
    async () => {
      using disk = makeDisk();
      await using gateway = await startGateway({
        policy: ONE_AT_A_TIME,
        env: { DATA_DIR: disk.dataDir },
      });
      const { api, approver } = gateway.keys;
      const steps = [
        { action: "wait", parameters: { duration_ms: 60_000 } },
        { action: "fs.write", parameters: { path: "/tmp/second.txt", content: "x" } },
      ];
      const runs = await planRequest(gateway, { steps }, api);
      const queued = await planRequest(gateway, { steps }, api);
      for (const each of [runs, queued]) {
        await approve(gateway, each);
        const { task_id } = each;
        expect((await call(gateway, "POST", "/execute", { task_id }, api)).status).toBe(202);
      }
      await expect
        .poll(async () => (await task(gateway, runs.task_id, api)).status)
        .toBe("running");
      expect((await task(gateway, queued.task_id, api)).status).toBe("queued");
      await fillUntilRefused(gateway, disk);
      disk.fill(gateway);
      const stopped = await call<StopView>(gateway, "POST", "/stop", { reason: "fire" }, approver);
      expect(stopped).toMatchObject({
        status: 200,
        body: { stopped: true, cancelled: 2, recorded: false },
      });
      expect(stopped.body.note).toContain("not recorded");
      const { task_id } = runs;
      expect(await call(gateway, "POST", "/execute", { task_id }, api)).toMatchObject({
        status: 503,
        body: { code: "stopped" },
      });
      // Nobody goes on before what was stopped is written down.
      expect(await call(gateway, "POST", "/resume", undefined, approver)).toMatchObject({
        status: 503,
        body: { code: "audit_unavailable" },
      });
      disk.free(gateway);
      for (const each of [runs, queued]) {
        await expect
          .poll(async () => (await task(gateway, each.task_id, api)).status, { timeout: 30_000 })
          .toBe("cancelled");
      }
      const stops = async () => {
        const target = "/audit?type=gateway.stopped";
        return (await call<AuditList>(gateway, "GET", target, undefined, approver)).body.records;
      };
      await expect.poll(async () => (await stops()).length, { timeout: 30_000 }).toBe(1);
      expect(await stops()).toMatchObject([{ key_id: "approver", details: { reason: "fire" } }]);
      await gateway.restart();
      const refused = await call(gateway, "POST", "/plan", { action: "wait", parameters: {} }, api);
      expect(refused).toMatchObject({ status: 503, body: { code: "stopped" } });
      expect((await call(gateway, "POST", "/resume", undefined, approver)).status).toBe(200);
      expect(existsSync(gateway.file("/tmp/second.txt"))).toBe(false);
    },
  );
});

/** How many signatures of that time the database has. */
function replaysOf(disk: Disk, timestamp: number): number {
  using database = new DatabaseSync(join(disk.dataDir, "gateway.db"), { readOnly: true });
  const count = database.prepare("SELECT count(*) AS n FROM replays WHERE timestamp = ?");
  return Number(count.get(timestamp)?.n);
}

interface Prepared {
  readonly ready: PlanView;
  readonly waiting: PlanView;
  readonly planned: PlanView;
}

/** Plans whose next move has no obstacle but the disk. */
async function prepare(gateway: Gateway): Promise<Prepared> {
  const { api } = gateway.keys;
  const write = (name: string) =>
    plan(gateway, "fs.write", { path: `/tmp/${name}.txt`, content: name }, api);
  const prepared = {
    ready: await write("ready"),
    waiting: await write("waiting"),
    planned: await plan(gateway, "wait", { duration_ms: 1 }, api),
  };
  await approve(gateway, prepared.ready);
  const { task_id } = prepared.waiting;
  const executed = await call(gateway, "POST", "/execute", { task_id }, api);
  expect(executed).toMatchObject({ status: 202, body: { status: "awaiting_confirmation" } });
  return prepared;
}

/** Plans until the log that SQLite has already made room for is used up as well. */
async function fillUntilRefused(gateway: Gateway, disk: Disk): Promise<void> {
  const body = { action: "wait", parameters: { duration_ms: 1 } };
  for (let refused = 0; refused < 3; ) {
    disk.fill(gateway);
    const answer = await call(gateway, "POST", "/plan", body, gateway.keys.api);
    refused = answer.status === 200 ? 0 : refused + 1;
  }
}

async function refusesWork(gateway: Gateway, before: Prepared, disk: Disk): Promise<void> {
  const { api, default: signing, approver } = gateway.keys;
  const wait = { action: "wait", parameters: { duration_ms: 1 } };
  const { task_id, plan_digest } = before.waiting;
  const confirmation = { task_id, plan_digest, decision: "approve" };
  disk.fill(gateway);
  const answers: Answer[] = [
    await call(gateway, "POST", "/plan", wait, api),
    await call(gateway, "POST", "/plan", wait, signing),
    await call(gateway, "POST", "/execute", { task_id: before.ready.task_id }, api),
    await call(gateway, "POST", "/execute", { task_id: before.planned.task_id }, api),
    await call(gateway, "POST", "/execute?wait=5", { task_id: before.ready.task_id }, api),
    await call(gateway, "POST", "/confirm", confirmation, approver),
  ];
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: "audit_unavailable" } });
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  for (const name of ["ready", "waiting"]) {
    expect(existsSync(gateway.file(`/tmp/${name}.txt`))).toBe(false);
  }
}

async function servesOn(gateway: Gateway, before: Prepared): Promise<void> {
  const { api } = gateway.keys;
  expect((await call(gateway, "GET", "/health", undefined, {})).status).toBe(200);
  const ready = await call<{ ready: boolean; parts: Record<string, { ok: boolean }> }>(
    gateway,
    "GET",
    "/ready",
  );
  expect(ready).toMatchObject({ status: 503, body: { ready: false, parts: { audit: {} } } });
  const bad = Object.entries(ready.body.parts).filter(([, part]) => !part.ok);
  expect(bad.map(([name]) => name)).toEqual(["audit"]);
  expect((await task(gateway, before.ready.task_id, api)).status).toBe("ready");
  expect((await task(gateway, before.planned.task_id, api)).status).toBe("planned");
  expect(await task(gateway, before.waiting.task_id, api)).toMatchObject({
    status: "awaiting_confirmation",
    approvals: [],
  });
  expect((await call(gateway, "GET", "/tasks?limit=1", undefined, api)).status).toBe(200);
}

async function takesWorkAgain(gateway: Gateway, before: Prepared): Promise<void> {
  const { api } = gateway.keys;
  expect((await execute(gateway, before.ready.task_id, api)).status).toBe("completed");
  expect((await execute(gateway, before.planned.task_id, api)).status).toBe("completed");
  await approve(gateway, before.waiting);
  expect((await execute(gateway, before.waiting.task_id, api)).status).toBe("completed");
  for (const name of ["ready", "waiting"]) {
    expect(readFileSync(gateway.file(`/tmp/${name}.txt`), "utf8")).toBe(name);
  }
}

/** The log verifies, and has each task's start and end once. */
async function recordsAreWhole(
  gateway: Gateway,
  disk: Disk,
  tasks: readonly PlanView[],
): Promise<void> {
  const verdict = await cli(gateway, ["audit", "verify", "--json", "--data-dir", disk.dataDir]);
  expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: true });
  for (const { task_id } of tasks) {
    const { status } = await task(gateway, task_id, gateway.keys.api);
    const target = `/audit?task_id=${task_id}`;
    const { body } = await call<AuditList>(
      gateway,
      "GET",
      target,
      undefined,
      gateway.keys.approver,
    );
    const types = body.records.map(({ type }) => type);
    const once = (type: string) => types.filter((each) => each === type).length;
    expect([once("task.started"), once("step.started"), once(`task.${status}`)]).toEqual([1, 1, 1]);
  }
}
