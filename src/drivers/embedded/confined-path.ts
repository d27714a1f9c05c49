import {
  type BigIntStats,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { GatewayError } from "../../contract/errors.ts";
import { errnoOf, pathError } from "./path-error.ts";
import { splitPath } from "./split-path.ts";

/** Names a file without opening it (asm-generic/fcntl.h); Node has no constant for it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Looks at a leaf again this often when it was replaced between two system calls. */
const ATTEMPTS = 5;

/** Who files in the workspace belong to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A directory that was reached, whatever becomes of the path that led there. */
export interface WorldDirectory extends Disposable {
  /** Host path of the directory itself. */
  readonly self: string;
  /** Host path of an entry. The entry may be a link: use no call that follows one. */
  at(name: string): string;
}

/** A regular file with one name, open for reading. */
export interface WorldFile extends Disposable {
  readonly fd: number;
  readonly stats: BigIntStats;
}

/** How paths of the workspace become open files. All access to it goes through here. */
export interface Confinement extends Disposable {
  /** Opens a directory; with `made` creates what is missing and reports each path it made. */
  openDirectory(path: string, made?: (path: string) => void): WorldDirectory;
  /** Opens a directory's entry, or undefined where there is none. `path` is for messages. */
  openFile(directory: WorldDirectory, name: string, path: string): WorldFile | undefined;
}

/**
 * Confinement by walking: every component is opened from the descriptor of the one before, as
 * `/proc/self/fd/<directory>/<name>` and never through a link, so that a directory swapped for a
 * link at any moment is either not entered or was the real one. The leaf is looked at through an
 * O_PATH descriptor and reopened through that descriptor, so what was checked is what is read.
 *
 * Throws `path_not_allowed` for a link on the way, `not_a_file` for anything but a regular file with
 * a single name, `file_not_found` for a missing directory, `invalid_request` for what is no path.
 */
export class ConfinedRoot implements Confinement {
  /** Where the root was found; for messages and for binding it into the sandbox. */
  readonly path: string;
  readonly stats: BigIntStats;
  /** -1 once disposed: no walk may start from a number that names another file by then. */
  #fd: number;
  readonly #owner: Owner | undefined;

  /** Opens the root, which must be a directory and no link; throws the system's own error. */
  constructor(path: string, owner: Owner | undefined) {
    this.path = path;
    this.#owner = owner;
    this.#fd = openSync(path, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    this.stats = fstatSync(this.#fd, { bigint: true });
  }

  openDirectory(path: string, made?: (path: string) => void): WorldDirectory {
    const { directories, name } = splitPath(path);
    const names = name === undefined ? directories : [...directories, name];
    let fd = openSync(descriptorPath(this.#fd), O_PATH | O_DIRECTORY);
    let walked = "";
    try {
      for (const component of names) {
        walked += `/${component}`;
        const next = this.#enter(fd, component, walked, made);
        closeSync(fd);
        fd = next;
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new OpenDirectory(fd);
  }

  openFile(directory: WorldDirectory, name: string, path: string): WorldFile | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        const file = openLeaf(directory.at(name), path);
        if (file !== "replaced") return file;
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw pathError(error, path);
      }
    }
    throw new GatewayError("state_changed", `${path} is being replaced all the time`, {
      hint: "Try again when the program that writes it has finished.",
    });
  }

  [Symbol.dispose](): void {
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }

  #enter(parent: number, name: string, path: string, made?: (path: string) => void): number {
    const entry = `${descriptorPath(parent)}/${name}`;
    try {
      return openSync(entry, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || made === undefined) throw explainStop(error, entry, path);
    }
    try {
      mkdirSync(entry, 0o755);
      made(path);
      const fd = openSync(entry, O_PATH | O_NOFOLLOW | O_DIRECTORY);
      this.#chown(fd);
      return fd;
    } catch (error) {
      // Somebody else made it in between: then it is entered like any other.
      if (errnoOf(error) === "EEXIST") return this.#enter(parent, name, path);
      throw explainStop(error, entry, path);
    }
  }

  #chown(directory: number): void {
    if (this.#owner === undefined) return;
    try {
      // By descriptor: what has the name by now may be something else.
      chownSync(descriptorPath(directory), this.#owner.uid, this.#owner.gid);
    } catch (error) {
      closeSync(directory);
      throw error;
    }
  }
}

class OpenDirectory implements WorldDirectory {
  readonly self: string;
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
    this.self = descriptorPath(fd);
  }

  at(name: string): string {
    return `${this.self}/${name}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function openLeaf(entry: string, path: string): WorldFile | "replaced" {
  const place = openSync(entry, O_PATH | O_NOFOLLOW);
  try {
    const stats = fstatSync(place, { bigint: true });
    if (!stats.isFile()) throw notAFile(path, kindOf(stats));
    if (stats.nlink === 0n) return "replaced";
    if (stats.nlink > 1n) throw notAFile(path, "a file with several names (hard links)");
    // O_NONBLOCK: a lease that a program holds on its file must not stall the whole service.
    const fd = openSync(descriptorPath(place), O_RDONLY | O_NONBLOCK);
    return { fd, stats, [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    closeSync(place);
  }
}

/** With O_NOFOLLOW and O_DIRECTORY a link and a file both answer ENOTDIR: say which it was. */
function explainStop(error: unknown, entry: string, path: string): GatewayError {
  if (errnoOf(error) !== "ENOTDIR") return pathError(error, path);
  const stats = lstatSync(entry, { throwIfNoEntry: false });
  return stats?.isSymbolicLink()
    ? new GatewayError("path_not_allowed", `${path} is a link, and links are not followed`, {
        hint: "Name the place itself.",
      })
    : new GatewayError("not_a_file", `${path} is not a directory`, {
        hint: "fs.list shows what is there.",
      });
}

function notAFile(path: string, kind: string): GatewayError {
  return new GatewayError("not_a_file", `${path} is ${kind}; only regular files are opened`, {
    hint: "fs.list shows what is there.",
  });
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isSymbolicLink()) return "a link";
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isSocket()) return "a socket";
  return "a device";
}
