import { describe, expect, it, vi } from "vitest";
import { KEYS, TASK_ID } from "../../test/support/http/test-deps.ts";
import { expectProblem, jsonOf, post, start } from "../../test/support/http/test-server.ts";
import { GatewayError } from "../contract/errors.ts";

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
      precheck: () => {},
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
      authenticator: {
        authenticate: async () => ({ principal, durable }),
        precheck: () => {},
      },
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
