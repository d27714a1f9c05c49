import { expect, test } from "vitest";
import { watchDesktops } from "./desktop-changes.ts";

test("each desktop whose self-tests end is told of once, one without any never", async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const drivers = [{ ready: first.promise }, {}, { ready: second.promise }];
  let changes = 0;
  const errors: unknown[] = [];
  watchDesktops(
    drivers.map((driver) => ({ driver })),
    () => {
      changes += 1;
    },
    (error) => errors.push(error),
  );
  await new Promise(setImmediate);
  expect(changes).toBe(0);
  first.resolve();
  await new Promise(setImmediate);
  expect(changes).toBe(1);
  second.reject(new Error("it failed"));
  await new Promise(setImmediate);
  expect([changes, errors]).toEqual([1, [new Error("it failed")]]);
});
