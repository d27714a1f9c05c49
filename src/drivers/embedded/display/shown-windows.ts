import type { ShownWindow } from "../../desktop/desktop.ts";
import { readProperty, titleOf } from "./focused-window.ts";
import { type XConnection, XRequestError } from "./x-connection.ts";

/** X protocol: a window that could be seen if nothing lay over it. */
const VIEWABLE = 2;
/** Windows that are told of; those below them are left out. */
const MAX_WINDOWS = 20;
/** Bytes of a window's number. */
const NUMBER = 4;

/** The windows on the screen, the topmost first; none where no window manager says. */
export async function findShownWindows(connection: XConnection): Promise<readonly ShownWindow[]> {
  const name = await connection.atom("_NET_CLIENT_LIST_STACKING");
  const { format, data } = await readProperty(connection, connection.root, name);
  if (format !== 32) return [];
  const stacked = Array.from({ length: Math.floor(data.length / NUMBER) }, (_, index) =>
    data.readUInt32LE(index * NUMBER),
  );
  const shown: ShownWindow[] = [];
  for (const window of stacked.reverse()) {
    if (shown.length === MAX_WINDOWS) break;
    const found = await lookAt(connection, window);
    if (found !== undefined) shown.push(found);
  }
  return shown;
}

async function lookAt(connection: XConnection, window: number): Promise<ShownWindow | undefined> {
  try {
    const { mapState } = await connection.ask<{ readonly mapState: number }>((client, answer) =>
      client.GetWindowAttributes(window, answer),
    );
    if (mapState !== VIEWABLE) return undefined;
    const [{ width, height }, { destX: x, destY: y }, title] = await Promise.all([
      connection.ask<{ readonly width: number; readonly height: number }>((client, answer) =>
        client.GetGeometry(window, answer),
      ),
      connection.ask<{ readonly destX: number; readonly destY: number }>((client, answer) =>
        client.TranslateCoordinates(window, connection.root, 0, 0, answer),
      ),
      titleOf(connection, window),
    ]);
    return { title, x, y, width, height };
  } catch (error) {
    // It went away while it was looked at.
    if (error instanceof XRequestError) return undefined;
    throw error;
  }
}
