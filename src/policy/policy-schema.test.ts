import Schema from "typebox/schema";
import { expect, test } from "vitest";
import { ACTIONS, DEFAULT_POLICY, DOCUMENTED_FILE } from "../../test/support/policy/fixtures.ts";
import { policyJsonSchema } from "./policy-schema.ts";

const actions = ACTIONS.map((action) => ({ action, description: `Does ${action}.`, risk: "low" }));
const schema = policyJsonSchema(actions);

test("knows every action by name and nothing else", () => {
  const { properties } = JSON.parse(JSON.stringify(schema));
  expect(Object.keys(properties.capabilities.properties)).toEqual(ACTIONS);
  expect(properties.capabilities.additionalProperties).toBe(false);
});

test("takes what the gateway takes and refuses what it refuses", () => {
  const takes = (value: unknown) => Schema.Check(schema, value);
  expect(takes(DEFAULT_POLICY)).toBe(true);
  expect(takes(JSON.parse(DOCUMENTED_FILE))).toBe(true);
  expect(takes({ capabilities: { "fs.raed": { enabled: true } } })).toBe(false);
  expect(takes({ capabilities: { "fs.read": {} } })).toBe(false);
  expect(takes({ capabilities: {}, x: 1 })).toBe(false);
});

test("explains what editors show", () => {
  const withoutText: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, part] of Object.entries(node)) {
      const isMember = path.endsWith("/properties") && name !== "$schema";
      const named = JSON.stringify(part).slice(0, 2000);
      if (isMember && !/"description"/.test(named)) withoutText.push(`${path}/${name}`);
      visit(part, `${path}/${name}`);
    }
  };
  visit(schema, "");
  expect(withoutText).toEqual([
    "/properties/confirmation/properties/approvals/properties/low",
    "/properties/confirmation/properties/approvals/properties/medium",
    "/properties/confirmation/properties/approvals/properties/high",
  ]);
});
