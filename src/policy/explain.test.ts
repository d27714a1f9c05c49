import { describe, expect, test } from "vitest";
import {
  DEFAULT_POLICY,
  policyOf,
  proposalOf,
  REQUESTER,
} from "../../test/support/policy/fixtures.ts";
import type { PolicyFile } from "../contract/policy.ts";
import { decide } from "./decide.ts";
import { explain } from "./explain.ts";

const policy = policyOf(DEFAULT_POLICY);
const ask = (action: string, rest = {}) => explain(policy, REQUESTER, proposalOf(action, rest));

test("every check is listed in order with its outcome, and the same decision comes out", () => {
  const proposal = proposalOf("fs.read", { facts: { path: "/etc/passwd" } });
  const explained = explain(policy, REQUESTER, proposal);
  expect(explained.decision).toEqual(decide(policy, REQUESTER, proposal));
  expect(explained.rule).toBe('capabilities["fs.read"].allowed_paths');
  expect(explained.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    "key passed",
    "known passed",
    "enabled passed",
    "path denied",
    "extension not reached",
    "size not reached",
    "files not reached",
    "url not reached",
    "command not reached",
    "application not reached",
    "envelope not reached",
  ]);
});

describe("the line that is proposed changes the decision", () => {
  const cases: [string, object, string][] = [
    ["fs.read", { path: "/etc/passwd" }, '"allowed_paths": ["/tmp", "/home/user", "/etc/passwd"]'],
    [
      "browser.open",
      { url: "http://a.org:81/" },
      '"allowed_domains": ["localhost", "*.example.com", "a.org:81"]',
    ],
    [
      "app.open",
      { application: "vscode" },
      '"allowed_apps": ["firefox", "thunderbird", "directory", "desktop", "vscode"]',
    ],
    ["agent.task", {}, '"enabled": true'],
  ];
  test.each(cases)("%s %j: %s", (action, facts, line) => {
    const [change] = ask(action, { facts }).changes;
    expect(change).toMatchObject({ file: "policy.json", pointer: `/capabilities/${action}`, line });
    const changed: PolicyFile = {
      ...DEFAULT_POLICY,
      capabilities: {
        ...DEFAULT_POLICY.capabilities,
        [action]: { ...DEFAULT_POLICY.capabilities[action], ...JSON.parse(`{${line}}`) },
      },
    };
    const decision = decide(policyOf(changed), REQUESTER, proposalOf(action, { facts }));
    expect(decision.effect).toBe("allow");
  });
});

test("nothing is proposed where no policy could allow it", () => {
  expect(ask("browser.open", { facts: { url: "http://localhost:8089/" } }).changes).toEqual([]);
  expect(ask("browser.open", { facts: { url: "file:///etc/passwd" } }).changes).toEqual([]);
  expect(ask("no.such").changes).toEqual([]);
});

test("for what is allowed it tells what asks for more, less or forbids", () => {
  expect(ask("screen.cursor").changes.map((change) => change.line)).toEqual([
    '"confirmation": "none"',
    '"confirmation": "approver"',
    '"enabled": false',
  ]);
  const raised = ask("screen.cursor", { riskFactors: [{ reason: "x", by: "high" }] });
  expect(raised.changes.map((change) => change.line)).toEqual(['"enabled": false']);
});
