import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeSecrets, welcome } from "./first-run.ts";

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

test("an .env and a key that are there stay as they are", () => {
  writeFileSync(join(root, ".env"), "SHARED_SECRET=mine\n");
  expect(makeSecrets(root, {})).toEqual([]);
  expect(read(".env")).toBe("SHARED_SECRET=mine\n");
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

test("I7 the welcome shows no secret", () => {
  const made = makeSecrets(root, {});
  const text = welcome(root, {}, made);
  for (const value of Object.values(parseEnv(read(".env")))) {
    if (value !== "./approver.key") expect(text).not.toContain(value);
  }
  expect(text).not.toContain(read("approver.key").trim());
  expect(text).toContain(".env, approver.key");
});

test("the welcome follows the environment, then .env, then the defaults", () => {
  expect(welcome(root, {}, [])).toContain("http://127.0.0.1:8089/docs");
  writeFileSync(join(root, ".env"), "PORT=9000\nHOST=::1\nWORKDIR='/srv/my files'\n");
  expect(welcome(root, {}, [])).toContain("http://[::1]:9000/docs");
  expect(welcome(root, {}, [])).toContain("> '/srv/my files/tmp/test.txt'");
  expect(welcome(root, { PORT: "9001", HOST: "0.0.0.0" }, [])).toContain("http://127.0.0.1:9001");
  expect(welcome(root, { PORT: "9001" }, [])).toContain(
    "    GATEWAY_URL=http://[::1]:9001 npm run -s gateway -- run ",
  );
  expect(welcome(root, { PUBLIC_URL: "https://gw.example.com/" }, [])).toContain(
    "https://gw.example.com/docs",
  );
});
