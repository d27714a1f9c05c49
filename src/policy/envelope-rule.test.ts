import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACTIONS,
  capabilities,
  DEFAULT_POLICY,
  policyOf,
  proposalOf,
  REQUESTER,
} from "../../test/support/policy/fixtures.ts";
import type { CapabilityPolicy, Envelope, EnvelopeFile, PolicyFile } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import { checkPolicy } from "./check.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { AGENT_ACTIONS, applyEnvelopeDefaults } from "./envelope-defaults.ts";
import { explain } from "./explain.ts";
import { validatePolicy } from "./validate-policy.ts";

const fileOf = (
  envelope: EnvelopeFile | undefined,
  others: Record<string, CapabilityPolicy> = {},
): PolicyFile => ({
  capabilities: {
    ...DEFAULT_POLICY.capabilities,
    ...others,
    "agent.task": { enabled: true, risk_level: "high", ...(envelope && { envelope }) },
  },
});

function judge(
  given: EnvelopeFile | undefined,
  asked: EnvelopeFile,
  options: { principal?: Principal; others?: Record<string, CapabilityPolicy> } = {},
): Decision {
  const envelope = applyEnvelopeDefaults(asked, given);
  const proposal = proposalOf("agent.task", { risk: "high", facts: { envelope } });
  const policy = policyOf(fileOf(given, options.others));
  return decide(policy, options.principal ?? REQUESTER, proposal);
}

const GIVEN = {
  actions: ["screen.capture", "mouse.click", "app.open", "fs.read"],
  applications: ["firefox", "directory"],
  paths: ["/home/user/in", "/tmp"],
  max_actions: 50,
  max_duration_s: 60,
  region: { x: 100, y: 100, width: 400, height: 300 },
};

describe("I1 an envelope is never wider than the policy's", () => {
  const wider: [string, EnvelopeFile, string][] = [
    ["actions", { actions: ["keyboard.type"] }, "capability_disabled"],
    ["applications", { applications: ["firefox", "terminal"] }, "application_not_allowed"],
    ["paths", { paths: ["/home/user"] }, "path_not_allowed"],
    ["paths", { paths: ["/tmp", "/tmpfoo"] }, "path_not_allowed"],
    ["paths", { paths: ["/tmp/../etc"] }, "path_not_allowed"],
    ["max_actions", { max_actions: 51 }, "invalid_request"],
    ["max_duration_s", { max_duration_s: 61 }, "invalid_request"],
    ["region", { region: { x: 99, y: 100, width: 10, height: 10 } }, "invalid_request"],
    ["region", { region: { x: 100, y: 99, width: 10, height: 10 } }, "invalid_request"],
    ["region", { region: { x: 100, y: 100, width: 401, height: 10 } }, "invalid_request"],
    ["region", { region: { x: 400, y: 300, width: 10, height: 101 } }, "invalid_request"],
  ];
  test.each(wider)("%s of %j", (member, asked, code) => {
    const decision = judge(GIVEN, asked);
    const rule = `capabilities["agent.task"].envelope.${member}`;
    expect(decision).toMatchObject({ effect: "deny", code, rule });
    const hint = decision.effect === "deny" ? decision.extras.hint : "";
    expect(hint).toContain(rule);
  });

  test("the whole screen is wider than a region", () => {
    const { region: _, ...rest } = applyEnvelopeDefaults(GIVEN, undefined);
    const facts = { envelope: rest };
    const proposal = proposalOf("agent.task", { risk: "high", facts });
    expect(decide(policyOf(fileOf(GIVEN)), REQUESTER, proposal)).toMatchObject({
      effect: "deny",
      rule: 'capabilities["agent.task"].envelope.region',
    });
  });

  test("what the policy does not say is bounded by the usual", () => {
    expect(judge(undefined, {}).effect).toBe("allow");
    const beyond: EnvelopeFile[] = [
      { actions: ["app.open"] },
      { actions: ["fs.read"] },
      { applications: ["firefox"] },
      { paths: ["/tmp"] },
      { max_actions: 201 },
      { max_duration_s: 301 },
    ];
    for (const asked of beyond) expect(judge(undefined, asked).effect).toBe("deny");
    expect(judge({ max_actions: 10 }, { max_actions: 10, max_duration_s: 300 }).effect).toBe(
      "allow",
    );
  });

  test.each(["agent.task", "shell.run", "fs.list", "fs.edit", "browser.open", "constructor"])(
    "no agent can take %s, whatever the policy says",
    (action) => {
      const others = action === "constructor" ? {} : { [action]: { enabled: true } };
      const decision = judge({ actions: [action] }, { actions: [action] }, { others });
      expect(decision).toMatchObject({ effect: "deny", code: "invalid_request" });
    },
  );

  test("an action that is not enabled, or not the key's, is in no envelope", () => {
    const others = { "mouse.click": { enabled: false } };
    expect(judge(GIVEN, {}, { others })).toMatchObject({
      effect: "deny",
      code: "capability_disabled",
      rule: 'capabilities["mouse.click"].enabled',
    });
    const capabilities = new Set(["agent.task", "screen.capture"]);
    const principal = { ...REQUESTER, capabilities };
    expect(judge(GIVEN, {}, { principal })).toMatchObject({ code: "scope_missing" });
    expect(judge(GIVEN, { actions: ["screen.capture"] }, { principal }).effect).toBe("allow");
  });
});

