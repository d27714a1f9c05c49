import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/support/lib/fixtures.ts";
import {
  ACTIONS,
  DEFAULT_POLICY,
  policyOf,
  proposalOf,
  REQUESTER,
} from "../../test/support/policy/fixtures.ts";
import { CONFIRMATION_MODES, RISK_LEVELS } from "../contract/policy.ts";
import { decide } from "./decide.ts";
import type { Decision, Permission, Proposal } from "./decision.ts";

const policy = policyOf(DEFAULT_POLICY);
const ask = (action: string, rest: Partial<Proposal> = {}) =>
  decide(policy, REQUESTER, proposalOf(action, rest));

function permission(decision: Decision): Permission {
  if (decision.effect === "deny") throw new Error(decision.detail);
  return decision;
}

describe("denials name code, rule and a way out", () => {
  test.each<[string, Partial<Proposal>, object]>([
    [
      "fs.raed",
      {},
      {
        code: "capability_unknown",
        rule: "capabilities",
        extras: { hint: expect.stringContaining("fs.read") },
      },
    ],
    ["constructor", {}, { code: "capability_unknown" }],
    ["__proto__", {}, { code: "capability_unknown" }],
    ["", {}, { code: "capability_unknown" }],
    [
      "shell.run",
      { facts: { command: ["ls"] } },
      { code: "capability_disabled", rule: 'capabilities["shell.run"].enabled' },
    ],
    [
      "fs.read",
      { facts: { path: "/etc/passwd" } },
      {
        code: "path_not_allowed",
        rule: 'capabilities["fs.read"].allowed_paths',
        detail: expect.stringContaining("/etc/passwd"),
        extras: {
          allowed_paths: ["/tmp", "/home/user"],
          hint: expect.stringContaining('"/etc/passwd"'),
        },
      },
    ],
    ["fs.read", { facts: { path: "/tmp/../etc/passwd" } }, { code: "path_not_allowed" }],
    [
      "browser.open",
      { facts: { url: "https://evil.org/" } },
      {
        code: "domain_not_allowed",
        rule: 'capabilities["browser.open"].allowed_domains',
        extras: { allowed_domains: ["localhost", "*.example.com"] },
      },
    ],
    ["browser.open", { facts: { url: "not a url" } }, { code: "domain_not_allowed" }],
    [
      "app.open",
      { facts: { application: "terminal" } },
      { code: "application_not_allowed", rule: 'capabilities["app.open"].allowed_apps' },
    ],
  ])("I1 %s %j", (action, rest, denial) => {
    expect(ask(action, rest)).toMatchObject({ effect: "deny", ...denial });
  });

  test("I1 a key's own list comes first and names the key", () => {
    const narrow = { ...REQUESTER, keyId: "reader", capabilities: new Set(["fs.read"]) };
    expect(decide(policy, narrow, proposalOf("wait"))).toMatchObject({
      code: "scope_missing",
      rule: 'clients["reader"].capabilities',
      detail: expect.stringContaining("reader"),
    });
    expect(
      decide(policy, narrow, proposalOf("fs.read", { facts: { path: "/tmp" } })),
    ).toMatchObject({ effect: "allow" });
  });

  test("I1 an action without its list is allowed nothing; one that is not listed is disabled", () => {
    const bare = policyOf({
      capabilities: { "fs.read": { enabled: true }, "shell.run": { enabled: true } },
    });
    const of = (action: string, facts: Proposal["facts"]) =>
      decide(bare, REQUESTER, proposalOf(action, { facts }));
    expect(of("fs.read", { path: "/tmp/a" })).toMatchObject({ code: "path_not_allowed" });
    expect(of("shell.run", { command: ["ls"] })).toMatchObject({ code: "command_not_allowed" });
    expect(of("fs.list", { path: "/tmp" })).toMatchObject({
      code: "capability_disabled",
      rule: 'capabilities["fs.list"]',
      detail: expect.stringContaining("not listed"),
    });
  });

  test("extension and size", () => {
    const limited = policyOf({
      capabilities: {
        "fs.write": {
          enabled: true,
          allowed_paths: ["/"],
          allowed_extensions: [".txt", ".tar.gz"],
          max_file_size_mb: 0.5,
        },
      },
    });
    const write = (path: string, contentSize = 1) =>
      decide(limited, REQUESTER, proposalOf("fs.write", { facts: { path, contentSize } }));
    expect(write("/a.txt", 524_288)).toMatchObject({ effect: "allow" });
    expect(write("/a.tar.gz")).toMatchObject({ effect: "allow" });
    expect(write("/a.txt", 524_289)).toMatchObject({
      code: "file_too_large",
      rule: 'capabilities["fs.write"].max_file_size_mb',
    });
    for (const path of ["/a.sh", "/a.txt.sh", "/txt", "/a.txt/b"]) {
      expect(write(path)).toMatchObject({
        code: "path_not_allowed",
        rule: 'capabilities["fs.write"].allowed_extensions',
      });
    }
  });
});

