import { describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { ReadyView } from "../../src/contract/service.ts";
import type { WebhookList } from "../../src/contract/webhook.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { approve, execute, plan, reject, run } from "../support/flow.ts";
import { type Gateway, startGateway, startRefused } from "../support/gateway.ts";
import {
  idsOf,
  type Received,
  type Receiver,
  SECRET,
  startReceiver,
  typesOf,
  verified,
} from "./receiver.ts";

const CONTENT = "the content of a file, which is told to nobody";
const write = (name: string) => ({ path: `/tmp/${name}.txt`, content: CONTENT });

const hook = (receiver: Receiver, fields: object = {}) => ({
  id: "hook",
  url: receiver.url,
  secret: SECRET,
  allow_http: true,
  ...fields,
});
const start = (...webhooks: object[]) =>
  startGateway({ env: { LOG_LEVEL: "DEBUG" }, config: { "webhooks.json": { webhooks } } });
const list = async (gateway: Gateway) =>
  (await call<WebhookList>(gateway, "GET", "/webhooks", undefined, gateway.keys.approver)).body;

/** Asks for a write that a person must confirm. */
async function ask(gateway: Gateway, name: string) {
  const planned = await plan(gateway, "fs.write", write(name));
  await call(gateway, "POST", "/execute", { task_id: planned.task_id });
  return planned;
}

describe("what is told", () => {
  test("that a task waits, and how it ended: signed, in order, to all who are to know", async () => {
    await using all = await startReceiver();
    await using waits = await startReceiver();
    await using others = await startReceiver();
    await using gateway = await start(
      hook(all),
      hook(waits, { id: "waits", events: ["task.awaiting_confirmation"] }),
      hook(others, { id: "others", keys: ["somebody-else"] }),
    );
    const planned = await ask(gateway, "a");
    const [first] = await all.received(1);
    expect(verified(first as Received)).toEqual({
      type: "task.awaiting_confirmation",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: {
        task_id: planned.task_id,
        status: "awaiting_confirmation",
        summary: planned.plan_summary,
        risk: "medium",
        requester: "default",
        expires_at: planned.expires_at,
        url: planned.confirmation.url,
      },
    });
    await approve(gateway, planned);
    await all.received(2);
    const refused = await ask(gateway, "b");
    await reject(gateway, refused);
    await run(gateway, "fs.read", { path: "/tmp/not-there.txt" });
    const requests = await all.received(5);
    expect(typesOf(requests)).toEqual([
      "task.awaiting_confirmation",
      "task.completed",
      "task.awaiting_confirmation",
      "task.rejected",
      "task.failed",
    ]);
    expect(new Set(idsOf(requests)).size).toBe(5);
    expect(typesOf(await waits.received(2))).toEqual(Array(2).fill("task.awaiting_confirmation"));
    expect(others.requests).toEqual([]);
    // The link opens a page, and nothing of the plan stands on it.
    const page = await fetch(String(verified(first as Received).data.url));
    expect(page.status).toBe(200);
    expect(await page.text()).not.toContain(planned.plan_summary);
  });

  test("I7 no parameter, result or secret, neither to receivers nor in the log", async () => {
    await using receiver = await startReceiver((n) => (n === 0 ? "reset" : 204));
    await using gateway = await start(hook(receiver, { token: "a-token-of-this-test" }));
    await run(gateway, "fs.write", write("a"));
    await run(gateway, "fs.read", { path: "/tmp/a.txt" });
    const requests = await receiver.received(3);
    expect(requests[0]?.headers.authorization).toBe("Bearer a-token-of-this-test");
    for (const { body } of requests) expect(body).not.toContain(CONTENT);
    await gateway.logged((line) => line.msg === "notification delivered");
    for (const secret of [SECRET, SECRET.slice(6), "of-this-test", CONTENT]) {
      expect(gateway.output).not.toContain(secret);
    }
    const told = JSON.stringify(await list(gateway));
    for (const secret of [SECRET, "of-this-test"]) expect(told).not.toContain(secret);
  });

  test("in the words of ntfy and Slack", async () => {
    await using ntfy = await startReceiver();
    await using slack = await startReceiver();
    await using gateway = await start(
      { id: "phone", url: ntfy.url, format: "ntfy", allow_http: true, token: "tk_ntfy" },
      { id: "channel", url: slack.url, format: "slack", allow_http: true },
    );
    const planned = await ask(gateway, "a");
    const [push] = await ntfy.received(1);
    expect(push?.headers).toMatchObject({
      title: "Waits for approval (medium risk)",
      priority: "4",
      click: planned.confirmation.url,
      authorization: "Bearer tk_ntfy",
    });
    expect(push?.body).toContain(planned.plan_summary);
    const [post] = await slack.received(1);
    const { text } = JSON.parse(post?.body ?? "");
    expect(text).toContain(`<${planned.confirmation.url}|Open the approval page>`);
    expect(text).toContain(planned.plan_summary);
  });
});

describe("what does not arrive", () => {
  test("is sent again, the same id and body signed anew, and what follows waits", async () => {
    await using receiver = await startReceiver((n) => (n === 0 ? 500 : 204));
    await using gateway = await start(hook(receiver));
    await ask(gateway, "a");
    await receiver.received(1);
    const later = await ask(gateway, "b");
    const [first, second] = await receiver.received(2);
    expect(idsOf([first as Received])).toEqual(idsOf([second as Received]));
    expect(first?.body).toBe(second?.body);
    expect(verified(second as Received).data.task_id).not.toBe(later.task_id);
    const [, , third] = await receiver.received(3);
    expect(verified(third as Received).data.task_id).toBe(later.task_id);
  });

  test("survives SIGKILL: nothing is lost, and what comes twice has one id", async () => {
    await using receiver = await startReceiver(() => "hang");
    await using gateway = await start(hook(receiver));
    const tasks = [await ask(gateway, "a"), await ask(gateway, "b")];
    const [before] = await receiver.received(1);
    await gateway.kill();
    receiver.behaviour = () => 204;
    await gateway.start();
    tasks.push(await ask(gateway, "c"));
    await receiver.received(4);
    const after = receiver.requests.slice(1, 4);
    expect(after.map((request) => verified(request).data.task_id)).toEqual(
      tasks.map(({ task_id }) => task_id),
    );
    expect(idsOf(after)[0]).toBe(before?.headers["webhook-id"]);
  });

  test("an end that a crash made is told as well", async () => {
    await using receiver = await startReceiver();
    await using gateway = await start(hook(receiver, { events: ["task.interrupted"] }));
    const { task_id } = await plan(gateway, "wait", { duration_ms: 60_000 });
    await call(gateway, "POST", "/execute", { task_id });
    await gateway.logged((line) => line.event === "task_started");
    await gateway.kill();
    await gateway.start();
    const told = await receiver.receivedWhere(({ type }) => type === "task.interrupted");
    expect(told.data.task_id).toBe(task_id);
  });

  test("holds up neither tasks nor other endpoints", async () => {
    await using dead = await startReceiver(() => "hang");
    await using receiver = await startReceiver();
    await using gateway = await start(hook(dead), hook(receiver, { id: "alive" }));
    await ask(gateway, "a");
    await dead.received(1);
    for (let n = 0; n < 20; n++) {
      const { task_id } = await plan(gateway, "wait", { duration_ms: 1 });
      expect((await execute(gateway, task_id)).status).toBe("completed");
    }
    await receiver.received(21);
    // The one attempt is still under way.
    expect(dead.requests).toHaveLength(1);
    expect((await gateway.stop()).code).toBe(0);
  });

  test("fails at once where it is refused; the command lists it and sends it again", async () => {
    await using receiver = await startReceiver((n) => (n === 0 ? 422 : 204));
    await using gateway = await start(hook(receiver));
    const planned = await ask(gateway, "a");
    await gateway.logged((line) => line.msg === "notification failed");
    const env = { APPROVER_SECRET: gateway.keys.approver.secret };
    const listed = await cli(gateway, ["webhooks"], { env });
    const [id] = idsOf(receiver.requests);
    expect(listed.stdout).toContain(
      `${id}  hook  task.awaiting_confirmation of ${planned.task_id}`,
    );
    expect(listed.stdout).toContain("1 attempt: it answered 422");
    const retried = await cli(gateway, ["webhooks", "retry", String(id)], { env });
    expect(retried).toMatchObject({ exit: 0, stdout: "1 notification on the way again.\n" });
    await receiver.received(2);
    expect(idsOf(receiver.requests)).toEqual([id, id]);
    const again = await cli(gateway, ["webhooks", "retry", String(id)], { env });
    expect(again.exit).toBe(1);
    expect(again.stderr).toContain("has failed");
    const audit = await call<AuditList>(
      gateway,
      "GET",
      "/audit?limit=1000",
      undefined,
      gateway.keys.approver,
    );
    const records = audit.body.records.filter(({ type }) => type === "webhooks.retried");
    expect(records).toMatchObject([{ key_id: "approver", details: { retried: 1, id } }]);
  });

  test("410 ends all that goes to the endpoint, also after a restart, until a retry", async () => {
    await using receiver = await startReceiver(() => 410);
    await using gateway = await start(hook(receiver));
    await ask(gateway, "a");
    await gateway.logged((line) => line.msg === "endpoint is gone; it is sent nothing more");
    await ask(gateway, "b");
    await gateway.restart();
    await ask(gateway, "c");
    expect((await list(gateway)).endpoints[0]).toMatchObject({ state: "gone", waiting: 0 });
    expect(receiver.requests).toHaveLength(1);
    receiver.behaviour = () => 204;
    const body = await call(gateway, "POST", "/webhooks/retry", {}, gateway.keys.approver);
    expect(body).toMatchObject({ status: 200, body: { retried: 1 } });
    await receiver.received(2);
    const latest = await ask(gateway, "d");
    await receiver.received(3);
    expect(verified(receiver.requests[2] as Received).data.task_id).toBe(latest.task_id);
  });
});

describe("webhooks.json", () => {
  test("takes effect when it changes; with a mistake what was before stays", async () => {
    await using first = await startReceiver();
    await using second = await startReceiver();
    await using gateway = await start(hook(first));
    const reloaded = (count: number) =>
      gateway.logged((line) => line.msg === "webhooks reloaded" && line.webhooks === count);
    await ask(gateway, "a");
    await first.received(1);
    const both = [hook(first), hook(second, { id: "second" })];
    gateway.writeConfig("webhooks.json", { webhooks: both });
    await reloaded(2);
    const planned = await ask(gateway, "b");
    // What was before it came is not told to the new one.
    const [told] = await second.received(1);
    expect(verified(told as Received).data.task_id).toBe(planned.task_id);
    gateway.writeConfig("webhooks.json", { webhooks: [{ ...hook(first), url: "ftp://x" }] });
    await gateway.logged((line) => line.msg === "webhooks file refused; those before stay");
    expect((await list(gateway)).problem).toMatch(/webhooks\.json/);
    const ready = await call<ReadyView>(gateway, "GET", "/ready");
    expect(ready).toMatchObject({ status: 503, body: { parts: { policy: { ok: false } } } });
    expect(ready.body.parts.policy.detail).toMatch(/webhooks\.json/);
    await ask(gateway, "c");
    await second.received(2);
    gateway.writeConfig("webhooks.json", { webhooks: [hook(first)] });
    await reloaded(1);
    await ask(gateway, "d");
    await first.received(4);
    expect(second.requests).toHaveLength(2);
  });

  test.each([
    ["http without a word", { allow_http: false }, /its URL is http\b/],
    ["http to a public address", { url: "http://8.8.8.8/x" }, /public address/],
    ["no URL", { url: "mailto:me@example.com" }, /not an http or https URL/],
    ["credentials in the URL", { url: "https://user:pw-of-test@example.com" }, /user name/],
    ["no secret", { secret: undefined }, /no secret to sign with/],
    ["a short secret", { secret: "whsec_c2hvcnQ=" }, /24 to 64 bytes/],
    ["two sources", { secret_env: "X_SECRET" }, /several sources of its secret/],
    ["an unset variable", { secret: undefined, secret_env: "UNSET" }, /UNSET is not set/],
    ["an unknown event", { events: ["task.planned"] }, /events\/0/],
    ["an unknown member", { headers: {} }, /unknown key "headers"/],
  ])("%s is a start-up error that names the entry", async (_, fields, message) => {
    const webhook = { id: "x", url: "http://127.0.0.1/x", secret: SECRET, allow_http: true };
    const { code, output } = await startRefused({
      config: { "webhooks.json": { webhooks: [{ ...webhook, ...fields }] } },
    });
    expect(code).toBe(1);
    expect(output).toMatch(message);
    expect(output).toMatch(/webhooks\.json \/webhooks\/0/);
    expect(output).not.toContain(SECRET);
    expect(output).not.toContain("pw-of-test");
  });

  test("I11 a requester's key learns nothing of it", async () => {
    await using receiver = await startReceiver();
    await using gateway = await start(hook(receiver));
    for (const [method, target] of [
      ["GET", "/webhooks"],
      ["POST", "/webhooks/retry"],
    ] as const) {
      for (const key of [gateway.keys.default, gateway.keys.api]) {
        const answer = await call(gateway, method, target, undefined, key);
        expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
      }
      expect((await call(gateway, method, target, undefined, {})).status).toBe(401);
    }
  });
});
