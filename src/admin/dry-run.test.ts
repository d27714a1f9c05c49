import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../capabilities/default-policy.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { PolicyFile } from "../contract/policy.ts";
import { sha256 } from "../lib/canonical.ts";
import { PolicySource } from "../policy/policy-source.ts";
import { DryRun } from "./dry-run.ts";
import type { RecordedPlan } from "./recorded-plans.ts";

const PRESENT: PolicyFile = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
  },
};
const BASE = ["low risk: capabilities", "confirmation client: confirmation.low"];

let folder: string;
let policy: PolicySource;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dry-run-"));
  writeFileSync(join(folder, "policy.json"), JSON.stringify(PRESENT));
  policy = new PolicySource({
    file: join(folder, "policy.json"),
    actions: [...capabilities.keys()],
    defaultPolicy: DEFAULT_POLICY,
    protectedHosts: [],
    accept: ({ security }) => (security.require_signature ? undefined : "not here"),
    watch: false,
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

const planned = (seq: number, action: string, parameters: object, reasons = BASE): RecordedPlan => {
  const plan = JSON.stringify({ steps: [{ action, parameters }] });
  return {
    seq,
    task_id: `task_${String(seq).padStart(22, "A")}`,
    requester: "gone",
    created_at: "2026-01-01T00:00:00.000Z",
    plan,
    digest: sha256(plan),
    steps: [{ summary: `${action} ${seq}`, reasons }],
  };
};

/** Over these plans, oldest first. */
function dryRunOver(plans: readonly RecordedPlan[]) {
  return new DryRun({
    policy,
    capabilities,
    findPrincipal: () => undefined,
    plans: {
      read: async (before, limit) =>
        plans
          .filter(({ seq }) => seq < before)
          .reverse()
          .slice(0, limit),
    },
  });
}

const read = (seq: number, path = "/tmp/a") => planned(seq, "fs.read", { path });
const write = (seq: number, reasons?: string[]) =>
  planned(seq, "fs.write", { path: "/tmp/a", content: "x", mode: "overwrite" }, reasons);

describe("DryRun", () => {
  it("changes nothing and finds nothing with the policy in force", async () => {
    const before = policy.current;
    const view = await dryRunOver([read(1), write(2)]).run({ policy: PRESENT });
    expect(view).toMatchObject({ valid: true, checked: 2, changed: [], counts: { unchanged: 2 } });
    expect(view.digests).toEqual({ before: before.digest, after: before.digest });
    await dryRunOver([read(1)]).run({ policy: { capabilities: {} } });
    expect(policy.current).toBe(before);
  });

  it("says what would be denied, need a person, or need none", async () => {
    const proposed = structuredClone(PRESENT);
    proposed.capabilities["fs.read"] = { enabled: true, allowed_paths: ["/tmp/only"] };
    proposed.capabilities["fs.write"] = {
      enabled: true,
      risk_level: "medium",
      allowed_paths: ["/"],
    };
    const view = await dryRunOver([read(1), read(2, "/tmp/only/b"), write(3)]).run({
      policy: JSON.stringify(proposed),
    });
    expect(view.changed).toMatchObject([
      {
        action: "fs.write",
        key_id: "gone",
        summary: "fs.write 3",
        direction: "stricter",
        before: { effect: "allow", mode: "client" },
        after: { effect: "allow", mode: "approver" },
        rule: "confirmation.medium",
      },
      { action: "fs.read", before: { mode: "client" }, after: { code: "path_not_allowed" } },
    ]);
    expect(view.counts).toMatchObject({ steps: 3, unchanged: 1, stricter: 2, newly_denied: 1 });
    const back = await dryRunOver([planned(1, "shell.run", { command: ["ls"] })]).run({
      policy: {
        ...PRESENT,
        capabilities: {
          "shell.run": { enabled: true, confirmation: "none", allowed_commands: ["ls"] },
        },
      },
    });
    expect(back.counts).toMatchObject({ laxer: 1, newly_unattended: 1 });
    expect(back.warnings).toEqual(expect.arrayContaining([expect.stringContaining("shell.run")]));
  });

  it("counts what the desktop showed when it was planned", async () => {
    const raised = [BASE[0] ?? "", "medium risk: overwrites an existing file", BASE[1] ?? ""];
    const proposed = { ...PRESENT, confirmation: { medium: "none" as const } };
    const view = await dryRunOver([write(1, raised), write(2)]).run({ policy: proposed });
    expect(view.changed).toMatchObject([
      { task_id: expect.stringMatching(/1$/), before: { mode: "approver" }, direction: "laxer" },
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ["what is no JSON", "{", /not strict JSON/],
    ["a key twice", '{"capabilities":{},"capabilities":{}}', /capabilities/],
    ["an unknown member", { capabilities: {}, securty: {} }, /\/securty.*did you mean/],
    [
      "what this service may not have",
      { ...PRESENT, security: { require_signature: false } },
      /not here/,
    ],
  ])("names the problems of %s", async (_, proposed, problem) => {
    const view = await dryRunOver([read(1)]).run({ policy: proposed as string });
    expect(view).toMatchObject({ valid: false, checked: 0, changed: [] });
    expect(view.problems?.join("\n")).toMatch(problem);
  });

  it("looks at the last 1,000, passes over what it cannot decide, and shows 200", async () => {
    const { plan: _, ...large } = read(1200);
    const plans = [
      ...Array.from({ length: 1198 }, (_unused, index) => read(index + 1)),
      planned(1199, "gone.action", {}),
      large,
    ];
    const view = await dryRunOver(plans).run({ policy: { capabilities: {} } });
    expect(view).toMatchObject({ checked: 998, skipped: 2, complete: true });
    expect(view.counts.newly_denied).toBe(998);
    expect(view.changed).toHaveLength(200);
  });

  it("I10 runs one at a time and gives way, however large the policy is", async () => {
    const entries = Array.from({ length: 1000 }, (_, index) => `/some/where/else/${index}`);
    const names = [...capabilities.keys()];
    const policies = Object.fromEntries(
      names.map((name) => [name, { enabled: true, allowed_paths: entries }]),
    );
    const dryRun = dryRunOver(Array.from({ length: 300 }, (_, index) => read(index + 1)));
    const running = dryRun.run({ policy: { capabilities: policies } });
    await expect(dryRun.run({ policy: PRESENT })).rejects.toMatchObject({ code: "rate_limited" });
    expect((await running).counts.newly_denied).toBe(300);
    expect((await dryRun.run({ policy: PRESENT })).valid).toBe(true);
  });
});
