import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { PlanView } from "../../src/contract/task.ts";
import { type Answer, call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { approve, execute, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator } from "../support/people.ts";
import { canLimit, canMount, type Disk, limitFileSize, mountSmallDisk } from "./disks.ts";

const DISKS: readonly (readonly [string, boolean, () => Disk])[] = [
  ["on a full file system (needs root to mount)", canMount, mountSmallDisk],
  ["at a limit on file size (needs prlimit)", canLimit, limitFileSize],
];

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
