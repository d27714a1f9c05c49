import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { withoutInherited } from "./inherited-descriptors.ts";
import { FIRST_FILE_FD, type SandboxStart, STATUS_FD } from "./sandbox.ts";

/** A sandbox that runs. */
export class SandboxProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Undefined unless asked for. */
  readonly stdin: Writable | undefined;
  /** Resolves when every process of it has ended; rejects where the first cannot be started. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #exitCode: number | undefined;
  #init: number | undefined;
  #isKilled = false;
  #pending = "";

  constructor({ argv, files }: SandboxStart, stdin: "ignore" | "pipe") {
    const [program = "", ...rest] = argv;
    this.#child = spawn(program, rest, {
      cwd: "/",
      // Nothing of the gateway's own environment: it may hold secrets.
      env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
      stdio: withoutInherited([stdin, "pipe", "pipe", "pipe", ...files.map(() => "pipe" as const)]),
    });
    this.stdout = readableOf(this.#child, 1);
    this.stderr = readableOf(this.#child, 2);
    this.stdin = stdin === "pipe" ? writableOf(this.#child, 0) : undefined;
    this.ended = new Promise<void>((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", () => resolve());
    });
    readableOf(this.#child, STATUS_FD)
      .setEncoding("utf8")
      .on("data", (text: string) => this.#see(text));
    files.forEach((content, at) => {
      // A sandbox that does not come up does not read it either.
      writableOf(this.#child, FIRST_FILE_FD + at)
        .on("error", () => {})
        .end(content);
    });
  }

  /** Of the command; undefined: it still runs, was killed, or the sandbox never came up. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /**
   * Kills the first process of the sandbox's pid namespace, and with it all others. Killing
   * bubblewrap instead would leave them alive where it has not yet tied them to itself; while it
   * lives it has not reaped that process, so the pid is surely its. It ends once it has seen all of
   * them end, which it does not while it is stopped.
   */
  kill(): void {
    this.#isKilled = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#init !== undefined) killProcess(this.#init);
    this.#child.kill("SIGCONT");
  }

  /** What bubblewrap reports on its status descriptor, one JSON document a line. */
  #see(text: string): void {
    this.#pending += text;
    const lines = this.#pending.split("\n");
    this.#pending = lines.pop() ?? "";
    for (const line of lines) this.#report(line);
  }

  #report(line: string): void {
    const exitCode = /"exit-code": *(\d+)/.exec(line)?.[1];
    if (exitCode !== undefined) this.#exitCode = Number(exitCode);
    const init = /"child-pid": *(\d+)/.exec(line)?.[1];
    if (init === undefined) return;
    this.#init = Number(init);
    if (this.#isKilled) this.kill();
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
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
