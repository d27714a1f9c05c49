import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeSecrets } from "./make-secrets.ts";
import { welcome } from "./welcome.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "welcome-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const read = (name: string) => readFileSync(join(root, name), "utf8");
const hello = (environment: Readonly<Record<string, string>>, made: readonly string[] = []) =>
  welcome({ folder: root, environment, made, program: "./gateway" });

test("I7 the welcome shows no secret", () => {
  const made = makeSecrets(root, {});
  const text = hello({}, made);
  for (const value of Object.values(parseEnv(read(".env")))) {
    if (value !== "./approver.key") expect(text).not.toContain(value);
  }
  expect(text).not.toContain(read("approver.key").trim());
  expect(text).toContain(".env, approver.key");
});

test("the welcome follows the environment, then .env, then the defaults", () => {
  expect(hello({})).toContain("http://127.0.0.1:8089/docs");
  writeFileSync(join(root, ".env"), "PORT=9000\nHOST=::1\nWORKDIR='/srv/my files'\n");
  expect(hello({})).toContain("http://[::1]:9000/docs");
  expect(hello({})).toContain("> '/srv/my files/tmp/test.txt'");
  expect(hello({ PORT: "9001", HOST: "0.0.0.0" })).toContain("http://127.0.0.1:9001");
  expect(hello({ PORT: "9001" })).toContain("    GATEWAY_URL=http://[::1]:9001 ./gateway run ");
  expect(hello({ PUBLIC_URL: "https://gw.example.com/" })).toContain("https://gw.example.com/docs");
});
