import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event, InputEvent } from "x11";
import type { Owner } from "../../../../../src/drivers/embedded/confined-path.ts";
import { Display, type LiveDisplay } from "../../../../../src/drivers/embedded/display/display.ts";
import { DisplayDesktop } from "../../../../../src/drivers/embedded/display/display-desktop.ts";
import { findDisplayTools } from "../../../../../src/drivers/embedded/display/tools.ts";
import {
  connectX,
  type XConnection,
} from "../../../../../src/drivers/embedded/display/x-connection.ts";
import { findProgram } from "../../../../../src/drivers/embedded/sandbox-tools.ts";
import { SANDBOX_ID } from "../../../../../src/lib/sandbox-user.ts";

/** What the tests of this folder share; nothing else imports it. */
export const owner: Owner | undefined =
  process.geteuid?.() === 0 ? { uid: SANDBOX_ID, gid: SANDBOX_ID } : undefined;

/** Never aborts. */
export const never = new AbortController().signal;

const GRACE = 10_000;

/** What is missing for tests on a real display, said once. */
export function missingForDisplay(...programs: string[]): string | undefined {
  const tools = findDisplayTools();
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (!("reason" in tools) && missing.length === 0) return undefined;
  const what = "reason" in tools ? tools.reason : `not installed: ${missing.join(", ")}`;
  console.warn(`tests on a real display are skipped: ${what}`);
  return what;
}

export interface DisplayBench extends AsyncDisposable {
  readonly display: Display;
  readonly desktop: DisplayDesktop;
}

export function openDisplayBench(size: { width?: number; height?: number } = {}): DisplayBench {
  const display = new Display({ owner, ...size });
  return {
    display,
    desktop: new DisplayDesktop(display),
    [Symbol.asyncDispose]: () => display[Symbol.asyncDispose](),
  };
}

/** Starts a program on a display as its user. It dies with the display. */
function startOn({ address }: LiveDisplay, command: readonly string[], home: string): ChildProcess {
  const drop =
    owner === undefined ? [] : [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  return spawn("setpriv", [...drop, "--pdeathsig=KILL", "--", ...command], {
    env: {
      PATH: "/usr/bin:/bin",
      LANG: "C.UTF-8",
      DISPLAY: address.display,
      XAUTHORITY: address.authority,
      HOME: home,
    },
    stdio: "ignore",
  });
}

/** A terminal that keeps every line typed into it, and takes Control+V as paste. */
export interface Terminal extends AsyncDisposable {
  /** Resolves with everything received once that ends with this text. */
  received(end: string): Promise<string>;
}

export async function openTerminal(
  { display, desktop }: DisplayBench,
  title = "terminal",
): Promise<Terminal> {
  const live = await display.use(never);
  const home = mkdtempSync(join(tmpdir(), "bytebot-terminal-"));
  const file = join(home, "received");
  writeFileSync(file, "");
  chmodSync(home, 0o755);
  if (owner !== undefined) {
    chownSync(home, owner.uid, owner.gid);
    chownSync(file, owner.uid, owner.gid);
  }
  const paste = "*VT100.translations: #override Ctrl <Key>v: insert-selection(CLIPBOARD)";
  const command = ["xterm", "-u8", "-T", title, "-xrm", paste, "-e", "sh", "-c", `cat >> ${file}`];
  const child = startOn(live, command, home);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await until(live.connection, async () => (await desktop.focus(never))?.title === title);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    received: async (end) => {
      const text = (): string => readFileSync(file, "utf8");
      await new Promise<void>((resolve, reject) => {
        const watcher = watch(file, look);
        const timer = setTimeout(() => {
          watcher.close();
          reject(new Error(`received ${JSON.stringify(text().slice(-300))}`));
        }, GRACE);
        function look(): void {
          if (!text().endsWith(end)) return;
          clearTimeout(timer);
          watcher.close();
          resolve();
        }
        look();
      });
      return text();
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Looks again with every property that changes on the display. */
async function until(connection: XConnection, holds: () => Promise<boolean>): Promise<void> {
  const timeout = AbortSignal.timeout(GRACE);
  for (;;) {
    // Before looking: what changes meanwhile is not missed.
    const changed = once(connection.events, "event", { signal: timeout });
    changed.catch(() => {});
    if (await holds()) return;
    await changed;
  }
}

/** A window of another client, at a fixed place, that writes down what it is sent. */
export interface Probe extends Disposable {
  readonly connection: XConnection;
  readonly window: number;
  readonly inputs: readonly InputEvent[];
  /** Resolves when the inputs so far satisfy this. */
  saw(holds: (inputs: readonly InputEvent[]) => boolean): Promise<void>;
  /** Forgets the inputs so far. */
  clear(): void;
  /** Resolves with the next event of this name. */
  next<Name extends Event["name"]>(name: Name): Promise<Event & { readonly name: Name }>;
}

export const PROBE = { x: 40, y: 30, width: 300, height: 200, colour: [0x20, 0xc0, 0x60] } as const;

// X protocol, SETofEVENT: keys, buttons, moves, exposure and the structure of the window.
const PROBE_EVENTS = 0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x8000 | 0x20000 | 0x200000;

export async function openProbe(display: LiveDisplay): Promise<Probe> {
  const cookie = readFileSync(display.address.authority).subarray(-16);
  const connection = await connectX(display.address.socket, cookie);
  const { x, y, width, height, colour } = PROBE;
  const [red, green, blue] = colour;
  const window = connection.createHiddenWindow() + 1;
  const inputs: InputEvent[] = [];
  connection.events.on("event", (event) => {
    if (/^(Key|Button|Motion)/.test(event.name)) inputs.push(event as InputEvent);
  });
  const next: Probe["next"] = (name) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${name} came`)), GRACE);
      connection.events.on("event", function look(event) {
        if (event.name !== name) return;
        clearTimeout(timer);
        connection.events.off("event", look);
        resolve(event as never);
      });
    });
  connection.tell((client) => {
    client.CreateWindow(client.AllocID(), connection.root, x, y, width, height, 0, 0, 1, 0, {
      backgroundPixel: (red << 16) | (green << 8) | blue,
      // No window manager moves it.
      overrideRedirect: 1,
      eventMask: PROBE_EVENTS,
    });
    client.MapWindow(window);
  });
  const exposed = next("Expose");
  await exposed;
  const focused = next("FocusIn");
  connection.tell((client) => client.SetInputFocus(window, 1));
  await Promise.all([focused, connection.sync()]);
  return {
    connection,
    window,
    inputs,
    next,
    clear: () => {
      inputs.length = 0;
    },
    saw: (holds) => until(connection, async () => holds(inputs)),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}
