import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GrantList, GrantView } from "../../src/contract/grant.ts";
import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { openEvents } from "../support/events.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

/** What people allow for a while, in the started program. */
const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
  },
};
const CLIENTS = [
  { id: "bot", scopes: ["plan", "execute", "read"] },
  { id: "other", scopes: ["plan", "execute", "read"], trusted_approval_surface: true },
  { id: "clerk", scopes: ["confirm", "read"], desktops: ["elsewhere"] },
];

let gateway: Gateway;
let olga: Person;
let bert: Person;
let count = 0;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY, clients: CLIENTS });
  olga = await firstOperator(gateway);
  bert = await olga.invite("Bert", "approver");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const keyOf = (id: string) => {
  const credentials = gateway.keys[id];
  if (credentials === undefined) throw new Error(`there is no key ${id}`);
  return credentials;
};
const bot = () => keyOf("bot");
const write = (path = `/tmp/g/${count++}`) =>
  plan(gateway, "fs.write", { path, content: "x" }, bot());

async function give(person: Person, change: object = {}, planned?: PlanView) {
  const { task_id, plan_digest } = planned ?? (await write());
  const body = { task_id, plan_digest, minutes: 5, path_prefix: "/tmp/g", ...change };
  return person.call<GrantView>("POST", "/grants", body);
}

async function run(path?: string) {
  const { task_id } = await write(path);
  const target = "/execute?wait=20";
  const waits = path === undefined ? target : "/execute";
  const { body } = await call<ExecuteView>(gateway, "POST", waits, { task_id }, bot());
  return { ...body, task_id };
}

async function reload(policy: unknown): Promise<void> {
  const before = new Set(gateway.logs());
  gateway.writePolicy(policy);
  await gateway.logged((line) => line.msg === "policy reloaded" && !before.has(line));
}

const listed = async () => (await olga.call<GrantList>("GET", "/grants")).body.grants;

async function records(type: string) {
  const { body } = await call<{ records: { type: string; key_id: string; details: object }[] }>(
    gateway,
    "GET",
    "/audit?limit=1000",
    undefined,
    gateway.keys.approver,
  );
  return body.records.filter((record) => record.type === type);
}

