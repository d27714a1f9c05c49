import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { launch } from "../src/cli/launch.ts";
import { SECRET } from "./signing.ts";

export const AUDIT_KEY = "bench-audit-key-of-more-than-sixteen-characters";

const ROOT = new URL("..", import.meta.url).pathname;

/** A server under measurement, in a process and folder of its own. */
export interface Child extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly process: ChildProcess;
  /** Resident memory, bytes. */
  memory(): Promise<number>;
}

export interface GatewayFiles {
  /** `config/policy.json`; where it is missing, one that keeps limits out of the way. */
  readonly policy?: unknown;
  /** Other files of CONFIG_DIR by name. */
  readonly config?: Readonly<Record<string, string>>;
  /** Is told every line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
}

/** The built gateway, started exactly as start.sh does, with limits out of the way. */
export async function startGateway(
  folder?: string,
  environment: Readonly<Record<string, string>> = {},
  { policy = POLICY, config = {}, onLine }: GatewayFiles = {},
): Promise<Child> {
  const home = folder ?? (await makeFolder());
  await mkdir(join(home, "config"), { recursive: true });
  for (const [name, text] of Object.entries({
    ...config,
    "policy.json": JSON.stringify(policy),
  })) {
    await writeFile(join(home, "config", name), text, { mode: 0o600 });
  }
  const { args, env } = launch(join(ROOT, "dist/main.js"), {
    PORT: "0",
    SHARED_SECRET: SECRET,
    AUDIT_KEY,
    WORKDIR: join(home, "work"),
    DATA_DIR: join(home, "data"),
    CONFIG_DIR: join(home, "config"),
    ...environment,
  });
  return start(args, home, env, onLine);
}

/** A script of this folder that prints its URL. */
export async function startScript(script: string, ...args: string[]): Promise<Child> {
  const home = await makeFolder();
  const files = args.map((arg) => arg.replace("%", home));
  return start([join(ROOT, "bench", script), ...files], home, {});
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bytebot-bench-"));
  // The sandboxed children of a gateway run as root are another user.
  await chmod(folder, 0o755);
  return folder;
}

async function start(
  args: readonly string[],
  folder: string,
  environment: Record<string, string>,
  onLine?: (line: string) => void,
): Promise<Child> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ["pipe", "pipe", onLine === undefined ? "inherit" : "pipe"],
  });
  if (onLine !== undefined && child.stderr !== null) {
    createInterface(child.stderr).on("line", onLine);
  }
  const url = await firstUrl(child, onLine);
  return {
    url,
    folder,
    process: child,
    memory: () => residentMemory(child),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, "exit");
        child.kill("SIGTERM");
        await exit;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The first URL on a line of standard output; the rest is passed on or dropped. */
async function firstUrl(child: ChildProcess, onLine?: (line: string) => void): Promise<string> {
  if (child.stdout === null) throw new Error("no standard output");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const seen: string[] = [];
  child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${seen.join("\n")}`)));
  createInterface(child.stdout).on("line", (line) => {
    onLine?.(line);
    seen.push(line);
    const url = /http:\/\/127\.0\.0\.1:[1-9][0-9]*/.exec(line);
    if (url !== null) resolve(url[0]);
    if (seen.length > 50) seen.shift();
  });
  return promise;
}

async function residentMemory(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "screen.cursor": { enabled: true, risk_level: "low" },
  },
  security: {
    rate_limit_per_minute: 10_000_000,
    max_queued_tasks: 100_000,
    max_concurrent_tasks: 64,
  },
};
