import { expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { max_concurrent_tasks: 2 },
};

function list(gateway: Gateway, query: string) {
  return call<TaskList>(gateway, "GET", `/tasks?${query}`);
}

test("I13 max_concurrent_tasks holds though every task is executed several times at once", async () => {
  await using gateway = await startGateway({ policy: POLICY });
  await using events = await openEvents(gateway);
  for (let n = 0; n < 6; n++) {
    const { task_id } = await plan(gateway, "wait", { duration_ms: 60_000 });
    const execute = () => call(gateway, "POST", "/execute", { task_id });
    const answers = await Promise.all([execute(), execute(), execute()]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  }
  expect((await list(gateway, "status=running")).body.tasks).toHaveLength(2);
  const { tasks } = (await list(gateway, "status=queued")).body;
  expect(tasks).toHaveLength(4);
  const started = events.seen.filter(({ event }) => event === "task_started");
  expect(new Set(started.map(({ task_id }) => task_id)).size).toBe(started.length);
});

/** ms: 24 plans of 8 MB each are made and read back, half a minute on an idle machine. */
const HUGE_TIMEOUT = 240_000;

test(
  "I10 a list of huge plans comes in pages that fit the memory, and misses none",
  async () => {
    await using gateway = await startGateway({
      policy: POLICY,
      env: { NODE_OPTIONS: "--max-old-space-size=256" },
    });
    const content = "x".repeat(8 * 1024 * 1024);
    const planned: string[] = [];
    for (let n = 0; n < 24; n++) {
      planned.unshift((await plan(gateway, "fs.write", { path: `/tmp/${n}`, content })).task_id);
    }
    const listed: string[] = [];
    let cursor = "";
    do {
      const { body } = await list(gateway, `limit=200${cursor}`);
      listed.push(...body.tasks.map(({ task_id }) => task_id));
      cursor = body.next_cursor === undefined ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(listed).toEqual(planned);
  },
  HUGE_TIMEOUT,
);
