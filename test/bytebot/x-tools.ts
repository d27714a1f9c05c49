import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/**
 * Debian packages: xvfb, openbox, xterm, xdotool, xclip, x11-apps (xwd), fonts-unifont.
 */
const NEEDED = ["Xvfb", "openbox", "xterm", "xdotool", "xclip", "xwd", "setpriv"];

/** Whether a real display can be had; says on the console what is missing for the tests it skips. */
export function hasXTools(): boolean {
  return sees(...NEEDED);
}

/** Whether these programs are installed; says on the console which are missing. */
export function sees(...tools: readonly string[]): boolean {
  const missing = tools.filter((tool) => !installed(tool));
  if (missing.length > 0) {
    console.warn(`skipped, as these are not installed: ${missing.join(", ")}`);
  }
  return missing.length === 0;
}

function installed(tool: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
