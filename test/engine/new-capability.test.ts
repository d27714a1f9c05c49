import Type from "typebox";
import { describe, expect, test } from "vitest";
import { viewCapabilities } from "../../src/capabilities/capability-views.ts";
import { defineCapability } from "../../src/capabilities/define-capability.ts";
import { capabilities } from "../../src/capabilities/registry.ts";
import { closed } from "../../src/capabilities/schema-parts.ts";
import type { CapabilityPolicy } from "../../src/contract/policy.ts";
import { buildPolicy } from "../../src/policy/build-policy.ts";
import { checkPolicy } from "../../src/policy/check.ts";
import { ToolList } from "../../src/tools/tool-list.ts";
import { createFakeDriver } from "../support/tasks/fixtures.ts";
import { APPROVER, REQUESTER, startEngine } from "./engine.ts";

// An action that no version has. Nothing of the program was changed for it.
const fsSeal = defineCapability({
  action: "fs.seal",
  description: "Seal a file",
  note: "Makes a file unchangeable until it is unsealed.",
  risk: "medium",
  defaultPolicy: { enabled: false, risk_level: "medium" },
  lists: ["allowed_paths"],
  hasEffect: true,
  danger: "fs.seal is enabled: what is sealed cannot be changed",
  grantCovers: "file",
  openWorld: true,
  lock: "path",
  parameters: closed({ path: Type.String({ description: "The file." }) }),
  result: closed({ sealed: Type.Boolean() }),
  facts: ({ path }) => ({ path }),
  summary: ({ path }) => `Seal ${path}`,
});
const registry = new Map([...capabilities, [fsSeal.action, fsSeal]]);
const RULES: CapabilityPolicy = {
  enabled: true,
  allowed_paths: ["/tmp"],
  confirmation: "approver",
};
/** The key may read what the plan is about, so that what is seen there counts. */
const READING: CapabilityPolicy = { enabled: true, allowed_paths: ["/tmp"], confirmation: "none" };

describe("an action that is added in its own file", () => {
  test("is planned, checked, confirmed and run", async () => {
    const performed: unknown[] = [];
    const driver = createFakeDriver({
      perform: async ({ action, parameters }) => {
        performed.push([action, parameters]);
        return { sealed: true };
      },
    });
    const place = { driver, registry, capabilities: { "fs.seal": RULES, "fs.read": READING } };
    await using started = await startEngine(place);
    const { engine } = started;
    await expect(
      engine.plan(REQUESTER, { action: "fs.seal", parameters: { path: "/etc/a" } }),
    ).rejects.toMatchObject({ code: "path_not_allowed" });
    const plan = await engine.plan(REQUESTER, {
      action: "fs.seal",
      parameters: { path: "/tmp/a" },
    });
    expect(plan).toMatchObject({ plan_summary: "Seal /tmp/a", estimated_risk: "medium" });
    const { task_id, plan_digest } = plan;
    const seen = await engine.get(APPROVER, task_id);
    expect(seen.grantable).toMatchObject({ action: "fs.seal", path_prefix: "/tmp" });
    await engine.confirm(APPROVER, { task_id, plan_digest, decision: "approve" });
    const wait = { waitMs: 10_000, signal: new AbortController().signal };
    const { view } = await engine.execute(REQUESTER, { task_id }, wait);
    expect(view).toMatchObject({ status: "completed", result: { sealed: true } });
    expect(performed).toEqual([["fs.seal", { path: "/tmp/a" }]]);
  });

  test("is a tool, with what a model should know", () => {
    const policy = buildPolicy(
      { capabilities: { "fs.seal": RULES } },
      { actions: [...registry.keys()], protectedHosts: [] },
    );
    const desktop = { name: "main", availability: () => ({ available: true }) as const };
    const list = new ToolList({
      registry,
      capabilities: (principal) => viewCapabilities(registry, policy, [desktop], principal),
    });
    const tool = list.of(REQUESTER).find(({ name }) => name === "fs_seal");
    expect(tool?.description).toContain(fsSeal.note);
    expect(tool?.annotations).toMatchObject({ openWorld: true, readOnly: false });
  });

  test("is warned of by policy check", () => {
    const file = {
      capabilities: {
        "fs.seal": { enabled: true, allowed_domains: ["a.example"], confirmation: "none" },
      },
    };
    const { problems, warnings } = checkPolicy(Buffer.from(JSON.stringify(file)), registry);
    expect(problems).toEqual([]);
    expect(warnings.map(({ pointer, problem }) => `${pointer} ${problem}`)).toEqual([
      "/capabilities/fs.seal/enabled fs.seal is enabled: what is sealed cannot be changed",
      "/capabilities/fs.seal no approver is asked (none): whoever holds a key runs it alone",
      "/capabilities/fs.seal/allowed_paths without an entry in allowed_paths nothing is allowed",
      "/capabilities/fs.seal/allowed_domains allowed_domains says nothing about fs.seal",
    ]);
  });
});
