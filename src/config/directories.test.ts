import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SANDBOX_ID } from "../lib/sandbox-user.ts";
import { type Config, StartupError } from "./config.ts";
import { isInside, prepareDirectories } from "./directories.ts";
import { loadConfig } from "./load-config.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "directories-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (name: string) => join(root, name);
const mode = (name: string) => statSync(at(name)).mode & 0o777;

function configOf(paths: Partial<Config> = {}): Config {
  const { config } = loadConfig({ SHARED_SECRET: "s", AUDIT_KEY: "a" }, root);
  return { ...config, workdir: at("work"), dataDir: at("data"), configDir: at("config"), ...paths };
}

function fault(paths: Partial<Config>): StartupError {
  try {
    prepareDirectories(configOf(paths));
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("prepareDirectories", () => {
  it("makes WORKDIR and DATA_DIR for the gateway alone, and no CONFIG_DIR", () => {
    prepareDirectories(configOf({ dataDir: at("var/data") }));
    expect([mode("work"), mode("var/data")]).toEqual([0o700, 0o700]);
    expect(() => statSync(at("config"))).toThrow("ENOENT");
    prepareDirectories(configOf());
  });

  it("closes a DATA_DIR that others could look into", () => {
    mkdirSync(at("data"));
    chmodSync(at("data"), 0o777);
    prepareDirectories(configOf());
    expect(mode("data")).toBe(0o700);
  });

  it.each<[string, string, string, string]>([
    ["DATA_DIR", "work", "work/data", "config"],
    ["WORKDIR", "data/work", "data", "config"],
    ["CONFIG_DIR", "work", "data", "work/config"],
    ["WORKDIR", "same", "same", "config"],
    ["DATA_DIR", ".", "data", "config"],
  ])("refuses %s inside another (%s, %s, %s)", (kind, work, data, config) => {
    const paths = {
      workdir: join(root, work),
      dataDir: join(root, data),
      configDir: join(root, config),
    };
    expect(fault(paths)).toMatchObject({
      variable: kind,
      problem: expect.stringContaining("inside"),
    });
  });

  it("is not fooled by links on the way", () => {
    mkdirSync(at("real"));
    symlinkSync(at("real"), at("alias"));
    expect(fault({ workdir: at("alias/work"), dataDir: at("real/work/data") }).variable).toBe(
      "DATA_DIR",
    );
    expect(isInside(at("alias/a/b"), at("real"))).toBe(true);
    expect(isInside(at("real..x"), at("real"))).toBe(false);
  });

  it.each(["workdir", "dataDir", "configDir"] as const)(
    "refuses a %s that is a link or a file",
    (name) => {
      mkdirSync(at("target"));
      symlinkSync(at("target"), at("link"));
      writeFileSync(at("file"), "");
      expect(fault({ [name]: at("link") }).problem).toContain("symbolic link");
      expect(fault({ [name]: at("file") }).problem).toMatch(/not a directory|cannot be used/);
    },
  );

  it("refuses a place where nothing can be made", () => {
    writeFileSync(at("file"), "");
    expect(fault({ workdir: at("file/work") })).toMatchObject({ variable: "WORKDIR" });
  });

  it("refuses a CONFIG_DIR that everybody may write", () => {
    mkdirSync(at("config"));
    chmodSync(at("config"), 0o777);
    expect(fault({}).variable).toBe("CONFIG_DIR");
  });

  it("I11 refuses secrets inside WORKDIR", () => {
    mkdirSync(at("work"));
    expect(fault({ secretFiles: [at("work/.env")] }).variable).toBe("WORKDIR");
  });

  it.skipIf(process.getuid?.() !== 0)(
    "refuses another user's directory (needs root to make one)",
    () => {
      for (const [kind, name] of [
        ["WORKDIR", "work"],
        ["DATA_DIR", "data"],
        ["CONFIG_DIR", "config"],
      ] as const) {
        mkdirSync(at(name), { recursive: true });
        chownSync(at(name), 12_345, 12_345);
        expect(fault({})).toMatchObject({
          variable: kind,
          problem: expect.stringContaining("12345"),
        });
        chownSync(at(name), 0, 0);
      }
      chownSync(at("work"), SANDBOX_ID, SANDBOX_ID);
      prepareDirectories(configOf());
      chownSync(at("data"), SANDBOX_ID, SANDBOX_ID);
      expect(fault({}).variable).toBe("DATA_DIR");
    },
  );
});
