import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseEnvFile } from "../config/env-file.ts";
import { makeSecrets } from "./make-secrets.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "first run-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const read = (name: string) => readFileSync(join(root, name), "utf8");

test("the first run makes every secret, each different, readable by its owner alone", () => {
  expect(makeSecrets(root, {})).toEqual([".env", "approver.key"]);
  const { SHARED_SECRET, API_TOKEN, AUDIT_KEY, APPROVER_SECRET_FILE } = parseEnv(read(".env"));
  const secrets = [SHARED_SECRET, API_TOKEN, AUDIT_KEY, read("approver.key").trim()];
  for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  expect(new Set(secrets).size).toBe(4);
  expect(APPROVER_SECRET_FILE).toBe("./approver.key");
  for (const name of readdirSync(root)) expect(statSync(join(root, name)).mode & 0o777).toBe(0o600);
  expect(readdirSync(root).sort()).toEqual([".env", "approver.key"]);
});

test("a second run changes nothing", () => {
  makeSecrets(root, {});
  const before = [read(".env"), read("approver.key")];
  expect(makeSecrets(root, {})).toEqual([]);
  expect([read(".env"), read("approver.key")]).toEqual(before);
});

test("what an .env says and a key that is there stay as they are", () => {
  writeFileSync(join(root, ".env"), "SHARED_SECRET=mine\nAUDIT_KEY='my key'\n");
  expect(makeSecrets(root, {})).toEqual([]);
  expect(read(".env")).toBe("SHARED_SECRET=mine\nAUDIT_KEY='my key'\n");
  rmSync(join(root, ".env"));
  writeFileSync(join(root, "approver.key"), "mine\n");
  expect(makeSecrets(root, {})).toEqual([".env"]);
  expect(read("approver.key")).toBe("mine\n");
});

test("what the environment gives is not made", () => {
  const environment = { SHARED_SECRET: "x", API_TOKEN_FILE: "/run/token", APPROVER_SECRET: "y" };
  expect(makeSecrets(root, environment)).toEqual([".env"]);
  expect(Object.keys(parseEnv(read(".env")))).toEqual(["AUDIT_KEY"]);
  rmSync(join(root, ".env"));
  expect(makeSecrets(root, { ...environment, AUDIT_KEY: "z" })).toEqual([]);
  expect(readdirSync(root)).toEqual([]);
});

describe("an .env that is there", () => {
  test("without any secret gets all of them, after its own lines, and is closed to others", () => {
    writeFileSync(join(root, ".env"), "# mine\nPORT=9000\nAUDIT_KEY=\n");
    chmodSync(join(root, ".env"), 0o644);
    expect(makeSecrets(root, {})).toEqual([
      "SHARED_SECRET, API_TOKEN, AUDIT_KEY, APPROVER_SECRET in .env",
      "approver.key",
    ]);
    expect(read(".env")).toMatch(/^# mine\nPORT=9000\n\n# Signs requests/);
    const variables = parseEnvFile(read(".env"), ".env");
    expect([...variables.keys()]).toEqual([
      "PORT",
      "SHARED_SECRET",
      "API_TOKEN",
      "AUDIT_KEY",
      "APPROVER_SECRET_FILE",
    ]);
    for (const value of variables.values()) expect(value).not.toBe("");
    expect(statSync(join(root, ".env")).mode & 0o777).toBe(0o600);
    expect(readdirSync(root).sort()).toEqual([".env", "approver.key"]);
    const before = read(".env");
    expect(makeSecrets(root, {})).toEqual([]);
    expect(read(".env")).toBe(before);
  });

  test("with some secrets gets those alone that the gateway cannot do without", () => {
    writeFileSync(join(root, ".env"), "API_TOKEN=mine-alone");
    expect(makeSecrets(root, {})).toEqual(["SHARED_SECRET, AUDIT_KEY in .env"]);
    expect(read(".env")).toMatch(/^API_TOKEN=mine-alone\n\n# /);
    expect(readdirSync(root)).toEqual([".env"]);
  });

  test("that is a link stays one", () => {
    writeFileSync(join(root, "settings"), "PORT=9000\n");
    symlinkSync("settings", join(root, ".env"));
    makeSecrets(root, {});
    expect(readlinkSync(join(root, ".env"))).toBe("settings");
    expect(read("settings")).toContain("SHARED_SECRET=");
  });

  test("of another program is left alone; the server says which line it does not know", () => {
    writeFileSync(join(root, ".env"), "DATABASE_URL=postgres://x\n");
    expect(makeSecrets(root, {})).toEqual([]);
    expect(read(".env")).toBe("DATABASE_URL=postgres://x\n");
  });

  test("that names a variable of clients.json is the gateway's", () => {
    mkdirSync(join(root, "config"));
    writeFileSync(join(root, "config/clients.json"), "{}");
    writeFileSync(join(root, ".env"), "PIPELINES_SECRET=x\n");
    expect(makeSecrets(root, {})).toHaveLength(2);
  });
});

test("no new AUDIT_KEY is made for a log that another one sealed", () => {
  mkdirSync(join(root, "data"));
  writeFileSync(join(root, "data/gateway.db"), "");
  expect(makeSecrets(root, {})).toEqual([".env", "approver.key"]);
  expect(Object.keys(parseEnv(read(".env")))).not.toContain("AUDIT_KEY");
});

test("a folder that cannot be written is said, with what to do", () => {
  expect(() => makeSecrets(join(root, "none"), {})).toThrow(
    /none\/.env: cannot be written \(ENOENT\)/,
  );
});
