import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, task } from "../support/flow.ts";
import { type Gateway, startGateway, startRefused } from "../support/gateway.ts";

/** The seed's own examples, files and client, as they stand there. */
const POLICY = {
  capabilities: {
    "fs.read": {
      enabled: true,
      risk_level: "low",
      max_file_size_mb: 10,
      allowed_paths: ["/tmp", "/home/user"],
    },
    "browser.open": {
      enabled: true,
      risk_level: "medium",
      allowed_domains: ["localhost", "*.example.com"],
    },
  },
  security: { require_signature: true, signature_tolerance_ms: 300000, max_concurrent_tasks: 5 },
};
const BYTEBOT = {
  url: "http://localhost:3000",
  api_key: "your-bytebot-api-key",
  timeout: 30,
  retry_attempts: 3,
  workdir: "/tmp/bytebot-workdir",
};
const SECRET = "your-shared-secret";
/** What a Python string may hold and a JSON writer may spell in several ways. */
const PATH = '/tmp/Grüße “test” 😀 & "quotes".txt';

const python = ["python3", "python"].find(
  (program) =>
    spawnSync(program, ["-c", "import sys; sys.exit(sys.version_info < (3, 6))"]).status === 0,
);

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
type Report = Record<
  | "health"
  | "capabilities"
  | "plan"
  | "execute"
  | "odd_numbers"
  | "denied"
  | "invalid_signature"
  | "unsigned",
  Answered
> & { events: { content_type: string; seen: Record<string, unknown>[] } };

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    config: { "bytebot.json": BYTEBOT },
    // The file names a ByteBot, whose driver is for later.
    env: { DRIVER: "embedded", SHARED_SECRET: SECRET },
  });
  writeFileSync(gateway.file(PATH), "file contents...");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const skipped = python === undefined ? " (skipped: no python3)" : "";

describe.runIf(python)(`the seed's Python client${skipped}`, () => {
  let report: Report;
  beforeAll(async () => {
    const script = join(import.meta.dirname, "seed_flow.py");
    const { stdout } = await promisify(execFile)(python ?? "", [script, gateway.url, SECRET, PATH]);
    report = JSON.parse(stdout);
  });

  test("finds the service healthy", () => {
    expect(report.health).toEqual({
      status: 200,
      body: { status: "healthy", service: "bytebot-gateway", version: "1.0.0" },
    });
  });

  test("sees the capabilities", () => {
    expect(report.capabilities.status).toBe(200);
    expect(report.capabilities.body.capabilities).toMatchObject({
      "fs.read": { enabled: true, risk_level: "low", description: "Read file contents" },
      "fs.write": { enabled: false, risk_level: "medium", description: "Write file contents" },
    });
  });

  test("plans with a signature over the compact body, which it sends with spaces", () => {
    expect(report.plan.status).toBe(200);
    expect(report.plan.body).toMatchObject({
      task_id: expect.stringMatching(/^task_/),
      action: "fs.read",
      parameters: { path: PATH },
      estimated_risk: "low",
      plan_summary: expect.stringContaining("Read contents of"),
      requires_confirmation: true,
    });
    expect(report.odd_numbers.status).toBe(200);
  });

  test("executes what it planned, repeating action and parameters", async () => {
    const { task_id } = report.plan.body;
    expect(report.execute).toEqual({
      status: 202,
      body: { task_id, status: "running", message: "Task execution started" },
    });
    const finished = await task(gateway, String(task_id), { keyId: "default", secret: SECRET });
    expect(finished.result).toMatchObject({ content: "file contents..." });
  });

  test("follows the events", () => {
    expect(report.events.content_type).toBe("text/event-stream; charset=utf-8");
    const names = report.events.seen.map(({ event }) => event);
    expect(names).toContain("task_started");
    expect(names.at(-1)).toBe("task_completed");
    for (const event of report.events.seen) {
      expect(event).toMatchObject({
        task_id: report.plan.body.task_id,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
    }
  });

  test("I7 sees no parameters and no result without credentials", () => {
    expect(JSON.stringify(report.events.seen)).not.toContain("contents");
    expect(JSON.stringify(report.events.seen)).not.toContain("tmp");
  });

  test("is refused where policy or signature do not allow it", () => {
    expect(report.denied).toMatchObject({ status: 403, body: { code: "path_not_allowed" } });
    expect(report.invalid_signature).toMatchObject({
      status: 401,
      body: { code: "signature_invalid" },
    });
    expect(report.unsigned).toMatchObject({ status: 401, body: { code: "signature_missing" } });
  });
});

describe("the seed's files", () => {
  test("load unchanged", async () => {
    const ready = await (await fetch(`${gateway.url}/ready`)).json();
    expect(ready).toMatchObject({ ready: true, parts: { policy: { ok: true } } });
    expect(gateway.output).not.toContain("refused");
  });

  test("the secret of its example is for this machine alone", async () => {
    const credentials = { keyId: "default", secret: SECRET };
    const { status } = await run(gateway, "fs.read", { path: PATH }, credentials);
    expect(status).toBe("completed");
    const refused = await startRefused({ env: { HOST: "0.0.0.0", SHARED_SECRET: SECRET } });
    expect(refused.output).toContain("SHARED_SECRET");
  });
});
