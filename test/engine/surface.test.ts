import { describe, expect, it } from "vitest";
import type { Principal } from "../../src/contract/principal.ts";
import { createFakeDriver, principalOf } from "../support/tasks/fixtures.ts";
import { APPROVER, startEngine } from "./engine.ts";

const WAIT = { waitMs: 10_000, signal: new AbortController().signal };
const WRITE = { action: "fs.write", parameters: { path: "/tmp/a.txt", content: "x" } };
const CHAT: Principal = {
  ...principalOf("chat", "plan", "execute", "read"),
  trustedApprovalSurface: true,
};
const PLAIN: Principal = { ...CHAT, trustedApprovalSurface: false };

/** An engine in which the key `chat` is as `key` says at that moment. */
async function startWith(rules: object = {}) {
  let key: Principal | undefined = CHAT;
  const service = await startEngine({
    driver: createFakeDriver(),
    capabilities: {
      "fs.write": { enabled: true, allowed_paths: ["/tmp"], confirmation: "approver", ...rules },
    },
    keys: () => (key === undefined ? [] : [key]),
  });
  const planned = await service.engine.plan(CHAT, WRITE);
  const { task_id, plan_digest } = planned;
  return {
    ...service,
    task_id,
    become: (other: Principal | undefined) => {
      key = other;
    },
    decide: (principal: Principal, decision: "approve" | "reject" = "approve") =>
      service.engine.decideOnSurface(principal, { task_id, plan_digest, decision }, "elicitation"),
  };
}

describe("a decision on the requester's own surface", () => {
  it("is recorded as given there, with the requester's key", async () => {
    await using service = await startWith();
    const { status, approvals } = await service.decide(CHAT);
    expect(status).toBe("ready");
    expect(approvals).toMatchObject([{ key_id: "chat", via: "elicitation" }]);
    const { view } = await service.engine.execute(CHAT, { task_id: service.task_id }, WAIT);
    expect(view.status).toBe("completed");
  });

  it("may be a no", async () => {
    await using service = await startWith();
    expect((await service.decide(CHAT, "reject")).status).toBe("rejected");
  });

  it.each<[string, Principal, object]>([
    ["a key without the mark", PLAIN, {}],
    ["high risk", CHAT, { risk_level: "high" }],
    ["one of two approvals", CHAT, { approvals: 2 }],
  ])("I4 is refused for %s", async (_, principal, rules) => {
    await using service = await startWith(rules);
    for (const decision of ["approve", "reject"] as const) {
      await expect(service.decide(principal, decision)).rejects.toMatchObject({
        code: "scope_missing",
      });
    }
    const { denial } = await service.engine.surface(principal, service.task_id);
    expect(denial).toBeDefined();
    expect((await service.engine.get(APPROVER, service.task_id)).approvals).toEqual([]);
  });

  it.each(["approve", "reject"] as const)(
    "I13 is about one's own tasks, to %s: others are not there",
    async (decision) => {
      await using service = await startWith();
      const other = {
        ...CHAT,
        keyId: "other",
        scopes: new Set([...CHAT.scopes, "confirm"] as const),
      };
      await expect(service.decide(other, decision)).rejects.toMatchObject({
        code: "task_not_found",
      });
      await expect(service.engine.surface(other, service.task_id)).rejects.toMatchObject({
        code: "task_not_found",
      });
    },
  );

  it.each<[string, Principal | undefined]>([
    ["the mark", PLAIN],
    ["the key", undefined],
  ])("I15 I16 no longer holds once %s is gone", async (_, later) => {
    await using service = await startWith();
    await service.decide(CHAT);
    service.become(later);
    await expect(
      service.engine.execute(CHAT, { task_id: service.task_id }, WAIT),
    ).rejects.toMatchObject({ code: "task_cancelled" });
  });

  it("shows all of the plan only while it may be decided there", async () => {
    await using service = await startWith();
    const secret = { text: "hunter2", sensitive: true };
    const typing = { action: "keyboard.type", parameters: secret };
    const planned = await service.engine.plan(CHAT, { steps: [WRITE, typing] });
    const shown = async () =>
      JSON.stringify((await service.engine.surface(CHAT, planned.task_id)).task);
    const trusted = await shown();
    service.become(PLAIN);
    const plain = JSON.stringify((await service.engine.surface(PLAIN, planned.task_id)).task);
    expect([trusted.includes("hunter2"), plain.includes("hunter2")]).toEqual([true, false]);
    const { task_id, plan_digest } = planned;
    await service.engine.decideOnSurface(
      CHAT,
      { task_id, plan_digest, decision: "reject" },
      "card",
    );
    expect(await shown()).not.toContain("hunter2");
  });
});
