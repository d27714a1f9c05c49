import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Property } from "x11";
import type { Owner } from "../confined-path.ts";
import { findProgram } from "../sandbox-tools.ts";
import { type DroppedChild, startDropped } from "./dropped-child.ts";
import { openboxConfiguration } from "./openbox-configuration.ts";
import type { DisplayTools } from "./tools.ts";
import type { XConnection } from "./x-connection.ts";
import type { XServer } from "./xvfb.ts";

/** How long the first programs wait for it; milliseconds. */
const START_TIMEOUT = 3000;

/** Of one that ends again and again no more is to be expected. */
const MAX_RESTARTS = 5;

/** Property of the root window that a window manager sets once it manages. */
const MANAGED = "_NET_SUPPORTING_WM_CHECK";
const ANY_TYPE = 0;

/** `PropertyChange` (X protocol, SETofEVENT). */
const PROPERTY_CHANGE = 0x00400000;

/** Small ones, the first that is installed is taken; `config` is where a file for it may lie. */
const WINDOW_MANAGERS: readonly {
  readonly program: string;
  readonly configuration: string;
  readonly command: (path: string, config: string) => readonly string[];
}[] = [
  {
    program: "openbox",
    configuration: openboxConfiguration,
    command: (path, config) => [path, "--sm-disable", "--config-file", config],
  },
  {
    program: "matchbox-window-manager",
    configuration: "",
    command: (path) => [path, "-use_titlebar", "yes", "-kbdconfig", "/dev/null"],
  },
  {
    program: "twm",
    // No menus and no bindings but to focus, raise and move.
    configuration: "RandomPlacement\nButton1 = : title : f.move\nButton1 = : window : f.raise\n",
    command: (path, config) => [path, "-f", config],
  },
];

/**
 * Starts the window manager of a display where one is installed: windows get borders, and what is
 * clicked gets the focus. It offers nothing that would start a program, and is started again where a
 * program made it end. Resolves when it manages windows, or undefined.
 */
export async function startWindowManager(
  tools: DisplayTools,
  owner: Owner | undefined,
  server: XServer,
  connection: XConnection,
): Promise<AsyncDisposable | undefined> {
  const command = findCommand(server.directory);
  if (command === undefined) return undefined;
  const start = (): DroppedChild =>
    startDropped(tools.setpriv, owner, command, environmentOf(server));
  const isManaged = await watch(connection);
  let child = start();
  let isClosed = false;
  const keep = async (): Promise<void> => {
    for (let restarts = 0; restarts < MAX_RESTARTS; restarts += 1) {
      await child.ended;
      if (isClosed || connection.isLost) return;
      child = start();
    }
  };
  void keep();
  const timer = new AbortController();
  const tooLong = pause(START_TIMEOUT, undefined, { signal: timer.signal }).catch(() => {});
  await Promise.race([isManaged(), tooLong]);
  timer.abort();
  return {
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await child[Symbol.asyncDispose]();
    },
  };
}

/** The command of the first that is installed, its configuration written. */
function findCommand(directory: string): readonly string[] | undefined {
  for (const { program, configuration, command } of WINDOW_MANAGERS) {
    const path = findProgram(program);
    if (path === undefined) continue;
    const config = join(directory, `${program}.conf`);
    writeFileSync(config, configuration, { mode: 0o644 });
    chmodSync(config, 0o644);
    return command(path, config);
  }
  return undefined;
}

function environmentOf({ address, directory }: XServer): Record<string, string> {
  return {
    DISPLAY: address.display,
    XAUTHORITY: address.authority,
    HOME: directory,
    XDG_CACHE_HOME: directory,
    XDG_CONFIG_HOME: directory,
    XDG_CONFIG_DIRS: directory,
    XDG_DATA_HOME: directory,
  };
}

/** Looks out for a window manager from now on. */
async function watch(connection: XConnection): Promise<() => Promise<void>> {
  const { root } = connection;
  const name = await connection.atom(MANAGED);
  connection.tell((client) => client.ChangeWindowAttributes(root, { eventMask: PROPERTY_CHANGE }));
  const seen = new Promise<void>((resolve) => {
    connection.events.on("event", (event) => {
      if (event.name === "PropertyNotify" && event.atom === name) resolve();
    });
  });
  return async () => {
    const { data } = await connection.ask<Property>((client, answer) =>
      client.GetProperty(0, root, name, ANY_TYPE, 0, 1, answer),
    );
    if (data.length === 0) await seen;
  };
}
