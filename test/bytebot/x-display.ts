import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { Watch } from "./watch.ts";

const run = promisify(execFile);

export interface XDisplayOptions {
  /** 1280 by 960 unless given. */
  readonly width?: number;
  readonly height?: number;
}

/** Starts a private X display with its own cookie and a window manager. */
export async function startXDisplay(options: XDisplayOptions = {}): Promise<XDisplay> {
  const display = new XDisplay();
  try {
    await display.start(options.width ?? 1280, options.height ?? 960);
  } catch (error) {
    await display[Symbol.asyncDispose]();
    throw error;
  }
  return display;
}

const directories = new Set<string>();
process.on("exit", () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

export class XDisplay implements AsyncDisposable {
  /** `:99`. */
  display = "";
  /** A directory of its own, gone with the display. */
  readonly directory: string;
  readonly #children: ChildProcess[] = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "x-display-"));
    directories.add(this.directory);
  }

  /** The cookie's file. */
  get authority(): string {
    return join(this.directory, "authority");
  }

  /** For programs on this display. */
  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      DISPLAY: this.display,
      XAUTHORITY: this.authority,
      LANG: "C.UTF-8",
      LC_ALL: "C.UTF-8",
    };
  }

  async start(width: number, height: number): Promise<void> {
    writeFileSync(this.authority, cookie(), { mode: 0o600 });
    const screen = ["-screen", "0", `${width}x${height}x24`];
    const access = ["-auth", this.authority, "-nolisten", "tcp"];
    // Told to end, not killed, so that it takes its lock and socket with it.
    const server = this.#spawn(
      ["Xvfb", "-displayfd", "3", "-noreset", ...screen, ...access],
      "TERM",
    );
    const [number] = await Promise.race([
      once(server.stdio[3] as Readable, "data"),
      once(server, "exit").then(() => {
        throw new Error("Xvfb did not start");
      }),
    ]);
    this.display = `:${String(number).trim()}`;
    await this.#startWindowManager();
  }

  /** Starts a program on the display; it dies with the display or with this process. */
  run(...argv: string[]): ChildProcess {
    return this.#spawn(argv);
  }

  async xdotool(...args: string[]): Promise<string> {
    return (await run("xdotool", args, { env: this.env })).stdout.trim();
  }

  async #startWindowManager(): Promise<void> {
    const started = join(this.directory, "managed");
    const changes = new Watch();
    const watcher = watch(this.directory, () => changes.changed());
    this.#spawn(["openbox", "--sm-disable", "--startup", `touch ${started}`]);
    await changes.waitFor(() => existsSync(started));
    watcher.close();
  }

  /** Ends every program on the display, and the server last. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [server, ...programs] = this.#children;
    for (const child of programs) child.kill("SIGKILL");
    await Promise.all(programs.map(ended));
    server?.kill("SIGTERM");
    if (server !== undefined) await ended(server);
    rmSync(this.directory, { recursive: true, force: true });
    directories.delete(this.directory);
  }

  #spawn(command: readonly string[], atOurDeath: "KILL" | "TERM" = "KILL"): ChildProcess {
    const argv = ["--pdeathsig", atOurDeath, "--", ...command];
    const child = spawn("setpriv", argv, {
      env: this.env,
      stdio: ["ignore", "pipe", "ignore", "pipe"],
    });
    child.on("error", () => undefined);
    this.#children.push(child);
    return child;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await once(child, "exit");
}

/** One entry of an .Xauthority file (Xau(3)) that holds for any display: family 65535 is a wild card. */
function cookie(): Buffer {
  const counted = (bytes: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([
    Buffer.from([0xff, 0xff]),
    counted(Buffer.alloc(0)),
    counted(Buffer.alloc(0)),
    counted(Buffer.from("MIT-MAGIC-COOKIE-1")),
    counted(randomBytes(16)),
  ]);
}
