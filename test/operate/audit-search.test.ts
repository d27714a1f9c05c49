import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { StatisticsView, VerificationView } from "../../src/contract/operate.ts";
import { call } from "../support/call.ts";
import { approve, execute, plan, reject } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

let gateway: Gateway;
let operator: Person;
let written: string;
beforeAll(async () => {
  gateway = await startGateway();
  operator = await firstOperator(gateway);
  const write = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "x" });
  written = write.task_id;
  await approve(gateway, write);
  await execute(gateway, write.task_id);
  await reject(gateway, await plan(gateway, "fs.write", { path: "/tmp/b.txt", content: "x" }));
  const own = await plan(gateway, "fs.write", { path: "/tmp/Needle.txt", content: "x" });
  const { task_id, plan_digest } = own;
  await operator.call("POST", "/confirm", { task_id, plan_digest, decision: "approve" });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const search = async (query: string) =>
  (await operator.call<AuditList>("GET", `/audit?${query}`)).body;
const typesOf = async (query: string) => (await search(query)).records.map(({ type }) => type);

describe("GET /audit", () => {
  test("finds by type, family, key, task and text, in either order", async () => {
    expect(await typesOf("type=task.rejected")).toEqual(["task.rejected"]);
    expect(new Set(await typesOf("type=gateway.*"))).toEqual(new Set(["gateway.started"]));
    expect(await typesOf(`key_id=${operator.keyId}&type=task.*`)).toEqual(["task.confirmed"]);
    expect(await typesOf("key_id=-&type=gateway.started")).toHaveLength(1);
    expect(await typesOf("text=needle.TXT")).toEqual(["task.planned"]);
    expect(await typesOf(`task_id=${written}&order=newest&limit=1`)).toEqual(["task.completed"]);
    expect(await typesOf("text=%25")).toEqual([]);
    const newest = await search("order=newest&limit=2");
    expect(newest.records[0]?.seq).toBe(newest.head.seq);
    const next = await search(`order=newest&limit=2&before=${newest.next_before}`);
    expect(next.records[0]?.seq).toBe(newest.head.seq - 2);
  });

  test("finds by time", async () => {
    const { records } = await search("type=task.rejected");
    const time = records[0]?.time ?? "";
    const later = new Date(Date.parse(time) + 1).toISOString();
    expect(await typesOf(`from=${time}&to=${later}&type=task.rejected`)).toHaveLength(1);
    expect(await typesOf(`to=${time}&type=task.rejected`)).toEqual([]);
    expect(await typesOf("from=2000-01-01&to=2000-01-02")).toEqual([]);
    expect(await typesOf("to=2000-01-01")).toEqual([]);
    expect((await search("from=2000-01-01&limit=1")).records[0]?.seq).toBe(1);
  });

  test.each([
    "type=task",
    "type=TASK.*",
    "type=*",
    "from=yesterday",
    "from=2026-13-45",
    "text=",
    `text=${"x".repeat(201)}`,
    "order=any",
    "before=3",
    "order=newest&after=3",
    "before=0&order=newest",
    "limit=1001",
    "sort=seq",
  ])("takes no %s", async (query) => {
    const { status, body } = await operator.call("GET", `/audit?${query}`);
    // A type without a family is one that there is not.
    if (query === "type=task") expect([status, body]).toMatchObject([200, { records: [] }]);
    else expect([status, body]).toMatchObject([400, { code: "invalid_request" }]);
  });
});

test("statistics count what has happened, and who decided", async () => {
  const { body } = await operator.call<StatisticsView>("GET", "/statistics?days=2");
  expect(body.complete).toBe(true);
  expect(body.tasks).toHaveLength(2);
  expect(body.tasks.at(-1)).toMatchObject({ planned: 3, completed: 1, rejected: 1 });
  expect(body.decisions.at(-1)).toMatchObject({ approved: 2, rejected: 1 });
  expect(body.waiting).toMatchObject({ count: 3 });
  expect(body.approvers).toMatchObject([
    { key_id: "approver", decisions: 2, under_two_seconds: 1 },
    { key_id: operator.keyId, name: "Olga Operator", decisions: 1, under_two_seconds: 1 },
  ]);
  await gateway.restart();
  const again = await operator.call<StatisticsView>("GET", "/statistics?days=2");
  expect(again.body.tasks).toEqual(body.tasks);
  for (const days of ["0", "91", "x", "1.5"]) {
    expect((await operator.call("GET", `/statistics?days=${days}`)).status).toBe(400);
  }
});

test("I6 verification says that the log is sound, and after a change of the file that it is not", async () => {
  const sound = await operator.call<VerificationView>("GET", "/audit/verification");
  expect(sound.body).toMatchObject({ ok: true, state: "sound", head: { seq: expect.any(Number) } });
  expect(sound.body.checked).toBeGreaterThan(10);
  await gateway.stop();
  {
    using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
    database
      .prepare(
        "UPDATE audit SET body = replace(body, 'task.rejected', 'task.confirmed') WHERE seq > 0",
      )
      .run();
  }
  await gateway.start();
  const broken = await call<VerificationView>(
    gateway,
    "GET",
    "/audit/verification",
    undefined,
    gateway.keys.approver,
  );
  expect(broken.body).toMatchObject({ ok: false, state: "broken", problem: { kind: "edited" } });
  await gateway.logged((line) => line.msg === "the audit log is not as it was written");
});
