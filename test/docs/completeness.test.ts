import { describe, expect, test } from "vitest";
import { capabilities } from "../../src/capabilities/registry.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { buildProgram } from "../../src/cli/program.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { VARIABLE_NAMES } from "../../src/config/variables.ts";
import { ERROR_CODES, statusOf, TASK_ERROR_CODES } from "../../src/contract/errors.ts";
import { EVENT_NAMES } from "../../src/contract/event.ts";
import { PolicyFile } from "../../src/contract/policy.ts";
import { TASK_STATUSES } from "../../src/contract/task.ts";
import type { HttpDeps } from "../../src/http/http-deps.ts";
import { createRoutes } from "../../src/http/routes.ts";
import { codeSpans, firstCells, readMarkdown, rows } from "../support/markdown.ts";

/** What the code names, the documentation names too, and nothing else in its place. */
const api = readMarkdown("docs/api.md");
const operations = readMarkdown("docs/operations.md");
const policy = readMarkdown("docs/policy.md");
const cli = readMarkdown("docs/cli.md");

/** Code marks in the first column of a page's tables. */
const named = (page: typeof api) => new Set(firstCells(page).flatMap(codeSpans));

describe("docs/api.md", () => {
  test("lists every route and no other", () => {
    // Only declared here, never called.
    const deps = { version: "0", config: {} } as unknown as HttpDeps;
    const routes = createRoutes(deps).map(({ method, path }) => `${method} ${path}`);
    const listed = [...named(api)].filter((code) => /^(GET|POST|DELETE) \//.test(code));
    expect(listed.sort()).toEqual(routes.sort());
  });

  test("says of every error code its status and what to do", () => {
    const statuses = rows(api)
      .filter(([code = "", status = ""]) => /^`[a-z_]+`$/.test(code) && /^\d{3}$/.test(status))
      .map(([code, status, advice]) => [codeSpans(code ?? "")[0], Number(status), advice !== ""]);
    expect(statuses).toEqual(ERROR_CODES.map((code) => [code, statusOf(code), true]));
  });

  test.each([
    ["codes of failed tasks", TASK_ERROR_CODES],
    ["statuses of tasks", TASK_STATUSES],
    ["events", EVENT_NAMES],
    ["actions", [...capabilities.keys()]],
  ])("names all %s", (_, names) => {
    expect(names.filter((name) => !named(api).has(name))).toEqual([]);
  });

  test("shows every action's parameters", () => {
    const shown = new Map(
      rows(api).map((cells) => [codeSpans(cells[0] ?? "")[0], cells.join(" ")]),
    );
    for (const { action, parameters } of capabilities.values()) {
      const { properties = {} } = parameters as { properties?: Record<string, unknown> };
      const spans = codeSpans(shown.get(action) ?? "").join(" ");
      const missing = Object.keys(properties).filter(
        (name) => !new RegExp(`\\b${name}\\b`).test(spans),
      );
      expect(missing, action).toEqual([]);
    }
  });
});

test("docs/operations.md names every variable", () => {
  // NAME_FILE is said once, of all secrets.
  const variables = VARIABLE_NAMES.filter((name) => !name.endsWith("_FILE"));
  expect(variables.filter((name) => !named(operations).has(name))).toEqual([]);
  expect(operations.text).toContain("_FILE`");
});

test("docs/policy.md names every member of the policy file", () => {
  const { capabilities: actions, confirmation, security } = PolicyFile.properties;
  const [capability] = Object.values(actions.patternProperties);
  const members = [capability, confirmation, security].flatMap((schema) =>
    Object.keys((schema as { properties?: object } | undefined)?.properties ?? {}),
  );
  expect(members.length).toBeGreaterThan(15);
  expect(members.filter((name) => !named(policy).has(name))).toEqual([]);
});

test("docs/cli.md lists every exit code", () => {
  const listed = rows(cli)
    .map(([code]) => Number(code))
    .filter(Number.isInteger);
  expect(listed).toEqual(Object.values(EXIT));
});

test("docs/cli.md lists every command", () => {
  const shell = { env: {}, stdout: { write: () => true }, stderr: { write: () => true } };
  // Only declared here, never run.
  const program = buildProgram(shell as unknown as Shell, "0");
  const commands = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : command.commands.map((inner) => `${command.name()} ${inner.name()}`),
  );
  const listed = new Set([...named(cli)].map((code) => code.replace(/ [A-Z].*$/, "")));
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((name) => !listed.has(name))).toEqual([]);
});
