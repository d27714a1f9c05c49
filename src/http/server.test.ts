import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, it, vi } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import { createFakeDeps, KEYS, PLAN, TASK_ID } from "./fake-deps.ts";
import type { HttpDeps } from "./http-deps.ts";
import { buildServer } from "./server.ts";

let app: FastifyInstance | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(overrides: Partial<HttpDeps> = {}) {
  const fake = createFakeDeps(overrides);
  app = buildServer(fake.deps);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return { ...fake, port, url: `http://127.0.0.1:${port}` };
}

const JSON_HEADERS = { "content-type": "application/json", authorization: "Bearer alice" };

function post(url: string, body: string, headers: Record<string, string> = {}) {
  return fetch(url, { method: "POST", body, headers: { ...JSON_HEADERS, ...headers } });
}

/** Sends bytes as they are and resolves with all that comes back. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

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

/** JSON of an answer, for matchers to look into. */
async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

async function expectProblem(response: Response, status: number, code: string) {
  const problem = await jsonOf(response);
  expect(problem).toMatchObject({ status, code });
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("x-request-id")).toBe(problem.request_id);
  return problem;
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
    const answer = await raw(port, text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
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
    const { url } = await start({ config: { ...createFakeDeps().deps.config, corsOrigins: [] } });
    const response = await fetch(`${url}/health`, { headers: { origin: "https://chat.example" } });
    expect(response.headers.get("access-control-allow-origin")).toBe(null);
    await expectProblem(
      await fetch(`${url}/plan`, { method: "OPTIONS" }),
      405,
      "method_not_allowed",
    );
  });
});

