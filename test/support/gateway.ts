import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** A started gateway with directories of its own, for tests over HTTP. */
const root = dirname(dirname(import.meta.dirname));
const START_TIMEOUT_MS = 30_000;

export interface GatewayOptions {
  /** Added to the settings below; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `config/policy.json`: a value, or text as it stands. Absent: the built-in default. */
  readonly policy?: unknown;
  /** Entries of `config/clients.json` without their secrets, which are made here. */
  readonly clients?: readonly TestClient[];
  /** Other files of CONFIG_DIR. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface TestClient {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly scheme?: "hmac" | "bearer";
  readonly [setting: string]: unknown;
}

export interface Credentials {
  /** Of a signing key. */
  readonly keyId?: string;
  readonly secret?: string;
  /** Of a bearer key. */
  readonly token?: string;
}

/** A line of the log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts the built program on a free port and waits until it says that it listens. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = new Gateway(options);
  try {
    await gateway.start();
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
  return gateway;
}

/** For settings that are refused: starts the program and gives what it said when it ended. */
export async function startRefused(
  options: GatewayOptions = {},
): Promise<Exit & { readonly output: string }> {
  await using gateway = new Gateway(options);
  const started = await gateway.start().then(
    () => true,
    () => false,
  );
  if (started) throw new Error("the gateway was expected to refuse to start, and listens");
  return { ...(await gateway.exited), output: gateway.output };
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Gateway implements AsyncDisposable {
  /** Where everything below stands; also the program's working directory. */
  readonly directory: string;
  readonly workdir: string;
  readonly dataDir: string;
  readonly configDir: string;
  /** Credentials by key id: `default`, `api`, `approver` and those of `clients`. */
  readonly keys: Readonly<Record<"default" | "api" | "approver", Credentials>> &
    Record<string, Credentials>;
  readonly auditKey: string;
  #env: Record<string, string | undefined>;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  #output = "";
  #lines: LogLine[] = [];
  #listeners = new Set<(line: LogLine) => void>();
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null });

  constructor(options: GatewayOptions) {
    this.directory = mkdtempSync(join(tmpdir(), "bytebot-gateway-"));
    // The sandboxed children of a gateway run as root are another user.
    chmodSync(this.directory, 0o755);
    this.workdir = join(this.directory, "work");
    this.dataDir = join(this.directory, "data");
    this.configDir = join(this.directory, "config");
    mkdirSync(this.configDir);
    this.keys = {
      default: { keyId: "default", secret: secret() },
      approver: { keyId: "approver", secret: secret() },
      api: { token: secret() },
    };
    this.auditKey = secret();
    if (options.policy !== undefined) this.writePolicy(options.policy);
    for (const [name, content] of Object.entries(options.config ?? {})) {
      this.writeConfig(name, content);
    }
    if (options.clients) this.writeClients(options.clients);
    this.#env = { ...this.#settings(), ...options.env };
  }

  /** Without a slash at its end. */
  get url(): string {
    if (this.#url === undefined) throw new Error("the gateway has not started");
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the gateway has not started");
    return pid;
  }

  /** Resolves when the process has ended. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** Everything the program printed since the first start. */
  get output(): string {
    return this.#output;
  }

  /** The log's lines since the first start. */
  logs(): readonly LogLine[] {
    return this.#lines;
  }

  /** The first line that the test accepts, whether it was logged already or comes later. */
  logged(accept: (line: LogLine) => boolean): Promise<LogLine> {
    const there = this.#lines.find(accept);
    if (there) return Promise.resolve(there);
    return new Promise((resolve) => {
      const listener = (line: LogLine) => {
        if (!accept(line)) return;
        this.#listeners.delete(listener);
        resolve(line);
      };
      this.#listeners.add(listener);
    });
  }

  /** The path of a file of the desktop: `/tmp/a.txt` → `WORKDIR/tmp/a.txt`. */
  file(path: string): string {
    return join(this.workdir, path);
  }

  writePolicy(policy: unknown): void {
    this.writeConfig("policy.json", policy);
  }

  writeConfig(name: string, content: unknown): void {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    writeFileSync(join(this.configDir, name), text);
  }

  /** Writes `clients.json`; a client that was there before keeps its secret. */
  writeClients(clients: readonly TestClient[]): void {
    const entries = clients.map(({ scheme = "hmac", ...client }) => {
      const known = this.keys[client.id];
      const value = known?.secret ?? known?.token ?? secret();
      this.keys[client.id] =
        scheme === "bearer" ? { token: value } : { keyId: client.id, secret: value };
      writeFileSync(join(this.configDir, `${client.id}.key`), value, { mode: 0o600 });
      return { scheme, secret_file: `${client.id}.key`, ...client };
    });
    this.writeConfig("clients.json", { clients: entries });
  }

  /** Starts the program on its directories; `env` is kept for later starts too. */
  async start(env: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    this.#env = { ...this.#env, ...env };
    const child = spawn(process.execPath, [join(root, "dist/main.js")], {
      cwd: this.directory,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    running.add(child);
    this.#exited = once(child, "close").then(([code, signal]) => {
      running.delete(child);
      return { code, signal };
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
    createInterface(child.stdout).on("line", (line) => this.#read(line));
    const from = this.#lines.length;
    const listening = this.logged(
      (line) => line.msg === "listening" && this.#lines.indexOf(line) >= from,
    );
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, START_TIMEOUT_MS);
    const line = await Promise.race([listening, this.#exited, late.promise]);
    clearTimeout(timer);
    if (line === undefined || !("msg" in line)) {
      const reason = line ? `ended with ${line.code ?? line.signal}` : "does not listen";
      throw new Error(`the gateway ${reason}:\n${this.#output}`);
    }
    this.#url = String(line.url).replace(/\/$/, "");
  }

  /** SIGTERM; resolves when the process has ended. */
  async stop(): Promise<Exit> {
    this.#child?.kill("SIGTERM");
    return this.#exited;
  }

  /** SIGKILL; resolves when the process has ended. */
  async kill(): Promise<Exit> {
    this.#child?.kill("SIGKILL");
    return this.#exited;
  }

  /** Stops the program if it runs, and starts it on the same directories. The port changes. */
  async restart(env: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    await this.stop();
    await this.start(env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #settings(): Record<string, string | undefined> {
    return {
      PATH: process.env.PATH,
      HOME: this.directory,
      NODE_COMPILE_CACHE: join(root, "dist/.compile-cache"),
      PORT: "0",
      WORKDIR: this.workdir,
      DATA_DIR: this.dataDir,
      CONFIG_DIR: this.configDir,
      SHARED_SECRET: this.keys.default.secret,
      APPROVER_SECRET: this.keys.approver.secret,
      API_TOKEN: this.keys.api.token,
      AUDIT_KEY: this.auditKey,
      LOG_FORMAT: "json",
    };
  }

  #read(text: string): void {
    this.#output += `${text}\n`;
    if (!text.startsWith("{")) return;
    const line: LogLine = JSON.parse(text);
    this.#lines.push(line);
    for (const listener of [...this.#listeners]) listener(line);
  }
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}
