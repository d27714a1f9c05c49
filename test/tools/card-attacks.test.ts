import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskView } from "../../src/contract/task.ts";
import type { CardState } from "../../src/tools/cards/card-messages.ts";
import { call } from "../support/call.ts";
import { approve, plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { askCard, awaitCard, callTool } from "./tool-calls.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const REQUESTER = { scheme: "bearer", scopes: ["plan", "execute", "read"] } as const;
const CLIENTS = [
  { id: "trusted", ...REQUESTER, trusted_approval_surface: true },
  { id: "other", ...REQUESTER, trusted_approval_surface: true },
];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    policy: {
      capabilities: {
        "fs.read": { ...PATHS, risk_level: "low", confirmation: "approver" },
        "fs.write": { ...PATHS, risk_level: "medium" },
        "fs.edit": { ...PATHS, risk_level: "high" },
        "fs.list": { ...PATHS, risk_level: "medium", approvals: 2 },
      },
    },
    clients: CLIENTS,
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

let files = 0;
/** A write that waits, its card opened as the page would. */
async function openCard(key: string, args: object = {}, name = "fs_write") {
  const path = `/tmp/card-${files++}.txt`;
  const { taskId, token } = await awaitCard(
    gateway,
    name,
    { path, content: "x", ...args },
    gateway.keys[key],
  );
  const { body } = await askCard<{ session: string; confirmation_url: string }>(gateway, "open", {
    token,
  });
  const { card } = (await askCard<CardState>(gateway, "state", { session: body.session })).body;
  return { taskId, token, path, card, ...body };
}

const decide = (session: string, plan_digest: string, decision = "approve") =>
  askCard<CardState & { code: string }>(gateway, "decide", { session, plan_digest, decision });

const shownOn = ({ card }: Pick<CardState, "card">) => JSON.stringify(card);

describe("a card of a trusted surface", () => {
  it("approves its own medium plan, and is recorded as what it is", async () => {
    const { taskId, session, card, path } = await openCard("trusted");
    expect(card).toMatchObject({ decidable: true, risk: "medium", plan_digest: card.plan_digest });
    const { status, body } = await decide(session, card.plan_digest);
    expect(status).toBe(200);
    expect(body.card.decidable).toBe(false);
    await callTool(gateway, "task_status", { task_id: taskId, wait: 30 }, gateway.keys.trusted);
    expect(readFileSync(gateway.file(path), "utf8")).toBe("x");
    const seen = await task(gateway, taskId, gateway.keys.approver);
    expect(seen.approvals).toMatchObject([{ key_id: "trusted", via: "card" }]);
    const audit = await call<{ records: { type: string; key_id: string; details: object }[] }>(
      gateway,
      "GET",
      `/audit?task_id=${taskId}`,
      undefined,
      gateway.keys.approver,
    );
    const confirmed = audit.body.records.find(({ type }) => type === "task.confirmed");
    expect(confirmed).toMatchObject({ key_id: "trusted", details: { via: "card" } });
  });

  it("I4 gives no right elsewhere: its key still cannot confirm", async () => {
    const { taskId, card } = await openCard("trusted");
    const body = { task_id: taskId, plan_digest: card.plan_digest, decision: "approve" };
    const answer = await call<{ code: string }>(
      gateway,
      "POST",
      "/confirm",
      body,
      gateway.keys.trusted,
    );
    expect([answer.status, answer.body.code]).toEqual([403, "scope_missing"]);
  });

  it("never approves high risk, nor as one of two", async () => {
    writeFileSync(gateway.file("/tmp/edit.txt"), "old");
    const edit = { path: "/tmp/edit.txt", old_text: "old", new_text: "new" };
    const high = await openCard("trusted", edit, "fs_edit");
    const two = await openCard("trusted", { path: "/tmp" }, "fs_list");
    for (const { session, card, taskId } of [high, two]) {
      expect(card.decidable).toBe(false);
      const { status, body } = await decide(session, card.plan_digest);
      expect([status, body.code]).toEqual([403, "scope_missing"]);
      expect((await task(gateway, taskId, gateway.keys.approver)).approvals).toEqual([]);
    }
    expect(readFileSync(gateway.file("/tmp/edit.txt"), "utf8")).toBe("old");
  });

  it("I2 approves the digest that was shown, or nothing", async () => {
    const { session, taskId } = await openCard("trusted");
    const { status, body } = await decide(session, `sha256:${"0".repeat(64)}`);
    expect([status, body.code]).toEqual([409, "digest_mismatch"]);
    expect((await task(gateway, taskId, gateway.keys.approver)).status).toBe(
      "awaiting_confirmation",
    );
  });

  it("I3 is used once", async () => {
    const { session, card } = await openCard("trusted");
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => decide(session, card.plan_digest)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("I12 shows the change of a file only where that is decided on it", async () => {
    await using own = await startGateway({
      policy: {
        capabilities: {
          "fs.read": { ...PATHS, confirmation: "approver" },
          "fs.write": { ...PATHS, risk_level: "low", confirmation: "approver" },
        },
      },
      clients: [...CLIENTS, { id: "plain", ...REQUESTER }],
    });
    writeFileSync(own.file("/tmp/secret.txt"), "remarkable-secret\n");
    const args = { path: "/tmp/secret.txt", content: "new", mode: "overwrite" };
    const shows = async (key: string, decided: boolean) => {
      const { token } = await awaitCard(own, "fs_write", args, own.keys[key]);
      const { session } = (await askCard<{ session: string }>(own, "open", { token })).body;
      const { card } = (await askCard<CardState>(own, "state", { session })).body;
      expect([key, card.risk, card.decidable]).toEqual([key, "medium", decided]);
      if (!decided) return shownOn({ card });
      const shown = shownOn({ card });
      const body = { session, plan_digest: card.plan_digest, decision: "reject" };
      // Once it is decided, its holder is a requester again.
      expect(shownOn((await askCard<CardState>(own, "decide", body)).body)).not.toContain(
        "remarkable-secret",
      );
      return shown;
    };
    expect(await shows("plain", false)).not.toContain("remarkable-secret");
    expect(await shows("trusted", true)).toContain("remarkable-secret");
  });

  it("I15 ends with the mark, and with the key", async () => {
    await using own = await startGateway({
      policy: { capabilities: { "fs.write": { ...PATHS, risk_level: "medium" } } },
      clients: CLIENTS,
    });
    const planned = await plan(
      own,
      "fs.write",
      { path: "/tmp/a.txt", content: "x" },
      own.keys.trusted,
    );
    const { token } = await awaitCard(
      own,
      "fs_write",
      { path: "/tmp/b.txt", content: "x" },
      own.keys.trusted,
    );
    const { session } = (await askCard<{ session: string }>(own, "open", { token })).body;
    own.writeClients(CLIENTS.map((client) => ({ ...client, trusted_approval_surface: false })));
    await own.logged(({ msg }) => msg === "keys reloaded");
    const { card } = (await askCard<CardState>(own, "state", { session })).body;
    expect(card.decidable).toBe(false);
    const { status } = await askCard(own, "decide", {
      session,
      plan_digest: card.plan_digest,
      decision: "approve",
    });
    expect(status).toBe(403);
    own.writeClients([]);
    await own.logged(({ msg }) => msg === "key revoked");
    expect((await askCard(own, "state", { session })).status).toBe(401);
    expect((await task(own, planned.task_id, own.keys.approver)).status).toBe("cancelled");
  });
});

describe("a card of a key that is no trusted surface", () => {
  it("I11 following every URL it is given, its holder cannot approve anything", async () => {
    const { taskId, session, card, confirmation_url, path } = await openCard("api");
    expect(card.decidable).toBe(false);
    expect(card.why_not).toContain("trusted approval surface");
    expect((await decide(session, card.plan_digest)).status).toBe(403);
    const bearer = { authorization: `Bearer ${gateway.keys.api.token}` };
    const body = JSON.stringify({
      task_id: taskId,
      session,
      plan_digest: card.plan_digest,
      decision: "approve",
    });
    const urls = [
      confirmation_url,
      ...["cards", "cards/decide", "confirm", "tools/confirm", "tools/task_status", "execute"].map(
        (place) => `${gateway.url}/${place}`,
      ),
      `${gateway.url}/tasks/${taskId}`,
    ];
    for (const url of urls) {
      for (const method of ["GET", "POST", "PUT"]) {
        const answer = await fetch(url, {
          method,
          headers: { ...bearer, "content-type": "application/json" },
          ...(method !== "GET" && { body }),
        });
        await answer.body?.cancel();
      }
    }
    const seen = await task(gateway, taskId, gateway.keys.approver);
    expect([seen.status, seen.approvals]).toEqual(["awaiting_confirmation", []]);
    expect(existsSync(gateway.file(path))).toBe(false);
  });

  it("may say no, which cancels", async () => {
    const { taskId, session, card } = await openCard("api");
    const { status, body } = await decide(session, card.plan_digest, "reject");
    expect([status, body.card.status]).toEqual([200, "cancelled"]);
    expect((await task(gateway, taskId, gateway.keys.approver)).status).toBe("cancelled");
  });

  it("follows progress and shows the result", async () => {
    const { taskId, session, path, card } = await openCard("api");
    const { state } = (await askCard<CardState>(gateway, "state", { session })).body;
    const changed = askCard<CardState>(gateway, "state", { session, seen: state });
    await approve(gateway, { task_id: taskId, plan_digest: card.plan_digest });
    let { body } = await changed;
    while (!body.card.finished) {
      ({ body } = await askCard<CardState>(gateway, "state", { session, seen: body.state }));
    }
    expect(body.card.status).toBe("completed");
    expect(shownOn(body)).toContain(path);
  });
});

describe("the link of a card", () => {
  it("opens once; afterwards it names the approval page and nothing of the plan", async () => {
    const { token, taskId } = await openCard("trusted", { content: "remarkable-content" });
    const again = await askCard(gateway, "open", { token });
    expect(again.body).toEqual({
      confirmation_url: expect.stringContaining(`/approvals/${taskId}`),
    });
    const answers = await Promise.all([1, 2].map(() => askCard(gateway, "open", { token })));
    expect(JSON.stringify(answers)).not.toMatch(/remarkable-content|session/);
  });

  it("opened many times at once opens once", async () => {
    const { token } = await awaitCard(
      gateway,
      "fs_write",
      { path: "/tmp/race.txt", content: "x" },
      gateway.keys.trusted,
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => askCard<{ session?: string }>(gateway, "open", { token })),
    );
    expect(answers.filter(({ body }) => body.session !== undefined)).toHaveLength(1);
  });

  it("a guessed, altered or malformed secret is nobody's", async () => {
    const { token, session, card } = await openCard("trusted");
    const altered = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
    expect((await askCard(gateway, "open", { token: altered(token) })).status).toBe(401);
    expect((await decide(altered(session), card.plan_digest)).status).toBe(401);
    expect((await decide(token, card.plan_digest)).status).toBe(401);
    expect((await askCard(gateway, "open", { token: session })).status).toBe(401);
    expect((await askCard(gateway, "open", { token: "x" })).status).toBe(400);
    const problem = await askCard(gateway, "open", { token: altered(token) });
    expect(JSON.stringify(problem.body)).not.toContain(altered(token));
  });

  it("I13 one key's card is of no use for another's task", async () => {
    const one = await openCard("trusted");
    const two = await openCard("other");
    const { status, body } = await decide(one.session, two.card.plan_digest);
    expect([status, body.code]).toEqual([409, "digest_mismatch"]);
    expect((await task(gateway, two.taskId, gateway.keys.approver)).approvals).toEqual([]);
  });

  it("ends with a restart, and stands in no log", async () => {
    await using own = await startGateway({ clients: CLIENTS });
    const { token } = await awaitCard(
      own,
      "fs_write",
      { path: "/tmp/a.txt", content: "x" },
      own.keys.trusted,
    );
    const { session } = (await askCard<{ session: string }>(own, "open", { token })).body;
    expect(own.output).not.toContain(token);
    expect(own.output).not.toContain(session);
    await own.restart();
    expect((await askCard(own, "open", { token })).status).toBe(401);
    expect((await askCard(own, "state", { session })).status).toBe(401);
  });
});

describe("the page of a card", () => {
  it("I11 GET decides nothing, uses up nothing and is the same for everybody", async () => {
    const { token, taskId } = await awaitCard(
      gateway,
      "fs_write",
      { path: "/tmp/get.txt", content: "remarkable" },
      gateway.keys.trusted,
    );
    const texts = await Promise.all(
      ["", `?token=${token}`, `?decision=approve&task_id=${taskId}`].map(async (query) =>
        (await fetch(`${gateway.url}/cards${query}`)).text(),
      ),
    );
    expect(new Set(texts).size).toBe(1);
    for (const path of ["open", "state", "decide", "picture"]) {
      expect((await fetch(`${gateway.url}/cards/${path}?token=${token}`)).status).toBe(405);
    }
    expect((await task(gateway, taskId, gateway.keys.approver)).approvals).toEqual([]);
    expect((await askCard(gateway, "open", { token })).body).toHaveProperty("session");
  });

  it("may run its own script alone, and be framed by the pages the operator named", async () => {
    const policyOf = async (of: Gateway) =>
      (await fetch(`${of.url}/cards`)).headers.get("content-security-policy") ?? "";
    const policy = await policyOf(gateway);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*(?!$| http)(?<!:\*)/);
    expect(policy).toMatch(/frame-ancestors http:\/\/localhost:\* http:\/\/127\.0\.0\.1:\*$/);
    await using own = await startGateway({
      env: { CORS_ORIGINS: "https://chat.example,https://other.example" },
    });
    expect(await policyOf(own)).toMatch(
      /frame-ancestors https:\/\/chat\.example https:\/\/other\.example$/,
    );
    await using open = await startGateway({ env: { CORS_ORIGINS: "*" } });
    expect(await policyOf(open)).toMatch(/frame-ancestors http:\/\/localhost:\* /);
  });

  it("lets a page of an opaque origin ask, without credentials", async () => {
    const preflight = await fetch(`${gateway.url}/cards/open`, {
      method: "OPTIONS",
      headers: {
        origin: "null",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    // What decides elsewhere is not opened along with it.
    const confirm = await fetch(`${gateway.url}/confirm`, {
      method: "OPTIONS",
      headers: { origin: "null", "access-control-request-method": "POST" },
    });
    expect(confirm.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("takes no form of another site (CSRF)", async () => {
    const { session, card } = await openCard("trusted");
    const answer = await fetch(`${gateway.url}/cards/decide`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({ session, plan_digest: card.plan_digest, decision: "approve" }),
    });
    expect(answer.status).toBe(415);
  });
});

describe("what a card shows", () => {
  it("I8 is inert text: what hides is written out", async () => {
    const { card } = await openCard("api", { content: "a\u202Eb\u200B\u0007<img src=x>" });
    expect(JSON.stringify(card)).toContain("a⟦U+202E⟧b⟦U+200B⟧⟦U+0007⟧<img src=x>");
  });

  it("I8 what is too long to be shown whole is not decided there", async () => {
    const { card, session, taskId } = await openCard("trusted", { content: "x".repeat(150_000) });
    expect(card.decidable).toBe(false);
    expect(JSON.stringify(card).length).toBeLessThan(20_000);
    expect((await decide(session, card.plan_digest)).status).toBe(403);
    expect((await task(gateway, taskId, gateway.keys.approver)).approvals).toEqual([]);
  });
});

it("I11 calling every tool with every requester's key confirms nothing", async () => {
  const planned = await planRequest(gateway, {
    steps: [{ action: "fs.write", parameters: { path: "/tmp/never.txt", content: "x" } }],
  });
  const { paths } = (await (await fetch(`${gateway.url}/tools/openapi.json`)).json()) as {
    paths: Record<string, unknown>;
  };
  const hostile = {
    task_id: planned.task_id,
    plan_digest: planned.plan_digest,
    decision: "approve",
    confirm: true,
    path: "/tmp/x.txt",
    content: "x",
    steps: [
      { action: "confirm", parameters: { task_id: planned.task_id } },
      { action: "fs_write", parameters: { path: "/tmp/x.txt", content: "x" } },
    ],
  };
  for (const key of ["api", "default", "trusted", "other"]) {
    for (const path of Object.keys(paths)) {
      await callTool(gateway, path.slice(1), hostile, gateway.keys[key]);
      await callTool(
        gateway,
        path.slice(1),
        { ...hostile, steps: hostile.steps.slice(1) },
        gateway.keys[key],
      );
    }
  }
  const { body } = await call<{ tasks: TaskView[] }>(
    gateway,
    "GET",
    "/tasks?limit=200",
    undefined,
    gateway.keys.approver,
  );
  const { approvals } = await task(gateway, planned.task_id, gateway.keys.approver);
  expect(approvals).toEqual([]);
  const late = body.tasks.slice(0, 20);
  expect(late.length).toBe(20);
  expect(late.flatMap((one) => one.approvals)).toEqual([]);
  expect(existsSync(gateway.file("/tmp/x.txt"))).toBe(false);
});
