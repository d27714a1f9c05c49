import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import {
  failPresentRequest,
  holdListeners,
  inRequest,
  outsideRequests,
  type RequestScope,
} from "./request-scope.ts";

function scope() {
  const failures: unknown[] = [];
  return { failures, scope: { fail: (error) => failures.push(error) } as RequestScope };
}

const fault = () => {
  throw new Error("fault");
};

it("hands a request what its work throws, and what is left to the process within it", async () => {
  const { failures, scope: own } = scope();
  inRequest(own, fault);
  expect(failures).toHaveLength(1);
  const late = Promise.withResolvers<boolean>();
  inRequest(own, () => setImmediate(() => late.resolve(failPresentRequest("late"))));
  expect(await late.promise).toBe(true);
  expect(failures[1]).toBe("late");
});

it("leaves what outlives a request to the process", async () => {
  const { failures, scope: own } = scope();
  const late = Promise.withResolvers<boolean>();
  inRequest(own, () =>
    outsideRequests(() => setImmediate(() => late.resolve(failPresentRequest("late")))),
  );
  expect(await late.promise).toBe(false);
  expect(failPresentRequest("nobody's")).toBe(false);
  expect(failures).toEqual([]);
});

it("holds listeners to their request, whoever emits", () => {
  const { failures, scope: own } = scope();
  const emitter = new EventEmitter();
  holdListeners(emitter, own);
  expect(emitter.emit("nobody listens")).toBe(false);
  emitter.on("close", fault);
  expect(emitter.emit("close")).toBe(true);
  expect(failures).toHaveLength(1);
});
