import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { EventLog } from "./event-log.ts";

const message = (text: string): JSONRPCMessage => ({ jsonrpc: "2.0", method: text });

async function replay(log: EventLog, after: string) {
  const sent: string[] = [];
  const stream = await log.replayEventsAfter(after, {
    send: async (_id, event) => {
      sent.push("method" in event ? event.method : "");
    },
  });
  return { stream, sent };
}

test("replays what came after an event on its own stream, and nothing of another", async () => {
  const log = new EventLog();
  const first = await log.storeEvent("a", {} as JSONRPCMessage);
  await log.storeEvent("b", message("b1"));
  const second = await log.storeEvent("a", message("a1"));
  await log.storeEvent("b", message("b2"));
  await log.storeEvent("a", message("a2"));
  expect(await replay(log, first)).toEqual({ stream: "a", sent: ["a1", "a2"] });
  expect(await replay(log, second)).toEqual({ stream: "a", sent: ["a2"] });
});

test("I10 keeps so many events and bytes, the newest whatever its size", async () => {
  const log = new EventLog({ limits: { events: 3, bytes: 1000 } });
  const ids = [];
  for (const text of ["1", "2", "3", "4"]) ids.push(await log.storeEvent("a", message(text)));
  expect(ids.map((id) => log.has(id))).toEqual([false, true, true, true]);
  await expect(replay(log, ids[0] ?? "")).rejects.toThrow("no such event");
  const large = await log.storeEvent("a", message("x".repeat(2000)));
  expect([...ids, large].map((id) => log.has(id))).toEqual([false, false, false, false, true]);
  const next = await log.storeEvent("a", message("5"));
  expect([log.has(large), log.has(next)]).toEqual([false, true]);
  expect(log.bytes).toBeLessThan(100);
});

test("gives no id twice, after everything was let go either", async () => {
  const log = new EventLog();
  const before = await log.storeEvent("a", message("1"));
  log.clear();
  expect([log.bytes, log.has(before)]).toEqual([0, false]);
  expect(await log.storeEvent("a", message("2"))).not.toBe(before);
});
