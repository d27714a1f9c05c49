export interface Point {
  /** Pixels from the left. */
  readonly x: number;
  /** Pixels from the top. */
  readonly y: number;
}

export interface Screenshot {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export type Button = "left" | "middle" | "right";
export type Press = "down" | "up";

/** The window that what is typed goes to, as far as the desktop can tell. */
export interface FocusedWindow {
  /** Tells this window from every other for as long as it lives, e.g. `0x1400003 xterm`. */
  readonly identity: string;
  /** For a person; made by the program in it, so not to be trusted. */
  readonly title: string;
  /** A terminal, as far as its class tells: what is pasted there by Control+V arrives as ^V. */
  readonly isTerminal?: boolean;
}

/** A window on the screen, in pixels of the screen; parts of it may lie below others or outside. */
export interface ShownWindow {
  /** Made by the program in it, so not to be trusted. */
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * One screen with its pointer and keyboard. Parameters are validated and inside the screen; keys have
 * their X11 names (`Control_L`, `a`, `Return`). Every call is an action of its own: it resolves when
 * the action is done and leaves nothing held but what `pressKeys` and `pressButton` hold. It rejects
 * with a GatewayError: `desktop_unavailable` or `bytebot_unavailable` where nothing was sent,
 * `outcome_unknown` where nobody can tell. An abort makes it reject soon; what had been sent may
 * still happen, and whoever comes next waits for that.
 */
export interface Desktop {
  capture(signal: AbortSignal): Promise<Screenshot>;
  cursor(signal: AbortSignal): Promise<Point>;
  move(to: Point, signal: AbortSignal): Promise<void>;
  click(
    click: { button: Button; count: number; at?: Point; holdKeys: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  pressButton(
    press: { button: Button; press: Press; at?: Point },
    signal: AbortSignal,
  ): Promise<void>;
  drag(
    drag: { button: Button; path: readonly Point[]; holdKeys: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  trace(
    trace: { path: readonly Point[]; holdKeys: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  scroll(
    scroll: {
      direction: "up" | "down" | "left" | "right";
      count: number;
      at?: Point;
      holdKeys: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<void>;
  /** Any Unicode text; a line feed is Return. */
  type(text: string, signal: AbortSignal): Promise<void>;
  paste(text: string, signal: AbortSignal): Promise<void>;
  /** Presses the keys together, in order, and releases them. */
  chord(keys: readonly string[], signal: AbortSignal): Promise<void>;
  pressKeys(keys: readonly string[], press: Press, signal: AbortSignal): Promise<void>;
  /** Resolves with whether the screen looks otherwise: what is in front already changes nothing. */
  openApplication(application: string, signal: AbortSignal): Promise<boolean>;
  /** The same for the page. `url` is an http or https URL as the WHATWG parser wrote it. */
  openUrl(url: string, signal: AbortSignal): Promise<boolean>;
  /** undefined: no window has the focus. Absent: this desktop cannot tell. */
  focus?(signal: AbortSignal): Promise<FocusedWindow | undefined>;
  /** The topmost first. Absent: this desktop cannot tell. */
  windows?(signal: AbortSignal): Promise<readonly ShownWindow[]>;
  /** Lets go of every key and button that may still be held. Never rejects. */
  release(): Promise<void>;
}
