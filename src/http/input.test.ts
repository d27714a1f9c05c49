import { describe, expect, it, vi } from "vitest";
import { TASK_ID } from "../../test/support/http/test-deps.ts";
import { expectProblem, jsonOf, post, start } from "../../test/support/http/test-server.ts";
import { GatewayError } from "../contract/errors.ts";
import type { HttpDeps } from "./http-deps.ts";

const JSON_HEADERS = { "content-type": "application/json", authorization: "Bearer alice" };

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
    const { url } = await start({ authenticator: { authenticate, precheck: () => {} } });
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