const enabled = Object.fromEntries([...AGENT_ACTIONS].map((name) => [name, { enabled: true }]));
const below = (max: number) => fc.integer({ min: 1, max });
const bounded = fc.record({
  actions: fc.uniqueArray(fc.constantFrom(...AGENT_ACTIONS), { minLength: 1 }),
  applications: fc.uniqueArray(fc.constantFrom("firefox", "directory", "vscode", "a.b-c")),
  paths: fc.uniqueArray(fc.constantFrom("/tmp", "/home/user", "/srv/a b", "/é"), { minLength: 1 }),
  max_actions: below(99_999),
  max_duration_s: below(86_399),
  region: fc.record({ x: below(500), y: below(500), width: below(900), height: below(900) }),
});

/** A bound with an envelope inside of it. */
const nested = bounded.chain((given) =>
  fc
    .record({
      actions: fc.subarray(given.actions),
      applications: fc.subarray(given.applications),
      paths: fc.subarray(given.paths).chain((paths) =>
        fc.constantFrom(
          paths,
          paths.map((path) => `${path}/deeper`),
        ),
      ),
      max_actions: below(given.max_actions),
      max_duration_s: below(given.max_duration_s),
      width: below(given.region.width),
      height: below(given.region.height),
    })
    .chain(({ width, height, ...rest }) =>
      fc
        .record({
          x: fc.integer({ min: given.region.x, max: given.region.x + given.region.width - width }),
          y: fc.integer({
            min: given.region.y,
            max: given.region.y + given.region.height - height,
          }),
        })
        .map((corner): [typeof given, Envelope] => [
          given,
          { ...rest, region: { ...corner, width, height } },
        ]),
    ),
);

/** Each makes an envelope wider than the bound in one dimension. */
const WIDEN: Record<string, (bound: Envelope, narrow: Envelope) => Envelope | undefined> = {
  actions(bound, narrow) {
    const more = [...AGENT_ACTIONS].find((name) => !bound.actions.includes(name));
    return more === undefined ? undefined : { ...narrow, actions: [...narrow.actions, more] };
  },
  applications: (_, narrow) => ({ ...narrow, applications: [...narrow.applications, "other"] }),
  paths: (_, narrow) => ({ ...narrow, paths: [...narrow.paths, "/home"] }),
  max_actions: (bound, narrow) => ({ ...narrow, max_actions: bound.max_actions + 1 }),
  max_duration_s: (bound, narrow) => ({ ...narrow, max_duration_s: bound.max_duration_s + 1 }),
  region: ({ region }, narrow) =>
    region && { ...narrow, region: { ...region, width: region.width + 1 } },
};

test("I1 narrower is always allowed, wider in any one dimension never", () => {
  fc.assert(
    fc.property(nested, fc.constantFrom(...Object.keys(WIDEN)), ([given, narrow], dimension) => {
      const options = { others: enabled };
      expect(judge(given, narrow, options)).toMatchObject({ effect: "allow" });
      const wide = WIDEN[dimension]?.(applyEnvelopeDefaults(undefined, given), narrow);
      if (wide === undefined) return;
      expect(judge(given, wide, options)).toMatchObject({
        effect: "deny",
        rule: `capabilities["agent.task"].envelope.${dimension}`,
      });
    }),
  );
});

test("the change that is proposed lets the envelope pass", () => {
  for (const asked of [
    { actions: ["keyboard.type"] },
    { applications: ["vscode"] },
    { paths: ["/srv"] },
    { max_actions: 51 },
    { region: { x: 0, y: 0, width: 1000, height: 10 } },
  ] satisfies EnvelopeFile[]) {
    const facts = { envelope: applyEnvelopeDefaults(asked, GIVEN) };
    const proposal = proposalOf("agent.task", { risk: "high", facts });
    const explained = explain(policyOf(fileOf(GIVEN)), REQUESTER, proposal);
    expect(explained.checks.at(-1)).toMatchObject({ name: "envelope", outcome: "denied" });
    const { envelope } = JSON.parse(`{${explained.changes[0]?.line}}`);
    expect(decide(policyOf(fileOf(envelope)), REQUESTER, proposal).effect).toBe("allow");
  }
});

test("a policy whose envelope reaches far, or says what cannot hold, is warned of", () => {
  const file = fileOf({
    actions: ["mouse.click", "shell.run", "fs.read", "app.open"],
    applications: ["terminal"],
    paths: ["/home/.."],
    max_actions: 5000,
    max_duration_s: 7200,
  });
  const at = (...warned: string[]) => warned.map((place) => `/capabilities/agent.task${place}`);
  const { problems, warnings } = checkPolicy(Buffer.from(JSON.stringify(file)), capabilities);
  expect(problems).toEqual([]);
  expect(warnings.map(({ pointer }) => pointer)).toEqual([
    "/capabilities/browser.open/allowed_domains/0",
    ...at(
      "/enabled",
      "/envelope/actions/1",
      "/envelope/applications/0",
      "/envelope/paths/0",
      "/envelope/max_actions",
      "/envelope/max_duration_s",
      "/envelope/max_duration_s",
    ),
  ]);
});

test("entries of a policy's envelope are read as those of its lists", () => {
  const file = fileOf({ actions: ["mouse.clack"], applications: ["a/b"], paths: ["tmp"] });
  const validated = validatePolicy(Buffer.from(JSON.stringify(file)), ACTIONS);
  const problems = "problems" in validated ? validated.problems : [];
  expect(problems.map(({ pointer }) => pointer)).toEqual([
    "/capabilities/agent.task/envelope/paths/0",
    "/capabilities/agent.task/envelope/applications/0",
    "/capabilities/agent.task/envelope/actions/0",
  ]);
});
