import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { VARIABLE_NAMES } from "../../src/config/variables.ts";
import { ERROR_CODES, statusOf, TASK_ERROR_CODES } from "../../src/contract/errors.ts";
import { EVENT_NAMES } from "../../src/contract/event.ts";
import { TASK_STATUSES } from "../../src/contract/task.ts";
import { type ApiDocument, apiDocument, problemWith } from "../support/answer-schema.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/**
 * What others build on. A change here is a change of the interface: it belongs in the changelog, and
 * into `docs/`.
 */
const ROUTES = `
  POST /plan
  POST /confirm
  POST /execute
  GET /tasks
  GET /tasks/{task_id}
  POST /tasks/{task_id}/cancel
  POST /confirm/challenge
  POST /tasks/{task_id}/messages
  POST /tasks/{task_id}/resume
  POST /tasks/{task_id}/takeover
  GET /artifacts/{artifact_id}
  GET /console
  GET /console/{page}
  GET /console/{page}/{item}
  GET /approvals/{task_id}
  GET /console/assets/{file}
  GET /tools/openapi.json
  POST /tools/{tool}
  GET /cards
  POST /cards/open
  POST /cards/state
  POST /cards/decide
  POST /cards/picture
  POST /mcp
  GET /mcp
  DELETE /mcp
  GET /desktops
  GET /desktops/{desktop}/picture
  POST /desktops/{desktop}/takeover
  DELETE /desktops/{desktop}/takeover
  POST /desktops/{desktop}/input
  GET /desktops/{desktop}/vnc
  GET /events
  POST /stop
  POST /resume
  GET /audit
  GET /audit/verification
  GET /grants
  POST /grants
  DELETE /grants/{grant_id}
  GET /keys
  POST /keys
  POST /keys/{key_id}/rotate
  DELETE /keys/{key_id}
  GET /policy
  POST /policy/explain
  POST /policy/dry-run
  GET /statistics
  GET /webhooks
  POST /webhooks/retry
  GET /session
  POST /session/link
  POST /session/enrol/options
  POST /session/enrol
  POST /session/passkey/options
  POST /session/passkey
  POST /session/password
  POST /session/step-up
  DELETE /session
  GET /session/passkeys
  POST /session/passkeys/options
  POST /session/passkeys
  DELETE /session/passkeys/{passkey_id}
  GET /people
  POST /people
  POST /people/{person_id}/link
  POST /people/{person_id}/vouch
  DELETE /people/{person_id}
  DELETE /people/invitations/{invitation_id}
  GET /health
  GET /healthz
  GET /ready
  GET /capabilities
  GET /metrics
  GET /openapi.json
  GET /docs
  GET /docs/{file}`;

const CAPABILITIES = {
  "fs.read": "low",
  "fs.list": "low",
  "fs.write": "medium",
  "fs.edit": "medium",
  "browser.open": "medium",
  "app.open": "medium",
  "screen.capture": "low",
  "screen.cursor": "low",
  "mouse.move": "medium",
  "mouse.click": "medium",
  "mouse.press": "medium",
  "mouse.drag": "medium",
  "mouse.trace": "medium",
  "mouse.scroll": "medium",
  "keyboard.type": "medium",
  "keyboard.paste": "medium",
  "keyboard.chord": "medium",
  "keyboard.press": "medium",
  wait: "low",
  "shell.run": "high",
  "agent.task": "high",
};

const CODES = {
  400: "invalid_request",
  401: "signature_missing signature_invalid timestamp_out_of_window signature_replayed token_invalid",
  403:
    "capability_unknown capability_disabled path_not_allowed domain_not_allowed " +
    "command_not_allowed application_not_allowed scope_missing host_not_allowed",
  404: "not_found task_not_found artifact_not_found",
  405: "method_not_allowed",
  409:
    "plan_mismatch digest_mismatch state_changed already_decided same_approver task_rejected " +
    "task_cancelled plan_corrupted",
  410: "plan_expired",
  413: "body_too_large file_too_large",
  415: "unsupported_media_type",
  429: "rate_limited queue_full",
  431: "headers_too_large",
  500: "internal_error",
  502: "bytebot_error",
  503: "bytebot_unavailable desktop_unavailable audit_unavailable stopped",
  504: "timeout",
};
const TASK_ONLY =
  "file_not_found file_exists not_a_file disk_full text_not_found command_failed outcome_unknown";

