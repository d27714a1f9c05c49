import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { PassThrough } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { routeUpgrades, takeUpgrade } from "./upgrades.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** An upgrade request as the server hands it over, and its socket. */
function upgrade() {
  const server = new EventEmitter();
  routeUpgrades(server as unknown as Server, () => {});
  const socket = new PassThrough();
  const raw = { method: "GET", socket, headers: { upgrade: "websocket" } };
  server.emit("upgrade", raw, socket, Buffer.alloc(0));
  const request = { raw, headers: raw.headers } as unknown as FastifyRequest;
  return { socket, take: () => takeUpgrade(request, { hijack() {} } as unknown as FastifyReply) };
}

it("ends a socket that nobody answers on in time", () => {
  const { socket } = upgrade();
  vi.advanceTimersByTime(29_000);
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(2000);
  expect(socket.destroyed).toBe(true);
});

it("leaves one that was answered to whoever took it, for as long as they want", () => {
  const { socket, take } = upgrade();
  take().begin();
  vi.advanceTimersByTime(60 * 60_000);
  expect(socket.destroyed).toBe(false);
});
