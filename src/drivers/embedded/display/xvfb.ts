import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Owner } from "../confined-path.ts";
import { encodeAuthority, makeCookie } from "./authority.ts";
import { makeDisplayDirectory } from "./display-directory.ts";
import { REPORT_FD, startDropped } from "./dropped-child.ts";
import type { DisplayTools } from "./tools.ts";

const START_TIMEOUT = 20_000;

/** What a program needs to show something on a display. */
export interface DisplayAddress {
  /** Value of DISPLAY, e.g. `:7`. */
  readonly display: string;
  /** The one socket the server listens on. */
  readonly socket: string;
  /** A file for XAUTHORITY that the display's user may read. */
  readonly authority: string;
}

/** A running X server of ours. */
export interface XServer extends AsyncDisposable {
  readonly address: DisplayAddress;
  readonly cookie: Uint8Array;
  /** Private to the display's user; the authority file lies in it. */
  readonly directory: string;
  /** Resolves when the server has ended. */
  readonly ended: Promise<void>;
  /** The server's process. */
  readonly pid: number;
}

/**
 * Starts Xvfb with one screen and resolves when it accepts connections: on its socket file alone, and
 * from those alone who hold its cookie. Rejects with an Error where it does not come up.
 */
export async function startXvfb(
  tools: DisplayTools,
  owner: Owner | undefined,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<XServer> {
  const directory = makeDisplayDirectory(owner);
  const { path, number, socket } = directory;
  const cookie = makeCookie();
  const authority = join(path, "authority");
  writeFileSync(authority, encodeAuthority(cookie), { mode: 0o600, flag: "wx" });
  chmodSync(authority, 0o600);
  if (owner !== undefined) chownSync(authority, owner.uid, owner.gid);
  const child = startDropped(tools.setpriv, owner, [
    tools.xvfb,
    `:${number}`,
    ...["-displayfd", `${REPORT_FD}`],
    ...["-screen", "0", `${width}x${height}x24`],
    ...["-nolisten", "tcp", "-nolisten", "local"],
    ...["-auth", authority],
    // Stays as it is when its last client leaves, and never goes dark.
    ...["-noreset", "-s", "0"],
  ]);
  const server: XServer = {
    address: { display: `:${number}`, socket, authority },
    cookie,
    directory: path,
    ended: child.ended,
    pid: child.process.pid ?? 0,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
  try {
    await Promise.race([report(child.process.stdio[REPORT_FD]), failure(child.ended), timeout()]);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Xvfb writes its display number and a line feed, apart, and ends if it cannot write the second. */
async function report(stream: unknown): Promise<void> {
  if (!(stream instanceof Readable)) throw new Error("Xvfb has no pipe to report on");
  let isReady = false;
  for await (const chunk of stream) isReady ||= String(chunk).endsWith("\n");
  if (!isReady) throw new Error("Xvfb did not say that it is ready");
}

async function failure(ended: Promise<void>): Promise<never> {
  await ended;
  throw new Error("Xvfb ended while it started");
}

async function timeout(): Promise<never> {
  return await new Promise((_resolve, reject) => {
    const tooLong = (): void => reject(new Error("Xvfb did not come up in time"));
    setTimeout(tooLong, START_TIMEOUT).unref();
  });
}
