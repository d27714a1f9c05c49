import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, signedFetch } from "../support/call.ts";
import { openEvents, type StreamEvent } from "../support/events.ts";
import { approve, plan, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
  security: { rate_limit_per_minute: 1_000_000 },
};
const REQUESTER = ["plan", "execute", "read"];
const ORIGIN = "http://localhost:3000";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    env: { CORS_ORIGINS: ORIGIN },
    clients: [
      { id: "other", scopes: REQUESTER },
      { id: "blind", scopes: ["plan"] },
    ],
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const wait = (ms: number) => run(gateway, "wait", { duration_ms: ms });

describe("the stream", () => {
  test("answers at once with the documented headers, before any event", async () => {
    await using events = await openEvents(gateway);
    const { headers, statusCode } = events.response;
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    expect(events.seen).toEqual([]);
  });

  test("is bytes as EventSource reads them: id and one line of data, no event field", async () => {
    const answer = await fetch(`${gateway.url}/events?since=0`);
    await wait(1);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!/task_completed.*\n\n/.test(text)) text += (await reader?.read())?.value;
    await reader?.cancel();
    const frames = text.split("\n\n").filter((frame) => frame !== "");
    for (const frame of frames) expect(frame).toMatch(/^(id: \d+\ndata: \{.*\}|: .*)$/);
  });

  test("tells the life of a task in order", async () => {
    await using events = await openEvents(gateway);
    const planned = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "a" });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await approve(gateway, planned);
    const completed = await events.until("task_completed", planned.task_id);
    const seen = events.seen.filter(({ task_id }) => task_id === planned.task_id);
    expect(seen.map(({ event }) => event)).toEqual([
      "task_planned",
      "task_confirmed",
      "task_queued",
      "task_started",
      "task_completed",
    ]);
    expect(completed).toMatchObject({ progress: 100, result: { path: "/tmp/a.txt", size: 1 } });
    for (const { timestamp } of seen) expect(timestamp).toMatch(/^\d{4}-.*Z$/);
  });

  test("reports progress of several steps, and failures with their error", async () => {
    await using events = await openEvents(gateway);
    const steps = [1, 1].map((duration_ms) => ({ action: "wait", parameters: { duration_ms } }));
    const { body } = await call<{ task_id: string }>(gateway, "POST", "/plan", { steps });
    await call(gateway, "POST", "/execute", { task_id: body.task_id });
    const progress = await events.until("task_progress", body.task_id);
    expect(progress.progress).toBeGreaterThanOrEqual(0);
    expect(progress.progress).toBeLessThanOrEqual(100);
    expect(typeof progress.message).toBe("string");
    const failed = await run(gateway, "fs.read", { path: "/tmp/none.txt" });
    const told = await events.until("task_failed", failed.task_id);
    expect(told.error).toMatchObject({ code: "file_not_found" });
  });

  test("sends a comment while nothing happens", async () => {
    await using events = await openEvents(gateway);
    while (events.comments.length === 0) await once(events.response, "data");
    expect(events.comments).toEqual([expect.any(String)]);
  });
});

describe("I7 I13 who sees what", () => {
  test("a key sees its own tasks, an approver all, in full", async () => {
    const { other, approver } = gateway.keys;
    await using mine = await openEvents(gateway);
    await using theirs = await openEvents(gateway, { credentials: other ?? {} });
    await using all = await openEvents(gateway, { credentials: approver });
    const first = await wait(1);
    const second = await run(gateway, "wait", { duration_ms: 1 }, other);
    const third = await wait(1);
    await mine.until("task_completed", third.task_id);
    await theirs.until("task_completed", second.task_id);
    await all.until("task_completed", third.task_id);
    const tasks = ({ seen }: { seen: StreamEvent[] }) => new Set(seen.map((e) => e.task_id));
    expect(tasks(mine)).toEqual(new Set([first.task_id, third.task_id]));
    expect(tasks(theirs)).toEqual(new Set([second.task_id]));
    expect(tasks(all)).toEqual(new Set([first.task_id, second.task_id, third.task_id]));
    const full = all.seen.find(({ event }) => event === "task_completed");
    expect(full?.result).toEqual(first.result);
  });

  test("also of what is past, and of one task asked for by its id", async () => {
    const { other = {} } = gateway.keys;
    const secret = await run(gateway, "wait", { duration_ms: 1 }, other);
    const last = await wait(1);
    await using mine = await openEvents(gateway, { query: "since=0" });
    await mine.until("task_completed", last.task_id);
    expect(mine.seen.map(({ task_id }) => task_id)).not.toContain(secret.task_id);
    const target = `/events?task_id=${secret.task_id}&since=0`;
    const refused = await call(gateway, "GET", target);
    expect(refused).toMatchObject({ status: 404, body: { code: "task_not_found" } });
    const scopeless = await call(gateway, "GET", "/events", undefined, gateway.keys.blind);
    expect(scopeless).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });

  test("strangers see event, task, time and progress, and nothing else", async () => {
    const from = await lastId();
    await run(gateway, "fs.write", { path: "/tmp/hidden.txt", content: "hidden content" });
    const failed = await run(gateway, "fs.read", { path: "/tmp/hidden-too.txt" });
    for (const query of [`since=${from}`, `since=${from}&task_id=${failed.task_id}`]) {
      await using events = await openEvents(gateway, { query, credentials: {} });
      await events.until("task_failed", failed.task_id);
      const fields = new Set(events.seen.flatMap((event) => Object.keys(event)));
      // `id` is the stream's own.
      const allowed = new Set(["id", "event", "task_id", "timestamp", "progress"]);
      expect([...fields.difference(allowed)]).toEqual([]);
      expect(JSON.stringify(events.seen)).not.toContain("hidden");
    }
  });

  test("wrong credentials are refused, not taken for a stranger", async () => {
    const wrong = { keyId: "default", secret: "not the secret of this key" };
    const answer = await call(gateway, "GET", "/events", undefined, wrong);
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
  });
});

