import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capabilities } from "../../src/capabilities/registry.ts";
import { parseJson } from "../../src/lib/json.ts";
import { validatePolicy } from "../../src/policy/validate-policy.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Block, readDocumentation, readMarkdown } from "../support/markdown.ts";

const run = promisify(execFile);
const blocks = readDocumentation().flatMap(({ path, blocks: own }) =>
  own.map((block) => ({ ...block, name: `${path}:${block.line}` })),
);
const written = (language: string) =>
  blocks.filter((block) => block.language === language).map((block) => [block.name, block.text]);

const has = ([program = "", ...words]: readonly string[]) =>
  run(program, words).then(
    () => true,
    () => false,
  );
const [python, openssl, curl] = await Promise.all([
  has(["python3", "--version"]),
  has(["openssl", "version"]),
  has(["curl", "--version"]),
]);

test.each(written("json"))("%s is JSON as the gateway reads it", (_, text) => {
  expect(() => parseJson(Buffer.from(text ?? ""))).not.toThrow();
});

test.each(written("bash"))("%s is bash", async (_, text) => {
  await run("bash", ["-n", "-c", text ?? ""]);
});

test.skipIf(!python).each(written("python"))("%s is Python", async (_, text) => {
  await run("python3", ["-c", "import ast, sys; ast.parse(sys.argv[1])", text ?? ""]);
});

test("the policies of docs/policy.md are valid", () => {
  const policies = readMarkdown("docs/policy.md").blocks.filter(
    ({ language }) => language === "json",
  );
  expect(policies.length).toBeGreaterThan(3);
  for (const { text, line } of policies) {
    expect(
      validatePolicy(Buffer.from(text), [...capabilities.keys()]),
      `line ${line}`,
    ).toHaveProperty("file");
  }
});

describe.skipIf(!openssl || !curl)("the examples work as they stand", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
    const { default: requester, api, approver } = gateway.keys;
    writeFileSync(
      join(gateway.directory, ".env"),
      `SHARED_SECRET=${requester.secret}\nAPI_TOKEN=${api.token}\n`,
    );
    writeFileSync(join(gateway.directory, "approver.key"), `${approver.secret}\n`);
    writeFileSync(gateway.file("/tmp/test.txt"), "hello from the desktop\n");
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  /** Runs a block in the gateway's folder, against its own port. */
  async function outputOf({ text }: Block, program: string): Promise<string> {
    const here = text.replaceAll("http://localhost:8089", gateway.url);
    const { stdout } = await run(program, ["-c", here], {
      cwd: gateway.directory,
      env: { PATH: process.env.PATH, SHARED_SECRET: gateway.keys.default.secret },
    });
    return stdout;
  }

  function blockOf(page: string, language: string, part: string): Block {
    const found = readMarkdown(page).blocks.find(
      (block) => block.language === language && block.text.includes(part),
    );
    if (found === undefined) throw new Error(`${page} has no ${language} block with ${part}`);
    return found;
  }

  test("README: curl with signatures", async () => {
    const output = await outputOf(blockOf("README.md", "bash", "sign()"), "bash");
    expect(JSON.parse(output)).toMatchObject({
      status: "completed",
      result: { content: "hello from the desktop\n" },
    });
  });

  test.skipIf(!python)("README: Python with the standard library", async () => {
    const output = await outputOf(blockOf("README.md", "python", "hmac"), "python3");
    expect(output).toContain("Read contents of /tmp/test.txt low");
    expect(output).toContain("hello from the desktop");
  });

  test("docs/api.md: every route signed in bash", async () => {
    const output = await outputOf(blockOf("docs/api.md", "bash", "signed()"), "bash");
    const documents = output.trim().split(/(?<=\})(?=\{)/);
    expect(documents.map((text) => Object.keys(JSON.parse(text)))).toEqual([
      expect.arrayContaining(["task_id", "plan_digest"]),
      expect.arrayContaining(["tasks"]),
      expect.arrayContaining(["records", "head"]),
    ]);
  });

  test.skipIf(!python)("docs/api.md: every route signed in Python", async () => {
    const output = await outputOf(blockOf("docs/api.md", "python", "def call"), "python3");
    expect(output).toMatch(/^completed .*hello from the desktop/);
    expect(output).toMatch(/\d+ completed tasks$/m);
  });

  test("docs/api.md: a bearer token", async () => {
    const output = await outputOf(blockOf("docs/api.md", "bash", "API_TOKEN="), "bash");
    expect(JSON.parse(output)).toHaveProperty("tasks");
  });
});
