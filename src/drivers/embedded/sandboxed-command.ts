import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { withoutInherited } from "./inherited-descriptors.ts";
import { PASSWD_FD, STATUS_FD } from "./sandbox.ts";

/** What a command left behind. */
export interface Outcome {
  /** undefined: the sandbox did not come up, and the command never ran. */
  readonly exitCode: number | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output {
  /** The beginning of it; bytes that are not UTF-8 show as U+FFFD. */
  readonly text: string;
  readonly truncated: boolean;
}

/** Kept of each output stream; bytes. */
const MAX_OUTPUT = 64 * 1024;

/**
 * Runs an argument list that `sandboxed` made and resolves when every process of it has ended. An
 * abort kills them all. Rejects where the first program cannot be started.
 */
export async function runSandboxed(
  argv: readonly string[],
  passwd: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: "/",
    // Nothing of the gateway's own environment: it may hold secrets.
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    stdio: withoutInherited(["ignore", "pipe", "pipe", "pipe", "pipe"]),
  });
  const stdout = collect(readableOf(child, 1));
  const stderr = collect(readableOf(child, 2));
  const status = new SandboxStatus(child);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  // A sandbox that does not come up does not read it either.
  writableOf(child, PASSWD_FD)
    .on("error", () => {})
    .end(passwd);

  const kill = (): void => status.kill();
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    await ended;
  } finally {
    signal.removeEventListener("abort", kill);
  }
  return { exitCode: status.exitCode, stdout: stdout(), stderr: stderr() };
}

/** What bubblewrap reports on its status descriptor, one JSON document a line. */
class SandboxStatus {
  exitCode: number | undefined;
  readonly #child: ChildProcess;
  #init: number | undefined;
  #isKilled = false;
  #pending = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    readableOf(child, STATUS_FD)
      .setEncoding("utf8")
      .on("data", (text: string) => this.#see(text));
  }

  /**
   * Kills the first process of the sandbox's pid namespace, and with it all others. Killing
   * bubblewrap instead would leave them alive where it has not yet tied them to itself; while it
   * lives it has not reaped that process, so the pid is surely its.
   */
  kill(): void {
    this.#isKilled = true;
    if (this.#init === undefined || this.#child.exitCode !== null) return;
    try {
      process.kill(this.#init, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  #see(text: string): void {
    this.#pending += text;
    const lines = this.#pending.split("\n");
    this.#pending = lines.pop() ?? "";
    for (const line of lines) this.#report(line);
  }

  #report(line: string): void {
    const exitCode = /"exit-code": *(\d+)/.exec(line)?.[1];
    if (exitCode !== undefined) this.exitCode = Number(exitCode);
    const init = /"child-pid": *(\d+)/.exec(line)?.[1];
    if (init === undefined) return;
    this.#init = Number(init);
    if (this.#isKilled) this.kill();
  }
}

function readableOf(child: ChildProcess, fd: number): Readable {
  const stream = child.stdio[fd];
  if (stream instanceof Readable) return stream;
  throw new Error(`the child has no readable pipe ${fd}`);
}

function writableOf(child: ChildProcess, fd: number): Writable {
  const stream = child.stdio[fd];
  if (stream instanceof Writable) return stream;
  throw new Error(`the child has no writable pipe ${fd}`);
}

/** Keeps the beginning of a stream and reads on, so that the writer is never held up. */
function collect(stream: Readable): () => Output {
  const kept: Buffer[] = [];
  let length = 0;
  let truncated = false;
  stream.on("data", (chunk: Buffer) => {
    const room = MAX_OUTPUT - length;
    if (chunk.length > room) truncated = true;
    if (room === 0) return;
    // A copy: a slice would keep the whole chunk alive.
    const part = Buffer.from(chunk.subarray(0, room));
    kept.push(part);
    length += part.length;
  });
  return () => ({ text: decodeBeginning(Buffer.concat(kept), truncated), truncated });
}

function decodeBeginning(bytes: Buffer, isCut: boolean): string {
  // With `stream` a character cut at the end is left out rather than shown broken.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: isCut });
}
