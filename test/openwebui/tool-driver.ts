import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Gateway } from "../support/gateway.ts";

/** Runs the Open WebUI tool under Python, with an Open WebUI that answers as it is told. */
const root = join(import.meta.dirname, "../..");
const TOOL = join(root, "integrations/openwebui/bytebot_tool.py");
const DRIVER = join(import.meta.dirname, "tool_driver.py");

/** Open WebUI needs Python 3.11. */
export const python = ["python3", "python"].find(
  (program) =>
    spawnSync(program, ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).status === 0,
);

/** See tool_driver.py. */
export interface ToolCall {
  readonly method: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly answers?: readonly unknown[];
  readonly user?: Readonly<Record<string, unknown>> | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly no_browser?: boolean;
  readonly stop_at?: { readonly type: string; readonly text: string };
}

export interface ToolEvent {
  readonly type: string;
  readonly data: {
    readonly title: string;
    readonly message: string;
    readonly description: string;
    readonly done: boolean;
    readonly files: readonly { readonly type: string; readonly url: string }[];
  };
}

export interface DriverLine {
  readonly kind: "dialog" | "event" | "result" | "stopped" | "list";
  readonly call: number;
  readonly event: ToolEvent;
  readonly text: string;
  readonly [field: string]: unknown;
}

export interface Answer {
  readonly status: string;
  readonly task_id: string;
  readonly message: string;
  readonly result: Record<string, unknown> | null;
  readonly code?: string;
  readonly [field: string]: unknown;
}

export class ToolDriver implements AsyncDisposable {
  /** Everything the driver printed. */
  readonly lines: DriverLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #errors = "";
  #isOver = false;
  #wake: (() => void)[] = [];

  constructor(scenario: unknown) {
    const args = [DRIVER, TOOL, JSON.stringify(scenario)];
    // -B: no compiled copies beside the tool's file.
    const child = spawn(python ?? "python3", ["-B", ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    this.#ended = once(child, "close");
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors += chunk;
    });
    const lines = createInterface(child.stdout);
    lines.on("line", (line) => {
      this.lines.push(JSON.parse(line));
      this.#wakeAll();
    });
    child.on("close", () => {
      this.#isOver = true;
      this.#wakeAll();
    });
  }

  /** What the driver said on its standard error: tracebacks, log lines. */
  get errors(): string {
    return this.#errors;
  }

  /** The first line that is accepted, whether it came already or comes later. */
  async until(accept: (line: DriverLine) => boolean): Promise<DriverLine> {
    for (;;) {
      const line = this.lines.find(accept);
      if (line) return line;
      if (this.#isOver) throw new Error(`the driver ended before that: ${this.#errors}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** What the method answered to the model. */
  async answer(call = 0): Promise<Answer> {
    const { text } = await this.until((line) => line.kind === "result" && line.call === call);
    return JSON.parse(text);
  }

  /** What Open WebUI then gives to the model: texts, and the addresses of pictures. */
  async given(call = 0): Promise<{ readonly texts: string[]; readonly pictures: string[] }> {
    const line = await this.until(({ kind, call: of }) => kind === "result" && of === call);
    const parts = line.given as readonly { readonly text?: string; readonly image_url?: string }[];
    return {
      texts: parts.flatMap(({ text }) => text ?? []),
      pictures: parts.flatMap(({ image_url }) => image_url ?? []),
    };
  }

  dialog(number = 0, call = 0): Promise<DriverLine> {
    return this.until((line) => line === this.dialogs(call)[number]);
  }

  dialogs(call = 0): DriverLine[] {
    return this.lines.filter((line) => line.kind === "dialog" && line.call === call);
  }

  /** Everything that was put before the person, as one text. */
  shown(call = 0): string {
    return this.dialogs(call)
      .map(({ event }) => event.data.message)
      .join("\n");
  }

  events(call = 0): ToolEvent[] {
    return this.lines
      .filter((line) => line.kind === "event" && line.call === call)
      .map(({ event }) => event);
  }

  statuses(call = 0): ToolEvent["data"][] {
    return this.events(call)
      .filter(({ type }) => type === "status")
      .map(({ data }) => data);
  }

  /** Answers a dialog that was told to ask. */
  say(answer: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(answer)}\n`);
  }

  /** Resolves when the driver has ended by itself. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Settings of a tool that works on this gateway, and asks once however fast the answer comes. */
export function valvesFor(
  gateway: Gateway,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    gateway_url: gateway.url,
    secret: gateway.keys.default.secret,
    approver_secret: gateway.keys.approver.secret,
    ask_again_below_seconds: 0,
    poll_seconds: 30,
    ...more,
  };
}

/** Starts calls of the tool, all at the same time. */
export function callTool(
  gateway: Gateway,
  calls: ToolCall | readonly ToolCall[],
  valves: Readonly<Record<string, unknown>> = {},
): ToolDriver {
  return new ToolDriver({ valves: valvesFor(gateway, valves), calls: [calls].flat() });
}

export interface Offered {
  readonly doc: string;
  readonly parameters: readonly string[];
  readonly typed: boolean;
  readonly is_async: boolean;
}

/** What the tool offers to a model, its messages, and how its settings print. */
export async function listOffered(gateway: Gateway) {
  await using driver = new ToolDriver({ list: true, valves: valvesFor(gateway) });
  const { offered, advice, valves } = await driver.until(({ kind }) => kind === "list");
  return {
    offered: Object.entries(offered as Record<string, Offered>),
    advice: advice as Record<string, string>,
    valves: String(valves),
  };
}