const EVENTS =
  "task_planned task_confirmed task_rejected task_expired task_queued task_started task_progress " +
  "task_completed task_failed task_cancelled task_interrupted policy_reloaded gateway_stopped " +
  "gateway_resumed grant_created grant_ended desktop_taken_over desktop_returned";

const STATUSES =
  "planned awaiting_confirmation ready queued running completed failed cancelled interrupted " +
  "rejected expired";

const VARIABLES = `
  LOG_LEVEL SHARED_SECRET BYTEBOT_URL BYTEBOT_API_KEY WORKDIR MAX_FILE_SIZE_MB REQUEST_TIMEOUT
  RETRY_ATTEMPTS HOST PORT DRIVER BYTEBOT_AGENT_URL DATA_DIR CONFIG_DIR CORS_ORIGINS PUBLIC_URL
  ALLOWED_HOSTS TRUSTED_PROXIES APPROVER_SECRET API_TOKEN AUDIT_KEY RETENTION_DAYS LOG_FORMAT
  SHARED_SECRET_FILE APPROVER_SECRET_FILE API_TOKEN_FILE AUDIT_KEY_FILE BYTEBOT_API_KEY_FILE
  GUARD_HOST GUARD_PORT GUARD_KEY GUARD_KEY_FILE OPENWEBUI_JWT_SECRET OPENWEBUI_JWT_SECRET_FILE`;

const EXIT_CODES = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  rejected: 5,
  expired: 6,
  unauthorised: 7,
  cancelled: 8,
  unavailable: 9,
  interrupted: 130,
  brokenPipe: 141,
};

const words = (text: string) => text.trim().split(/\s+/).toSorted();
const routes = ROUTES.trim()
  .split("\n")
  .map((line) => {
    const [method = "", path = ""] = line.trim().split(" ");
    return { method, path };
  });
/** A path of the route that leads to nothing there is. */
const pathOf = (path: string) =>
  path
    .replace("{task_id}", `task_${"A".repeat(22)}`)
    .replace("{artifact_id}", `artifact_${"A".repeat(22)}`)
    .replace("{passkey_id}", "A".repeat(22))
    .replace("{person_id}", "nobody")
    .replace("{invitation_id}", "A".repeat(22))
    .replace("{tool}", "fs_read")
    .replace("{file}", "start.js");

