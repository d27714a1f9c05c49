import { expect, test } from "vitest";
import { startDaemon } from "./daemon.ts";
import { post } from "./test-calls.ts";

const typing = { action: "type_text", text: "abc" };

test("a fault hits the next request of its action, once", async () => {
  await using daemon = await startDaemon();
  daemon.fail({ action: "type_text", with: "500" });
  expect((await post(daemon, { action: "cursor_position" })).status).toBe(201);
  expect((await post(daemon, typing)).status).toBe(500);
  expect((await post(daemon, typing)).status).toBe(201);
  expect(daemon.typed).toBe("abc");
});

test("a fault for all hits until it is cleared", async () => {
  await using daemon = await startDaemon();
  daemon.fail({ with: "status 502", times: Number.POSITIVE_INFINITY });
  for (const status of [502, 502, 502]) expect((await post(daemon, typing)).status).toBe(status);
  daemon.clearFaults();
  expect((await post(daemon, typing)).status).toBe(201);
});

test.each([
  ["reset", ""],
  ["reset_midway", "abc"],
  ["reset_after_effect", "abc"],
] as const)("%s breaks the connection, and '%s' was typed", async (kind, typed) => {
  await using daemon = await startDaemon();
  daemon.fail({ with: kind });
  await expect(post(daemon, typing)).rejects.toThrow("fetch failed");
  await daemon.waitFor(() => daemon.idle);
  expect([daemon.typed, daemon.held.size]).toEqual([typed, 0]);
});

test.each(["crash", "die"] as const)(
  "%s leaves the letter pressed that was being typed, which repeats until it is let go",
  async (kind) => {
    await using daemon = await startDaemon();
    daemon.fail({ with: kind });
    await expect(post(daemon, typing)).rejects.toThrow("fetch failed");
    await daemon.waitFor(() => daemon.typed.length > 3);
    expect([daemon.typed.replaceAll("a", ""), ...daemon.held]).toEqual(["", "a"]);
    await daemon.listenAgain();
    await post(daemon, { action: "press_keys", keys: ["A"], press: "up" });
    expect(daemon.held.size).toBe(0);
    const typed = daemon.typed;
    await post(daemon, { action: "type_text", text: "b" });
    expect(daemon.typed).toBe(`${typed}b`);
  },
);

test("reset_midway breaks the connection while the work goes on", async () => {
  await using daemon = await startDaemon();
  daemon.fail({ with: "reset_midway" });
  await expect(post(daemon, { action: "type_text", text: "d".repeat(300) })).rejects.toThrow();
  expect(daemon.typed.length).toBeLessThan(300);
  await daemon.waitFor(() => daemon.typed.length === 300);
});

test.each(["write_file", "screenshot", "wait"])("%s has a middle too", async (action) => {
  await using daemon = await startDaemon();
  daemon.fail({ action, with: "reset_midway" });
  const body = { action, path: "/tmp/a", data: "", duration: 1 };
  await expect(post(daemon, body)).rejects.toThrow("fetch failed");
});

test("hang: neither done nor answered until its release", async () => {
  await using daemon = await startDaemon();
  const fault = daemon.fail({ with: "hang" });
  const call = post(daemon, typing);
  await fault.hit;
  const other = "z".repeat(20);
  await post(daemon, { action: "type_text", text: other });
  expect(daemon.typed).toBe(other);
  fault.release();
  expect((await call).status).toBe(201);
  expect(daemon.typed).toBe(`${other}abc`);
});

test("hang_after_effect: done, and not answered until its release", async () => {
  await using daemon = await startDaemon();
  const fault = daemon.fail({ with: "hang_after_effect" });
  const call = post(daemon, typing);
  await daemon.waitFor(() => daemon.typed === "abc");
  await post(daemon, { action: "type_text", text: "z".repeat(20) });
  expect(daemon.requests[0]?.answeredAt).toBeUndefined();
  fault.release();
  expect((await call).status).toBe(201);
});

test("slow_body: half of the answer, and the rest after its release", async () => {
  await using daemon = await startDaemon();
  const fault = daemon.fail({ with: "slow_body" });
  const response = await fetch(`${daemon.url}/computer-use`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "cursor_position" }),
  });
  const reader = response.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('{"x":0');
  fault.release();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(',"y":0}');
});

test("truncated_body, invalid_json and huge_body spoil the answer", async () => {
  await using daemon = await startDaemon();
  daemon.fail({ with: "truncated_body" });
  await expect(post(daemon, { action: "screenshot" })).rejects.toThrow("terminated");
  daemon.fail({ with: "invalid_json" });
  const { status, text } = await post(daemon, { action: "screenshot" });
  expect([status, text]).toEqual([201, '{"image": <html>']);
  daemon.fail({ with: "huge_body", bytes: 3 * 1024 * 1024 });
  expect((await post(daemon, { action: "screenshot" })).text.length).toBeGreaterThan(3e6);
});

test("it stops listening, breaks what is there and comes back on its port", async () => {
  await using daemon = await startDaemon();
  const { url } = daemon;
  await daemon.stopListening();
  await expect(post(daemon, typing)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  await daemon.listenAgain();
  daemon.fail({ with: "refuse_connection" });
  await expect(post(daemon, typing)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  await daemon.listenAgain();
  expect(daemon.url).toBe(url);
  expect((await post(daemon, typing)).status).toBe(201);
  expect(daemon.requestsFor("type_text")).toHaveLength(1);
});
