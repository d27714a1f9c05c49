import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { collectWhenIdle } from "./collect-when-idle.ts";

const server = () => new EventEmitter() as Server;
const gc = vi.fn();
const before = globalThis.gc;

beforeEach(() => {
  vi.useFakeTimers();
  gc.mockClear();
  globalThis.gc = gc as unknown as typeof globalThis.gc;
});
afterEach(() => {
  vi.useRealTimers();
  globalThis.gc = before;
});

test("collects once after the start, when nobody has asked anything for a while", () => {
  const http = server();
  using _idle = collectWhenIdle(http);
  for (let second = 0; second < 10; second += 1) {
    http.emit("request");
    vi.advanceTimersByTime(1000);
  }
  expect(gc).not.toHaveBeenCalled();
  vi.advanceTimersByTime(4000);
  expect(gc).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(60_000);
  expect(gc).toHaveBeenCalledTimes(1);
});

test("collects again after a burst, not after a few requests", () => {
  const http = server();
  using _idle = collectWhenIdle(http);
  vi.advanceTimersByTime(5000);
  for (let request = 0; request < 999; request += 1) http.emit("request");
  vi.advanceTimersByTime(60_000);
  expect(gc).toHaveBeenCalledTimes(1);
  http.emit("request");
  vi.advanceTimersByTime(2000);
  expect(gc).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2000);
  expect(gc).toHaveBeenCalledTimes(2);
});

test("ends with the server, and does nothing without --expose-gc", () => {
  const http = server();
  collectWhenIdle(http)[Symbol.dispose]();
  globalThis.gc = undefined;
  using _none = collectWhenIdle(http);
  vi.advanceTimersByTime(60_000);
  expect(gc).not.toHaveBeenCalled();
  expect(http.listenerCount("request")).toBe(0);
});