let gateway: Gateway;
let api: ApiDocument;
beforeAll(async () => {
  gateway = await startGateway();
  api = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ApiDocument;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("pinned: the routes", () => {
  test("are those of the description", () => {
    const described = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const pinned = routes.map(({ method, path }) => `${method} ${path}`);
    expect(described.toSorted()).toEqual(pinned.toSorted());
  });

  test.each(routes)(
    "$method $path is there, and takes no other method",
    async ({ method, path }) => {
      const own = await fetch(gateway.url + pathOf(path), { method });
      await own.body?.cancel();
      expect(own.status).not.toBe(405);
      for (const other of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        if (routes.some((route) => route.path === path && route.method === other)) continue;
        const answer = await fetch(gateway.url + pathOf(path), { method: other });
        expect(((await answer.json()) as { code: string }).code).toBe("method_not_allowed");
        expect(answer.headers.get("allow")).toContain(method);
      }
    },
  );

  test("are the only ones: what others call such a service is not there", async () => {
    const guesses = ["/", "/api", "/v1/plan", "/admin", "/plans", "/task", "/events/", "/approve"];
    const more = ["/.env", "/config/policy.json", "/debug", "/shutdown", "/grant", "/sse"];
    for (const path of [...guesses, ...more]) {
      for (const method of ["GET", "POST"] as const) {
        expect((await call(gateway, method, path)).status, `${method} ${path}`).toBe(404);
      }
    }
  });
});

describe("pinned: the description", () => {
  test("is OpenAPI 3.1 by its own schema", async () => {
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(api) })).toEqual({ valid: true });
    expect(api.openapi).toMatch(/^3\.1\./);
  });

  test("is the published one, but for the address", () => {
    const { servers: _own, ...served } = api as ApiDocument & { servers: unknown };
    const { servers: _published, ...published } = apiDocument() as typeof api & {
      servers: unknown;
    };
    expect(served).toEqual(published);
  });

  test("would not let an undeclared field, status or code pass", () => {
    const seen = {
      method: "GET",
      target: "/health",
      status: 200,
      contentType: "application/json",
      body: { status: "healthy", service: "bytebot-gateway", version: "1.0.0" },
    };
    const problem = {
      type: "x",
      title: "x",
      status: 404,
      detail: "x",
      code: "task_not_found",
      hint: "x",
    };
    const contentType = "application/problem+json";
    const missing = { ...seen, target: "/tasks/x", status: 404, contentType, body: problem };
    expect(problemWith(seen)).toBeUndefined();
    expect(problemWith({ ...seen, body: { ...seen.body, uptime: 1 } })).toMatch(/"\/uptime"/);
    expect(problemWith({ ...seen, body: { ...seen.body, status: "ill" } })).toMatch(/"\/status"/);
    expect(problemWith({ ...seen, status: 204 })).toMatch(/204 is not declared/);
    expect(problemWith({ ...seen, contentType: "text/html" })).toMatch(/text\/html/);
    expect(problemWith(missing)).toBeUndefined();
    expect(problemWith({ ...missing, body: { ...problem, code: "timeout" } })).toMatch(/timeout/);
  });
});

describe("pinned: the words", () => {
  test("capabilities and their risk", async () => {
    const { body } = await call<{ capabilities: Record<string, { risk_level: string }> }>(
      gateway,
      "GET",
      "/capabilities",
    );
    const risks = Object.entries(body.capabilities).map(([name, view]) => [name, view.risk_level]);
    expect(Object.fromEntries(risks)).toEqual(CAPABILITIES);
  });

  test("error codes and their status", () => {
    const pinned = Object.entries(CODES).flatMap(([status, codes]) =>
      codes.split(" ").map((code) => [code, Number(status)]),
    );
    expect(Object.fromEntries(ERROR_CODES.map((code) => [code, statusOf(code)]))).toEqual(
      Object.fromEntries(pinned),
    );
    const known: readonly string[] = ERROR_CODES;
    expect(TASK_ERROR_CODES.filter((code) => !known.includes(code)).toSorted()).toEqual(
      words(TASK_ONLY),
    );
  });

  test("event names and statuses of a task", () => {
    expect(EVENT_NAMES.toSorted()).toEqual(words(EVENTS));
    expect(TASK_STATUSES.toSorted()).toEqual(words(STATUSES));
  });

  test("configuration variables", () => {
    expect(VARIABLE_NAMES.toSorted()).toEqual(words(VARIABLES));
  });

  test("exit codes of the command line, as its help lists them", async () => {
    expect(EXIT).toEqual(EXIT_CODES);
    const { stdout } = await cli(gateway, ["--help"]);
    for (const code of Object.values(EXIT_CODES))
      expect(stdout).toMatch(new RegExp(`^\\s+${code}\\s`, "m"));
  });

  test("name and version of the package", () => {
    const file = join(dirname(dirname(import.meta.dirname)), "package.json");
    const { name, exports, bin } = JSON.parse(readFileSync(file, "utf8"));
    expect(name).toBe("bytebot-gateway");
    expect(Object.keys(bin)).toEqual(["bytebot-gateway"]);
    expect(Object.keys(exports)).toEqual(["./client", "./package.json"]);
  });
});
