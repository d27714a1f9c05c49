import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** The official suite, `@modelcontextprotocol/conformance`, against the started program. */
const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));

/** Scenarios for a server that has tools. */
const PASSED = [
  "server-initialize",
  "ping",
  "tools-list",
  "server-sse-multiple-streams",
  "dns-rebinding-protection",
];

/** What the others ask for, and why it is not here. */
const LEFT_OUT: Readonly<Record<string, RegExp>> = {
  "a tool made for the suite (test_simple_text and so on); ours are tested in tools.test.ts":
    /^tools-call-|^json-schema-2020-12$|^server-sse-polling$/,
  "a tool made for the suite that asks for a form; ours is tested in elicitation.test.ts":
    /^elicitation-/,
  "resources and prompts: everything here is a tool": /^resources-|^prompts-|^completion-/,
  "logging to clients, deprecated in 2026-07-28": /^logging-/,
};

let gateway: Gateway;
beforeAll(async () => {
  // The suite cannot send credentials: on loopback policy may do without.
  gateway = await startGateway({
    policy: {
      capabilities: { "fs.read": { enabled: true, allowed_paths: ["/tmp"] } },
      security: { require_signature: false },
    },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("the conformance suite", () => {
  test.each(PASSED)("%s", async (scenario) => {
    const directory = mkdtempSync(join(tmpdir(), "conformance-"));
    try {
      const url = `${gateway.url}/mcp`;
      const words = ["server", "--url", url, "--scenario", scenario, "-o", directory];
      const { code, output } = await suite(words);
      expect(output).toMatch(/Passed: [1-9]\d*\/\d+, 0 failed/);
      expect(code, output).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("has no scenario that is neither passed nor left out for a reason", async () => {
    const { output } = await suite(["list", "--server"]);
    const scenarios = [...output.matchAll(/^ {2}- (\S+)/gm)].map(([, name = ""]) => name);
    expect(scenarios).toEqual(expect.arrayContaining(PASSED));
    const reasons = Object.values(LEFT_OUT);
    const unexplained = scenarios.filter(
      (name) => !PASSED.includes(name) && !reasons.some((reason) => reason.test(name)),
    );
    expect(unexplained).toEqual([]);
  });
});

function suite(words: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SUITE, ...words], { cwd: tmpdir() }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}
