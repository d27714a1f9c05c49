import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ERROR_CODES, isErrorCode, statusOf, TASK_ERROR_CODES } from "../../src/contract/errors.ts";
import type { Problem } from "../../src/contract/service.ts";
import type { TaskError } from "../../src/contract/task.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { canMount, mountSmallDisk } from "../storage/disks.ts";
import { type Answer, authHeaders, call, signedFetch } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, execute, plan, planRequest, reject, run, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawCall, rawText } from "../support/raw-answer.ts";

/**
 * Every error code, provoked through HTTP. Long because it is one table: a code and how it comes
 * about stand together, and a code that is missing is found.
 */

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.list": { enabled: true, allowed_paths: ["/tmp"], confirmation: "approver", approvals: 2 },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"], max_file_size_mb: 0.001 },
    "fs.edit": { enabled: true, allowed_paths: ["/tmp"], confirmation: "client" },
    "browser.open": { enabled: true, allowed_domains: ["*.example.com"] },
    "app.open": { enabled: true, allowed_apps: ["ghost"] },
    "mouse.click": { enabled: true },
    "shell.run": {
      enabled: true,
      risk_level: "high",
      confirmation: "client",
      allowed_commands: ["ls", "no-such-program"],
    },
    wait: { enabled: true },
  },
};
const TIGHT = {
  capabilities: { "fs.read": { enabled: true, allowed_paths: ["/tmp"] }, wait: { enabled: true } },
  security: {
    plan_ttl_s: 2,
    max_task_duration_s: 1,
    max_concurrent_tasks: 1,
    max_queued_tasks: 1,
    rate_limit_per_minute: 120,
  },
};

const TO_WRITE = { capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } } };

/** An application that is not there. */
const GHOST = { applications: { ghost: ["/usr/bin/no-such-program"] } };
const CLICK = { action: "mouse.click", parameters: { coordinates: { x: 1, y: 1 } } };

