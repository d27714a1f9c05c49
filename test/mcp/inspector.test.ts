import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** The official inspector's command line, `@modelcontextprotocol/inspector --cli`. */
const INSPECTOR = fileURLToPath(
  import.meta.resolve("@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

test("lists the tools, whose schemas are portable", async () => {
  const { code, stdout, stderr } = await inspect("--method", "tools/list", "--strict");
  expect(code, stderr).toBe(0);
  const { tools } = JSON.parse(stdout) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["fs_read", "run_plan", "task_status"]),
  );
});

test("calls one", async () => {
  const call = ["--method", "tools/call", "--tool-name", "fs_read", "--tool-arg"];
  const { code, stdout, stderr } = await inspect(...call, "path=/tmp/a.txt");
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    structuredContent: { status: "completed", result: { content: "hello" } },
  });
});

test("is told where the key is missing", async () => {
  const { code, stdout, stderr } = await run(["--method", "tools/list"]);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/auth_required/);
});

function inspect(...words: string[]) {
  return run([...words, "--header", `Authorization: Bearer ${gateway.keys.api.token}`]);
}

function run(words: readonly string[]) {
  const target = ["--cli", `${gateway.url}/mcp`, "--transport", "http"];
  const env = { PATH: process.env.PATH, HOME: gateway.directory };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: gateway.directory, env };
    execFile(process.execPath, [INSPECTOR, ...target, ...words], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
