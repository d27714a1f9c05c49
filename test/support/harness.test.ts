import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { call, signedFetch } from "./call.ts";
import { openEvents } from "./events.ts";
import { execute, plan, run } from "./flow.ts";
import { startGateway, startRefused } from "./gateway.ts";
import { rawRequest } from "./raw-socket.ts";

test("an action goes from plan to result, and its events are read", async () => {
  await using gateway = await startGateway();
  await using events = await openEvents(gateway);
  const written = await run(gateway, "fs.write", { path: "/tmp/a.txt", content: "hello" });
  expect(written.status).toBe("completed");
  expect(readFileSync(gateway.file("/tmp/a.txt"), "utf8")).toBe("hello");
  const completed = await events.until("task_completed", written.task_id);
  expect(events.seen.map(({ event }) => event)).toContain("task_confirmed");
  expect(completed.result).toMatchObject({ path: "/tmp/a.txt", size: 5 });
});

test("directories and keys outlast a restart and a kill", async () => {
  await using gateway = await startGateway({
    clients: [{ id: "other", scopes: ["plan", "read"] }],
  });
  const planned = await plan(gateway, "wait", { duration_ms: 1 });
  const first = gateway.pid;
  await gateway.restart();
  expect(gateway.pid).not.toBe(first);
  expect((await execute(gateway, planned.task_id)).status).toBe("completed");
  await gateway.kill();
  await gateway.start();
  const mine = await call(gateway, "GET", `/tasks/${planned.task_id}`);
  expect(mine.status).toBe(200);
  const others = await signedFetch(gateway, "GET", "/tasks", undefined, gateway.keys.other);
  expect(await others.json()).toEqual({ tasks: [] });
  expect(gateway.logs().filter(({ msg }) => msg === "listening")).toHaveLength(3);
  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
});

test("a setting that is refused is reported with what was said", async () => {
  const refused = await startRefused({ env: { PORT: "many" } });
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("PORT");
});

test("raw bytes get a raw answer", async () => {
  await using gateway = await startGateway();
  const answer = await rawRequest(gateway, "BOGUS\r\n\r\n");
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
});
