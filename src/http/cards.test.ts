import { describe, expect, it } from "vitest";
import {
  ARTIFACT,
  ARTIFACT_ID,
  createTestDeps,
  DIGEST,
  KEYS,
  TASK,
  TASK_ID,
} from "../../test/support/http/test-deps.ts";
import { expectProblem, jsonOf, start } from "../../test/support/http/test-server.ts";
import type { Principal } from "../contract/principal.ts";
import type { SurfaceView } from "../tasks/tasks.ts";
import { Cards } from "../tools/cards/cards.ts";
import { TaskFeed } from "../tools/task-feed.ts";

const WAITING = { ...TASK, status: "awaiting_confirmation" as const, result: null };
const UNTIL = new Date(Date.now() + 600_000).toISOString();

/** A server with a card of alice's open, its artifact with this owner. */
async function openCard(surface: SurfaceView, owner: string | null = "alice") {
  const { deps, store } = createTestDeps();
  const alice = KEYS.get("alice") as Principal;
  const cards = new Cards({
    tasks: { ...deps.tasks, surface: async () => surface },
    feed: new TaskFeed((listener) => store.onCommitted(listener)),
    findPrincipal: (keyId) => KEYS.get(keyId),
    publicUrl: () => "https://gateway.example",
  });
  const artifact = { ...ARTIFACT, owner };
  let allowed = true;
  const { url, logged } = await start({
    tools: { ...deps.tools, cards },
    artifacts: {
      ...deps.artifacts,
      find: async (id) => (id === ARTIFACT_ID ? artifact : undefined),
    },
    rateLimiter: { take: () => (allowed ? { ok: true } : { ok: false, retryAfter: 3 }) },
  });
  const token = new URL(cards.issue(alice, TASK_ID, UNTIL)).hash.slice(1);
  const ask = (path: string, body: object) =>
    fetch(`${url}/cards/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: "null" },
      body: JSON.stringify(body),
    });
  const { session } = await jsonOf(await ask("open", { token }));
  return {
    ask,
    session,
    token,
    logged,
    picture: () => ask("picture", { session, artifact_id: ARTIFACT_ID }),
    useUp: () => {
      allowed = false;
    },
  };
}

describe("the pictures of a card", () => {
  it("I12 of a plan are shown only where the card shows all of the plan", async () => {
    const decided = await openCard({ task: WAITING }, null);
    const plain = await openCard({ task: WAITING, denial: "Not here." }, null);
    expect((await decided.picture()).status).toBe(200);
    await expectProblem(await plain.picture(), 404, "artifact_not_found");
  });

  it("I13 are those of its own task, and inert", async () => {
    const own = await openCard({ task: WAITING, denial: "Not here." });
    const answer = await own.picture();
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(answer.headers.get("content-security-policy")).toContain("sandbox");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const foreign = await openCard({ task: WAITING, denial: "Not here." }, "bob");
    await expectProblem(await foreign.picture(), 404, "artifact_not_found");
  });
});

describe("what a card asks", () => {
  it("counts towards the limit of its key", async () => {
    const { ask, session, useUp } = await openCard({ task: WAITING });
    useUp();
    const answer = await ask("state", { session });
    await expectProblem(answer, 429, "rate_limited");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("I10 is short: a long body is not read", async () => {
    const { ask, session } = await openCard({ task: WAITING });
    await expectProblem(
      await ask("state", { session, seen: "x".repeat(2000) }),
      413,
      "body_too_large",
    );
  });

  it("I7 leaves no secret in the log", async () => {
    const { ask, session, token, logged } = await openCard({ task: WAITING });
    await ask("decide", { session, plan_digest: DIGEST, decision: "approve" });
    await ask("state", { session });
    const lines = JSON.stringify(logged);
    expect(lines).toContain("/cards/state");
    expect(lines).not.toContain(String(session));
    expect(lines).not.toContain(token);
  });
});
