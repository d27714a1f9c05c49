import { once } from "node:events";
import { Readable } from "node:stream";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { describe, expect, it, vi } from "vitest";
import {
  ARTIFACT,
  ARTIFACT_ID,
  createTestDeps,
  DIGEST,
  PLAN,
  TASK,
  TASK_ID,
} from "../../test/support/http/test-deps.ts";
import { as, start } from "../../test/support/http/test-server.ts";
import { createRoutes } from "./routes.ts";

const sent = (key: string, body: unknown, headers: Record<string, string> = {}) => ({
  method: "POST",
  body: JSON.stringify(body),
  ...as(key, { "content-type": "application/json", ...headers }),
});

it("the list of routes is this one", () => {
  const routes = createRoutes(createTestDeps().deps);
  const lines = routes.map(({ method, path, access }) => {
    const needs = typeof access === "string" ? access : access.join(" or ");
    return `${method} ${path}: ${needs}`;
  });
  expect(lines).toEqual([
    "POST /plan: plan",
    "POST /confirm: confirm",
    "POST /execute: execute",
    "GET /tasks: read",
    "GET /tasks/{task_id}: read",
    "POST /tasks/{task_id}/cancel: execute or confirm",
    "POST /confirm/challenge: confirm",
    "POST /tasks/{task_id}/messages: confirm",
    "POST /tasks/{task_id}/takeover: confirm",
    "POST /tasks/{task_id}/resume: confirm",
    "GET /grants: confirm",
    "POST /grants: confirm",
    "DELETE /grants/{grant_id}: confirm",
    "GET /artifacts/{artifact_id}: read",
    "GET /console: open",
    "GET /console/{page}: open",
    "GET /console/{page}/{item}: open",
    "GET /approvals/{task_id}: open",
    "GET /console/assets/{file}: open",
    "GET /tools/openapi.json: open",
    "POST /tools/{tool}: plan or execute or read",
    "GET /cards: open",
    "POST /cards/open: open",
    "POST /cards/state: open",
    "POST /cards/decide: open",
    "POST /cards/picture: open",
    "POST /mcp: plan or execute or read",
    "GET /mcp: plan or execute or read",
    "DELETE /mcp: plan or execute or read",
    "GET /desktops: confirm",
    "GET /desktops/{desktop}/picture: confirm",
    "POST /desktops/{desktop}/takeover: confirm",
    "DELETE /desktops/{desktop}/takeover: confirm",
    "POST /desktops/{desktop}/input: confirm",
    "GET /desktops/{desktop}/vnc: confirm",
    "GET /events: optional",
    "POST /stop: confirm",
    "POST /resume: confirm",
    "GET /audit: confirm",
    "GET /audit/verification: confirm",
    "GET /keys: confirm",
    "POST /keys: confirm",
    "POST /keys/{key_id}/rotate: confirm",
    "DELETE /keys/{key_id}: confirm",
    "GET /policy: confirm",
    "POST /policy/explain: confirm",
    "POST /policy/dry-run: confirm",
    "GET /statistics: confirm",
    "GET /webhooks: confirm",
    "POST /webhooks/retry: confirm",
    "GET /session: read",
    "POST /session/link: open",
    "POST /session/enrol/options: open",
    "POST /session/enrol: open",
    "POST /session/passkey/options: open",
    "POST /session/passkey: open",
    "POST /session/password: open",
    "POST /session/step-up: read",
    "DELETE /session: read",
    "GET /session/passkeys: read",
    "POST /session/passkeys/options: read",
    "POST /session/passkeys: read",
    "DELETE /session/passkeys/{passkey_id}: read",
    "GET /people: confirm",
    "POST /people: confirm",
    "POST /people/{person_id}/link: confirm",
    "POST /people/{person_id}/vouch: confirm",
    "DELETE /people/{person_id}: confirm",
    "DELETE /people/invitations/{invitation_id}: confirm",
    "GET /health: open",
    "GET /healthz: open",
    "GET /ready: open",
    "GET /capabilities: optional",
    "GET /metrics: read",
    "GET /openapi.json: open",
    "GET /docs: open",
    "GET /docs/{file}: open",
  ]);
});