describe("risk and confirmation", () => {
  const one = { reason: "overwrites a file", by: "one" } as const;
  const high = { reason: "can run code", by: "high" } as const;

  test("defaults: low by the client, medium and high by an approver", () => {
    expect(ask("screen.cursor")).toMatchObject({
      risk: "low",
      mode: "client",
      approvals: 0,
      rule: "confirmation.low",
    });
    expect(ask("mouse.move")).toMatchObject({
      risk: "medium",
      mode: "approver",
      approvals: 1,
      rule: "confirmation.medium",
    });
  });

  test("the policy's level beats the action's own, reasons raise it and are told", () => {
    const facts = { path: "/tmp/a" };
    expect(ask("fs.write", { facts, risk: "low" })).toMatchObject({ risk: "medium" });
    const raised = permission(ask("fs.read", { facts, riskFactors: [one] }));
    expect(raised).toMatchObject({ risk: "medium", mode: "approver", rule: "confirmation.medium" });
    expect(raised.reasons).toEqual([
      'low risk: capabilities["fs.read"].risk_level',
      "medium risk: overwrites a file",
      "confirmation approver: confirmation.medium",
    ]);
    expect(ask("fs.read", { facts, riskFactors: [one, one, one] })).toMatchObject({ risk: "high" });
    expect(ask("fs.read", { facts, riskFactors: [high] })).toMatchObject({ risk: "high" });
  });

  test("an action's own confirmation beats the table, until its risk is raised", () => {
    const own = policyOf({
      capabilities: { wait: { enabled: true, confirmation: "none" } },
      confirmation: { high: "approver", approvals: { high: 2 } },
    });
    expect(decide(own, REQUESTER, proposalOf("wait"))).toMatchObject({
      mode: "none",
      approvals: 0,
      rule: 'capabilities["wait"].confirmation',
    });
    expect(decide(own, REQUESTER, proposalOf("wait", { riskFactors: [high] }))).toMatchObject({
      mode: "approver",
      approvals: 2,
      rule: "confirmation.medium",
    });
  });

  test("an action may ask for two approvers; a level too", () => {
    const two = policyOf({
      capabilities: {
        wait: { enabled: true, confirmation: "approver", approvals: 2 },
        "mouse.move": { enabled: true },
      },
      confirmation: { approvals: { medium: 2 } },
    });
    expect(decide(two, REQUESTER, proposalOf("wait"))).toMatchObject({
      mode: "approver",
      approvals: 2,
    });
    expect(decide(two, REQUESTER, proposalOf("mouse.move", { risk: "medium" }))).toMatchObject({
      approvals: 2,
    });
  });
});

const risk = fc.constantFrom(...RISK_LEVELS);
const mode = fc.constantFrom(...CONFIRMATION_MODES);
const approvals = fc.constantFrom(1, 2);
const optional = { requiredKeys: [] };
const anyPolicy = fc
  .record({
    capability: fc.record(
      { enabled: fc.boolean(), risk_level: risk, confirmation: mode, approvals },
      { requiredKeys: ["enabled"] },
    ),
    confirmation: fc.record(
      {
        low: mode,
        medium: mode,
        high: mode,
        approvals: fc.record({ low: approvals, medium: approvals, high: approvals }, optional),
      },
      optional,
    ),
    paths: fc.array(fc.constantFrom("/tmp", "/home/user", "/tmp/a/", "/")),
  })
  .map(({ capability, confirmation, paths }) =>
    policyOf({
      capabilities: Object.fromEntries(
        ACTIONS.map((action) => [action, { ...capability, allowed_paths: paths }]),
      ),
      confirmation,
    }),
  );
const riskFactors = fc.array(
  fc.record({ reason: fc.string(), by: fc.constantFrom("one", "high") }),
  {
    maxLength: 3,
  },
);
const anyProposal = fc.record({
  action: fc.oneof(fc.constantFrom(...ACTIONS), anyText),
  risk,
  facts: fc.record(
    {
      path: anyText,
      contentSize: fc.nat(),
      url: anyText,
      command: fc.array(anyText),
      application: anyText,
    },
    optional,
  ),
  riskFactors,
});

describe("properties", () => {
  test("I1 decide never throws and every denial names code, rule and detail", () => {
    fc.assert(
      fc.property(anyPolicy, anyProposal, (anyone, proposal) => {
        const decision = decide(anyone, REQUESTER, proposal);
        if (decision.effect === "allow") return;
        expect([decision.code, decision.rule, decision.detail].every((part) => part !== "")).toBe(
          true,
        );
      }),
    );
  });

  test("I1 what is allowed is enabled and lies under an allowed path", () => {
    const path = fc.array(fc.constantFrom("tmp", "tmpa", "home", "user", "a", ".."), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyPolicy, path, (anyone, parts) => {
        const asked = `/${parts.join("/")}`;
        const decision = decide(
          anyone,
          REQUESTER,
          proposalOf("fs.read", { facts: { path: asked } }),
        );
        if (decision.effect === "deny") return;
        const rules = anyone.capabilities["fs.read"];
        expect(rules?.enabled).toBe(true);
        expect(asked).not.toContain("..");
        expect(
          rules?.allowed_paths?.some((rule) => {
            const folder = rule.replace(/\/$/, "");
            return asked === folder || asked.startsWith(`${folder}/`);
          }),
        ).toBe(true);
      }),
    );
  });

  test("a raise never asks for less", () => {
    fc.assert(
      fc.property(anyPolicy, risk, riskFactors, riskFactors, (anyone, level, some, more) => {
        const of = (list: Proposal["riskFactors"]) =>
          decide(anyone, REQUESTER, proposalOf("wait", { risk: level, riskFactors: list }));
        const [before, after] = [of(some), of([...some, ...more])];
        if (before.effect === "deny" || after.effect === "deny") return;
        expect(RISK_LEVELS.indexOf(after.risk)).toBeGreaterThanOrEqual(
          RISK_LEVELS.indexOf(before.risk),
        );
        expect(CONFIRMATION_MODES.indexOf(after.mode)).toBeGreaterThanOrEqual(
          CONFIRMATION_MODES.indexOf(before.mode),
        );
        expect(after.approvals).toBeGreaterThanOrEqual(before.approvals);
      }),
    );
  });
});
