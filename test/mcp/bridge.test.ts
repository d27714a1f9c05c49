import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, initialize, list, wait } from "./raw-mcp.ts";

/** `bytebot-gateway mcp` as a process: how it begins and ends, and what it writes where. */
const CLI = join(dirname(dirname(import.meta.dirname)), "dist/cli.js");

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ env: { LOG_LEVEL: "debug" } });
  writeFileSync(gateway.file("/tmp/a.txt"), "hello");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Every line of stdout must be a message; anything else rejects what is awaited. */
class Bridge implements AsyncDisposable {
  readonly messages: Message[] = [];
  stderr = "";
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly process: ChildProcessWithoutNullStreams;
  readonly #strange: string[] = [];
  #came = Promise.withResolvers<void>();

  constructor(env: Readonly<Record<string, string>>, cwd: string) {
    const home = { PATH: process.env.PATH ?? "", HOME: cwd };
    this.process = spawn(process.execPath, [CLI, "mcp"], { cwd, env: { ...home, ...env } });
    this.process.stdin.on("error", () => undefined);
    this.exited = once(this.process, "close").then(([code, signal]) => ({ code, signal }));
    createInterface(this.process.stdout).on("line", (line) => {
      try {
        const message = JSON.parse(line);
        if (message.jsonrpc !== "2.0") throw new Error("no message");
        this.messages.push(message);
      } catch {
        this.#strange.push(line);
      }
      this.#came.resolve();
      this.#came = Promise.withResolvers();
    });
    this.process.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  send(message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.process.stdin.write(`${text}\n`);
  }

  async answer(id: number): Promise<Message> {
    for (;;) {
      expect(this.#strange).toEqual([]);
      const found = this.messages.find((message) => message.id === id && !message.method);
      if (found !== undefined) return found;
      const ended = await Promise.race([this.#came.promise, this.exited]);
      if (ended !== undefined && !this.messages.some((message) => message.id === id)) {
        throw new Error(`ended without an answer to ${id}:\n${this.stderr}`);
      }
    }
  }

  async begin(): Promise<void> {
    this.send(initialize());
    expect(await this.answer(0)).toMatchObject({ result: { serverInfo: expect.anything() } });
    this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exited;
  }
}

const open = (of: Gateway, token = of.keys.api.token ?? "") =>
  new Bridge({ GATEWAY_URL: of.url, API_TOKEN: token }, of.directory);

const read = (id: number) => callTool(id, "fs_read", { path: "/tmp/a.txt" });
const sessionsEnded = (of: Gateway) =>
  of.logs().filter(({ method, path }) => method === "DELETE" && path === "/mcp").length;

describe("the bridge ends", () => {
  test("with its client's stdin, having answered what it was asked, and ends its session", async () => {
    await using bridge = open(gateway);
    await bridge.begin();
    const before = sessionsEnded(gateway);
    bridge.send(read(1));
    await bridge.answer(1);
    bridge.process.stdin.end();
    expect(await bridge.exited).toEqual({ code: 0, signal: null });
    await expect.poll(() => sessionsEnded(gateway), { timeout: 20_000 }).toBe(before + 1);
    expect(bridge.stderr).toBe("");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("with %s, in the middle of a call", async (signal) => {
    await using bridge = open(gateway);
    await bridge.begin();
    const begun = gateway.logs().length;
    bridge.send(wait(1, 2_000));
    const { task_id } = await gateway.logged(
      (line) => line.event === "task_started" && gateway.logs().indexOf(line) >= begun,
    );
    bridge.process.kill(signal);
    expect(await bridge.exited).toEqual({ code: 0, signal: null });
    const status = async () => (await task(gateway, String(task_id), gateway.keys.api)).status;
    await expect.poll(status, { timeout: 20_000 }).toBe("completed");
  });

  test("soon where the gateway has stopped answering", async () => {
    await using own = await startGateway();
    await using bridge = open(own);
    await bridge.begin();
    process.kill(own.pid, "SIGSTOP");
    bridge.send(list(1));
    bridge.process.stdin.end();
    await bridge.exited;
    process.kill(own.pid, "SIGCONT");
  });

  test("where nobody reads its stdout any more", async () => {
    await using bridge = open(gateway);
    await bridge.begin();
    bridge.process.stdout.destroy();
    bridge.send(list(1));
    bridge.send(list(2));
    await bridge.exited;
  });

  test.each(["SIGTERM", "stdin"])("at once where the gateway is down (%s)", async (how) => {
    await using bridge = new Bridge(
      { GATEWAY_URL: "http://127.0.0.1:9", API_TOKEN: "x" },
      gateway.directory,
    );
    bridge.send(initialize());
    expect((await bridge.answer(0)).error?.message).toMatch(/does not answer/);
    if (how === "stdin") bridge.process.stdin.end();
    else bridge.process.kill("SIGTERM");
    await bridge.exited;
  });
});

describe("the bridge answers", () => {
  test("every call while the gateway is down, and goes on once it is up", async () => {
    await using own = await startGateway();
    writeFileSync(own.file("/tmp/a.txt"), "hello");
    const { port } = own;
    await own.stop();
    await using bridge = open(own);
    bridge.send(initialize());
    const { error } = await bridge.answer(0);
    expect(error).toMatchObject({ code: -32000, message: expect.stringContaining("GATEWAY_URL") });
    bridge.send(list(1));
    expect((await bridge.answer(1)).error).toMatchObject({ code: -32000 });
    await own.start({ PORT: String(port) });
    bridge.send({ ...initialize(), id: 2 });
    expect(await bridge.answer(2)).toMatchObject({ result: { serverInfo: expect.anything() } });
    bridge.send(read(3));
    expect(JSON.stringify(await bridge.answer(3))).toContain("hello");
  });

  test("with a wrong key what is wrong, and never the key", async () => {
    const token = "a-wrong-token-of-somebody";
    await using bridge = open(gateway, token);
    bridge.send(initialize());
    expect((await bridge.answer(0)).error?.message).toMatch(
      /API_TOKEN is missing, wrong or revoked/,
    );
    bridge.process.stdin.end();
    await bridge.exited;
    expect(bridge.stderr + JSON.stringify(bridge.messages)).not.toContain(token);
  });

  test("many calls at once after a restart, in one new session", async () => {
    await using own = await startGateway({ env: { LOG_LEVEL: "debug" } });
    writeFileSync(own.file("/tmp/a.txt"), "hello");
    const { port } = own;
    await using bridge = open(own);
    await bridge.begin();
    await own.kill();
    await own.start({ PORT: String(port) });
    for (let id = 1; id <= 10; id++) bridge.send(read(id));
    for (let id = 1; id <= 10; id++) {
      expect(JSON.stringify(await bridge.answer(id))).toContain("hello");
    }
    expect(bridge.stderr.match(/beginning another/g)).toHaveLength(1);
    expect(bridge.messages.filter(({ id }) => typeof id === "string")).toEqual([]);
  });

  test("nothing to what is no message, and goes on; stdout has the protocol alone", async () => {
    await using bridge = open(gateway);
    await bridge.begin();
    for (const line of ["", "x", "{", "[]", '{"jsonrpc":"2.0"}', "\u001b[2J", "null"]) {
      bridge.send(line);
    }
    bridge.send(read(1));
    expect(JSON.stringify(await bridge.answer(1))).toContain("hello");
    expect(bridge.stderr).not.toContain("\u001b");
  });
});
