import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ACTIONS,
  DEFAULT_POLICY,
  DOCUMENTED_FILE,
  OWN_HOSTS,
} from "../../test/support/policy/fixtures.ts";
import type { Policy } from "../contract/policy.ts";
import { PolicyError, PolicySource } from "./policy-source.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "policy-"));
  file = join(folder, "policy.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = () => ({
  file,
  actions: ACTIONS,
  defaultPolicy: DEFAULT_POLICY,
  protectedHosts: OWN_HOSTS,
});
const withTtl = (seconds: number) =>
  JSON.stringify({ capabilities: {}, security: { plan_ttl_s: seconds } });

/** The next call of a listener. */
function next<Value>(listen: (listener: (value: Value) => void) => () => void): Promise<Value> {
  return new Promise((resolve) => {
    const end = listen((value) => {
      end();
      resolve(value);
    });
  });
}
const reloaded = (source: PolicySource) => next<Policy>((listener) => source.onReload(listener));
const refused = (source: PolicySource) => next<string>((listener) => source.onRefused(listener));

describe("at the start", () => {
  test("a missing file, or folder, is the shipped default", async () => {
    file = join(folder, "none", "policy.json");
    await using source = new PolicySource(options());
    expect(source.current.capabilities["fs.write"]?.enabled).toBe(true);
    expect(source.current.capabilities["shell.run"]?.enabled).toBe(false);
    expect(source.problem).toBeUndefined();
  });

  test("the documented example is in force as written", async () => {
    writeFileSync(file, DOCUMENTED_FILE);
    await using source = new PolicySource(options());
    expect(source.current.capabilities["fs.read"]?.max_file_size_mb).toBe(10);
    expect(source.current.own_hosts).toEqual(OWN_HOSTS);
  });

  test("I1 a bad file is refused with every problem and its pointer", () => {
    writeFileSync(file, '{"capabilities": {"fs.raed": {"enabled": 1}}, "x": 1}');
    const start = () => new PolicySource(options());
    expect(start).toThrow(PolicyError);
    expect(start).toThrow(/\/capabilities\/fs\.raed: .*fs\.read/);
    expect(start).toThrow(/\/capabilities\/fs\.raed\/enabled/);
    expect(start).toThrow(/\/x/);
  });

  test("I1 what cannot be read is refused too, not taken as missing", () => {
    file = folder;
    expect(() => new PolicySource(options())).toThrow(/cannot be read/);
  });

  test("I1 accept may refuse a valid policy", () => {
    expect(() => new PolicySource({ ...options(), accept: () => "not here" })).toThrow(/not here/);
  });
});

describe("while it runs", () => {
  test("a written and a renamed file come into force", async () => {
    writeFileSync(file, withTtl(10));
    await using source = new PolicySource(options());
    const written = reloaded(source);
    writeFileSync(file, withTtl(20));
    expect((await written).security.plan_ttl_s).toBe(20);
    const renamed = reloaded(source);
    writeFileSync(`${file}.tmp`, withTtl(30));
    renameSync(`${file}.tmp`, file);
    expect((await renamed).security.plan_ttl_s).toBe(30);
    expect(source.current.security.plan_ttl_s).toBe(30);
  });

  test("I1 a bad file keeps the policy and is named, a good one clears it", async () => {
    writeFileSync(file, withTtl(10));
    await using source = new PolicySource(options());
    const bad = refused(source);
    writeFileSync(file, "{}");
    expect(await bad).toMatch(/policy\.json: .*capabilities/);
    expect(source.problem).toBe(await bad);
    expect(source.current.security.plan_ttl_s).toBe(10);
    const good = reloaded(source);
    writeFileSync(file, withTtl(20));
    await good;
    expect(source.problem).toBeUndefined();
  });

  test("I1 a file that disappears loosens nothing; a reload takes the default", async () => {
    writeFileSync(file, withTtl(10));
    await using source = new PolicySource(options());
    const gone = refused(source);
    rmSync(file);
    expect(await gone).toMatch(/gone/);
    expect(source.current.capabilities["fs.write"]?.enabled).toBe(false);
    await source.reload();
    expect(source.current.capabilities["fs.write"]?.enabled).toBe(true);
    expect(source.problem).toBeUndefined();
  });

  test("I1 reload reads at once, and asks accept again", async () => {
    writeFileSync(file, withTtl(10));
    const accept = (policy: Policy) =>
      policy.security.require_signature ? undefined : "unsigned requests off loopback";
    await using source = new PolicySource({ ...options(), accept, watch: false });
    writeFileSync(file, '{"capabilities": {}, "security": {"require_signature": false}}');
    await source.reload();
    expect(source.problem).toMatch(/unsigned requests off loopback/);
    expect(source.current.security.require_signature).toBe(true);
  });
});
