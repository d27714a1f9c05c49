import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClientsFile, readKeys } from "./clients.ts";
import { type Config, type Secrets, StartupError } from "./config.ts";
import { loadConfig } from "./load-config.ts";

const LONG = "-0123456789abcdef";
const ENVIRONMENT = {
  SHARED_SECRET: `shared${LONG}`,
  AUDIT_KEY: `audit${LONG}`,
  API_TOKEN: `api${LONG}`,
  APPROVER_SECRET: `approver${LONG}`,
  ONE: `one${LONG}`,
  TWO: `two${LONG}`,
  WEAK: "weak",
  HOST: "0.0.0.0",
  WORKDIR: "work",
};

let cwd: string;
let loaded: { config: Config; secrets: Secrets };
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "clients-"));
  mkdirSync(join(cwd, "config"));
  mkdirSync(join(cwd, "work"));
  loaded = loadConfig(ENVIRONMENT, cwd);
});
afterEach(() => rmSync(cwd, { recursive: true }));

function read(file?: unknown) {
  if (file !== undefined) writeFileSync(join(cwd, "config/clients.json"), JSON.stringify(file));
  const keys = readKeys(loaded.config, loaded.secrets);
  return Object.fromEntries(keys.map((key) => [key.principal.keyId, key]));
}

function fault(...clients: object[]): StartupError {
  try {
    read({ clients });
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const ONE = { id: "one", scheme: "hmac", secret_env: "ONE", scopes: ["plan", "execute"] };
const TWO = { id: "two", scheme: "bearer", secret_env: "TWO", scopes: ["read"] };
const sha256 = (text: string) => createHash("sha256").update(text).digest();

describe("readKeys", () => {
  it("has the built-in keys where no file is", () => {
    const { default: shared, api, approver } = read();
    expect(shared?.secret).toEqual(Buffer.from(ENVIRONMENT.SHARED_SECRET));
    expect(api?.secret).toEqual(sha256(ENVIRONMENT.API_TOKEN));
    expect([...(shared?.principal.scopes ?? [])]).toEqual(["plan", "execute", "read"]);
    expect([...(api?.principal.scopes ?? [])]).toEqual(["plan", "execute", "read"]);
    expect([...(approver?.principal.scopes ?? [])]).toEqual(["confirm", "read"]);
    expect([shared, api, approver].map((key) => key?.principal.scheme)).toEqual([
      "hmac",
      "bearer",
      "hmac",
    ]);
  });

  it("reads clients with their limits, and secrets from everywhere", () => {
    writeFileSync(join(cwd, "config/three"), `three${LONG}\n`);
    const { one, two, three, four } = read({
      $schema: "./clients.schema.json",
      clients: [
        {
          ...ONE,
          capabilities: ["fs.read", "wait"],
          desktops: ["main"],
          trusted_approval_surface: true,
        },
        TWO,
        { id: "three", scheme: "hmac", secret_file: "three", scopes: ["confirm", "read"] },
        {
          id: "four",
          scheme: "bearer",
          secret_sha256: sha256("4").toString("hex"),
          scopes: ["read"],
        },
      ],
    });
    expect(one?.principal).toEqual({
      keyId: "one",
      scheme: "hmac",
      scopes: new Set(["plan", "execute"]),
      capabilities: new Set(["fs.read", "wait"]),
      desktops: new Set(["main"]),
      trustedApprovalSurface: true,
    });
    expect(Object.isFrozen(one?.principal)).toBe(true);
    expect(one?.secret).toEqual(Buffer.from(ENVIRONMENT.ONE));
    expect(two?.principal).toMatchObject({
      capabilities: null,
      desktops: null,
      trustedApprovalSurface: false,
    });
    expect(two?.secret).toEqual(sha256(ENVIRONMENT.TWO));
    expect(three?.secret).toEqual(Buffer.from(`three${LONG}`));
    expect(four?.secret).toEqual(sha256("4"));
  });

  it("I15 leaves out what is revoked, built-in keys too, and needs no secret of it", () => {
    const keys = read({
      clients: [{ ...ONE, revoked: true, secret_env: "GONE" }, TWO],
      revoked: ["two", "default", "approver"],
    });
    expect(Object.keys(keys)).toEqual(["api"]);
  });

  it.each(["plan", "execute"])("I4 refuses confirm beside %s", (scope) => {
    const { variable, problem } = fault(TWO, { ...ONE, scopes: [scope, "confirm"] });
    expect(variable).toBe(`${join(cwd, "config/clients.json")} /clients/1`);
    expect(problem).toContain("both plan and confirm");
  });

  it.each([
    [{ ...ONE, secret_env: "SHARED_SECRET" }],
    [{ ...TWO, secret_env: "SHARED_SECRET" }],
    [
      {
        ...TWO,
        secret_env: undefined,
        secret_sha256: sha256(ENVIRONMENT.API_TOKEN).toString("hex"),
      },
    ],
    [
      {
        ...TWO,
        secret_env: undefined,
        secret_sha256: sha256(ENVIRONMENT.SHARED_SECRET).toString("hex"),
      },
    ],
    [ONE, { ...TWO, secret_env: "ONE" }],
  ])("I4 refuses a secret that two keys share %#", (...clients) => {
    expect(fault(...clients).problem).toContain("share a secret");
  });

  it.each<[string, object]>([
    ["stands twice", ONE],
    ["built-in", { ...ONE, id: "default" }],
    ["built-in", { ...ONE, id: "approver" }],
    ["pattern", { ...TWO, id: "Two" }],
    ["pattern", { ...TWO, id: "" }],
    ["allowed values", { ...TWO, scheme: "basic" }],
    ["allowed values", { ...TWO, scopes: ["admin"] }],
    ["fewer than 1", { ...TWO, scopes: [] }],
    ['unknown key "colour"', { ...TWO, colour: "red" }],
    ["required", { id: "two" }],
    ["0 sources", { ...TWO, secret_env: undefined }],
    ["2 sources", { ...TWO, secret_file: "x" }],
    [
      "for bearer tokens",
      { ...TWO, scheme: "hmac", secret_env: undefined, secret_sha256: "a".repeat(64) },
    ],
    ["pattern", { ...TWO, secret_env: undefined, secret_sha256: "a" }],
    ["MISSING is not set", { ...TWO, secret_env: "MISSING" }],
    ["cannot be read", { ...TWO, secret_env: undefined, secret_file: "missing" }],
    ["inside WORKDIR", { ...TWO, secret_env: undefined, secret_file: "../work/token" }],
    ["shorter than 16", { ...TWO, secret_env: "WEAK" }],
  ])("refuses what %s", (problem, client) => {
    const error = fault(ONE, client);
    expect(error.problem).toContain(problem);
    expect(error.variable).toContain("clients.json /clients/1");
  });

  it("refuses to revoke an id that no key has, for it may be a typing error", () => {
    expect(() => read({ clients: [ONE], revoked: ["oen"] })).toThrow("Did you mean one?");
  });

  it("ships an example that its schema allows", () => {
    const file = resolve(import.meta.dirname, "../../config/clients.example.json");
    expect(Check(ClientsFile, JSON.parse(readFileSync(file, "utf8")))).toBe(true);
  });
});
