import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/support/lib/fixtures.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Parameters } from "../contract/task.ts";
import { DEFAULT_POLICY } from "./default-policy.ts";
import { capabilities } from "./registry.ts";

/** One good request of each action. */
const EXAMPLES: Readonly<Record<string, Parameters>> = {
  "fs.read": { path: "/tmp/test.txt" },
  "fs.list": { path: "/tmp" },
  "fs.write": { path: "/tmp/a.txt", content: "hello" },
  "fs.edit": { path: "/tmp/a.txt", old_text: "hello", new_text: "" },
  "browser.open": { url: "https://www.example.com/" },
  "app.open": { application: "firefox" },
  "screen.capture": {},
  "screen.cursor": {},
  "mouse.move": { coordinates: { x: 10, y: 20 } },
  "mouse.click": { coordinates: { x: 10, y: 20 }, click_count: 2, hold_keys: ["shift"] },
  "mouse.press": { press: "down" },
  "mouse.drag": {
    path: [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
  },
  "mouse.trace": {
    path: [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
  },
  "mouse.scroll": { direction: "down", scroll_count: 3 },
  "keyboard.type": { text: "hello" },
  "keyboard.paste": { text: "hello\nworld" },
  "keyboard.chord": { keys: ["ctrl", "c"] },
  "keyboard.press": { keys: ["shift"], press: "down" },
  wait: { duration_ms: 10 },
  "shell.run": { command: ["git", "status", "-s"] },
  "agent.task": { description: "Tidy up", files: [{ name: "a.txt", content: "YQ==" }] },
};

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const all = [...capabilities.values()];
const enabled = (action: string) => DEFAULT_POLICY.capabilities[action]?.enabled;

test("the list of capabilities, their risk, what they hold, and what is on by default", () => {
  expect(
    all.map(
      ({ action, risk, lock }) => `${action} ${risk} ${lock} ${enabled(action) ? "on" : "off"}`,
    ),
  ).toEqual([
    "fs.read low path on",
    "fs.list low path on",
    "fs.write medium path on",
    "fs.edit medium path on",
    "browser.open medium desktop on",
    "app.open medium desktop on",
    "screen.capture low desktop on",
    "screen.cursor low desktop on",
    "mouse.move medium desktop on",
    "mouse.click medium desktop on",
    "mouse.press medium desktop on",
    "mouse.drag medium desktop on",
    "mouse.trace medium desktop on",
    "mouse.scroll medium desktop on",
    "keyboard.type medium desktop on",
    "keyboard.paste medium desktop on",
    "keyboard.chord medium desktop on",
    "keyboard.press medium desktop on",
    "wait low nothing on",
    "shell.run high nothing off",
    "agent.task high desktop off",
  ]);
  expect(Object.keys(DEFAULT_POLICY.capabilities)).toEqual(all.map(({ action }) => action));
  for (const { action, risk } of all) {
    expect(DEFAULT_POLICY.capabilities[action]?.risk_level).toBe(risk);
  }
});

test("I1 every action that is bound by a list states the fact the list is about", () => {
  const factOf = (action: string) =>
    Object.keys(capabilities.get(action)?.facts(EXAMPLES[action] ?? {}) ?? {});
  for (const action of ["fs.read", "fs.list", "fs.write", "fs.edit"]) {
    expect(factOf(action)).toContain("path");
  }
  expect(factOf("browser.open")).toEqual(["url"]);
  expect(factOf("app.open")).toEqual(["application"]);
  expect(factOf("shell.run")).toEqual(["command"]);
});

test("what reads only is neither destructive nor risky", () => {
  for (const capability of all.filter(({ readOnly }) => readOnly)) {
    expect([capability.action, capability.destructive, capability.risk]).toEqual([
      capability.action,
      false,
      "low",
    ]);
  }
});

describe.each(all)("$action", (capability) => {
  const example = EXAMPLES[capability.action] ?? {};
  const schema = Compile(capability.parameters);

  test("takes its example, settles it once, and says it in one line", () => {
    expect(schema.Errors(example)).toEqual([]);
    const settled = capability.normalise(example);
    expect(schema.Errors(settled)).toEqual([]);
    expect(capability.normalise(settled)).toEqual(settled);
    expect(capability.summary(settled)).toMatch(/^[A-Z].*[^.]$/);
    expect(capability.riskFactors(settled)).toEqual([]);
    expect(capability.mask(settled)).toEqual(settled);
    expect(() => capability.preview(settled)).not.toThrow();
  });

  test("its schema is a closed, flat object, every part explained", () => {
    const json = JSON.parse(JSON.stringify(capability.parameters));
    expect(JSON.stringify(json)).not.toMatch(/"(\$ref|anyOf|oneOf|allOf|const)"/);
    const visit = (
      node: { type?: string; properties?: object; items?: object },
      path: string,
    ): void => {
      expect([path, node.type]).toEqual([path, expect.any(String)]);
      if (node.type === "object")
        expect([path, node]).toEqual([
          path,
          expect.objectContaining({ additionalProperties: false }),
        ]);
      if (node.items !== undefined) visit(node.items, `${path}/items`);
      for (const [name, part] of Object.entries(node.properties ?? {})) {
        expect([path, name, part.description]).toEqual([path, name, expect.any(String)]);
        visit(part, `${path}/${name}`);
      }
    };
    visit(json, "");
    expect(schema.Check({ ...example, surprise: 1 })).toBe(false);
  });

  test("I1 whatever the schema lets through is settled or refused as invalid_request, and shown inert", () => {
    const values = fc.oneof(
      anyText,
      fc.integer(),
      fc.boolean(),
      fc.array(anyText, { maxLength: 3 }),
    );
    const names = Object.keys(example);
    const changes =
      names.length === 0 ? fc.constant({}) : fc.dictionary(fc.constantFrom(...names), values);
    fc.assert(
      fc.property(changes, (change) => {
        const asked = { ...example, ...change };
        if (!schema.Check(asked)) return;
        let settled: Parameters;
        try {
          settled = capability.normalise(asked);
        } catch (error) {
          if (error instanceof GatewayError && error.code === "invalid_request") return;
          throw error;
        }
        capability.facts(settled);
        capability.riskFactors(settled);
        capability.preview(settled);
        const summary = capability.summary(capability.mask(settled));
        const again = capability.normalise(settled);
        expect([INVISIBLE.test(summary), again]).toEqual([false, settled]);
      }),
      { numRuns: 50 },
    );
  });
});

const corpus = new URL("../../../shared/corpora/naughty-strings.json", import.meta.url);
test.skipIf(!existsSync(corpus))(
  "I8 naughty strings are kept unchanged and summed up inert (needs the corpora)",
  () => {
    const strings = JSON.parse(readFileSync(corpus, "utf8")) as string[];
    expect(strings.length).toBeGreaterThan(400);
    const spoiled = strings.filter((content) => {
      const settled = capabilities.get("fs.write")?.normalise({ path: "/tmp/a.txt", content });
      const summary = capabilities.get("agent.task")?.summary({ description: content }) ?? "";
      return settled?.content !== content || INVISIBLE.test(summary);
    });
    expect(spoiled).toEqual([]);
  },
);