describe("a grant", () => {
  test("approves what it covers, as the person's, and nothing else; who revokes it is recorded", async () => {
    const planned = await write("/tmp/g/first");
    const seen = await bert.call<TaskView>("GET", `/tasks/${planned.task_id}`);
    expect(seen.body.grantable).toEqual({
      action: "fs.write",
      path_prefix: "/tmp/g",
      max_minutes: 60,
    });
    const mine = await call<TaskView>(
      gateway,
      "GET",
      `/tasks/${planned.task_id}`,
      undefined,
      bot(),
    );
    expect(mine.body.grantable).toBeUndefined();

    const { status, body: grant } = await give(bert);
    expect(status).toBe(200);
    expect(grant).toMatchObject({ granted_by: bert.keyId, key_id: "bot", used: 0 });
    const covered = await run();
    expect(covered).toMatchObject({ status: "completed" });
    const done = await bert.call<TaskView>("GET", `/tasks/${covered.task_id}`);
    expect(done.body.approvals).toMatchObject([
      { key_id: bert.keyId, via: "grant", grant_id: grant.id },
    ]);
    expect(await run("/tmp/gg/1")).toMatchObject({ status: "awaiting_confirmation" });
    expect(await listed()).toMatchObject([{ id: grant.id, used: 1 }]);
    const confirmed = (await records("task.confirmed")).at(-1);
    expect(confirmed).toMatchObject({
      key_id: bert.keyId,
      details: { via: "grant", grant_id: grant.id },
    });
    const revoked = await olga.call("DELETE", `/grants/${grant.id}`);
    expect(revoked.status).toBe(200);
    expect((await olga.call("DELETE", `/grants/${grant.id}`)).status).toBe(404);
    expect(await run("/tmp/g/later")).toMatchObject({ status: "awaiting_confirmation" });
    expect((await records("grant.ended")).at(-1)).toMatchObject({
      key_id: olga.keyId,
      details: { grant_id: grant.id, used: 1, granted_by: bert.keyId },
    });
  });

  test("I13 is told to its own key and to approvers, of strangers only that there is one", async () => {
    await using own = await openEvents(gateway, { credentials: bot() });
    await using other = await openEvents(gateway, { credentials: keyOf("other") });
    await using approver = await openEvents(gateway, { credentials: gateway.keys.approver });
    await using strange = await openEvents(gateway, { credentials: {} });
    const { body: grant } = await give(bert);
    await olga.call("DELETE", `/grants/${grant.id}`);
    for (const events of [own, approver]) {
      const created = await events.until("grant_created");
      expect(created).toMatchObject({ grant_id: grant.id, path_prefix: "/tmp/g" });
      expect(await events.until("grant_ended")).toMatchObject({ grant_id: grant.id });
    }
    const redacted = [await strange.until("grant_created"), await strange.until("grant_ended")];
    expect(JSON.stringify(redacted)).not.toMatch(/grant_[\w-]{22}|tmp/);
    const path = `/tmp/other-${count++}`;
    await plan(gateway, "fs.write", { path, content: "" }, gateway.keys.other);
    await other.until("task_planned");
    expect(other.seen.map(({ event }) => event)).toEqual(["task_planned"]);
  });

  test("I4 I11 is given by a person who is signed in, never by a key or from another site", async () => {
    const { task_id, plan_digest } = await write();
    const body = { task_id, plan_digest, minutes: 5, path_prefix: "/tmp/g" };
    for (const keys of [gateway.keys.approver, bot(), gateway.keys.other, gateway.keys.clerk]) {
      expect((await call(gateway, "POST", "/grants", body, keys)).status).toBe(403);
    }
    expect((await call(gateway, "POST", "/grants", body, undefined)).status).toBeGreaterThan(400);
    const strange = await bert.call("POST", "/grants", body, { origin: "http://evil.example" });
    expect(strange.status).toBeGreaterThanOrEqual(400);
    const form = { "content-type": "text/plain" };
    expect((await bert.call("POST", "/grants", JSON.stringify(body), form)).status).toBe(415);
    for (const wrong of [{ minutes: 0 }, { minutes: 1e9 }, { path_prefix: "x".repeat(5000) }]) {
      expect((await bert.call("POST", "/grants", { ...body, ...wrong })).status).toBe(400);
    }
    expect((await give(bert, { path_prefix: "/" })).status).toBe(400);
    expect((await give(bert, { domain: "example.com" })).status).toBe(400);
    expect(await listed()).toEqual([]);
    for (const keys of [bot(), gateway.keys.other]) {
      expect((await call(gateway, "GET", "/grants", undefined, keys)).status).toBe(403);
      const target = `/grants/grant_${"A".repeat(22)}`;
      expect((await call(gateway, "DELETE", target, undefined, keys)).status).toBe(403);
    }
  });

  test("I15 ends with its person, with a stop, and with a stricter policy, for good", async () => {
    const carl = await olga.invite("Carl", "approver");
    expect((await give(carl)).status).toBe(200);
    expect(await run()).toMatchObject({ status: "completed" });
    await olga.call("DELETE", `/people/${carl.id}`);
    expect(await run("/tmp/g/carl")).toMatchObject({ status: "awaiting_confirmation" });
    expect(await listed()).toEqual([]);

    const planned = await write();
    await give(bert, {}, planned);
    await olga.call("POST", "/stop", {});
    expect((await give(bert, {}, planned)).status).toBe(503);
    await olga.call("POST", "/resume", {});
    expect(await listed()).toEqual([]);

    await give(bert);
    const strict = { ...POLICY, confirmation: { grants: { enabled: false } } };
    await reload(strict);
    expect(await run("/tmp/g/strict")).toMatchObject({ status: "awaiting_confirmation" });
    await reload(POLICY);
    expect(await listed()).toEqual([]);
  });

  test("is listed and revoked on the command line, and outlives a restart", async () => {
    const { body: grant } = await give(bert);
    await gateway.restart();
    expect(await listed()).toMatchObject([{ id: grant.id }]);
    expect(await run()).toMatchObject({ status: "completed" });
    const env = { env: { APPROVER_SECRET: gateway.keys.approver.secret } };
    const shown = await cli(gateway, ["grants"], env);
    expect(shown.stdout).toContain(`${grant.id}  fs.write in /tmp/g for bot on`);
    expect(shown.stdout).toContain(`by ${bert.keyId}`);
    expect((await cli(gateway, ["grants", "revoke", grant.id], env)).exit).toBe(0);
    expect(await listed()).toEqual([]);
    expect((await cli(gateway, ["grants"], env)).stdout).toContain("Nothing is allowed");
  });

  test("I3 with 20 tasks at once and its revocation among them, nothing starts after it", async () => {
    const { body: grant } = await give(bert);
    const planned: PlanView[] = await Promise.all(Array.from({ length: 20 }, () => write()));
    const started = planned.map(({ task_id }) =>
      call<ExecuteView>(gateway, "POST", "/execute", { task_id }, bot()),
    );
    const revoked = olga.call("DELETE", `/grants/${grant.id}`);
    const statuses = (await Promise.all(started)).map(({ body }) => body.status);
    expect((await revoked).status).toBe(200);
    const uses = (await records("task.confirmed")).filter(
      ({ details }) => (details as { grant_id?: string }).grant_id === grant.id,
    );
    expect(uses.length).toBe(statuses.filter((status) => status === "running").length);
    expect(await run("/tmp/g/after")).toMatchObject({ status: "awaiting_confirmation" });
  });
});