describe("asking for a part", () => {
  test("task_id narrows it to one task, live and past", async () => {
    const planned = await plan(gateway, "wait", { duration_ms: 1 });
    const query = `task_id=${planned.task_id}`;
    await using live = await openEvents(gateway, { query });
    await wait(1);
    await call(gateway, "POST", "/execute?wait=30", { task_id: planned.task_id });
    await live.until("task_completed");
    await using past = await openEvents(gateway, { query: `${query}&since=0` });
    await past.until("task_completed");
    const names = ["task_planned", "task_started", "task_completed"];
    expect(past.seen.map(({ event }) => event)).toEqual(names);
    expect(live.seen).toEqual(past.seen.slice(1));
    expect(new Set(past.seen.map(({ task_id }) => task_id))).toEqual(new Set([planned.task_id]));
  });

  test("since starts after an id, Last-Event-ID wins over it, neither means live", async () => {
    await wait(1);
    const newest = await lastId();
    await using since = await openEvents(gateway, { query: `since=${newest - 2}` });
    expect((await since.next()).id).toBe(newest - 1);
    await using resumed = await openEvents(gateway, { query: "since=0", lastEventId: newest - 1 });
    expect((await resumed.next()).id).toBe(newest);
    await using live = await openEvents(gateway);
    await wait(1);
    expect((await live.next()).id).toBe(newest + 1);
    // An id that was never given, of another database say, waits for what is to come.
    await using future = await openEvents(gateway, { lastEventId: 999_999_999 });
    const { task_id } = await plan(gateway, "wait", { duration_ms: 1 });
    expect((await future.next()).task_id).toBe(task_id);
  });

  test.each([
    ["/events?since=-1", {}],
    ["/events?since=x", {}],
    ["/events?task_id=nonsense", {}],
    ["/events?what=1", {}],
    ["/events", { "last-event-id": "seven" }],
  ])("%s %j is refused", async (target, headers) => {
    const answer = await call(gateway, "GET", target, undefined, undefined, headers);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});

describe("CORS by CORS_ORIGINS", () => {
  const allowed = "access-control-allow-origin";

  test("a listed origin may read streams and answers, another may not", async () => {
    for (const path of ["/events", "/health", "/tasks"]) {
      const from = async (origin: string) => {
        const answer = await signedFetch(gateway, "GET", path, undefined, undefined, { origin });
        await answer.body?.cancel();
        return answer.headers.get(allowed);
      };
      expect(await from(ORIGIN)).toBe(ORIGIN);
      expect(await from("http://evil.example")).toBeNull();
      expect(await from(`${ORIGIN}.evil.example`)).toBeNull();
    }
  });

  test("a preflight is answered for the headers that signing needs", async () => {
    const headers = {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "x-signature,x-timestamp,content-type",
    };
    const preflight = await fetch(`${gateway.url}/plan`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get(allowed)).toBe(ORIGIN);
    const named = preflight.headers.get("access-control-allow-headers")?.toLowerCase();
    for (const name of ["x-signature", "x-timestamp", "x-key-id", "last-event-id"]) {
      expect(named).toContain(name);
    }
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("without CORS_ORIGINS no origin may", async () => {
    await using plain = await startGateway();
    const answer = await fetch(`${plain.url}/events`, { headers: { origin: ORIGIN } });
    await answer.body?.cancel();
    expect(answer.headers.get(allowed)).toBeNull();
  });
});

/** Of the newest event of all. */
async function lastId(): Promise<number> {
  const { approver } = gateway.keys;
  await using events = await openEvents(gateway, { credentials: approver });
  const marker = await plan(gateway, "wait", { duration_ms: 1 });
  return (await events.until("task_planned", marker.task_id)).id;
}