function startDriven(daemon: Daemon): Promise<Gateway> {
  const env = { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" };
  return startGateway({ policy: POLICY, env: { ...env, RETRY_ATTEMPTS: "0" } });
}

let gateway: Gateway;
/** Its policy allows little: few tasks, few requests, short lives. */
let tight: Gateway;
beforeAll(async () => {
  [gateway, tight] = await Promise.all([
    startGateway({
      policy: POLICY,
      env: { MAX_FILE_SIZE_MB: "1" },
      config: { "desktop.json": GHOST },
    }),
    startGateway({ policy: TIGHT, clients: [{ id: "busy", scopes: ["read"] }] }),
  ]);
  writeFileSync(gateway.file("/tmp/a.txt"), "one\n");
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await tight?.[Symbol.asyncDispose]();
});

interface Case<Refusal> {
  /** What the detail must name: the thing refused, and the rule. */
  readonly detail: RegExp;
  /** A member the answer must have besides. */
  readonly extra?: keyof Problem;
  readonly provoke: () => Promise<Refusal>;
}

type Refused = Answer<Problem>;
type Body = Readonly<Record<string, unknown>>;

const post = (target: string, body: Body, of = gateway.keys.default) =>
  call<Problem>(gateway, "POST", target, body, of);
const get = (target: string) => call<Problem>(gateway, "GET", target);
const planOf = (action: string, parameters: Body) => post("/plan", { action, parameters });
const READ = { action: "fs.read", parameters: { path: "/tmp/a.txt" } };
const UNKNOWN_TASK = `task_${"A".repeat(22)}`;

/** `POST /plan` with headers of its own. */
async function planWith(headers: Record<string, string>): Promise<Refused> {
  return call(gateway, "POST", "/plan", READ, {}, headers);
}

const IN_ANSWERS: Readonly<Record<string, Case<Refused>>> = {
  invalid_request: {
    detail: /"\/parameters".*object/,
    provoke: () => post("/plan", { action: "fs.read", parameters: 1 }),
  },
  signature_missing: { detail: /needs credentials/, provoke: () => planWith({}) },
  signature_invalid: {
    detail: /X-Key-Id.*X-Signature/,
    provoke: () => post("/plan", READ, { keyId: "default", secret: "another secret" }),
  },
  timestamp_out_of_window: {
    detail: /X-Timestamp.*300000 ms.*signature_tolerance_ms/,
    provoke: () => {
      const text = JSON.stringify(READ);
      const old = Date.now() - 400_000;
      return planWith(authHeaders(gateway.keys.default, "POST", "/plan", text, old));
    },
  },
  signature_replayed: {
    detail: /X-Signature was used before/,
    provoke: async () => {
      const headers = authHeaders(gateway.keys.default, "POST", "/plan", JSON.stringify(READ));
      await planWith(headers);
      return planWith(headers);
    },
  },
  token_invalid: { detail: /token/, provoke: () => post("/plan", READ, { token: "x".repeat(32) }) },
  capability_unknown: { detail: /"fs\.reed"/, provoke: () => planOf("fs.reed", {}) },
  capability_disabled: {
    detail: /agent\.task.*capabilities\["agent\.task"\]/,
    provoke: () => planOf("agent.task", { description: "x" }),
  },
  path_not_allowed: {
    detail: /\/etc\/passwd.*capabilities\["fs\.read"\]\.allowed_paths/,
    extra: "allowed_paths",
    provoke: () => planOf("fs.read", { path: "/etc/passwd" }),
  },
  domain_not_allowed: {
    detail: /evilexample\.com.*capabilities\["browser\.open"\]\.allowed_domains/,
    extra: "allowed_domains",
    provoke: () => planOf("browser.open", { url: "https://evilexample.com/" }),
  },
  command_not_allowed: {
    detail: /rm -rf.*capabilities\["shell\.run"\]\.allowed_commands/,
    extra: "allowed_commands",
    provoke: () => planOf("shell.run", { command: ["rm", "-rf", "/"] }),
  },
  application_not_allowed: {
    detail: /gimp.*capabilities\["app\.open"\]\.allowed_apps/,
    extra: "allowed_apps",
    provoke: () => planOf("app.open", { application: "gimp" }),
  },
  scope_missing: { detail: /Key default.*scope confirm/, provoke: () => post("/stop", {}) },
  host_not_allowed: {
    detail: /"evil\.example".*ALLOWED_HOSTS/,
    provoke: () => rawCall(gateway, rawText("GET /health", { host: "evil.example" })),
  },
  not_found: { detail: /no such route/, provoke: () => get("/plans") },
  task_not_found: { detail: /task_AAAA.*this key/, provoke: () => get(`/tasks/${UNKNOWN_TASK}`) },
  artifact_not_found: {
    detail: /artifact_AAAA.*this key/,
    provoke: () => get(`/artifacts/artifact_${"A".repeat(22)}`),
  },
  method_not_allowed: { detail: /GET.*only POST/, provoke: () => get("/plan") },
  plan_mismatch: {
    detail: /differ from the plan/,
    provoke: async () => {
      const { task_id } = await planRequest(gateway, READ);
      return post("/execute", { task_id, ...READ, parameters: { path: "/tmp/b.txt" } });
    },
  },
  digest_mismatch: {
    detail: /digest.*this task's plan/,
    provoke: async () => {
      const { task_id } = await plan(gateway, "fs.list", { path: "/tmp" });
      const plan_digest = `sha256:${"0".repeat(64)}`;
      return post("/confirm", { task_id, plan_digest, decision: "approve" }, gateway.keys.approver);
    },
  },
  state_changed: {
    detail: /policy became stricter/,
    provoke: async () => {
      const { task_id } = await plan(tight, "fs.read", { path: "/tmp/a.txt" });
      await using events = await openEvents(tight);
      const { capabilities } = TIGHT;
      const stricter = { ...capabilities["fs.read"], confirmation: "approver" };
      tight.writePolicy({ ...TIGHT, capabilities: { ...capabilities, "fs.read": stricter } });
      await events.until("policy_reloaded");
      return call(tight, "POST", "/execute", { task_id });
    },
  },
  already_decided: {
    detail: /rejected.*cannot be decided again/,
    provoke: async () => {
      const { task_id, plan_digest } = await plan(gateway, "fs.list", { path: "/tmp" });
      await reject(gateway, { task_id, plan_digest });
      return post("/confirm", { task_id, plan_digest, decision: "approve" }, gateway.keys.approver);
    },
  },
  same_approver: {
    detail: /Key approver has approved/,
    provoke: async () => {
      const { task_id, plan_digest } = await plan(gateway, "fs.list", { path: "/tmp" });
      await approve(gateway, { task_id, plan_digest });
      const again = { task_id, plan_digest, decision: "approve", on_behalf_of: "somebody else" };
      return post("/confirm", again, gateway.keys.approver);
    },
  },
  task_rejected: {
    detail: /approver rejected/,
    provoke: async () => {
      const planned = await plan(gateway, "fs.list", { path: "/tmp" });
      await reject(gateway, planned);
      return post("/execute", { task_id: planned.task_id });
    },
  },
  task_cancelled: {
    detail: /was cancelled/,
    provoke: async () => {
      const { task_id } = await planRequest(gateway, READ);
      await post(`/tasks/${task_id}/cancel`, {});
      return post("/execute", { task_id });
    },
  },
  plan_corrupted: {
    detail: /not what was planned and approved/,
    provoke: async () => {
      const { task_id } = await planRequest(gateway, READ);
      using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"), { timeout: 5000 });
      database.prepare("UPDATE tasks SET state = '{}' WHERE id = ?").run(task_id);
      return post("/execute", { task_id });
    },
  },
  plan_expired: {
    detail: /expired before it ran/,
    provoke: async () => {
      await using events = await openEvents(tight);
      const { task_id } = await plan(tight, "wait", { duration_ms: 1 });
      await events.until("task_expired", task_id);
      return call(tight, "POST", "/execute", { task_id });
    },
  },
  body_too_large: {
    detail: /larger than/,
    provoke: () => {
      const headers = { "content-type": "application/json", "content-length": "9000000" };
      return rawCall(gateway, rawText("POST /plan", headers));
    },
  },
  file_too_large: {
    detail: /2000 bytes.*capabilities\["fs\.write"\]\.max_file_size_mb/,
    provoke: () => planOf("fs.write", { path: "/tmp/big.txt", content: "x".repeat(2000) }),
  },
  unsupported_media_type: {
    detail: /Content-Type is not application\/json/,
    provoke: () =>
      call(gateway, "POST", "/plan", "a=b", undefined, { "content-type": "text/plain" }),
  },
  rate_limited: {
    detail: /Key busy.*120.*rate_limit_per_minute/,
    extra: "retry_after",
    provoke: async () => {
      for (let count = 0; count < 200; count += 1) {
        const answer = await call<Problem>(tight, "GET", "/tasks", undefined, tight.keys.busy);
        if (answer.status !== 200) return answer;
      }
      throw new Error("200 requests of one key were answered");
    },
  },
  queue_full: {
    detail: /Key default has 1 tasks waiting/,
    extra: "retry_after",
    provoke: async () => {
      const plans = [1, 2, 3].map(() => plan(tight, "wait", { duration_ms: 60_000 }));
      const answers: Refused[] = [];
      for (const { task_id } of await Promise.all(plans)) {
        answers.push(await call(tight, "POST", "/execute", { task_id }));
      }
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
      return answers[2] as Refused;
    },
  },
  headers_too_large: {
    detail: /over 8192 bytes/,
    provoke: () => rawCall(gateway, rawText("GET /health", { "x-long": "x".repeat(9000) })),
  },
  internal_error: {
    // What happened stays in the log: the answer says where to look.
    detail: /failed inside the gateway/,
    extra: "request_id",
    provoke: async () => {
      await using damaged = await startGateway();
      using database = new DatabaseSync(join(damaged.dataDir, "gateway.db"));
      database.exec("ALTER TABLE tasks RENAME TO gone");
      const answer = await call<Problem>(damaged, "GET", "/tasks");
      const line = await damaged.logged(
        ({ level, request_id }) => level === "error" && request_id !== undefined,
      );
      expect(line.request_id).toBe(answer.body.request_id);
      expect(JSON.stringify(line.err)).toContain("no such table");
      expect(JSON.stringify(answer.body)).not.toMatch(/table|sqlite|\.ts|\.js/i);
      return answer;
    },
  },
  desktop_unavailable: {
    detail: /app\.open cannot run here|no-such-program/,
    provoke: () => planOf("app.open", { application: "ghost" }),
  },
  bytebot_error: {
    detail: /./,
    provoke: async () => {
      await using daemon = await startDaemon();
      await using driven = await startDriven(daemon);
      daemon.fail({ action: "screenshot", with: "500" });
      return await call<Problem>(driven, "POST", "/plan", CLICK);
    },
  },
  bytebot_unavailable: {
    detail: /./,
    provoke: async () => {
      await using daemon = await startDaemon();
      await using driven = await startDriven(daemon);
      await daemon.stopListening();
      return await call<Problem>(driven, "POST", "/plan", CLICK);
    },
  },
  audit_unavailable: {
    detail: /Nothing was done: it could not be recorded/,
    extra: "retry_after",
    provoke: async () => {
      using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
      database.exec("BEGIN IMMEDIATE");
      const answer = await post("/plan", READ);
      database.exec("ROLLBACK");
      // It recovers by itself.
      await planRequest(gateway, READ);
      return answer;
    },
  },
  stopped: {
    detail: /takes no new work/,
    provoke: async () => {
      await post("/stop", {}, gateway.keys.approver);
      const answer = await post("/plan", READ);
      await post("/resume", {}, gateway.keys.approver);
      return answer;
    },
  },
};

/** Only a failed task's `error` carries them in this version. */
const IN_TASKS: Readonly<Record<string, Case<TaskError | null>>> = {
  timeout: {
    detail: /longer than security\.max_task_duration_s \(1 s\)/,
    provoke: async () => {
      // Waits its turn behind what fills the queue, if need be.
      await using events = await openEvents(tight);
      const { task_id } = await plan(tight, "wait", { duration_ms: 60_000 });
      await call(tight, "POST", "/execute", { task_id });
      await events.until("task_failed", task_id);
      return (await task(tight, task_id)).error;
    },
  },
  file_not_found: {
    detail: /\/tmp\/none/,
    provoke: () => failure("fs.read", { path: "/tmp/none" }),
  },
  file_exists: {
    detail: /\/tmp\/a\.txt.*mode create/,
    provoke: () => failure("fs.write", { path: "/tmp/a.txt", content: "two" }),
  },
  disk_full: {
    detail: /\/tmp\/b\.txt.*no room/,
    provoke: async () => {
      using disk = mountSmallDisk();
      await using full = await startGateway({ policy: TO_WRITE, env: { WORKDIR: disk.dataDir } });
      disk.fill(full);
      const content = "y".repeat(200_000);
      return (await run(full, "fs.write", { path: "/tmp/b.txt", content })).error ?? null;
    },
  },
  not_a_file: { detail: /\/tmp/, provoke: () => failure("fs.read", { path: "/tmp" }) },
  text_not_found: {
    detail: /\/tmp\/a\.txt.*old_text does not occur/,
    provoke: () => failure("fs.edit", { path: "/tmp/a.txt", old_text: "two", new_text: "three" }),
  },
  command_failed: {
    detail: /no-such-program/,
    provoke: () => failure("shell.run", { command: ["no-such-program"] }),
  },
  outcome_unknown: {
    detail: /./,
    provoke: async () => {
      await using events = await openEvents(gateway);
      const { task_id } = await plan(gateway, "wait", { duration_ms: 60_000 });
      await call(gateway, "POST", "/execute", { task_id });
      await events.until("task_started", task_id);
      await gateway.kill();
      await gateway.start();
      return (await task(gateway, task_id)).error;
    },
  },
};

async function failure(action: string, parameters: Body): Promise<TaskError | null> {
  const { status, error } = await run(gateway, action, parameters);
  expect(status).toBe("failed");
  return error ?? null;
}

describe("every error code", () => {
  test("is provoked here", () => {
    const listed = [...Object.keys(IN_ANSWERS), ...Object.keys(IN_TASKS)];
    expect(listed.toSorted()).toEqual(TASK_ERROR_CODES.toSorted());
  });

  test("has a status of its own kind", () => {
    for (const code of ERROR_CODES) expect(statusOf(code)).toBeGreaterThanOrEqual(400);
  });
});

describe("an answer", () => {
  test.each(Object.entries(IN_ANSWERS))("%s", async (code, { detail, extra, provoke }) => {
    const { status, headers, body } = await provoke();
    expect(body.code, body.detail).toBe(code);
    expect(isErrorCode(code) && statusOf(code)).toBe(status);
    expect(body.status).toBe(status);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body.type).toBe(`urn:bytebot-gateway:error:${code}`);
    expect(body.title).not.toBe("");
    expect(body.detail).toMatch(detail);
    expect(body.hint).toMatch(/\w{3,}/);
    if (extra !== undefined) expect(body).toHaveProperty(extra);
    if (extra === "retry_after") expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("a task's error", () => {
  test.for(Object.entries(IN_TASKS))("%s", async ([code, { detail, provoke }], context) => {
    if (code === "command_failed" && !(await offersShell())) {
      context.skip("shell.run is not offered on this machine");
    }
    if (code === "disk_full") context.skip(!canMount, "only root mounts a disk to fill");
    const error = await provoke();
    expect(error?.code, error?.detail).toBe(code);
    expect(error?.detail).toMatch(detail);
    expect(error?.hint).toMatch(/\w{3,}/);
  });

  test("state_changed and file_too_large too", async () => {
    const planned = await plan(gateway, "fs.write", {
      path: "/tmp/a.txt",
      content: "two",
      mode: "overwrite",
    });
    await approve(gateway, planned);
    writeFileSync(gateway.file("/tmp/a.txt"), "changed meanwhile\n");
    const changed = await execute(gateway, planned.task_id);
    expect(changed.error?.code).toBe("state_changed");
    writeFileSync(gateway.file("/tmp/huge.txt"), Buffer.alloc(2_000_000, "x"));
    expect((await failure("fs.read", { path: "/tmp/huge.txt" }))?.code).toBe("file_too_large");
  });
});

async function offersShell(): Promise<boolean> {
  const answer = await signedFetch(gateway, "GET", "/capabilities");
  const { capabilities } = (await answer.json()) as {
    capabilities: Record<string, { enabled: boolean }>;
  };
  return capabilities["shell.run"]?.enabled ?? false;
}
