import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createTestDeps, KEYS, TASK_ID } from "../../test/support/http/test-deps.ts";
import { as, start } from "../../test/support/http/test-server.ts";
import type { EventDraft } from "../contract/event.ts";

function draft(options: Partial<EventDraft> = {}): EventDraft {
  return {
    event: "task_progress",
    task_id: TASK_ID,
    owner: "alice",
    timestamp: "2026-01-01T00:00:00.000Z",
    data: { progress: 50, message: "secret message" },
    ...options,
  };
}

/** A stream under way: what has come of it so far. */
async function follow(url: string, init: RequestInit = {}) {
  const abort = new AbortController();
  const response = await fetch(url, { ...init, signal: abort.signal });
  expect(response.status).toBe(200);
  const followed = { response, text: "", ended: false, broken: false, stop: () => abort.abort() };
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) followed.text += decoder.decode(chunk);
    followed.ended = true;
  })().catch(() => {
    followed.broken = true;
  });
  return followed;
}

const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const dataIn = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ""));

describe("GET /events", () => {
  it("answers its headers at once", async () => {
    const { url } = await start();
    const { response } = await follow(`${url}/events`, {
      headers: { origin: "https://chat.example" },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "access-control-allow-origin": "https://chat.example",
    });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("I7 shows anonymous readers all tasks, but only name, task, time and progress", async () => {
    const { url, store } = await start();
    const stream = await follow(`${url}/events`);
    store.commit(draft(), draft({ owner: "bob", data: { result: { content: "secret" } } }));
    await vi.waitFor(() => expect(idsIn(stream.text)).toEqual([1, 2]));
    expect(dataIn(stream.text)[0]).toEqual({
      event: "task_progress",
      task_id: TASK_ID,
      timestamp: "2026-01-01T00:00:00.000Z",
      progress: 50,
    });
    expect(stream.text).not.toContain("secret");
    expect(stream.text).not.toContain("event:");
  });

  it("is closed to anonymous readers where policy says so", async () => {
    const { policy } = createTestDeps();
    const current = { ...policy, security: { ...policy.security, anonymous_events: false } };
    const { url } = await start({ policy: { current } });
    const response = await fetch(`${url}/events`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "signature_missing" });
    await follow(`${url}/events`, as("alice"));
  });

  it("I13 shows a key its own tasks in full, a confirm key all, and both the gateway's events", async () => {
    const { url, store } = await start();
    const alice = await follow(`${url}/events`, as("alice"));
    const bob = await follow(`${url}/events`, as("bob"));
    const approver = await follow(`${url}/events`, as("approver"));
    store.commit(
      draft(),
      draft({ owner: "bob" }),
      draft({ event: "policy_reloaded", task_id: null, owner: null, data: {} }),
    );
    await vi.waitFor(() => expect(idsIn(approver.text)).toEqual([1, 2, 3]));
    await vi.waitFor(() => expect(idsIn(alice.text)).toEqual([1, 3]));
    await vi.waitFor(() => expect(idsIn(bob.text)).toEqual([2, 3]));
    expect(dataIn(alice.text)[0]).toMatchObject({ message: "secret message" });
    expect(dataIn(alice.text)[1]).toMatchObject({ event: "policy_reloaded", task_id: null });
    const foreign = await fetch(`${url}/events?task_id=${TASK_ID}`, as("bob"));
    expect(foreign.status).toBe(404);
    expect(await foreign.json()).toMatchObject({ code: "task_not_found" });
  });

  it("filters by task", async () => {
    const { url, store } = await start();
    const stream = await follow(`${url}/events?task_id=${TASK_ID}&since=0`, as("alice"));
    store.commit(draft({ task_id: TASK_ID.replace("A", "B") }), draft());
    await vi.waitFor(() => expect(idsIn(stream.text)).toEqual([2]));
  });

  it("resumes after Last-Event-ID, which wins over since, without gap or repeat", async () => {
    const { url, store } = await start();
    for (let count = 0; count < 300; count++) store.commit(draft());
    const all = await follow(`${url}/events?since=0`, as("alice"));
    const resumed = await follow(`${url}/events?since=0`, as("alice", { "last-event-id": "290" }));
    for (let count = 0; count < 20; count++) store.commit(draft());
    await vi.waitFor(() => {
      expect(idsIn(all.text)).toEqual(Array.from({ length: 320 }, (_, index) => index + 1));
      expect(idsIn(resumed.text)).toEqual(Array.from({ length: 30 }, (_, index) => index + 291));
    });
  });

  it.each(["abc", "-1", "1.5", "9".repeat(16), "1e3"])("refuses Last-Event-ID %s", async (id) => {
    const { url } = await start();
    const response = await fetch(`${url}/events`, { headers: { "last-event-id": id } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("I15 ends with its key, also when the key goes while the stream is being opened", async () => {
    const bob = KEYS.get("bob");
    if (bob === undefined) throw new Error("no bob");
    const { promise: durable, resolve } = Promise.withResolvers<void>();
    let alive = true;
    const { url, deps } = await start({
      authenticator: {
        precheck: () => {},
        authenticate: async ({ headers }) => ({
          principal: bob,
          durable: headers["x-slow"] === undefined ? Promise.resolve() : durable,
        }),
      },
      keys: { principal: () => (alive ? bob : undefined) },
    });
    const stream = await follow(`${url}/events`);
    const opening = fetch(`${url}/events`, { headers: { "x-slow": "1" } });
    await fetch(`${url}/health`);
    alive = false;
    deps.events.closeKey("bob");
    resolve();
    await vi.waitFor(() => expect(stream.ended).toBe(true));
    expect((await opening).status).toBe(401);
    expect(deps.events.size).toBe(0);
  });

  it("forgets a reader that goes", async () => {
    const { url, deps } = await start();
    const stream = await follow(`${url}/events`);
    expect(deps.events.size).toBe(1);
    stream.stop();
    await vi.waitFor(() => expect(deps.events.size).toBe(0));
  });

  it("I10 drops a reader that stalls over 256 KB, and slows nobody", async () => {
    const { url, port, deps, store } = await start();
    const other = await follow(`${url}/events`, as("alice"));
    const stalled = connect(port, "127.0.0.1");
    stalled.write("GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\r\n");
    stalled.pause();
    stalled.on("error", () => {});
    await vi.waitFor(() => expect(deps.events.size).toBe(2));
    const big = draft({ data: { message: "x".repeat(60_000) } });
    let sent = 0;
    // The kernel takes megabytes before anything is unread here.
    await vi.waitFor(
      () => {
        store.commit(big);
        sent++;
        expect(deps.events.size).toBe(1);
      },
      { interval: 1, timeout: 15_000 },
    );
    await vi.waitFor(() => expect(idsIn(other.text)).toHaveLength(sent));
    expect(other.broken).toBe(false);
    stalled.destroy();
  });

  it("does not drop a slow reader of a long history", async () => {
    const { port, store } = await start();
    for (let count = 0; count < 300; count++) {
      store.commit(draft({ data: { message: "x".repeat(60_000) } }));
    }
    const request = get({
      port,
      host: "127.0.0.1",
      path: "/events?since=0",
      headers: { authorization: "Bearer alice" },
    });
    const [response] = await once(request, "response");
    response.setEncoding("utf8");
    const ids: number[] = [];
    let rest = "";
    // Its own back-pressure pauses the stream between chunks.
    for await (const chunk of response) {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      ids.push(...lines.flatMap((line) => idsIn(line)));
      if (ids.length === 300) break;
      await turn();
    }
    expect(ids).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });
});
