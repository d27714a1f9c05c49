import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The packed package in a folder of its own, used as the README says. No registry is needed. */
const root = dirname(dirname(import.meta.dirname));
const parent = mkdtempSync(join(tmpdir(), "package test "));
const folder = join(parent, "empty");
const work = join(parent, "work");
const running = new Set<ChildProcess>();

const environment = {
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  HOME: parent,
  npm_config_offline: "true",
  npm_config_update_notifier: "false",
};
const npm = (cwd: string, ...words: string[]) =>
  execFileSync("npm", words, { cwd, env: environment, encoding: "utf8", stdio: "pipe" });

beforeAll(() => {
  mkdirSync(folder);
  // Ready is what the tests were built with: packing need not build it again.
  const packed = npm(root, "pack", "--ignore-scripts", "--json", "--pack-destination", parent);
  const [{ filename }] = JSON.parse(packed);
  npm(folder, "install", "--no-fund", "--no-audit", join(parent, filename));
}, 120_000);

afterAll(() => {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, "SIGKILL");
  rmSync(parent, { recursive: true, force: true });
});

/** Bytes of all files below. */
function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

describe("the packed package", () => {
  test("installs nothing beside itself, and is small", () => {
    const installed = readdirSync(join(folder, "node_modules")).filter((name) => /^\w/.test(name));
    expect(installed).toEqual(["bytebot-gateway"]);
    // What the client's types are made of.
    expect(readdirSync(join(folder, "node_modules/bytebot-gateway/node_modules"))).toEqual([
      "typebox",
    ]);
    expect(sizeOf(join(folder, "node_modules"))).toBeLessThan(25_000_000);
  });

  test("holds the licences of what was bundled", () => {
    const dist = join(folder, "node_modules/bytebot-gateway/dist");
    expect(readFileSync(join(dist, "LICENSES.txt"), "utf8")).toMatch(/^fastify 5\.\S+ \(MIT\)$/m);
    expect(readFileSync(join(dist, "console/licenses.md"), "utf8")).toMatch(/react-dom/);
  });

  test("serve makes keys, says what it made and prints the first link; then the first success", async () => {
    const server = spawn("npx", ["--no", "bytebot-gateway", "serve"], {
      cwd: folder,
      env: { ...environment, PORT: "0", WORKDIR: work },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(server);
    const exited = once(server, "exit");
    let output = "";
    server.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(server.stdout).on("line", (line) => {
        output += `${line}\n`;
        if (line.startsWith("{") && JSON.parse(line).msg === "listening") {
          resolve(JSON.parse(line).url);
        }
      });
      exited.then(([code]) => reject(new Error(`ended with ${code}:\n${output}`)));
    });

    for (const name of [".env", "approver.key"]) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
    expect(output).toContain(".env, approver.key (yours alone to read)");
    expect(output).toMatch(/\/console#link=\S+/);
    expect(output).toContain("npx bytebot-gateway run fs.read path=/tmp/test.txt");
    for (const [, secret = ""] of readFileSync(join(folder, ".env"), "utf8").matchAll(
      /=(.{43})$/gm,
    )) {
      expect(output).not.toContain(secret);
    }
    for (const path of ["/console", "/docs", "/docs/viewer.js"]) {
      expect((await fetch(new URL(path, url))).status, path).toBe(200);
    }

    writeFileSync(join(work, "tmp/test.txt"), "hello from the desktop\n");
    const asked = ["-qefc", "npx --no bytebot-gateway run fs.read path=/tmp/test.txt", "/dev/null"];
    const terminal = spawn("script", asked, {
      cwd: folder,
      env: { ...environment, GATEWAY_URL: url, TERM: "xterm", SHELL: "/bin/sh", NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    running.add(terminal);
    const left = once(terminal, "close");
    let screen = "";
    terminal.stdout.on("data", (chunk) => {
      // What is typed before the question is thrown away.
      if (!screen.includes("Type yes") && `${screen}${chunk}`.includes("Type yes")) {
        terminal.stdin.write("yes\r");
      }
      screen += chunk;
    });
    const [status] = await left;
    running.delete(terminal);
    expect(screen).toContain("hello from the desktop");
    expect(status).toBe(0);

    process.kill(-(server.pid ?? 0), "SIGTERM");
    await exited;
    running.delete(server);
    expect(existsSync(join(folder, "data/gateway.db"))).toBe(true);
  });

  test("serve in a folder that cannot be written says so, without a stack", () => {
    const cli = join(folder, "node_modules/bytebot-gateway/dist/cli.js");
    const { status, stderr } = spawnSync(process.execPath, [cli, "serve"], {
      cwd: "/proc",
      env: { PATH: environment.PATH, WORKDIR: work },
      encoding: "utf8",
    });
    expect(stderr).toMatch(
      /^error: \/proc\/\.env: cannot be written \(\w+\)\.\nhint: {2}Give the /,
    );
    expect(status).toBe(2);
  });

  const old = oldNode();
  test.runIf(old !== undefined)(
    "a Node that is too old is told so in plain words (needs one on the PATH)",
    () => {
      const cli = join(folder, "node_modules/bytebot-gateway/dist/cli.js");
      const { status, stderr } = spawnSync(old ?? "", [cli, "serve"], { encoding: "utf8" });
      expect(stderr).toMatch(/^error: bytebot-gateway needs Node 24 or newer\. This is Node v\d+/);
      expect(status).toBe(2);
    },
  );
});

/** A Node of this machine that is older than 24, if there is one. */
function oldNode(): string | undefined {
  return (process.env.PATH ?? "")
    .split(":")
    .map((place) => join(place, "node"))
    .filter((path) => existsSync(path))
    .find((path) => {
      const version = execFileSync(path, ["-v"], { encoding: "utf8" });
      return Number(/^v(\d+)/.exec(version)?.[1]) < 24;
    });
}
