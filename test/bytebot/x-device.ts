import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import type { Button, DeskDevice, Press } from "./desk.ts";
import { encodeRgb } from "./virtual-screen.ts";

const run = promisify(execFile);

export interface XDeviceOptions {
  /** `:99`. */
  readonly display: string;
  /** DISPLAY and XAUTHORITY are made of this. */
  readonly authority: string;
  /** What `application` starts, by its name; others start nothing. */
  readonly applications?: Readonly<Record<string, readonly string[]>>;
}

const BUTTONS: Readonly<Record<Button, string>> = { left: "1", middle: "2", right: "3" };
const WHEEL: Readonly<Record<string, string>> = { up: "4", down: "5", left: "6", right: "7" };

/** Performs a daemon's events on an X display, with xdotool, xclip and xwd. */
export async function openXDevice(options: XDeviceOptions): Promise<DeskDevice> {
  const env = {
    ...process.env,
    DISPLAY: options.display,
    XAUTHORITY: options.authority,
    LANG: "C.UTF-8",
  };
  const { stdout } = await run("xdotool", ["getdisplaygeometry"], { env });
  const [width = 0, height = 0] = stdout.trim().split(" ").map(Number);
  return new XDevice(width, height, options, env);
}

class XDevice implements DeskDevice {
  readonly width: number;
  readonly height: number;
  readonly #applications: Readonly<Record<string, readonly string[]>>;
  readonly #env: NodeJS.ProcessEnv;
  readonly #started = new Set<ChildProcess>();
  /** Leads the process group of whoever serves the selection. */
  #clipboard: ChildProcess | undefined;

  constructor(width: number, height: number, options: XDeviceOptions, env: NodeJS.ProcessEnv) {
    this.width = width;
    this.height = height;
    this.#applications = options.applications ?? { terminal: ["xterm"] };
    this.#env = env;
  }

  async keys(events: readonly (readonly [key: string, press: Press])[]): Promise<void> {
    if (events.length > 0)
      await this.#xdotool(...events.flatMap(([key, press]) => [`key${press}`, key]));
  }

  async button(button: Button, press: Press): Promise<void> {
    await this.#xdotool(`mouse${press}`, BUTTONS[button]);
  }

  async move(x: number, y: number): Promise<void> {
    await this.#xdotool("mousemove", String(x), String(y));
  }

  async pointer(): Promise<{ x: number; y: number }> {
    const found = /X=(\d+)\nY=(\d+)/.exec(await this.#xdotool("getmouselocation", "--shell"));
    return { x: Number(found?.[1]), y: Number(found?.[2]) };
  }

  async scroll(direction: string): Promise<void> {
    await this.#xdotool("click", WHEEL[direction] ?? "5");
  }

  /** xclip stays behind to serve the selection: in a process group of its own, to be ended with it. */
  async setClipboard(text: string): Promise<void> {
    const child = this.#spawn(["xclip", "-selection", "clipboard"], "pipe");
    child.stdin?.end(text);
    await once(child, "exit");
    // The one before has lost the selection, and ends by itself.
    this.#clipboard = child;
  }

  async launch(application: string): Promise<void> {
    const argv = this.#applications[application];
    if (argv === undefined) return;
    const child = this.#spawn(argv, "ignore");
    this.#started.add(child);
    child.on("exit", () => this.#started.delete(child));
  }

  async capture(): Promise<Buffer> {
    const { stdout } = await run("xwd", ["-root", "-silent"], {
      env: this.#env,
      encoding: "buffer",
      maxBuffer: 256 * 1024 * 1024,
    });
    return encodeXwd(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exits = [...this.#started].map((child) => once(child, "exit"));
    for (const child of [...this.#started, this.#clipboard]) killGroup(child);
    await Promise.all(exits);
  }

  #spawn([command = "", ...args]: readonly string[], input: "pipe" | "ignore"): ChildProcess {
    const stdio = [input, "ignore", "ignore"] as const;
    const child = spawn(command, args, { env: this.#env, stdio: [...stdio], detached: true });
    child.on("error", () => this.#started.delete(child));
    return child;
  }

  async #xdotool(...args: string[]): Promise<string> {
    return (await run("xdotool", args, { env: this.#env })).stdout;
  }
}

function killGroup(leader: ChildProcess | undefined): void {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** X window dump (XWDFile.h), as a PNG: 25 big-endian numbers, a colour map, 4 bytes a pixel. */
async function encodeXwd(dump: Buffer): Promise<Buffer> {
  const field = (index: number) => dump.readUInt32BE(index * 4);
  const [headerSize, width, height] = [field(0), field(4), field(5)];
  const [bitsPerPixel, bytesPerLine, colours] = [field(11), field(12), field(19)];
  if (bitsPerPixel !== 32 || field(7) !== 0) throw new Error("the screen is not 24 bits deep");
  const pixels = dump.subarray(headerSize + colours * 12);
  const rgb = Buffer.alloc(width * height * 3);
  for (let row = 0, to = 0; row < height; row += 1)
    for (let from = row * bytesPerLine; to < (row + 1) * width * 3; from += 4) {
      rgb[to++] = pixels[from + 2] ?? 0;
      rgb[to++] = pixels[from + 1] ?? 0;
      rgb[to++] = pixels[from] ?? 0;
    }
  return encodeRgb(width, height, rgb);
}
