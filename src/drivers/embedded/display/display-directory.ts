import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Owner } from "../confined-path.ts";

/** Where every X server has its socket, and X clients look for it. */
const SOCKETS = "/tmp/.X11-unix";
const SHARED_MODE = 0o1777;

/** Process id of the gateway and display number stand in the name, so that a later run can tidy up. */
const NAME = /^bytebot-display-(\d+)-(\d+)-/;

/**
 * Display numbers are taken at random from here. Xvfb, told to find a free one, takes over the socket
 * of a server that like ours listens on nothing else.
 */
const FIRST_NUMBER = 1000;
const NUMBERS = 50_000;

/** Those of this process; the files of all others whose process is gone are left over. */
const mine = new Set<string>();

/** A directory that only the display's user may pass, and the number of the display it is for. */
export interface DisplayDirectory extends Disposable {
  readonly path: string;
  readonly number: number;
  readonly socket: string;
}

/**
 * Makes the directory of a new display, and removes what killed runs left behind. Throws an Error
 * where another user holds the directory of the sockets.
 */
export function makeDisplayDirectory(owner: Owner | undefined): DisplayDirectory {
  requireSockets(owner);
  sweep(owner);
  const number = freeNumber();
  const path = mkdtempSync(join(tmpdir(), `bytebot-display-${process.pid}-${number}-`));
  mine.add(path);
  chmodSync(path, 0o700);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  return {
    path,
    number,
    socket: socketOf(number),
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
      // A server that was killed leaves it.
      rmSync(socketOf(number), { force: true });
      mine.delete(path);
    },
  };
}

function socketOf(number: number): string {
  return join(SOCKETS, `X${number}`);
}

function freeNumber(): number {
  for (;;) {
    const number = FIRST_NUMBER + Math.floor(Math.random() * NUMBERS);
    if (!existsSync(socketOf(number)) && !existsSync(`/tmp/.X${number}-lock`)) return number;
  }
}

/** Whoever owns that directory could put a server of their own in place of ours. */
function requireSockets(owner: Owner | undefined): void {
  const stats = lstatSync(SOCKETS, { throwIfNoEntry: false });
  if (stats === undefined) {
    mkdirSync(SOCKETS);
    chmodSync(SOCKETS, SHARED_MODE);
    return;
  }
  if (!stats.isDirectory() || !isOurs(stats.uid, owner)) {
    throw new Error(`${SOCKETS} is no directory of root's or of this user`);
  }
}

function sweep(owner: Owner | undefined): void {
  for (const name of readdirSync(tmpdir())) {
    const [, process = "", number = ""] = NAME.exec(name) ?? [];
    const path = join(tmpdir(), name);
    if (number === "" || mine.has(path) || isRunning(Number(process))) continue;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats?.isDirectory() || !isOurs(stats.uid, owner)) continue;
    rmSync(path, { recursive: true, force: true });
    rmSync(socketOf(Number(number)), { force: true });
  }
}

function isOurs(uid: number, owner: Owner | undefined): boolean {
  return uid === 0 || uid === process.geteuid?.() || uid === owner?.uid;
}

function isRunning(pid: number): boolean {
  // A gateway that is always started under the same number, as in a container, is not the earlier one.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
