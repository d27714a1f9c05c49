import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createSealer } from "../../src/audit/chain.ts";
import { openStore } from "../../src/store/sqlite/store.ts";
import { AUDIT_KEY, makeFolder, startGateway } from "../child.ts";
import { load, median, post } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";
import { planBody } from "../signing.ts";

const ROUNDS = 5;
const MILLISECONDS = 3000;
const FEW = 1000;
const MANY = 1_000_000;

/** What a plan costs with a million past tasks, beside one with a thousand. */
export const benchGrowth: Bench = async (report) => {
  const folders = { few: await makeFolder(), many: await makeFolder() };
  await fillPast(folders.few, FEW, report);
  await fillPast(folders.many, MANY, report);
  await using few = await startGateway(folders.few);
  await using many = await startGateway(folders.many);
  const cost = async (url: string): Promise<number> => {
    const options = { connections: 64, milliseconds: MILLISECONDS };
    const { rate } = await load(
      url,
      options,
      async (pool) => void (await post(pool, "/plan", planBody())),
    );
    return 1_000_000 / rate;
  };
  await cost(few.url);
  await cost(many.url);
  const costs = { few: [] as number[], many: [] as number[] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    costs.few.push(await cost(few.url));
    costs.many.push(await cost(many.url));
    report(
      `growth ${round}/${ROUNDS}: ${Math.round(costs.many.at(-1) ?? 0)} µs beside ${Math.round(costs.few.at(-1) ?? 0)} µs`,
    );
  }
  const ratio = median(costs.many.map((value, round) => value / (costs.few[round] ?? Number.NaN)));
  const note = `${Math.round(median(costs.many))} µs beside ${Math.round(median(costs.few))} µs`;
  return [limitRow("a plan after 1,000,000 tasks, of one after 1,000", ratio, 1.2, "×", note)];
};

/** Finished tasks with their events and audit records, written through the store itself. */
export async function fillPast(
  folder: string,
  count: number,
  report: (line: string) => void,
): Promise<void> {
  await mkdir(join(folder, "data"), { mode: 0o700 });
  await using store = openStore({
    file: join(folder, "data/gateway.db"),
    seal: createSealer(AUDIT_KEY),
  });
  const batch = 5000;
  for (let written = 0; written < count; written += batch) {
    if (written % 100_000 === 0) report(`${written} of ${count} past tasks`);
    const size = Math.min(batch, count - written);
    await Promise.all(Array.from({ length: size }, () => insertFinished(store)));
  }
}

async function insertFinished(store: ReturnType<typeof openStore>): Promise<void> {
  const now = new Date().toISOString();
  const id = `task_${randomBytes(16).toString("base64url")}`;
  const step = {
    action: "fs.read",
    parameters: { path: "/tmp/test.txt", encoding: "utf8" },
    risk: "low",
    bound: {},
  };
  const plan = {
    task_id: id,
    requester: "default",
    desktop: "main",
    steps: [step],
    risk: "low",
    mode: "client",
  };
  const record = { key_id: "default", time: now, task_id: id, details: { plan_digest: DIGEST } };
  const event = { task_id: id, owner: "default", timestamp: now };
  await store.tasks.insert(
    {
      id,
      requester: "default",
      created_at: now,
      expires_at: now,
      canonicalPlan: JSON.stringify(plan),
      digest: DIGEST,
      notes: JSON.stringify({ summary: "Read contents of /tmp/test.txt", defaults: [], steps: [] }),
      state: {
        status: "completed",
        executed: true,
        approvals: [],
        progress: 100,
        result: { content: "hello", encoding: "utf8", size: 5, media_type: "text/plain" },
        error: null,
        started_at: now,
        finished_at: now,
      },
    },
    {
      events: [
        {
          ...event,
          event: "task_planned",
          data: { plan_summary: "Read contents of /tmp/test.txt" },
        },
        { ...event, event: "task_started", data: { progress: 0 } },
        {
          ...event,
          event: "task_completed",
          data: { progress: 100, result: { content: "hello" } },
        },
      ],
      audit: [
        "task.planned",
        "task.started",
        "step.started",
        "step.finished",
        "task.completed",
      ].map((type) => ({ ...record, type })),
    },
  );
}

const DIGEST = `sha256:${"0".repeat(64)}`;
