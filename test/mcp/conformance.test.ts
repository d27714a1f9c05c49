import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { FixtureServer } from "./conformance-server.ts";

/** The official suite, `@modelcontextprotocol/conformance`, against the started program. */
const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));

/** Scenarios for a server that has tools. */
const PASSED = [
  "server-initialize",
  "server-session-lifecycle",
  "ping",
  "tools-list",
  "server-sse-multiple-streams",
  "dns-rebinding-protection",
  "http-header-validation",
];

/** Scenarios that want tools of their own, which exist in these tests alone. */
const PASSED_WITH_FIXTURES = [
  "server-session-lifecycle",
  "server-stateless",
  "http-header-validation",
];

/** What the others ask for, and why it is not here. */
const LEFT_OUT: Readonly<Record<string, RegExp>> = {
  "a tool whose answer has another form than ours (test_simple_text and so on); ours are tested in tools.test.ts":
    /^tools-call-|^json-schema-2020-12$|^server-sse-polling$/,
  "a tool made for the suite that asks for a form; ours is tested in elicitation.test.ts":
    /^elicitation-|^input-required-result-/,
  "resources and prompts: everything here is a tool":
    /^resources-|^prompts-|^completion-|^sep-2164-|^caching$/,
  "logging to clients, deprecated in 2026-07-28": /^logging-/,
  "parameters that stand in a header too (x-mcp-header): no tool has any":
    /^http-custom-header-server-validation$/,
  "extensions that are not spoken: tasks and skills of the protocol": /^tasks-|^sep-2640-/,
};

let gateway: Gateway;
let fixtures: FixtureServer;
beforeAll(async () => {
  fixtures = await FixtureServer.start();
  // The suite cannot send credentials: on loopback policy may do without.
  gateway = await startGateway({
    policy: {
      capabilities: { "fs.read": { enabled: true, allowed_paths: ["/tmp"] } },
      security: { require_signature: false },
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await fixtures?.[Symbol.asyncDispose]();
});

describe("the conformance suite", () => {
  test.each(PASSED)("%s", async (scenario) => {
    await passes(gateway.url, scenario);
  });

  test.each(PASSED_WITH_FIXTURES)("%s, with the suite's own tools", async (scenario) => {
    await passes(fixtures.url, scenario);
  });

  test("has no scenario that is neither passed nor left out for a reason", async () => {
    const { output } = await suite(["list", "--server"]);
    const scenarios = [...output.matchAll(/^ {2}- (\S+)/gm)].map(([, name = ""]) => name);
    const passed = [...PASSED, ...PASSED_WITH_FIXTURES];
    expect(scenarios).toEqual(expect.arrayContaining(passed));
    const reasons = Object.values(LEFT_OUT);
    const unexplained = scenarios.filter(
      (name) => !passed.includes(name) && !reasons.some((reason) => reason.test(name)),
    );
    expect(unexplained).toEqual([]);
  });
});

async function passes(url: string, scenario: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "conformance-"));
  try {
    const words = ["server", "--url", `${url}/mcp`, "--scenario", scenario, "-o", directory];
    const { code, output } = await suite(words);
    expect(output).toMatch(/Passed: [1-9]\d*\/\d+, 0 failed, 0 warnings/);
    expect(code, output).toBe(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function suite(words: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SUITE, ...words], { cwd: tmpdir() }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}
