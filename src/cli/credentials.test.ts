import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CliError } from "./cli-error.ts";
import { Settings } from "./credentials.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "gateway-cli-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function settings(env: Record<string, string> = {}): Settings {
  return new Settings({ env, cwd });
}

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text);
}

describe("credential", () => {
  test("comes from the environment before .env, and a file before a farther variable", () => {
    write(".env", "SHARED_SECRET=from-dotenv\n");
    write("secret", "from-file\n");
    expect(settings().credential("requester", undefined)).toMatchObject({
      keyId: "default",
      secret: "from-dotenv",
    });
    expect(
      settings({ SHARED_SECRET: "from-env" }).credential("requester", undefined),
    ).toMatchObject({ secret: "from-env" });
    expect(
      settings({ SHARED_SECRET_FILE: "secret" }).credential("requester", undefined),
    ).toMatchObject({ secret: "from-file" });
  });

  test("an approver's also comes from approver.key", () => {
    write("approver.key", "kept\n");
    expect(settings().credential("approver", undefined)).toEqual({
      keyId: "approver",
      secret: "kept",
      source: "./approver.key",
    });
    expect(settings({ APPROVER_SECRET: "near" }).credential("approver", undefined)).toMatchObject({
      secret: "near",
    });
  });

  test("I4 a requester never signs with the approver's secret, nor the other way round", () => {
    write("approver.key", "approver's");
    write(".env", "APPROVER_SECRET=a2\nGATEWAY_SECRET=g\n");
    expect(settings().credential("requester", undefined)).not.toHaveProperty("secret");
    rmSync(join(cwd, "approver.key"));
    write(".env", "SHARED_SECRET=s\n");
    expect(settings().credential("approver", undefined)).not.toHaveProperty("secret");
  });

  test("another key has its secret in GATEWAY_SECRET", () => {
    const own = settings({ GATEWAY_SECRET: "own", SHARED_SECRET: "shared", APPROVER_SECRET: "a" });
    expect(own.credential("requester", "pipeline")).toMatchObject({
      keyId: "pipeline",
      secret: "own",
    });
    expect(own.credential("approver", "alice")).toMatchObject({ keyId: "alice", secret: "own" });
    expect(own.credential("requester", "approver")).toMatchObject({
      keyId: "approver",
      secret: "a",
    });
  });

  test("says where it looked", () => {
    expect(settings().credential("approver", undefined)).toEqual({
      looked: ["APPROVER_SECRET in the environment", "APPROVER_SECRET in ./.env", "./approver.key"],
    });
  });

  test("a named file that cannot be read is an error, not another place to look", () => {
    write("approver.key", "other");
    const named = settings({ APPROVER_SECRET_FILE: "missing" });
    expect(() => named.credential("approver", undefined)).toThrow(CliError);
  });
});

describe("url", () => {
  test("is where a gateway configured here listens, unless another is named", () => {
    expect(settings().url(undefined)).toBe("http://127.0.0.1:8089/");
    write(".env", "HOST=::\nPORT=9000\n");
    expect(settings().url(undefined)).toBe("http://127.0.0.1:9000/");
    expect(settings({ HOST: "::1" }).url(undefined)).toBe("http://[::1]:9000/");
    expect(settings({ GATEWAY_URL: "https://g.test/x" }).url(undefined)).toBe("https://g.test/x");
    expect(settings().url("http://named:1")).toBe("http://named:1/");
  });

  test("must be http", () => {
    expect(() => settings().url("localhost:8089")).toThrow(CliError);
  });
});
