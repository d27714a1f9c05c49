import { GatewayError } from "../../../contract/errors.ts";
import { unlessAborted } from "../../step/serial-queue.ts";
import type { Owner } from "../confined-path.ts";
import { type Clipboard, openClipboard } from "./clipboard.ts";
import { InputDevice } from "./input-device.ts";
import { openKeyboard } from "./keyboard.ts";
import { type DisplayTools, findDisplayTools } from "./tools.ts";
import { startWindowManager } from "./window-manager.ts";
import { connectX, type XConnection } from "./x-connection.ts";
import { type DisplayAddress, startXvfb, type XServer } from "./xvfb.ts";

export interface DisplayOptions {
  /** Whom the display's processes run as; undefined: whoever runs the gateway. */
  readonly owner: Owner | undefined;
  /** Size of the screen in pixels; default 1280 × 960. */
  readonly width?: number;
  readonly height?: number;
}

/** A display that runs, until `ended`. */
export interface LiveDisplay {
  readonly address: DisplayAddress;
  readonly connection: XConnection;
  readonly inputDevice: InputDevice;
  readonly clipboard: Clipboard;
  /** Resolves when the server is gone or no longer answers; a new display is needed then. */
  readonly ended: Promise<void>;
}

interface Parts extends LiveDisplay, AsyncDisposable {}

const SIZE = { width: 1280, height: 960 };

/** Why there is no display, and what to do, or undefined where one can be started. */
export function displayProblem(): { reason: string; hint: string } | undefined {
  const tools = findDisplayTools();
  return "reason" in tools ? tools : undefined;
}

/**
 * A private X display, started when it is first used and again when it is used after it died. Never
 * the operator's. All of its processes end with it, and with the gateway.
 */
export class Display implements AsyncDisposable {
  readonly #options: DisplayOptions;
  #current: Promise<Parts> | undefined;
  #isClosed = false;

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  /**
   * The running display. Rejects with `desktop_unavailable`, or the abort's error; an abort does not
   * stop a start that others may wait for too.
   */
  async use(signal: AbortSignal): Promise<LiveDisplay> {
    if (this.#isClosed) throw new GatewayError("stopped", "the gateway is shutting down");
    this.#current ??= this.#start();
    return await unlessAborted(this.#current, signal);
  }

  /** The display that runs now, if one does. */
  async running(): Promise<LiveDisplay | undefined> {
    return await this.#current?.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const parts = await this.#current?.catch(() => undefined);
    await parts?.[Symbol.asyncDispose]();
  }

  #start(): Promise<Parts> {
    const started = this.#open();
    const forget = (): void => {
      if (this.#current === started) this.#current = undefined;
    };
    started.then(({ ended }) => ended.then(forget), forget);
    return started;
  }

  async #open(): Promise<Parts> {
    const tools = findDisplayTools();
    if ("reason" in tools) {
      throw new GatewayError("desktop_unavailable", tools.reason, { hint: tools.hint });
    }
    try {
      return await openParts(tools, this.#options);
    } catch (error) {
      const hint = "See the gateway's log; try whether Xvfb starts on this machine.";
      throw new GatewayError(
        "desktop_unavailable",
        "the embedded desktop's display did not come up",
        { hint },
        error,
      );
    }
  }
}

async function openParts(
  tools: DisplayTools,
  { owner, width = SIZE.width, height = SIZE.height }: DisplayOptions,
): Promise<Parts> {
  await using opened = new AsyncDisposableStack();
  const server: XServer = opened.use(await startXvfb(tools, owner, { width, height }));
  const connection = opened.use(await connectX(server.address.socket, server.cookie));
  const keyboard = await openKeyboard(connection);
  const clipboard = await openClipboard(connection);
  const manager = await startWindowManager(tools, owner, server, connection);
  if (manager !== undefined) opened.use(manager);
  const owned = opened.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    address: server.address,
    connection,
    inputDevice: new InputDevice(connection, keyboard),
    clipboard,
    // A server that no longer answers loses the connection and is ended, its programs with it.
    ended: Promise.race([server.ended, connection.ended]).then(close),
    [Symbol.asyncDispose]: close,
  };
}
