import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartupError } from "./config.ts";
import { loadConfig } from "./load-config.ts";

const SECRET = "0123456789abcdef-shared";
const AUDIT = "0123456789abcdef-audit";
const REQUIRED = { SHARED_SECRET: SECRET, AUDIT_KEY: AUDIT };

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "load-config-"));
  mkdirSync(join(cwd, "config"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const write = (name: string, content: unknown) =>
  writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content));
const load = (environment: Record<string, string | undefined> = {}) =>
  loadConfig({ ...REQUIRED, ...environment }, cwd);

function fault(environment: Record<string, string | undefined> = {}): StartupError {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("loadConfig", () => {
  it("has the documented defaults", () => {
    const { config, secrets } = load({ PATH: "/bin", BYTEBOT_PORT: "tcp://10.0.0.1:1" });
    expect(config).toEqual({
      host: "127.0.0.1",
      port: 8089,
      publicUrl: "http://localhost:8089",
      allowedHosts: [],
      trustedProxies: [],
      corsOrigins: [],
      logLevel: "info",
      logFormat: "json",
      driver: "embedded",
      bytebot: [{ name: "bytebot", url: "http://localhost:3000", agentUrl: undefined, keys: null }],
      guard: { host: "127.0.0.1", port: 8090 },
      desktop: { width: 1280, height: 960, applications: {} },
      workdir: "/tmp/bytebot-workdir",
      dataDir: join(cwd, "data"),
      configDir: join(cwd, "config"),
      policyFile: join(cwd, "config/policy.json"),
      clientsFile: join(cwd, "config/clients.json"),
      webhooksFile: join(cwd, "config/webhooks.json"),
      secretFiles: [],
      maxFileSize: 10 * 1024 * 1024,
      requestTimeoutMs: 30_000,
      retryAttempts: 3,
      retentionDays: 30,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(secrets).toMatchObject({ sharedSecret: SECRET, auditKey: AUDIT, apiToken: undefined });
    expect(JSON.stringify(config)).not.toContain(SECRET);
  });

  it("reads every variable", () => {
    const { config } = load({
      HOST: "0.0.0.0",
      PORT: "0",
      PUBLIC_URL: "https://Gateway.example.com/desk/",
      ALLOWED_HOSTS: "Gateway, gateway:8089 [::1]:80",
      TRUSTED_PROXIES: "loopback,10.0.0.0/8,fd00::/8,192.0.2.1",
      CORS_ORIGINS: "http://localhost:3000, https://a.example.com",
      LOG_LEVEL: "warning",
      LOG_FORMAT: "TEXT",
      DRIVER: "bytebot",
      BYTEBOT_URL: "http://bytebot:9990/",
      BYTEBOT_AGENT_URL: "http://bytebot:9991",
      BYTEBOT_API_KEY: "none",
      GUARD_HOST: "10.1.2.3",
      GUARD_PORT: "9000",
      GUARD_KEY: "0123456789abcdef0123456789abcdef",
      WORKDIR: "work",
      DATA_DIR: "/var/lib/gateway",
      CONFIG_DIR: "/etc/gateway",
      MAX_FILE_SIZE_MB: "0.5",
      REQUEST_TIMEOUT: "2.5",
      RETRY_ATTEMPTS: "0",
      RETENTION_DAYS: "7",
    });
    expect(config).toMatchObject({
      host: "0.0.0.0",
      port: 0,
      publicUrl: "https://gateway.example.com/desk",
      allowedHosts: ["gateway", "gateway:8089", "[::1]:80"],
      trustedProxies: ["loopback", "10.0.0.0/8", "fd00::/8", "192.0.2.1"],
      corsOrigins: ["http://localhost:3000", "https://a.example.com"],
      logLevel: "warn",
      logFormat: "text",
      driver: "bytebot",
      bytebot: [{ url: "http://bytebot:9990", agentUrl: "http://bytebot:9991" }],
      guard: { host: "10.1.2.3", port: 9000 },
      workdir: join(cwd, "work"),
      dataDir: "/var/lib/gateway",
      configDir: "/etc/gateway",
      maxFileSize: 524_288,
      requestTimeoutMs: 2500,
      retryAttempts: 0,
      retentionDays: 7,
    });
  });

  it("lets the environment beat .env, that bytebot.json, that the defaults", () => {
    write(".env", "RETRY_ATTEMPTS=5\nREQUEST_TIMEOUT=6\nPORT=");
    write("config/bytebot.json", { retry_attempts: 7, timeout: 8, workdir: "/tmp/from-file" });
    const { config } = load({ RETRY_ATTEMPTS: "4", REQUEST_TIMEOUT: "" });
    expect(config).toMatchObject({
      retryAttempts: 4,
      requestTimeoutMs: 6000,
      workdir: "/tmp/from-file",
      port: 8089,
      driver: "embedded",
      secretFiles: [join(cwd, ".env")],
    });
  });

  it("takes the secrets from .env, and CONFIG_DIR too", () => {
    mkdirSync(join(cwd, "etc"));
    write("etc/bytebot.json", { timeout: 9 });
    write(".env", `SHARED_SECRET=${SECRET}\nAUDIT_KEY=${AUDIT}\nCONFIG_DIR=etc\n`);
    const { config, secrets } = loadConfig({}, cwd);
    expect(secrets.sharedSecret).toBe(SECRET);
    expect(config.requestTimeoutMs).toBe(9000);
  });

  it("chooses the driver: DRIVER, else bytebot where a URL is set, else embedded", () => {
    const driver = (environment: Record<string, string>) => load(environment).config.driver;
    const key = { BYTEBOT_API_KEY: "none" };
    expect(driver({ BYTEBOT_URL: "http://b", ...key })).toBe("bytebot");
    expect(driver({ BYTEBOT_URL: "http://b", DRIVER: "embedded" })).toBe("embedded");
    write("config/bytebot.json", { url: "http://b:1", api_key: "k" });
    expect(driver({})).toBe("bytebot");
    expect(load().secrets.bytebotApiKeys.get("bytebot")).toBe("k");
    expect(load(key).secrets.bytebotApiKeys.get("bytebot")).toBeUndefined();
    expect(driver({ DRIVER: "Embedded" })).toBe("embedded");
    write("config/bytebot.json", { url: "http://b:1" });
    expect(fault()).toMatchObject({ variable: "BYTEBOT_API_KEY" });
  });

  it("reads desktops by their names, each with its own key or the common one", () => {
    const office = { name: "office", url: "http://office:9990/", agent_url: "http://office:9991" };
    const files = { name: "files", url: "http://files:9990", api_key: "own", keys: ["alice"] };
    write("config/bytebot.json", { desktops: [office, files] });
    expect(fault()).toMatchObject({
      variable: "BYTEBOT_API_KEY",
      problem: expect.stringContaining("office"),
    });
    const { config, secrets } = load({ BYTEBOT_API_KEY: "common" });
    expect(config.driver).toBe("bytebot");
    expect(config.bytebot).toEqual([
      {
        name: "office",
        setting: 'url of desktop "office" in bytebot.json',
        url: "http://office:9990",
        agentUrl: "http://office:9991",
        keys: null,
      },
      {
        name: "files",
        setting: 'url of desktop "files" in bytebot.json',
        url: "http://files:9990",
        agentUrl: undefined,
        keys: ["alice"],
      },
    ]);
    expect([...secrets.bytebotApiKeys]).toEqual([
      ["office", "common"],
      ["files", "own"],
    ]);
  });

  it.each([
    [{ desktops: [] }, "/desktops"],
    [{ desktops: [{ name: "A b", url: "http://b" }] }, "/desktops/0/name"],
    [{ desktops: [{ name: "a", url: "b" }] }, "/desktops/0/url"],
    [{ desktops: [{ name: "a", url: "http://b", agent_url: "x" }] }, "/desktops/0/agent_url"],
    [
      {
        desktops: [
          { name: "a", url: "http://b" },
          { name: "a", url: "http://c" },
        ],
      },
      "/desktops/1",
    ],
    [{ url: "http://b", desktops: [{ name: "a", url: "http://b" }] }, "bytebot.json"],
  ])("refuses the desktops %j", (content, place) => {
    write("config/bytebot.json", content);
    expect(fault({ BYTEBOT_API_KEY: "none" }).variable).toContain(place);
  });

  it("refuses one desktop in the environment beside several in the file", () => {
    write("config/bytebot.json", { desktops: [{ name: "a", url: "http://b" }] });
    const variable = { BYTEBOT_URL: "http://c", BYTEBOT_API_KEY: "none" };
    expect(fault(variable)).toMatchObject({ variable: "BYTEBOT_URL" });
  });

  it("refuses a guard's key that is weak, another secret or no part of a path", () => {
    const guard = { GUARD_HOST: "0.0.0.0" };
    expect(fault({ ...guard, GUARD_KEY: "short" })).toMatchObject({ variable: "GUARD_KEY" });
    expect(fault({ GUARD_KEY: "a/b" }).problem).toContain("path");
    const shared = { SHARED_SECRET: "0123456789abcdef0", GUARD_KEY: "0123456789abcdef0" };
    expect(fault(shared).problem).toContain("another secret");
    expect(load({ GUARD_KEY: "short" }).secrets.guardKey).toBe("short");
  });

  it("reads the embedded desktop's screen and applications", () => {
    write("config/desktop.json", {
      screen: { width: 800, height: 600 },
      applications: { editor: ["/usr/bin/mousepad", "--opt"] },
    });
    expect(load().config.desktop).toEqual({
      width: 800,
      height: 600,
      applications: { editor: ["/usr/bin/mousepad", "--opt"] },
    });
    write("config/desktop.json", { applications: { editor: "/usr/bin/mousepad" } });
    expect(fault().variable).toContain("desktop.json /applications/editor");
  });

  it("reads the shipped examples", () => {
    const shipped = resolve(import.meta.dirname, "../../config");
    cpSync(join(shipped, "bytebot.example.json"), join(cwd, "config/bytebot.json"));
    expect(load().config.driver).toBe("bytebot");
    expect(fault({ HOST: "0.0.0.0" })).toMatchObject({
      variable: "BYTEBOT_API_KEY",
      problem: "is a sample, not a secret",
    });
  });

  it.each([
    ["PORT", "abc"],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "8089 "],
    ["LOG_LEVEL", "LOUD"],
    ["LOG_LEVEL", "constructor"],
    ["LOG_FORMAT", "xml"],
    ["DRIVER", "vnc"],
    ["HOST", "http://localhost"],
    ["HOST", "127.0.0"],
    ["PUBLIC_URL", "gateway.example.com"],
    ["PUBLIC_URL", "ftp://gateway.example.com"],
    ["PUBLIC_URL", "https://user:pass@gateway.example.com"],
    ["PUBLIC_URL", "https://gateway.example.com/?x"],
    ["ALLOWED_HOSTS", "*"],
    ["ALLOWED_HOSTS", "https://a"],
    ["ALLOWED_HOSTS", "a/b"],
    ["TRUSTED_PROXIES", "10.0.0.0/33"],
    ["TRUSTED_PROXIES", "proxy"],
    ["CORS_ORIGINS", "http://localhost:3000/"],
    ["CORS_ORIGINS", "*, null"],
    ["BYTEBOT_URL", "localhost:3000"],
    ["BYTEBOT_AGENT_URL", "x"],
    ["MAX_FILE_SIZE_MB", "0"],
    ["MAX_FILE_SIZE_MB", "10MB"],
    ["REQUEST_TIMEOUT", "Infinity"],
    ["RETRY_ATTEMPTS", "1.5"],
    ["RETENTION_DAYS", "0"],
  ])("refuses %s=%s, naming it and what to do", (name, value) => {
    expect(fault({ [name]: value })).toMatchObject({
      variable: name,
      hint: expect.stringMatching(/\S/),
    });
  });

  it("I7 repeats no URL, which may hold a password, and no secret", () => {
    const message = fault({ BYTEBOT_URL: "http://user:geheim@b" }).message;
    expect(message).not.toContain("geheim");
    expect(fault({ HOST: "0.0.0.0", SHARED_SECRET: "geheim" }).message).not.toContain("geheim");
  });

  it("passes over what the command line reads from the same .env", () => {
    write(".env", "GATEWAY_URL=http://localhost:9\nAPPROVER_KEY_ID=ada\nGATEWAY_SECRET_FILE=x\n");
    expect(() => load({})).not.toThrow();
  });

  it("names an unknown variable of .env and what was meant; foreign ones elsewhere are fine", () => {
    write(".env", "SHARED_SECRT=x\n");
    expect(fault({ SOMETHING_ELSE: "1" })).toMatchObject({
      variable: "SHARED_SECRT",
      hint: "Did you mean SHARED_SECRET?",
    });
    write(".env", "PIPELINES_SECRET=0123456789abcdef-p\n");
    expect(fault().variable).toBe("PIPELINES_SECRET");
    write("config/clients.json", {
      clients: [{ id: "p", scheme: "hmac", secret_env: "PIPELINES_SECRET", scopes: ["plan"] }],
    });
    expect(load().secrets.variable("PIPELINES_SECRET")).toBe("0123456789abcdef-p");
  });

  it("refuses malformed files, naming the place", () => {
    write("config/bytebot.json", { url: "http://b", colour: "red" });
    expect(fault()).toMatchObject({
      variable: join(cwd, "config/bytebot.json"),
      problem: 'unknown key "colour"',
    });
    write("config/bytebot.json", { timeout: "30" });
    expect(fault().variable).toContain("bytebot.json /timeout");
    write("config/bytebot.json", { timeout: -1 });
    expect(fault().variable).toContain("bytebot.json /timeout");
    write("config/bytebot.json", '{"timeout": 1, "timeout": 2}');
    expect(fault().problem).toContain("twice");
    rmSync(join(cwd, "config/bytebot.json"));
    write(".env", "nonsense\n");
    expect(fault().variable).toBe(`${join(cwd, ".env")} line 1`);
  });
});

describe("secrets", () => {
  it("come as a variable or as a file, whose last newline does not count", () => {
    write("shared", `${SECRET}\n`);
    write("token", "a token with\r\n");
    const { secrets, config } = load({
      SHARED_SECRET: undefined,
      SHARED_SECRET_FILE: "shared",
      APPROVER_SECRET_FILE: join(cwd, "token"),
    });
    expect(secrets).toMatchObject({ sharedSecret: SECRET, approverSecret: "a token with" });
    expect(config.secretFiles).toEqual([join(cwd, "shared"), join(cwd, "token")]);
  });

  it.each([
    ["SHARED_SECRET", { SHARED_SECRET: undefined }],
    ["SHARED_SECRET", { SHARED_SECRET: "" }],
    ["AUDIT_KEY", { AUDIT_KEY: undefined }],
    ["SHARED_SECRET", { SHARED_SECRET_FILE: "shared" }],
    ["API_TOKEN_FILE", { API_TOKEN_FILE: "missing" }],
    ["API_TOKEN_FILE", { API_TOKEN_FILE: "." }],
    ["API_TOKEN_FILE", { API_TOKEN_FILE: "empty" }],
    ["API_TOKEN", { API_TOKEN: "two words" }],
    ["API_TOKEN", { API_TOKEN: SECRET }],
    ["APPROVER_SECRET", { APPROVER_SECRET: SECRET }],
  ])("names %s for %j", (variable, environment) => {
    write("empty", "\n");
    expect(fault(environment).variable).toBe(variable);
  });

  it("may come as a file in the environment though .env has the variable", () => {
    write("shared", "from-the-file");
    write(".env", "SHARED_SECRET=from-env-file\n");
    const given = { SHARED_SECRET: undefined, SHARED_SECRET_FILE: "shared" };
    expect(load(given).secrets.sharedSecret).toBe("from-the-file");
  });

  it.each([
    "short",
    "your-shared-secret",
    "your-bytebot-api-key",
    "changeme",
    "please-change-me-now",
    "$" + "{BYTEBOT_SHARED_SECRET}",
    "aaaaaaaaaaaaaaaaaaaa",
  ])("that are weak or samples (%s) pass on loopback only", (weak) => {
    for (const name of ["SHARED_SECRET", "APPROVER_SECRET", "AUDIT_KEY"]) {
      expect(fault({ [name]: weak, HOST: "0.0.0.0" }).variable).toBe(name);
      expect(load({ [name]: weak, HOST: "::1" }).config.host).toBe("::1");
    }
  });

  it("of the audit log are no key's, off loopback", () => {
    expect(fault({ AUDIT_KEY: SECRET, HOST: "192.0.2.1" }).variable).toBe("AUDIT_KEY");
  });
});
