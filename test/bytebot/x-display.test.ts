import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startXDisplay } from "./x-display.ts";
import { openTerminal } from "./x-terminal.ts";
import { hasXTools } from "./x-tools.ts";

const socketOf = (display: string) => `/tmp/.X11-unix/X${display.slice(1)}`;

test.skipIf(!hasXTools())("nothing of a display is left behind", async () => {
  const display = await startXDisplay({ width: 800, height: 600 });
  const terminal = await openTerminal(display);
  expect(await display.xdotool("getdisplaygeometry")).toBe("800 600");
  await display.xdotool("type", "typed");
  await terminal.waitFor((text) => text === "typed");
  terminal[Symbol.dispose]();
  await display[Symbol.asyncDispose]();
  expect(existsSync(display.directory)).toBe(false);
  expect(existsSync(socketOf(display.display))).toBe(false);
});

test.skipIf(!hasXTools())("a display needs its cookie", async () => {
  await using display = await startXDisplay();
  const env = { ...display.env, XAUTHORITY: "/dev/null" };
  const asked = promisify(execFile)("xdotool", ["getdisplaygeometry"], { env });
  await expect(asked).rejects.toThrow("Command failed");
});

test.skipIf(!hasXTools())("a display dies with the process that started it", async () => {
  const child = fork(join(import.meta.dirname, "x-display-child.ts"));
  const [{ display, directory }] = await once(child, "message");
  const connection = connect(socketOf(display));
  await once(connection, "connect");
  const closed = once(connection, "close");
  child.kill("SIGKILL");
  await closed;
  rmSync(directory, { recursive: true });
});
