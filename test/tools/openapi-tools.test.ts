import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { encodePng } from "../../src/lib/png.ts";
import { approve, execute, plan, reject, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { functionsOf, type ToolsDocument } from "./open-webui.ts";
import { type Awaiting, awaitCard, callTool, imageOf } from "./tool-calls.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const POLICY = {
  capabilities: {
    "fs.read": { ...PATHS, risk_level: "low" },
    "fs.list": { ...PATHS, risk_level: "low" },
    "fs.write": { ...PATHS, risk_level: "medium" },
    "fs.edit": { ...PATHS, enabled: false },
    wait: { enabled: true, risk_level: "low" },
  },
};

let gateway: Gateway;
let document: ToolsDocument;
beforeAll(async () => {
  gateway = await startGateway({
    policy: POLICY,
    env: { CORS_ORIGINS: "https://chat.example" },
    clients: [
      { id: "reader", scheme: "bearer", scopes: ["read"] },
      {
        id: "lister",
        scheme: "bearer",
        scopes: ["plan", "execute", "read"],
        capabilities: ["fs.list"],
      },
    ],
  });
  document = (await (await fetch(`${gateway.url}/tools/openapi.json`)).json()) as ToolsDocument;
  writeFileSync(gateway.file("/tmp/hello.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("GET /tools/openapi.json", () => {
  it("has one operation for each enabled action, besides run_plan and task_status", () => {
    expect(Object.keys(document.paths)).toEqual([
      "/fs_read",
      "/fs_list",
      "/fs_write",
      "/wait",
      "/run_plan",
      "/task_status",
    ]);
    expect(new URL(document.servers[0]?.url ?? "").pathname).toBe("/tools");
    expect(new URL(document.servers[0]?.url ?? "").port).toBe(String(gateway.port));
  });

  it("is OpenAPI 3.1 by its own schema, without a reference", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone({ ...document }))).toEqual({ valid: true });
    expect(JSON.stringify(document.paths)).not.toMatch(/"\$ref"|"allOf"|multipart/);
  });

  it("survives what Open WebUI makes of it", () => {
    const functions = functionsOf(document);
    expect(functions).toHaveLength(Object.keys(document.paths).length);
    for (const { name, description, parameters } of functions) {
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      // What providers of models take.
      expect(description.length, name).toBeLessThanOrEqual(1024);
      for (const [property, { description: text }] of Object.entries(parameters.properties)) {
        expect(text, `${name} ${property}`).toBeTruthy();
      }
    }
    const read = functions.find(({ name }) => name === "fs_read")?.parameters;
    expect(Object.keys(read?.properties ?? {})).toEqual(["path", "encoding", "offset", "length"]);
    expect(read?.required).toEqual(["path"]);
    expect(read?.properties.encoding).toMatchObject({
      enum: ["utf8", "base64"],
      description: expect.stringContaining("Default utf8"),
    });
    const wait = functions.find(({ name }) => name === "wait")?.parameters;
    expect(wait?.properties.duration_ms?.description).toContain("60000");
  });

  it("I11 names nothing that confirms, here as in the API's own description", async () => {
    const own = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ToolsDocument;
    const names = [document, own].flatMap(functionsOf).map(({ name }) => name);
    expect(names.filter((name) => /confirm|approve|reject|decide|card/i.test(name))).toEqual([]);
    expect(own.paths["/confirm"]?.post).toBeDefined();
  });

  it("is for a stranger, often, and for a page of CORS_ORIGINS", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => fetch(`${gateway.url}/tools/openapi.json`)),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const preflight = await fetch(`${gateway.url}/tools/fs_read`, {
      method: "OPTIONS",
      headers: {
        origin: "https://chat.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,accept,x-session-id",
      },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    const allowed = preflight.headers.get("access-control-allow-headers") ?? "";
    for (const name of ["authorization", "content-type", "accept", "x-session-id"]) {
      expect(allowed).toContain(name);
    }
    const called = await callTool(gateway, "fs_list", { path: "/tmp" }, gateway.keys.api, {
      origin: "https://chat.example",
    });
    const exposed = called.headers.get("access-control-expose-headers");
    expect(exposed).toContain("Content-Disposition");
    expect(exposed).toContain("Location");
  });

  it("follows the policy", async () => {
    await using other = await startGateway({
      policy: { capabilities: { "fs.list": PATHS } },
    });
    const { paths } = (await (
      await fetch(`${other.url}/tools/openapi.json`)
    ).json()) as ToolsDocument;
    expect(Object.keys(paths)).toEqual(["/fs_list", "/run_plan", "/task_status"]);
  });
});

