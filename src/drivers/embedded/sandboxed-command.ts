import type { Readable } from "node:stream";
import type { SandboxStart } from "./sandbox.ts";
import { SandboxProcess } from "./sandbox-process.ts";

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
 * Runs a sandbox and resolves when every process of it has ended. An abort kills them all. Rejects
 * where the first program cannot be started.
 */
export async function runSandboxed(start: SandboxStart, signal: AbortSignal): Promise<Outcome> {
  const sandbox = new SandboxProcess(start, "ignore");
  const stdout = collect(sandbox.stdout);
  const stderr = collect(sandbox.stderr);
  const kill = (): void => sandbox.kill();
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    await sandbox.ended;
  } finally {
    signal.removeEventListener("abort", kill);
  }
  return { exitCode: sandbox.exitCode, stdout: stdout(), stderr: stderr() };
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
