import { type AddressInfo, connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { afterEach, expect } from "vitest";
import type { HttpDeps } from "../../../src/http/http-deps.ts";
import { buildServer } from "../../../src/http/server.ts";
import { createTestDeps } from "./test-deps.ts";

const running = new Set<FastifyInstance>();

afterEach(async () => {
  await Promise.all([...running].map((app) => app.close()));
  running.clear();
});

/** The server on a free port, over dependencies in memory, until the test is over. */
export async function start(overrides: Partial<HttpDeps> = {}) {
  const test = createTestDeps(overrides);
  const app = buildServer(test.deps);
  running.add(app);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return { ...test, app, port, url: `http://127.0.0.1:${port}` };
}

/** Headers of a key's request. */
export function as(key: string, headers: Record<string, string> = {}) {
  return { headers: { authorization: `Bearer ${key}`, ...headers } };
}

/** Alice's JSON. */
export function post(url: string, body: string, headers: Record<string, string> = {}) {
  const own = as("alice", { "content-type": "application/json", ...headers });
  return fetch(url, { method: "POST", body, ...own });
}

/** Sends bytes as they are and resolves with all that comes back. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

/** JSON of an answer, for matchers to look into. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

export async function expectProblem(response: Response, status: number, code: string) {
  const problem = await jsonOf(response);
  expect(problem).toMatchObject({ status, code });
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("x-request-id")).toBe(problem.request_id);
  return problem;
}
