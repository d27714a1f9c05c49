import type { Property } from "x11";
import type { FocusedWindow } from "../../desktop/desktop.ts";
import { type XConnection, XRequestError } from "./x-connection.ts";

/** X protocol: no window, and whichever the pointer is over. */
const NONE = 0;
const POINTER_ROOT = 1;

const ANY_TYPE = 0;
const WM_NAME = 39;
const WM_CLASS = 67;

/** Read of a property, in units of 4 bytes. */
const LENGTH = 256;
const MAX_TITLE = 200;
const MAX_CLASS = 60;

/** Classes of terminals. */
const TERMINAL = /term|konsole|tilix|kitty|alacritty|ghostty|^foot$|^st-/i;

/** Windows between what has the focus and what is a window to a person. */
const MAX_DEPTH = 32;

/** The window that what is typed goes to, or undefined. */
export async function findFocusedWindow(
  connection: XConnection,
): Promise<FocusedWindow | undefined> {
  try {
    const window = (await activeWindow(connection)) ?? (await focusedWindow(connection));
    if (window === NONE) return undefined;
    const [name, title] = await Promise.all([
      classOf(connection, window),
      titleOf(connection, window),
    ]);
    const identity = `0x${window.toString(16)} ${name}`.trimEnd();
    return { identity, title, isTerminal: TERMINAL.test(name) };
  } catch (error) {
    // It went away while it was looked at.
    if (error instanceof XRequestError) return undefined;
    throw error;
  }
}

/** What the window manager says, or undefined where none runs. */
async function activeWindow(connection: XConnection): Promise<number | undefined> {
  const name = await connection.atom("_NET_ACTIVE_WINDOW");
  const { format, data } = await readProperty(connection, connection.root, name);
  return format === 32 && data.length >= 4 ? data.readUInt32LE(0) : undefined;
}

/** What the server says: the nearest window above the focus that has a class, else the topmost. */
async function focusedWindow(connection: XConnection): Promise<number> {
  const { root } = connection;
  let { focus: window } = await connection.ask<{ readonly focus: number }>((client, answer) =>
    client.GetInputFocus(answer),
  );
  if (window === POINTER_ROOT || window === root) {
    const pointer = await connection.ask<{ readonly child: number }>((client, answer) =>
      client.QueryPointer(root, answer),
    );
    window = pointer.child;
  }
  if (window === NONE) return NONE;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const { data } = await readProperty(connection, window, WM_CLASS);
    const child = window;
    const { parent } = await connection.ask<{ readonly parent: number }>((client, answer) =>
      client.QueryTree(child, answer),
    );
    if (data.length > 0 || parent === root || parent === NONE) return window;
    window = parent;
  }
  return window;
}

/** The class of the program: the second of two texts that each end with a zero. */
async function classOf(connection: XConnection, window: number): Promise<string> {
  const { data } = await readProperty(connection, window, WM_CLASS);
  const [instance = "", kind = ""] = data.toString("latin1").split("\0");
  return (kind || instance).slice(0, MAX_CLASS);
}

/** What the program or, of a title in an older encoding, the window manager says in UTF-8. */
export async function titleOf(connection: XConnection, window: number): Promise<string> {
  for (const property of ["_NET_WM_NAME", "_NET_WM_VISIBLE_NAME"]) {
    const { data } = await readProperty(connection, window, await connection.atom(property));
    if (data.length > 0) return cut(new TextDecoder().decode(data));
  }
  const old = await readProperty(connection, window, WM_NAME);
  return cut(old.data.toString("latin1"));
}

function cut(title: string): string {
  return Array.from(title).slice(0, MAX_TITLE).join("");
}

export async function readProperty(
  connection: XConnection,
  window: number,
  name: number,
): Promise<Property> {
  return await connection.ask<Property>((client, answer) =>
    client.GetProperty(0, window, name, ANY_TYPE, 0, LENGTH, answer),
  );
}
