import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { GatewayClient, GatewayRequestError } from "./client.ts";

const SECRET = "a secret of twenty-six char";
const TASK = "task_AAAAAAAAAAAAAAAAAAAAAA";

interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Answer = (request: Received, response: ServerResponse, nth: number) => void;

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A server that answers as told and remembers what it was asked. */
async function serve(answer: Answer): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url = "", headers } = request;
    const entry = { method, target: url, headers, body };
    received.push(entry);
    answer(entry, response, received.length);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function json(response: ServerResponse, status: number, value: unknown, headers = {}): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(value));
}

function problem(code: string, status: number, more: object = {}): object {
  return { type: "about:blank", title: code, status, code, detail: `refused: ${code}`, ...more };
}

function mac(message: string): string {
  return createHmac("sha256", SECRET).update(message).digest("base64");
}

async function failure(promise: Promise<unknown>): Promise<GatewayRequestError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof GatewayRequestError) return error;
  throw new Error(`expected a GatewayRequestError, got ${String(error)}`);
}

describe("requests", () => {
  test("I9 plan and execute sign the body, every other route method and target too", async () => {
    const { url, received } = await serve((_request, response) => json(response, 200, {}));
    const client = new GatewayClient({ url, secret: SECRET, keyId: "pipeline" });
    await client.plan({ action: "fs.read", parameters: { path: "/tmp/ä" } });
    await client.execute({ task_id: TASK }, { wait: 2 });
    await client.tasks({ status: "running", limit: 5 });
    await client.stop("enough");
    await client.cancel(TASK);
    const signedAs = received.map(({ method, target, headers, body }) => {
      const time = headers["x-timestamp"];
      expect(headers["x-key-id"]).toBe("pipeline");
      if (headers["x-signature"] === mac(`${time}:${body}`)) return "body";
      expect(headers["x-signature"]).toBe(mac(`${time}:${method} ${target}:${body}`));
      return `${method} ${target}`;
    });
    expect(signedAs).toEqual([
      "body",
      "body",
      "GET /tasks?status=running&limit=5",
      "POST /stop",
      `POST /tasks/${TASK}/cancel`,
    ]);
    expect(received[1]?.target).toBe("/execute?wait=2");
    expect(received[4]?.body).toBe("");
  });

  test("I9 equal requests at once have signatures of their own", async () => {
    const { url, received } = await serve((_request, response) => json(response, 200, {}));
    const client = new GatewayClient({ url, secret: SECRET });
    const other = new GatewayClient({ url, secret: SECRET });
    await Promise.all(Array.from({ length: 20 }, () => [client.tasks(), other.tasks()]).flat());
    expect(new Set(received.map(({ headers }) => headers["x-signature"])).size).toBe(40);
  });

  test("keeps a path prefix, sends a token, and signs nothing without a credential", async () => {
    const { url, received } = await serve((_request, response) => json(response, 200, {}));
    await new GatewayClient({ url: `${url}/gateway/`, token: "t0ken" }).capabilities();
    await new GatewayClient({ url }).health();
    expect(received[0]?.target).toBe("/gateway/capabilities");
    expect(received[0]?.headers.authorization).toBe("Bearer t0ken");
    expect(received[1]?.headers["x-signature"]).toBeUndefined();
  });

  test("refuses a URL that is not http and two credentials", () => {
    expect(() => new GatewayClient({ url: "ftp://host" })).toThrow(TypeError);
    expect(() => new GatewayClient({ url: "http://h", secret: "s", token: "t" })).toThrow(
      TypeError,
    );
  });
});

describe("failures", () => {
  test("carry the problem document", async () => {
    const document = problem("rate_limited", 429, { hint: "wait", retry_after: 7 });
    const { url } = await serve((_request, response) => json(response, 429, document));
    const error = await failure(new GatewayClient({ url }).tasks());
    expect(error).toMatchObject({
      code: "rate_limited",
      status: 429,
      detail: "refused: rate_limited",
      hint: "wait",
      retryAfter: 7,
      problem: document,
    });
  });

  test("say so when something else answers", async () => {
    const { url } = await serve((_request, response) => response.writeHead(502).end("<html>bad"));
    const error = await failure(new GatewayClient({ url }).tasks());
    expect(error.code).toBe("unexpected_answer");
    expect(error.detail).toContain("<html>bad");
  });

  test("name a refused connection, with what to do", async () => {
    const { url } = await serve(() => undefined);
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    const error = await failure(new GatewayClient({ url, retries: 0 }).health());
    expect(error.code).toBe("unreachable");
    expect(error.detail).toContain("ECONNREFUSED");
    expect(error.hint).toContain("serve");
  });

  test("time out", async () => {
    const { url } = await serve(() => undefined);
    const error = await failure(new GatewayClient({ url, timeoutMs: 20 }).health());
    expect(error.code).toBe("timed_out");
  });

  test("an aborted call rejects with the signal's reason", async () => {
    const { url } = await serve(() => undefined);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(new GatewayClient({ url }).health({ signal })).rejects.toBe(reason);
  });
});