describe("calling a tool", () => {
  it("plans, executes and answers the result", async () => {
    const { status, body } = await callTool(gateway, "fs_read", { path: "/tmp/hello.txt" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "completed", result: { content: "hello", size: 5 } });
  });

  it("passes over arguments it does not know, and null for those left out", async () => {
    const { body } = await callTool(gateway, "fs_read", {
      path: "/tmp/hello.txt",
      encoding: null,
      tool: "fs_read",
      chat: { id: 1 },
    });
    expect(body.result).toMatchObject({ content: "hello" });
  });

  it("answers an image as an image, also when asked for it later", async () => {
    const png = await encodePng({ width: 2, height: 1, rgb: new Uint8Array(6) });
    writeFileSync(gateway.file("/tmp/dot.png"), png);
    const planned = await plan(gateway, "fs.read", { path: "/tmp/dot.png" }, gateway.keys.api);
    await execute(gateway, planned.task_id, gateway.keys.api);
    for (const answer of [
      await imageOf(gateway, "fs_read", { path: "/tmp/dot.png" }),
      await imageOf(gateway, "task_status", { task_id: planned.task_id }),
    ]) {
      expect(answer.headers.get("content-type")).toBe("image/png");
      expect(answer.headers.get("location")).toBeNull();
      expect(Buffer.from(await answer.arrayBuffer()).equals(png)).toBe(true);
    }
  });

  it("says what failed, and what to do", async () => {
    const { status, body } = await callTool(gateway, "fs_read", { path: "/tmp/none.txt" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "failed", error: { code: "file_not_found" } });
  });

  it.each([
    ["fs_read", { path: "/etc/passwd" }, 403, "path_not_allowed"],
    ["fs_read", {}, 400, "invalid_request"],
    ["fs_edit", { path: "/tmp/a", old_text: "a", new_text: "b" }, 403, "capability_disabled"],
    ["confirm", {}, 404, "not_found"],
    ["task_status", { task_id: "x" }, 400, "invalid_request"],
    ["task_status", { task_id: `task_${"A".repeat(22)}` }, 404, "task_not_found"],
    ["run_plan", { steps: [] }, 400, "invalid_request"],
    ["run_plan", { steps: [{ action: "fs_edit" }] }, 403, "capability_disabled"],
  ])("refuses %s %j", async (name, args, status, code) => {
    const answer = await callTool<{ code: string }>(gateway, name, args);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it("needs a key, and one that may", async () => {
    const args = { path: "/tmp/hello.txt" };
    const nobody = await callTool<{ code: string }>(gateway, "fs_read", args, {});
    const reader = await callTool<{ code: string }>(gateway, "fs_read", args, gateway.keys.reader);
    const lister = await callTool<{ code: string }>(gateway, "fs_read", args, gateway.keys.lister);
    const approver = await callTool<{ code: string }>(
      gateway,
      "fs_read",
      args,
      gateway.keys.approver,
    );
    expect([nobody.status, reader.status, lister.status, approver.status]).toEqual([
      401, 403, 403, 403,
    ]);
    expect(await callTool(gateway, "fs_list", { path: "/tmp" }, gateway.keys.lister)).toMatchObject(
      {
        status: 200,
      },
    );
  });

  it("runs several steps as one plan", async () => {
    const { body } = await callTool(gateway, "run_plan", {
      title: "look around",
      steps: [
        { action: "fs_list", parameters: { path: "/tmp" } },
        { action: "fs.read", parameters: { path: "/tmp/hello.txt" } },
      ],
    });
    expect(body.status).toBe("completed");
    expect(body.result).toMatchObject({ steps: [{}, { content: "hello" }] });
  });
});

describe("where a person must confirm", () => {
  it("answers a card to show, and gives the model the link for the person and nothing else", async () => {
    const args = { path: "/tmp/asked.txt", content: "x" };
    const { status, headers, body } = await callTool<["", Awaiting]>(gateway, "fs_write", args);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toContain("application/json");
    expect(headers.get("content-disposition")).toBe("inline");
    const location = new URL(headers.get("location") ?? "");
    expect(location.pathname).toBe("/cards");
    expect(location.hash).toMatch(/^#[A-Za-z0-9_-]{44}$/);
    expect(body).toHaveLength(2);
    expect(body[0]).toBe("");
    const { task_id, confirmation_url, advice } = body[1];
    const names = ["advice", "confirmation_url", "status", "task_id"];
    expect(Object.keys(body[1]).sort()).toEqual(names);
    expect(body[1].status).toBe("awaiting_confirmation");
    const planned = await task(gateway, task_id, gateway.keys.approver);
    expect(confirmation_url).toBe(planned.confirmation.url);
    expect(advice).toContain(confirmation_url);
    const besides = JSON.stringify(body).replaceAll(confirmation_url, "");
    expect(besides).not.toMatch(/https?:|approvals|sha256|cards/);
    const asked = await callTool(gateway, "task_status", { task_id });
    expect(asked.body).toMatchObject({ status: "awaiting_confirmation", confirmation_url });
    expect(existsSync(gateway.file("/tmp/asked.txt"))).toBe(false);
    expect(gateway.output).not.toContain(location.hash.slice(1));
  });

  it("starts by itself once approved, and task_status waits for it", async () => {
    const { taskId } = await awaitCard(gateway, "fs_write", { path: "/tmp/yes.txt", content: "y" });
    const waiting = callTool(gateway, "task_status", { task_id: taskId, wait: 30 });
    await approve(gateway, (await task(gateway, taskId, gateway.keys.approver)) as PlanView);
    expect((await waiting).body).toMatchObject({ status: "completed", result: { size: 1 } });
    expect(readFileSync(gateway.file("/tmp/yes.txt"), "utf8")).toBe("y");
  });

  it("tells the model that a person said no", async () => {
    const { taskId } = await awaitCard(gateway, "fs_write", { path: "/tmp/no.txt", content: "n" });
    await reject(gateway, (await task(gateway, taskId, gateway.keys.approver)) as PlanView);
    const { body } = await callTool(gateway, "task_status", { task_id: taskId });
    expect(body).toMatchObject({ status: "rejected", error: { code: "task_rejected" } });
    expect(existsSync(gateway.file("/tmp/no.txt"))).toBe(false);
  });

  it("task_status at once says that it still waits, without another card", async () => {
    const { taskId } = await awaitCard(gateway, "fs_write", { path: "/tmp/w.txt", content: "w" });
    const { headers, body } = await callTool(gateway, "task_status", { task_id: taskId, wait: 0 });
    expect(body).toMatchObject({ task_id: taskId, status: "awaiting_confirmation" });
    expect(headers.get("location")).toBeNull();
    const other = await callTool(gateway, "task_status", { task_id: taskId }, gateway.keys.lister);
    expect(other.status).toBe(404);
  });
});
