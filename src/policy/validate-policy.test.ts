import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  ACTIONS,
  capabilities,
  DEFAULT_POLICY,
  DOCUMENTED_FILE,
  policyOf,
} from "../../test/support/policy/fixtures.ts";
import { buildPolicy } from "./build-policy.ts";
import { checkPolicy } from "./check.ts";
import { validatePolicy } from "./validate-policy.ts";

function problemsOf(file: unknown): [string, string][] {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  const validated = validatePolicy(Buffer.from(text), ACTIONS);
  return "file" in validated
    ? []
    : validated.problems.map(({ pointer, problem }) => [pointer, problem]);
}

describe("files that are taken", () => {
  test("the documented example, unchanged", () => {
    const validated = validatePolicy(Buffer.from(DOCUMENTED_FILE), ACTIONS);
    if (!("file" in validated)) throw new Error(JSON.stringify(validated.problems));
    expect(validated.file).toEqual(JSON.parse(DOCUMENTED_FILE));
    const policy = policyOf(validated.file);
    expect(policy.capabilities["fs.read"]?.enabled).toBe(true);
    expect(policy.capabilities["fs.write"]?.enabled).toBe(false);
    expect(policy.confirmation).toEqual({ low: "client", medium: "approver", high: "approver" });
    expect(policy.approvals).toEqual({ low: 1, medium: 1, high: 1 });
    expect(policy.security).toMatchObject({
      plan_ttl_s: 900,
      rate_limit_per_minute: 600,
      anonymous_events: true,
    });
  });

  test("the example beside the configuration, without a warning", () => {
    const bytes = readFileSync(new URL("../../config/policy.example.json", import.meta.url));
    expect(checkPolicy(bytes, capabilities)).toEqual({ problems: [], warnings: [] });
  });

  test("the shipped default, which enables all but shell.run and agent.task", () => {
    expect(problemsOf(DEFAULT_POLICY)).toEqual([]);
    const off = ACTIONS.filter((action) => !DEFAULT_POLICY.capabilities[action]?.enabled);
    expect(off).toEqual(["shell.run", "agent.task"]);
    expect(ACTIONS).toHaveLength(21);
  });
});

test("I1 whatever is wrong is named with its JSON pointer", () => {
  const file = {
    capabilities: {
      "fs.raed": { enabled: true },
      "FS.READ": { enabled: true },
      "fs.read": { enabled: "yes", allowed_path: [], risk_level: "huge", max_file_size_mb: 0 },
      "fs.list": {},
    },
    confirmation: { low: "maybe", approvals: { high: 3 } },
    security: { plan_ttl_s: 0.5 },
    polices: 1,
  };
  const problems = new Map(problemsOf(file));
  expect([...problems.keys()].sort()).toEqual([
    "/capabilities/FS.READ",
    "/capabilities/fs.list",
    "/capabilities/fs.raed",
    "/capabilities/fs.read/allowed_path",
    "/capabilities/fs.read/enabled",
    "/capabilities/fs.read/max_file_size_mb",
    "/capabilities/fs.read/risk_level",
    "/confirmation/approvals/high",
    "/confirmation/low",
    "/polices",
    "/security/plan_ttl_s",
  ]);
  expect(problems.get("/capabilities/fs.raed")).toMatch(/did you mean fs.read/);
  expect(problems.get("/capabilities/fs.read/allowed_path")).toMatch(
    /did you mean "allowed_paths"/,
  );
  expect(problems.get("/confirmation/low")).toMatch(/none, client, approver/);
});

test("list entries that could never be meant are named", () => {
  const capabilities = {
    "fs.read": { enabled: true, allowed_paths: ["/tmp", "tmp"] },
    "browser.open": { enabled: true, allowed_domains: ["https://a.com/", "a.com"] },
    "shell.run": { enabled: true, allowed_commands: ["ls | sh"] },
    "app.open": { enabled: true, allowed_apps: ["/usr/bin/x"] },
  };
  expect(problemsOf({ capabilities }).map(([pointer]) => pointer)).toEqual([
    "/capabilities/fs.read/allowed_paths/1",
    "/capabilities/browser.open/allowed_domains/0",
    "/capabilities/shell.run/allowed_commands/0",
    "/capabilities/app.open/allowed_apps/0",
  ]);
});