describe("bodies", () => {
  it.each([
    ["malformed JSON", '{"action": }'],
    ["a depth of 10,000", `{"action":"a","parameters":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
    ["a key twice", '{"action":"a","parameters":{"path":"/a","path":"/b"}}'],
    ["__proto__", '{"action":"a","parameters":{"__proto__":{}}}'],
    ["an unsafe number", '{"action":"a","parameters":{"n":9007199254740993}}'],
    ["a byte order mark", '\ufeff{"action":"a"}'],
    ["half a surrogate", '{"action":"\\ud800"}'],
    ["nothing", ""],
    ["no object", "[]"],
    ["null", "null"],
    ["a wrong type", '{"action":5}'],
    ["an unknown field", '{"action":"a","extra":1}'],
    ["too many steps", `{"steps":[${'{"action":"a"},'.repeat(100)}{"action":"a"}]}`],
  ])("I10 with %s are 400", async (_name, body) => {
    const { url } = await start();
    await expectProblem(await post(`${url}/plan`, body), 400, "invalid_request");
  });

  it("that are wrong are told where and what was expected", async () => {
    const { url } = await start();
    const detail = async (body: string) => (await jsonOf(await post(`${url}/plan`, body))).detail;
    expect(await detail('{"action":"a","parameters":{"a":1,"a":2}}')).toMatch(
      /"a".*twice.*byte \d+/,
    );
    expect(await detail('{"steps":[{"action":"a"},{"action":7}]}')).toBe(
      'The body does not match at "/steps/1/action": expected a string of 1 to 64 characters.',
    );
    expect(await detail('{"action":"a","a/b":1}')).toBe(
      'The body does not match at "/a~1b": expected only action, parameters, title, desktop, steps.',
    );
  });

  it("are read as JSON alone, without a Content-Encoding", async () => {
    const { url } = await start();
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "nonsense",
      "application/jsonx",
    ]) {
      const response = await post(`${url}/plan`, '{"action":"a"}', { "content-type": type });
      await expectProblem(response, 415, "unsupported_media_type");
    }
    const encoded = await post(`${url}/plan`, "{}", { "content-encoding": "gzip" });
    await expectProblem(encoded, 415, "unsupported_media_type");
    const charset = await post(`${url}/plan`, '{"action":"a"}', {
      "content-type": "application/json; charset=utf-8",
    });
    expect(charset.status).toBe(200);
  });

  it("I10 over the limit are 413, announced or not", async () => {
    const { url } = await start();
    const large = `{"action":"${"a".repeat(70_000)}"}`;
    await expectProblem(await post(`${url}/plan`, large), 413, "body_too_large");
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(10_000, " ")),
    });
    const response = await fetch(`${url}/plan`, {
      method: "POST",
      body: endless,
      headers: JSON_HEADERS,
      duplex: "half",
    } as RequestInit);
    await expectProblem(response, 413, "body_too_large");
  });

  it("reach the authenticator as they came, before they are looked at", async () => {
    const authenticate = vi.fn<HttpDeps["authenticator"]["authenticate"]>(async () => {
      throw new GatewayError("signature_invalid", "no");
    });
    const { url } = await start({ authenticator: { authenticate } });
    const body = '{ "action" : 1e3, "é": }';
    await expectProblem(await post(`${url}/plan`, body), 401, "signature_invalid");
    await expectProblem(await post(`${url}/confirm?x=1`, body), 401, "signature_invalid");
    const seen = authenticate.mock.calls.map(([{ method, target, form, body }]) => ({
      method,
      target,
      form,
      body: Buffer.from(body).toString(),
    }));
    expect(seen).toEqual([
      { method: "POST", target: "/plan", form: "body", body },
      { method: "POST", target: "/confirm?x=1", form: "request", body },
    ]);
  });

  it("may be absent where nothing in them is needed", async () => {
    const { url } = await start();
    const headers = { authorization: "Bearer approver" };
    for (const path of ["/stop", "/resume", `/tasks/${TASK_ID}/cancel`]) {
      const { status } = await fetch(url + path, { method: "POST", headers });
      expect([path, status]).toEqual([path, 200]);
    }
  });
});

describe("queries", () => {
  it.each([
    "/tasks?limit=0",
    "/tasks?limit=1e1",
    "/tasks?limit=0x10",
    "/tasks?limit=true",
    "/tasks?limit=5&limit=6",
    "/tasks?limit=",
    "/tasks?status=done",
    "/tasks?cursor=-1",
    "/tasks?unknown=1",
    "/tasks?__proto__=1",
    "/events?since=-1",
    "/events?since=abc",
    "/events?task_id=nonsense",
    "/capabilities?x=1",
  ])("refuse %s", async (path) => {
    const { url } = await start();
    const response = await fetch(url + path, { headers: { authorization: "Bearer alice" } });
    await expectProblem(response, 400, "invalid_request");
  });

  it("refuse a wait beyond 300 seconds and take fractions", async () => {
    const { url } = await start();
    const execute = (wait: string) =>
      post(`${url}/execute?wait=${wait}`, JSON.stringify({ task_id: TASK_ID }));
    for (const wait of ["301", "-1", "NaN", "Infinity", "5s"]) {
      await expectProblem(await execute(wait), 400, "invalid_request");
    }
    expect((await execute("0.5")).status).toBe(200);
    expect((await execute("0")).status).toBe(202);
  });
});

describe("callers", () => {
  it("without credentials are 401 wherever a scope is needed", async () => {
    const { url } = await start();
    for (const [method, path] of [
      ["POST", "/plan"],
      ["POST", "/confirm"],
      ["POST", "/execute"],
      ["GET", "/tasks"],
      ["GET", `/tasks/${TASK_ID}`],
      ["POST", `/tasks/${TASK_ID}/cancel`],
      ["GET", "/artifacts/artifact_AAAAAAAAAAAAAAAAAAAAAA"],
      ["POST", "/stop"],
      ["POST", "/resume"],
      ["GET", "/audit"],
    ] as const) {
      const response = await fetch(url + path, { method });
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
      await expectProblem(response, 401, "signature_missing");
    }
  });

  it("are 403 without the scope, naming key and scope", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/audit`, { headers: { authorization: "Bearer alice" } });
    const { detail } = await expectProblem(response, 403, "scope_missing");
    expect(detail).toContain("alice");
    expect(detail).toContain("confirm");
    const events = await fetch(`${url}/events`, { headers: { authorization: "Bearer planner" } });
    await expectProblem(events, 403, "scope_missing");
  });

  it("with credentials that do not hold are refused where none are needed, too", async () => {
    const { url } = await start();
    const headers = { authorization: "Bearer nobody" };
    await expectProblem(await fetch(`${url}/capabilities`, { headers }), 401, "token_invalid");
    await expectProblem(await fetch(`${url}/events`, { headers }), 401, "token_invalid");
    expect((await fetch(`${url}/health`, { headers })).status).toBe(200);
  });

  it("unsigned where policy allows it may not decide, and are anonymous elsewhere", async () => {
    const principal = KEYS.get("alice");
    if (principal === undefined) throw new Error("no alice");
    const authenticator = {
      authenticate: async () => ({
        principal,
        durable: Promise.resolve(),
        unsigned: true as const,
      }),
    };
    const { url } = await start({ authenticator });
    expect((await fetch(`${url}/tasks`)).status).toBe(200);
    await expectProblem(await fetch(`${url}/audit`), 401, "signature_missing");
    await expectProblem(await fetch(`${url}/stop`, { method: "POST" }), 401, "signature_missing");
    const { capabilities } = await jsonOf(await fetch(`${url}/capabilities`));
    expect(JSON.stringify(capabilities)).not.toContain("parameters");
  });

  it("over their rate are 429 with Retry-After, at the limit of this moment", async () => {
    const take = vi.fn(() => ({ ok: false as const, retryAfter: 12.3 }));
    const { url } = await start({ rateLimiter: { take } });
    const response = await post(`${url}/plan`, '{"action":"a"}');
    expect(response.headers.get("retry-after")).toBe("13");
    await expectProblem(response, 429, "rate_limited");
    expect(take).toHaveBeenCalledWith("alice", 600);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it("I9 get no answer before their signature is durable, and 503 where it cannot be", async () => {
    const principal = KEYS.get("alice");
    if (principal === undefined) throw new Error("no alice");
    const { promise: durable, reject } = Promise.withResolvers<void>();
    const { url } = await start({
      authenticator: { authenticate: async () => ({ principal, durable }) },
    });
    let answers = 0;
    const requests = [
      post(`${url}/plan`, '{"action":"a"}'),
      post(`${url}/plan`, '{"action":5}'),
      fetch(`${url}/events`),
      fetch(`${url}/audit`),
    ];
    for (const request of requests) void request.then(() => answers++);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(answers).toBe(0);
    reject(new GatewayError("audit_unavailable", "the disk is full"));
    for (const response of await Promise.all(requests)) {
      await expectProblem(response, 503, "audit_unavailable");
    }
  });
});

describe("errors", () => {
  it("of unknown kinds are a bare 500, the reason stays in the log", async () => {
    const { deps } = createFakeDeps();
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
      await fetch(`${url}/tasks`, { headers: JSON_HEADERS }),
    ]) {
      const problem = await expectProblem(response, 500, "internal_error");
      expect(JSON.stringify(problem)).not.toContain("secret");
      expect(logged).toContainEqual(
        expect.objectContaining({ msg: "request failed", request_id: problem.request_id }),
      );
    }
  });

  it("carry hint and extras of their code", async () => {
    const { deps } = createFakeDeps();
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

describe("I10 at the socket", () => {
  it("headers over 8 KB are 431", async () => {
    const { port } = await start();
    const answer = await raw(
      port,
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"a".repeat(9000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain("content-type: application/problem+json");
    expect(answer).toContain("x-content-type-options: nosniff");
    const [, body = ""] = answer.split("\r\n\r\n");
    expect(JSON.parse(body)).toMatchObject({ status: 431, code: "headers_too_large" });
  });

  it.each([
    ["what is not HTTP", "hello\r\n\r\n"],
    [
      "two lengths",
      "POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    [
      "a control character in a header",
      "GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: \x01\r\n\r\n",
    ],
  ])("%s is 400", async (_name, text) => {
    const { port } = await start();
    const answer = await raw(port, text);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
  });

  it("limits stand on the server", async () => {
    await start();
    expect(app?.server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      maxConnections: 10_000,
      timeout: 330_000,
    });
  });

  it("others are served while bad ones are refused", async () => {
    const { port, url } = await start();
    const idle = Array.from({ length: 200 }, () => connect(port, "127.0.0.1"));
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    for (const socket of idle) socket.write("POST /plan HTTP/1.1\r\nHost: localhost\r\n");
    const response = await post(`${url}/plan`, '{"action":"a"}');
    expect(await response.json()).toEqual(PLAN);
    for (const socket of idle) socket.destroy();
  });
});

describe("closing", () => {
  it("ends streams in good order and answers who waits", async () => {
    const { deps } = createFakeDeps();
    const tasks: HttpDeps["tasks"] = {
      ...deps.tasks,
      execute: async (_principal, { task_id }, { signal }) => {
        await once(signal, "abort");
        return { finished: false, view: { task_id, status: "running", message: "" } };
      },
    };
    const { url } = await start({ tasks });
    const stream = await fetch(`${url}/events`);
    const executed = vi.spyOn(tasks, "execute");
    const waiting = post(`${url}/execute?wait=300`, JSON.stringify({ task_id: TASK_ID }));
    await vi.waitFor(() => expect(executed).toHaveBeenCalled());
    const closed = app?.close();
    expect(await stream.text()).toBe("");
    expect((await waiting).status).toBe(202);
    await closed;
  });

  it("of the client ends its wait", async () => {
    const { deps } = createFakeDeps();
    const { promise: gaveUp, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const tasks: HttpDeps["tasks"] = {
      ...deps.tasks,
      execute: async (_principal, { task_id }, { signal }) => {
        begin();
        await once(signal, "abort");
        resolve();
        return { finished: false, view: { task_id, status: "running", message: "" } };
      },
    };
    const { url } = await start({ tasks });
    const client = new AbortController();
    const waiting = fetch(`${url}/execute?wait=300`, {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify({ task_id: TASK_ID }),
      signal: client.signal,
    });
    await begun;
    client.abort();
    await expect(waiting).rejects.toThrow();
    await gaveUp;
  });
});
