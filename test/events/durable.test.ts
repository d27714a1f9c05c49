import { expect, test } from "vitest";
import { call } from "../support/call.ts";
import { openEvents, type StreamEvent } from "../support/events.ts";
import { plan, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { openSocket } from "../support/raw-socket.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { rate_limit_per_minute: 1_000_000 },
};

test("I7 no gap and no repeat across backfill, live, reconnects, a restart and a kill", async () => {
  await using gateway = await startGateway({ policy: POLICY });
  const resumed: StreamEvent[] = [];
  /** Reads on from where the one before was cut off, in whatever phase it was. */
  const readOn = async (count: number) => {
    const lastEventId = resumed.at(-1)?.id ?? 0;
    await using events = await openEvents(gateway, { lastEventId });
    resumed.push(...(await events.take(count)));
  };
  for (const end of ["stop", "kill", undefined] as const) {
    const load = new AbortController();
    const workers = Array.from({ length: 4 }, () => keepRunning(gateway, load.signal));
    // 30 and more at a time: some of it past, some of it while it happens.
    for (let round = 0; round < 8; round++) await readOn(1 + round * 10);
    if (end === undefined) {
      load.abort();
      await Promise.all(workers);
      break;
    }
    // A task that runs over the end, and a stream that is open when it comes.
    const { task_id } = await plan(gateway, "wait", { duration_ms: 60_000 });
    await call(gateway, "POST", "/execute", { task_id });
    await using open = await openEvents(gateway, { lastEventId: resumed.at(-1)?.id ?? 0 });
    await open.until("task_started", task_id);
    load.abort();
    const ended = gateway[end]();
    await Promise.allSettled(workers);
    await ended;
    await open.ended();
    resumed.push(...open.seen);
    await gateway.start();
    await using later = await openEvents(gateway, { lastEventId: resumed.at(-1)?.id ?? 0 });
    await later.until("task_interrupted", task_id);
    resumed.push(...later.seen.slice());
  }
  const marker = await plan(gateway, "wait", { duration_ms: 1 });
  await using rest = await openEvents(gateway, { lastEventId: resumed.at(-1)?.id ?? 0 });
  await rest.until("task_planned", marker.task_id);
  resumed.push(...rest.seen);
  await using whole = await openEvents(gateway, { query: "since=0" });
  await whole.until("task_planned", marker.task_id);
  expect(resumed).toEqual(whole.seen);
  expect(resumed.length).toBeGreaterThan(500);
});

test("I7 I15 a revoked key's streams end, others go on", async () => {
  const other = { id: "other", scopes: ["plan", "execute", "read"] };
  const third = { id: "third", scopes: ["read"], scheme: "bearer" } as const;
  await using gateway = await startGateway({ policy: POLICY, clients: [other, third] });
  const of = (id: string) => openEvents(gateway, { credentials: gateway.keys[id] ?? {} });
  await using gone = await of("other");
  await using goneToo = await of("third");
  await using kept = await openEvents(gateway);
  await using stranger = await openEvents(gateway, { credentials: {} });
  gateway.writeClients([{ ...other, revoked: true }]);
  await Promise.all([gone.ended(), goneToo.ended()]);
  const { task_id } = await run(gateway, "wait", { duration_ms: 1 });
  await kept.until("task_completed", task_id);
  await stranger.until("task_completed", task_id);
  const again = await call(gateway, "GET", "/events", undefined, gateway.keys.other);
  expect(again).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
  const tokenAgain = await call(gateway, "GET", "/events", undefined, gateway.keys.third);
  expect(tokenAgain).toMatchObject({ status: 401, body: { code: "token_invalid" } });
});

test("I7 strangers' streams end when policy turns them off, keys' go on", async () => {
  await using gateway = await startGateway({ policy: POLICY });
  await using stranger = await openEvents(gateway, { credentials: {} });
  await using kept = await openEvents(gateway);
  const security = { ...POLICY.security, anonymous_events: false };
  gateway.writePolicy({ ...POLICY, security });
  await stranger.ended();
  expect((await kept.until("policy_reloaded")).task_id).toBeNull();
  const refused = await call(gateway, "GET", "/events", undefined, {});
  expect(refused).toMatchObject({ status: 401, body: { code: "signature_missing" } });
  const { task_id } = await run(gateway, "wait", { duration_ms: 1 });
  await kept.until("task_completed", task_id);
});

test("I10 a reader that stalls is dropped, and slows nobody", { timeout: 120_000 }, async () => {
  await using gateway = await startGateway({ policy: POLICY });
  const content = "x".repeat(60_000);
  await run(gateway, "fs.write", { path: "/tmp/big.txt", content });
  await using reader = await openEvents(gateway);
  const { token } = gateway.keys.api;
  // It sees the tasks of its own key, in full, and reads none of it.
  const stalled = await openSocket(gateway);
  stalled.pause();
  stalled.on("error", () => undefined);
  stalled.write(
    `GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  while ((await subscribers(gateway)) < 2);
  // The kernel takes some megabytes before the gateway has to keep any.
  let sent = 0;
  while ((await subscribers(gateway)) === 2) {
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    await run(gateway, "fs.read", { path: "/tmp/big.txt" }, gateway.keys.api);
    sent += content.length;
  }
  expect(sent).toBeGreaterThan(256 * 1024);
  const { task_id } = await run(gateway, "wait", { duration_ms: 1 });
  await reader.until("task_completed", task_id);
  stalled.destroy();
});

/** Runs tasks one after the other until told to stop, or until the gateway is gone. */
async function keepRunning(gateway: Gateway, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await run(gateway, "wait", { duration_ms: 1 });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function subscribers(gateway: Gateway): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(/^bytebot_gateway_event_subscribers (\d+)$/m.exec(text)?.[1]);
}
