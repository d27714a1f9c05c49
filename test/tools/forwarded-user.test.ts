import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/call.ts";
import { task } from "../support/flow.ts";
import { type Gateway, startGateway, startRefused } from "../support/gateway.ts";
import { callTool } from "./tool-calls.ts";

const SECRET = randomBytes(32).toString("base64url");
const ADA = { email: "ada@example.com", name: "Ada", role: "admin" };
const PLAIN = {
  "x-openwebui-user-id": "mallory-id",
  "x-openwebui-user-name": "Mallory%20%C3%89",
  "x-openwebui-user-email": "mallory@example.com",
};

interface TokenOptions {
  readonly secret?: string;
  readonly issuer?: string;
  /** Seconds from now. */
  readonly issued?: number;
  readonly expires?: number;
  readonly algorithm?: string;
}

function token(options: TokenOptions = {}): Promise<string> {
  const { secret = SECRET, issuer = "open-webui", issued = 0, algorithm = "HS256" } = options;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT(ADA)
    .setProtectedHeader({ alg: algorithm })
    .setSubject("ada-id")
    .setIssuer(issuer)
    .setIssuedAt(now + issued)
    .setExpirationTime(now + (options.expires ?? issued + 300))
    .sign(new TextEncoder().encode(secret));
}

/** What audit and approvers are told of who asked. */
async function recorded(gateway: Gateway, headers: Record<string, string>) {
  const { body } = await callTool(gateway, "fs_list", { path: "/tmp" }, undefined, headers);
  const audit = await call<{ records: { type: string; details?: { requested_by?: unknown } }[] }>(
    gateway,
    "GET",
    `/audit?task_id=${body.task_id}`,
    undefined,
    gateway.keys.approver,
  );
  const planned = audit.body.records.find(({ type }) => type === "task.planned");
  const { requested_by } = await task(gateway, body.task_id, gateway.keys.approver);
  expect(planned?.details?.requested_by).toEqual(requested_by);
  return requested_by;
}

describe("whom a call is for", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ env: { OPENWEBUI_JWT_SECRET: SECRET } });
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  it("is verified by Open WebUI's token, which beats the plain headers", async () => {
    const headers = { ...PLAIN, "x-openwebui-user-jwt": await token() };
    expect(await recorded(gateway, headers)).toEqual({ verified: true, id: "ada-id", ...ADA });
  });

  it("is only claimed by the plain headers", async () => {
    expect(await recorded(gateway, PLAIN)).toEqual({
      verified: false,
      id: "mallory-id",
      name: "Mallory É",
      email: "mallory@example.com",
    });
  });

  it("is nobody where nothing is said", async () => {
    expect(await recorded(gateway, {})).toBeUndefined();
  });

  it.each<[string, TokenOptions]>([
    ["another secret", { secret: randomBytes(32).toString("base64url") }],
    ["another issuer", { issuer: "someone" }],
    ["an expired token", { issued: -400 }],
    ["an old token that says it holds", { issued: -400, expires: 1000 }],
    ["a token of the future", { issued: 400 }],
    ["another algorithm", { algorithm: "HS512" }],
  ])("%s is refused, and nothing is planned", async (_, options) => {
    const headers = { "x-openwebui-user-jwt": await token(options) };
    const before = await count(gateway);
    const answer = await callTool<{ code: string }>(
      gateway,
      "fs_list",
      { path: "/tmp" },
      undefined,
      headers,
    );
    expect([answer.status, answer.body.code]).toEqual([401, "token_invalid"]);
    expect(await count(gateway)).toBe(before);
    expect(gateway.output).not.toContain(headers["x-openwebui-user-jwt"]);
  });

  it("clocks may be half a minute apart", async () => {
    const headers = { "x-openwebui-user-jwt": await token({ issued: -310 }) };
    expect(await recorded(gateway, headers)).toMatchObject({ verified: true });
  });

  it.each(["x", "a.b.c", `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(ADA))}.`])(
    "%s is no token",
    async (text) => {
      const headers = { "x-openwebui-user-jwt": text };
      const { status } = await callTool(gateway, "fs_list", { path: "/tmp" }, undefined, headers);
      expect(status).toBe(401);
    },
  );
});

describe("OPENWEBUI_JWT_SECRET", () => {
  it("unset: a token counts for nothing", async () => {
    await using gateway = await startGateway();
    const headers = { ...PLAIN, "x-openwebui-user-jwt": await token() };
    expect(await recorded(gateway, headers)).toMatchObject({ verified: false, id: "mallory-id" });
  });

  it("is no secret that another purpose has", async () => {
    const { output } = await startRefused({
      env: { SHARED_SECRET: SECRET, OPENWEBUI_JWT_SECRET: SECRET },
    });
    expect(output).toContain("OPENWEBUI_JWT_SECRET");
    expect(output).not.toContain(SECRET);
  });
});

async function count(gateway: Gateway): Promise<number> {
  const { body } = await call<{ tasks: unknown[] }>(
    gateway,
    "GET",
    "/tasks?limit=200",
    undefined,
    gateway.keys.approver,
  );
  return body.tasks.length;
}
