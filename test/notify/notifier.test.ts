import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSealer } from "../../src/audit/chain.ts";
import { WEBHOOK_EVENTS, type WebhookEndpoint } from "../../src/contract/webhook.ts";
import { Notifier } from "../../src/notify/notifier.ts";
import { openStore, type SqliteStore } from "../../src/store/sqlite/store.ts";

const TASK = `task_${"A".repeat(22)}`;
const DAY = 24 * 3_600_000;

let folder: string;
let store: SqliteStore;
let status: number;
let arrived: { task: string; id: IncomingMessage["headers"][string] }[];
let look: () => void;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    arrived.push({ task: JSON.parse(body).data.summary, id: request.headers["webhook-id"] });
    response.writeHead(status).end();
    look();
  });
});
const quiet = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-notify-"));
  store = openStore({ file: join(folder, "gateway.db"), seal: createSealer("a key") });
  status = 204;
  arrived = [];
  look = () => {};
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const endpoint = (fields: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  id: "hook",
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  format: "standard",
  secrets: [],
  token: undefined,
  events: WEBHOOK_EVENTS,
  keys: null,
  ...fields,
});

let told = 0;
function open(endpoints: readonly WebhookEndpoint[]): Promise<Notifier> {
  return Notifier.open(endpoints, {
    store: store.webhooks,
    log: store.audit,
    logger: quiet,
    problem: () => undefined,
    linkTo: (taskId) => `http://gateway/approvals/${taskId}`,
    describe: async () => ({
      summary: `${told++}`,
      risk: "low",
      requester: "default",
      expires_at: new Date().toISOString(),
    }),
  });
}

const end = (count = 1, time = new Date(), type = "task.completed") =>
  store.audit.append(
    Array.from({ length: count }, () => ({
      type,
      key_id: null,
      time: time.toISOString(),
      task_id: TASK,
    })),
  );

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = resolve;
    await promise;
  }
}

describe("Notifier", () => {
  it("tells what comes after it was first opened, whenever it begins to send", async () => {
    await end();
    await using notifier = await open([endpoint()]);
    await end(3);
    expect(arrived).toEqual([]);
    await notifier.start();
    await until(() => arrived.length === 3);
    await end(2, new Date(), "task.queued");
    await end();
    await until(() => arrived.length === 4);
  });

  it("tells nothing again after a restart", async () => {
    {
      await using notifier = await open([endpoint()]);
      await notifier.start();
      await end(2);
      await until(() => arrived.length === 2);
      await vi.waitFor(async () => expect(await store.webhooks.waiting("hook")).toBe(0));
    }
    await using notifier = await open([endpoint()]);
    await notifier.start();
    await end();
    await until(() => arrived.length >= 3);
    await vi.waitFor(async () => expect(await store.webhooks.waiting("hook")).toBe(0));
    expect(arrived).toHaveLength(3);
  });

  it("says after a restart as well that an endpoint does not take what it is sent", async () => {
    status = 503;
    {
      await using notifier = await open([endpoint()]);
      await notifier.start();
      await end();
      await vi.waitFor(async () =>
        expect((await store.webhooks.next("hook"))?.attempts).toBeGreaterThan(0),
      );
    }
    // Not started: no attempt is made that could say why.
    await using notifier = await open([endpoint()]);
    const attempts = (await store.webhooks.next("hook"))?.attempts;
    expect((await notifier.list()).endpoints).toMatchObject([
      {
        state: "retrying",
        problem: `attempts that failed: ${attempts}`,
        next_attempt_at: expect.any(String),
      },
    ]);
  });

  it("draws long backlogs piece by piece, each record once and in order", async () => {
    told = 0;
    {
      await using _ = await open([endpoint()]);
    }
    await end(2500);
    await using notifier = await open([endpoint()]);
    await notifier.start();
    let most = 0;
    await until(() => {
      void store.webhooks.waiting("hook").then((count) => {
        most = Math.max(most, count);
      });
      return arrived.length === 2500;
    });
    expect(arrived.map(({ task }) => Number(task))).toEqual(
      Array.from({ length: 2500 }, (_, n) => n),
    );
    expect(new Set(arrived.map(({ id }) => id)).size).toBe(2500);
    expect(most).toBeLessThanOrEqual(1500);
  });

  it("gives up after three days, an attempt at least; the next one is sent", async () => {
    await using notifier = await open([endpoint()]);
    status = 503;
    await end(1, new Date(Date.now() - 4 * DAY));
    await end(1, new Date(Date.now() - 4 * DAY));
    await notifier.start();
    await until(() => arrived.length === 1);
    await vi.waitFor(async () => expect((await notifier.list()).failed).toHaveLength(2));
    // The endpoint failed a moment ago: what is too old besides is not tried anew.
    expect(arrived).toHaveLength(1);
    expect((await notifier.list()).failed.map(({ attempts }) => attempts).toSorted()).toEqual([
      0, 1,
    ]);
  });

  it("takes an endpoint that is configured anew for the same one, unless its URL is gone", async () => {
    await using notifier = await open([endpoint()]);
    await notifier.start();
    status = 410;
    await end();
    await vi.waitFor(async () =>
      expect((await notifier.list()).endpoints[0]).toMatchObject({ state: "gone" }),
    );
    await end();
    await notifier.replace([endpoint({ events: ["task.completed"] })]);
    expect((await notifier.list()).endpoints[0]).toMatchObject({ state: "gone", waiting: 0 });
    status = 204;
    await notifier.replace([endpoint({ url: `${endpoint().url}new` })]);
    await end();
    await until(() => arrived.length >= 2);
    await vi.waitFor(async () =>
      expect((await notifier.list()).endpoints[0]).toMatchObject({ state: "ready", waiting: 0 }),
    );
    // What happened while it was gone is not told later.
    expect(arrived).toHaveLength(2);
  });

  it("counts what was on its way to an endpoint that is taken away as failed", async () => {
    await using notifier = await open([endpoint()]);
    await notifier.start();
    status = 503;
    await end(2);
    await until(() => arrived.length === 1);
    await notifier.replace([]);
    const { endpoints, failed } = await notifier.list();
    expect(endpoints).toEqual([]);
    expect(failed.map(({ problem }) => problem)).toEqual(Array(2).fill("the endpoint was removed"));
    await expect(notifier.retry("approver", { id: failed[0]?.id ?? "" })).rejects.toMatchObject({
      code: "not_found",
    });
    status = 204;
    await notifier.replace([endpoint()]);
    expect(await notifier.retry("approver", {})).toEqual({ retried: 2 });
    await until(() => arrived.length === 3);
  });
});