test.each([
  ["", /JSON/],
  ["{", /JSON/],
  ['{"capabilities": {}, "capabilities": {}}', /twice/],
  ['{"capabilities": {"__proto__": {"enabled": true}}}', /__proto__/],
  ["[]", /object/],
  ["null", /object/],
  ["{}", /capabilities/],
])("I1 %s is refused", (text, problem) => {
  expect(
    problemsOf(text)
      .map(([, message]) => message)
      .join("\n"),
  ).toMatch(problem);
});

describe("a policy", () => {
  test("is frozen throughout and shares nothing with its file", () => {
    const file = structuredClone(DEFAULT_POLICY);
    const policy = policyOf(file);
    const rules = policy.capabilities["fs.read"];
    expect(
      Object.isFrozen(policy) && Object.isFrozen(rules) && Object.isFrozen(rules?.allowed_paths),
    ).toBe(true);
    file.capabilities["fs.read"]?.allowed_paths?.push("/");
    expect(rules?.allowed_paths).toEqual(["/tmp", "/home/user"]);
  });

  test("is named by what it says, not by where it runs", () => {
    const of = (protectedHosts: { host: string; port: number }[], low: "client" | "none") =>
      buildPolicy(
        { ...DEFAULT_POLICY, confirmation: { low } },
        { actions: ACTIONS, protectedHosts },
      ).digest;
    expect(of([], "client")).toBe(of([{ host: "a", port: 1 }], "client"));
    expect(of([], "client")).not.toBe(of([], "none"));
    expect(of([], "client")).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

describe("policy check", () => {
  const warningsOf = (file: unknown) =>
    checkPolicy(Buffer.from(JSON.stringify(file)), capabilities).warnings.map(
      ({ pointer, problem }) => `${pointer} ${problem}`,
    );

  test("says of the default and the documented example only that localhost is every port", () => {
    const warning = expect.stringMatching(
      /^\/capabilities\/browser\.open\/allowed_domains\/0 opens every port of this machine/,
    );
    expect(warningsOf(DEFAULT_POLICY)).toEqual([warning]);
    expect(warningsOf(JSON.parse(DOCUMENTED_FILE))).toEqual([warning]);
  });

  test.each(["localhost", "LOCALHOST.", "localhost:*", "127.0.0.1:*", "[::1]:*"])(
    "I11 warns that %s opens every port of this machine",
    (domain) => {
      const open = (allowed_domains: string[]) =>
        warningsOf({ capabilities: { "browser.open": { enabled: true, allowed_domains } } }).join();
      expect(open([domain])).toContain("opens every port of this machine");
      expect(open(["localhost:5173", "127.0.0.1"])).not.toContain("this machine");
    },
  );

  test("warns of what a person should look at", () => {
    const warnings = warningsOf({
      capabilities: {
        "fs.write": {
          enabled: true,
          confirmation: "client",
          allowed_paths: ["/tmp", "/tmp/a", "/"],
        },
        "fs.read": { enabled: true },
        wait: { enabled: true, allowed_domains: ["a.com"] },
        "browser.open": { enabled: true, allowed_domains: ["a.com:*", "*.com"] },
        "shell.run": { enabled: true, allowed_commands: ["bash", "git", "git status"] },
        "agent.task": { enabled: false },
      },
      confirmation: { high: "client" },
      security: { require_signature: false },
    }).join("\n");
    expect(warnings).toMatch("/confirmation/high actions of high risk");
    expect(warnings).toMatch("/security/require_signature anyone");
    expect(warnings).toMatch("/capabilities/fs.write no approver");
    expect(warnings).toMatch('/capabilities/fs.write/allowed_paths/1 never decides: "/tmp"');
    expect(warnings).toMatch("/capabilities/fs.write/allowed_paths/2 allows every path");
    expect(warnings).toMatch("/capabilities/fs.read/allowed_paths without an entry");
    expect(warnings).toMatch("/capabilities/wait/allowed_domains allowed_domains says nothing");
    expect(warnings).toMatch("/capabilities/browser.open/allowed_domains/0 reaches far");
    expect(warnings).toMatch("/capabilities/browser.open/allowed_domains/1 reaches far");
    expect(warnings).toMatch("/capabilities/shell.run/enabled shell.run is enabled");
    expect(warnings).toMatch("/capabilities/shell.run/allowed_commands/0 starts whatever");
    expect(warnings).toMatch('/capabilities/shell.run/allowed_commands/2 never decides: "git"');
    expect(warnings).not.toMatch("agent.task");
  });

  test("lists problems instead, where the file is refused", () => {
    expect(checkPolicy(Buffer.from("{}"), capabilities).problems).not.toEqual([]);
  });
});
