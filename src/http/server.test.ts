import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { createTestDeps, TASK_ID } from "../../test/support/http/test-deps.ts";
import {
  as,
  expectProblem,
  jsonOf,
  post,
  sendRaw,
  start,
} from "../../test/support/http/test-server.ts";
import { GatewayError } from "../contract/errors.ts";

/** Any request, with a Host header of one's own. */
async function ask(port: number, options: { method?: string; path: string; host?: string }) {
  const request = httpRequest({
    port,
    host: "127.0.0.1",
    path: options.path,
    method: options.method ?? "GET",
    ...(options.host !== undefined && { headers: { host: options.host } }),
  });
  request.end();
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, text };
}

describe("every answer", () => {
  it("has an id of its own and security headers, errors too", async () => {
    const { url } = await start();
    for (const path of ["/health", "/nowhere", "/tasks"]) {
      const { headers } = await fetch(url + path, { headers: { "x-request-id": "mine" } });
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  it("is one log line, without query values", async () => {
    const observe = vi.fn();
    const { url, logged } = await start({ observe });
    await fetch(`${url}/tasks/${TASK_ID}`, { headers: { authorization: "Bearer alice" } });
    await fetch(`${url}/tasks?status=hidden`);
    await vi.waitFor(() => expect(logged.filter(({ msg }) => msg === "answered")).toHaveLength(2));
    const [first, second] = logged.filter(({ msg }) => msg === "answered");
    expect(first).toMatchObject({
      method: "GET",
      path: `/tasks/${TASK_ID}`,
      status: 200,
      key: "alice",
      task_id: TASK_ID,
    });
    expect(second).toMatchObject({ path: "/tasks", status: 401, code: "signature_missing" });
    expect(JSON.stringify(logged)).not.toContain("hidden");
    expect(observe.mock.calls.map(([answered]) => answered)).toMatchObject([
      { method: "GET", route: "/tasks/{task_id}", status: 200 },
      { method: "GET", route: "/tasks", status: 401 },
    ]);
  });
});

describe("host and target", () => {
  it("answers loopback names, PUBLIC_URL's host and ALLOWED_HOSTS only, on every route", async () => {
    const { port } = await start();
    const statusUnder = async (host: string, path = "/health") =>
      (await ask(port, { path, host })).status;
    for (const host of [
      "localhost",
      "LOCALHOST:1234",
      "127.0.0.1:8089",
      "[::1]:8089",
      "gateway.example",
      "gateway.example:1",
      "bytebot-gateway:8089",
      "other.example:9000",
    ]) {
      expect([host, await statusUnder(host)]).toEqual([host, 200]);
    }
    for (const host of [
      "evil.example",
      "localhost.evil.example",
      "other.example",
      "other.example:9001",
      "gateway.example.evil.example",
      "127.0.0.1.nip.io",
    ]) {
      const { status, text } = await ask(port, { path: "/health", host });
      expect([host, status]).toEqual([host, 403]);
      expect(JSON.parse(text)).toMatchObject({ code: "host_not_allowed" });
    }
    for (const path of ["/docs", "/nowhere", "/events", "/openapi.json"]) {
      expect([path, await statusUnder("evil.example", path)]).toEqual([path, 403]);
    }
  });

  it.each([
    ["no Host", "GET /health HTTP/1.1\r\n\r\n"],
    ["two Hosts", "GET /health HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n"],
    ["an absolute target", "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a body in a GET", "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"],
    ["another Expect", "GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n"],
    ["a bad escape", "GET /tasks/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ])("I10 refuses %s", async (_name, text) => {
    const { port } = await start();
    const answer = await sendRaw(port, text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
    expect(answer.toLowerCase()).toContain("x-content-type-options: nosniff");
  });
});

describe("CORS", () => {
  it("lets the origins of CORS_ORIGINS in and no others", async () => {
    const { url } = await start();
    const preflight = (origin: string) =>
      fetch(`${url}/plan`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
    const allowed = await preflight("https://chat.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    expect(allowed.headers.get("access-control-allow-headers")).toContain("x-signature");
    expect(
      (await preflight("https://evil.example")).headers.get("access-control-allow-origin"),
    ).toBe(null);
    const refused = await fetch(`${url}/tasks`, { headers: { origin: "https://chat.example" } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    expect(refused.headers.get("access-control-expose-headers")).toContain("Retry-After");
  });

  it("is off without origins", async () => {
    const { url } = await start({ config: { ...createTestDeps().deps.config, corsOrigins: [] } });
    const response = await fetch(`${url}/health`, { headers: { origin: "https://chat.example" } });
    expect(response.headers.get("access-control-allow-origin")).toBe(null);
    await expectProblem(
      await fetch(`${url}/plan`, { method: "OPTIONS" }),
      405,
      "method_not_allowed",
    );
  });
});

describe("errors", () => {
  it("of unknown kinds are a bare 500, the reason stays in the log", async () => {
    const { deps } = createTestDeps();
    const tasks = {
      ...deps.tasks,
      plan: () => Promise.reject(new Error("secret detail")),
      list: () => {
        throw new TypeError("secret detail");
      },
    };
    const { url, logged } = await start({ tasks });
    for (const response of [
      await post(`${url}/plan`, '{"action":"a"}'),
      await fetch(`${url}/tasks`, { headers: as("alice").headers }),
    ]) {
      const problem = await expectProblem(response, 500, "internal_error");
      expect(JSON.stringify(problem)).not.toContain("secret");
      expect(logged).toContainEqual(
        expect.objectContaining({ msg: "request failed", request_id: problem.request_id }),
      );
    }
  });

  it("carry hint and extras of their code", async () => {
    const { deps } = createTestDeps();
    const tasks = {
      ...deps.tasks,
      plan: async () => {
        throw new GatewayError("path_not_allowed", "not there", {
          hint: "elsewhere",
          allowed_paths: ["/tmp"],
        });
      },
    };
    const { url } = await start({ tasks });
    const response = await post(`${url}/plan`, '{"action":"a"}');
    const { request_id, ...problem } = await expectProblem(response, 403, "path_not_allowed");
    expect(problem).toEqual({
      type: "urn:bytebot-gateway:error:path_not_allowed",
      title: "Path not allowed",
      status: 403,
      detail: "not there",
      code: "path_not_allowed",
      hint: "elsewhere",
      allowed_paths: ["/tmp"],
    });
  });

  it.each([
    ["GET", "/plan", "POST"],
    ["POST", "/health", "GET, HEAD"],
    ["DELETE", `/tasks/${TASK_ID}`, "GET, HEAD"],
    ["PUT", `/tasks/${TASK_ID}/cancel`, "POST"],
    ["HEAD", "/events", "GET"],
    ["PROPFIND", "/tasks", "GET, HEAD"],
  ])("of method: %s %s", async (method, path, allow) => {
    const { url } = await start();
    const response = await fetch(url + path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") await expectProblem(response, 405, "method_not_allowed");
  });

  it.each([
    "/nowhere",
    "/tasks/",
    "/Health",
    `/tasks/${TASK_ID}/`,
    "/docs/package.json",
    "/approvals/x",
  ])("of place: %s is 404", async (path) => {
    const { url } = await start();
    const headers = { authorization: "Bearer alice" };
    const response = await fetch(url + path, { headers });
    await expectProblem(response, 404, path === "/tasks/" ? "task_not_found" : "not_found");
  });

  it("I13 for ids that cannot be are those of ids that are not", async () => {
    const { url } = await start();
    const headers = { authorization: "Bearer alice" };
    for (const id of ["x", "task_%2e%2e", "a".repeat(500), "task_BBBBBBBBBBBBBBBBBBBBBB"]) {
      const response = await fetch(`${url}/tasks/${id}`, { headers });
      expect(response.status).toBe(404);
      expect((await jsonOf(response)).code).toMatch(/^(task_)?not_found$/);
    }
    const response = await fetch(`${url}/artifacts/nonsense`, { headers });
    await expectProblem(response, 404, "artifact_not_found");
  });
});