describe("JSON answers", () => {
  const CONFIRM = { task_id: TASK_ID, plan_digest: DIGEST, decision: "approve" };
  it.each([
    ["/plan", 200, sent("alice", { action: "fs.read", parameters: {} }), PLAN],
    ["/confirm", 200, sent("approver", CONFIRM), TASK],
    ["/execute", 202, sent("alice", { task_id: TASK_ID }), { status: "running" }],
    ["/execute?wait=1", 200, sent("alice", { task_id: TASK_ID }), { result: TASK.result }],
    ["/tasks?limit=3&status=completed", 200, as("alice"), { tasks: [TASK], next_cursor: "7" }],
    [`/tasks/${TASK_ID}`, 200, as("alice"), TASK],
    [`/tasks/${TASK_ID}/cancel`, 200, sent("approver", {}), TASK],
    ["/stop", 200, sent("approver", { reason: "fire" }), { stopped: true, cancelled: 2 }],
    ["/resume", 200, sent("approver", {}), { stopped: false }],
    ["/audit?after=3&limit=2", 200, as("approver"), { next_after: 5, head: { seq: 9 } }],
    ["/audit/verification", 200, as("approver"), { ok: true, checked: 9 }],
    ["/statistics?days=3", 200, as("approver"), { waiting: { p50_s: 3 } }],
    ["/policy", 200, as("approver"), { digest: DIGEST }],
    ["/policy/explain", 200, sent("approver", { action: "fs.read" }), { key_id: "default" }],
    ["/policy/dry-run", 200, sent("approver", { policy: {} }), { valid: true }],
    ["/health", 200, {}, { status: "healthy", service: "bytebot-gateway", version: "1.2.3" }],
    ["/healthz", 200, {}, { status: "healthy", service: "bytebot-gateway", version: "1.2.3" }],
    ["/ready", 200, {}, { ready: true }],
    ["/capabilities", 200, {}, { capabilities: {} }],
    ["/capabilities", 200, as("alice"), { capabilities: { "fs.read": { limits: {} } } }],
  ] as const)(
    "of %s (%i) are what the schema says, whole",
    async (path, status, init, expected) => {
      const { url, deps } = await start();
      const response = await fetch(url + path, init as RequestInit);
      const answer = await response.json();
      expect(response.status).toBe(status);
      expect(answer).toMatchObject(expected);
      const pattern = path.split("?")[0]?.replace(TASK_ID, "{task_id}");
      const routes = createRoutes(deps);
      const schema = routes.find((route) => route.path === pattern)?.answers[status]?.schema;
      expect(Compile(schema as TSchema).Errors(answer)).toEqual([]);
    },
  );

  it("of a gateway that is not ready are 503, with the same shape", async () => {
    const { deps } = createTestDeps();
    const ready = await deps.readiness();
    const readiness = async () => ({
      ready: false,
      parts: { ...ready.parts, store: { ok: false, detail: "full" } },
    });
    const { url } = await start({ readiness });
    const response = await fetch(`${url}/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      parts: { store: { ok: false, detail: "full" } },
    });
  });

  it("pass on Idempotency-Key, where it is one", async () => {
    const { url, deps } = await start();
    const plan = vi.spyOn(deps.tasks, "plan");
    const withKey = (key: string) =>
      fetch(`${url}/plan`, sent("alice", { action: "a" }, { "idempotency-key": key }));
    expect((await withKey("abc-1")).status).toBe(200);
    expect(plan.mock.lastCall?.[2]).toEqual({ idempotencyKey: "abc-1" });
    for (const key of ["", "a b", "a".repeat(256), "é"]) {
      expect((await withKey(key)).status).toBe(400);
    }
  });
});

describe("GET /artifacts/{id}", () => {
  it.each([
    ["image/png", "image/png", "inline"],
    ["image/jpeg", "image/jpeg", "inline"],
    ["IMAGE/WEBP", "image/webp", "inline"],
    ["text/plain; charset=latin1", "text/plain; charset=utf-8", "inline"],
    ["text/html", "application/octet-stream", "attachment"],
    ["image/svg+xml", "application/octet-stream", "attachment"],
    ["text/plain\r\nx: y", "application/octet-stream", "attachment"],
  ])("I14 serves %s as %s, %s", async (media_type, served, disposition) => {
    const artifact = { ...ARTIFACT, media_type, name: 'a/"b".html\r\nx: y' };
    const { deps } = createTestDeps();
    const { url } = await start({ artifacts: { ...deps.artifacts, find: async () => artifact } });
    const response = await fetch(`${url}/artifacts/${ARTIFACT_ID}`, as("alice"));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(served);
    expect(response.headers.get("content-disposition")).toBe(
      `${disposition}; filename="a__b_.html__x: y"; filename*=UTF-8''a_%22b%22.html__x%3A%20y`,
    );
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toBe("bytes");
  });

  it("I13 is for its owner and for confirm keys; others are told it does not exist", async () => {
    const { url } = await start();
    const ask = (key: string, id = ARTIFACT_ID) => fetch(`${url}/artifacts/${id}`, as(key));
    expect((await ask("approver")).status).toBe(200);
    const foreign = await ask("bob");
    const unknown = await ask("bob", ARTIFACT_ID.replace("A", "B"));
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(await foreign.json()).toMatchObject({ code: "artifact_not_found" });
  });

  it("answers HEAD without opening the file", async () => {
    const { deps } = createTestDeps();
    const open = vi.fn(deps.artifacts.open);
    const { url } = await start({ artifacts: { ...deps.artifacts, open } });
    const response = await fetch(`${url}/artifacts/${ARTIFACT_ID}`, {
      method: "HEAD",
      ...as("alice"),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("5");
    expect(open).not.toHaveBeenCalled();
  });

  it("breaks off where the file does, and lets go of it where the client does", async () => {
    const broken = new Readable({
      read() {
        this.push("by");
        process.nextTick(() => this.destroy(new Error("disk")));
      },
    });
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(1024));
      },
    });
    const streams = [broken, endless];
    const artifacts = {
      find: async () => ({ ...ARTIFACT, size: 1e9 }),
      open: async () => streams.shift() ?? Readable.from([]),
    };
    const { url } = await start({ artifacts });
    const first = fetch(`${url}/artifacts/${ARTIFACT_ID}`, as("alice")).then((r) => r.text());
    await expect(first).rejects.toThrow();
    const gone = new AbortController();
    const second = await fetch(`${url}/artifacts/${ARTIFACT_ID}`, {
      ...as("alice"),
      signal: gone.signal,
    });
    expect(second.status).toBe(200);
    gone.abort();
    await once(endless, "close");
  });
});

describe("GET /metrics", () => {
  it("is free on loopback, unless somebody forwarded it; then it needs read", async () => {
    const { url } = await start();
    const direct = await fetch(`${url}/metrics`);
    expect([direct.status, await direct.text()]).toEqual([200, "up 1\n"]);
    expect(direct.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
      const headers = { [name]: "for=10.0.0.1" };
      expect((await fetch(`${url}/metrics`, { headers })).status).toBe(401);
      expect((await fetch(`${url}/metrics`, as("planner", headers))).status).toBe(403);
      expect((await fetch(`${url}/metrics`, as("alice", headers))).status).toBe(200);
    }
  });
});

describe("GET /docs", () => {
  it("is a page of local parts, without inline script", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/docs`);
    const page = await response.text();
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(page).not.toMatch(/<script(?! src="docs\/)|https?:/);
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part);
    expect(parts).toHaveLength(5);
    for (const part of parts) {
      const { status, headers } = await fetch(`${url}/${part}`);
      expect([part, status]).toEqual([part, 200]);
      expect(headers.get("content-type")).toMatch(/css|javascript|png|json/);
    }
  });
});
