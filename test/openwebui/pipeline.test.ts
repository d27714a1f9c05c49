import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExecuteView } from "../../src/contract/requests.ts";
import { approve, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { python } from "./tool-driver.ts";

const PIPELINE = join(import.meta.dirname, "../../integrations/openwebui/bytebot_pipeline.py");
const DRIVER = join(import.meta.dirname, "pipeline_driver.py");

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function callPipeline(
  calls: readonly [action: string, parameters: Record<string, unknown>][],
  secret = gateway.keys.default.secret,
): Promise<(ExecuteView & { code?: string })[]> {
  const args = ["-B", DRIVER, PIPELINE, JSON.stringify(calls)];
  const env = { ...process.env, SHARED_SECRET: secret, BYTEBOT_GATEWAY_URL: gateway.url };
  const { stdout } = await promisify(execFile)(python ?? "python3", args, { env });
  return JSON.parse(stdout);
}

describe.runIf(python)("the legacy pipeline", () => {
  test("plans and executes, whatever letters and numbers it sends", async () => {
    const path = '/tmp/Grüße "😀".txt';
    writeFileSync(gateway.file(path), "contents");
    const calls = Array.from({ length: 5 }, (_, offset) => ["fs.read", { path, offset }] as const);
    const answers = await callPipeline(calls.map(([action, parameters]) => [action, parameters]));
    expect(answers.map(({ status, result }) => [status, result?.content])).toEqual(
      ["contents", "ontents", "ntents", "tents", "ents"].map((content) => ["completed", content]),
    );
  });

  test("what needs a person waits for one, and then runs", async () => {
    const path = "/tmp/legacy.txt";
    const [answer] = await callPipeline([["fs.write", { path, content: "x" }]]);
    expect(answer).toMatchObject({
      status: "awaiting_confirmation",
      confirmation_url: expect.stringContaining("/approvals/task_"),
    });
    expect(existsSync(gateway.file(path))).toBe(false);
    const planned = await task(gateway, answer?.task_id ?? "");
    await approve(gateway, planned);
    await expect.poll(() => existsSync(gateway.file(path))).toBe(true);
  });

  test("a refusal comes back as it is", async () => {
    const [denied] = await callPipeline([["fs.read", { path: "/etc/passwd" }]]);
    expect(denied).toMatchObject({ code: "path_not_allowed" });
    const [wrong] = await callPipeline([["fs.read", { path: "/tmp" }]], "another secret");
    expect(wrong).toMatchObject({ code: "signature_invalid" });
  });
});
