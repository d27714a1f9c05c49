import { expect, test } from "vitest";
import { failure } from "../../../test/support/drivers/step/fixtures.ts";
import { SerialQueue } from "./serial-queue.ts";

const never = new AbortController().signal;

test("work comes one after the other, also after work that failed", async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  const work = (name: string, fails = false) =>
    queue.run(never, async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const all = await Promise.allSettled([work("a"), work("b", true), work("c")]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("settling holds the turn, and the caller does not wait for it", async () => {
  const queue = new SerialQueue();
  const settled = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const error = new Error("lost");
  const failing = queue.run(
    never,
    () => Promise.reject(error),
    async (reason) => {
      seen.push(reason);
      await settled.promise;
    },
  );
  await expect(failing).rejects.toBe(error);
  const next = queue.run(never, async () => void seen.push("next"));
  await Promise.resolve();
  expect(seen).toEqual([error]);
  settled.resolve();
  await next;
  await queue.idle();
  expect(seen).toEqual([error, "next"]);
});

test("work that is aborted before its turn neither begins nor settles", async () => {
  const queue = new SerialQueue();
  const first = Promise.withResolvers<void>();
  const stop = new AbortController();
  const seen: string[] = [];
  const running = queue.run(never, () => first.promise);
  const waiting = queue.run(
    stop.signal,
    async () => void seen.push("begun"),
    async () => void seen.push("settled"),
  );
  stop.abort();
  await expect(waiting).rejects.toMatchObject(failure("task_cancelled"));
  first.resolve();
  await running;
  await queue.idle();
  expect(seen).toEqual([]);
});