describe("repeating", () => {
  test("a GET is sent again after a lost connection, signed anew", async () => {
    const { url, received } = await serve((_request, response, nth) => {
      if (nth === 1) response.destroy();
      else json(response, 200, { tasks: [] });
    });
    await new GatewayClient({ url, secret: SECRET }).tasks();
    expect(received).toHaveLength(2);
    expect(received[0]?.headers["x-signature"]).not.toBe(received[1]?.headers["x-signature"]);
  });

  test("plan is sent again with the same Idempotency-Key", async () => {
    const { url, received } = await serve((_request, response, nth) =>
      nth === 1 ? json(response, 503, problem("audit_unavailable", 503)) : json(response, 200, {}),
    );
    await new GatewayClient({ url, secret: SECRET }).plan({ action: "wait" });
    const keys = received.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });

  test("I5 confirm, execute, cancel, stop and resume are sent once", async () => {
    const { url, received } = await serve((_request, response) => response.destroy());
    const client = new GatewayClient({ url, secret: SECRET });
    const digest = `sha256:${"0".repeat(64)}`;
    await failure(client.confirm({ task_id: TASK, plan_digest: digest, decision: "approve" }));
    await failure(client.execute({ task_id: TASK }));
    await failure(client.cancel(TASK));
    await failure(client.stop());
    await failure(client.resume());
    expect(received).toHaveLength(5);
  });

  test.each([
    ["stopped", 503],
    ["task_not_found", 404],
  ])("%s is not tried again", async (code, status) => {
    const { url, received } = await serve((_request, response) =>
      json(response, status, problem(code, status)),
    );
    expect((await failure(new GatewayClient({ url }).tasks())).code).toBe(code);
    expect(received).toHaveLength(1);
  });
});

describe("events", () => {
  const send = (response: ServerResponse, ids: readonly number[], event = "task_progress") => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const id of ids) response.write(`id: ${id}\ndata: ${JSON.stringify({ event })}\n\n`);
  };

  test("resume after the last event, without gap or repeat", async () => {
    const { url, received } = await serve((_request, response, nth) => {
      send(response, nth === 1 ? [1, 2] : [3, 4]);
      if (nth === 1) response.write("id: 9\ndata: {half");
      response.end();
    });
    const problems: string[] = [];
    const ids: number[] = [];
    const client = new GatewayClient({ url, secret: SECRET });
    for await (const event of client.events({
      since: 0,
      onReconnect: (error) => problems.push(error.message),
    })) {
      ids.push(event.id);
      if (ids.length === 4) break;
    }
    expect(ids).toEqual([1, 2, 3, 4]);
    expect(received.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2"]);
    expect(problems).toHaveLength(1);
  });

  test("I15 end with an error once the key is revoked", async () => {
    const { url } = await serve((_request, response, nth) => {
      if (nth > 1) return json(response, 401, problem("signature_invalid", 401));
      send(response, [1]);
      response.end();
    });
    const iterate = async () => {
      for await (const _event of new GatewayClient({ url, secret: SECRET }).events());
    };
    expect((await failure(iterate())).code).toBe("signature_invalid");
  });

  test("throw where the first connection fails, and end quietly when aborted", async () => {
    const { url } = await serve((_request, response, nth) => {
      if (nth === 1) json(response, 503, problem("audit_unavailable", 503));
      else send(response, [1]);
    });
    const client = new GatewayClient({ url });
    expect((await failure(client.events().next())).code).toBe("audit_unavailable");
    const abort = new AbortController();
    const seen: number[] = [];
    for await (const event of client.events({ signal: abort.signal })) {
      seen.push(event.id);
      abort.abort();
    }
    expect(seen).toEqual([1]);
  });

  test("run goes plan, confirm, execute, follow, and cancels where not confirmed", async () => {
    const { url, received } = await serve((request, response) => {
      if (request.target.startsWith("/events")) send(response, [5], "task_completed");
      else json(response, 200, { task_id: TASK, status: "completed", estimated_risk: "low" });
    });
    const client = new GatewayClient({ url, secret: SECRET });
    const task = await client.run({ action: "wait" }, { confirm: () => true });
    expect(task.status).toBe("completed");
    await client.run({ action: "wait" }, { confirm: () => false });
    expect(received.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "POST /plan",
      "POST /execute",
      `GET /events?task_id=${TASK}&since=0`,
      `GET /tasks/${TASK}`,
      "POST /plan",
      `POST /tasks/${TASK}/cancel`,
    ]);
  });

  test("an artifact streams its bytes", async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from([1, 2, 3])),
    );
    const artifact = await new GatewayClient({ url }).artifact("artifact_x");
    expect(artifact.mediaType).toBe("image/png");
    expect([...(await artifact.bytes())]).toEqual([1, 2, 3]);
  });
});
