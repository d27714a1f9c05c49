import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { SANDBOX_ID } from "../lib/sandbox-user.ts";
import { type Config, StartupError } from "./config.ts";

const KINDS = ["WORKDIR", "DATA_DIR", "CONFIG_DIR"] as const;
type Kind = (typeof KINDS)[number];

/**
 * Makes WORKDIR and DATA_DIR (mode 0700; CONFIG_DIR may be missing) and proves what everything else
 * relies on: the three are directories, no symbolic links, not another user's, none lies inside
 * another, and no file with a secret lies inside WORKDIR. Throws StartupError otherwise.
 */
export function prepareDirectories(config: Config): void {
  const paths: Readonly<Record<Kind, string>> = {
    WORKDIR: config.workdir,
    DATA_DIR: config.dataDir,
    CONFIG_DIR: config.configDir,
  };
  for (const kind of KINDS) refuseLink(kind, paths[kind]);
  refuseOverlap(paths);
  refuseSecretsInside(config);
  for (const kind of KINDS) {
    const path = paths[kind];
    if (kind !== "CONFIG_DIR") make(kind, path);
    const stats = lstat(kind, path);
    if (stats !== undefined) refuseForeign(kind, path, stats);
  }
  makePrivate(config.dataDir);
}

/** Whether `path`, links followed, is `folder` or lies in it. Neither needs to exist. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(realPath(folder), realPath(path));
  return way !== ".." && !way.startsWith(`..${sep}`);
}

/** The path with the links followed of as much of it as exists and may be looked at. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

function refuseLink(kind: Kind, path: string): void {
  if (!lstat(kind, path)?.isSymbolicLink()) return;
  throw new StartupError(kind, `${path} is a symbolic link`, "Name the directory itself.");
}

function refuseOverlap(paths: Readonly<Record<Kind, string>>): void {
  for (const inner of KINDS) {
    const outer = KINDS.find((kind) => kind !== inner && isInside(paths[inner], paths[kind]));
    if (outer === undefined) continue;
    const problem = `${paths[inner]} lies inside ${outer} (${paths[outer]})`;
    throw new StartupError(inner, problem, `Tasks, data and configuration must lie apart.`);
  }
}

function refuseSecretsInside(config: Config): void {
  const file = config.secretFiles.find((name) => isInside(name, config.workdir));
  if (file === undefined) return;
  const problem = `${config.workdir} holds the secret file ${file}`;
  throw new StartupError("WORKDIR", problem, "Tasks could read it: move one of the two.");
}

function make(kind: Kind, path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(kind, path, error);
  }
}

function makePrivate(dataDir: string): void {
  try {
    chmodSync(dataDir, 0o700);
  } catch (error) {
    throw unusable("DATA_DIR", dataDir, error);
  }
}

function refuseForeign(kind: Kind, path: string, stats: Stats): void {
  if (!stats.isDirectory()) {
    throw new StartupError(kind, `${path} is not a directory`, "Name a directory.");
  }
  const own = process.getuid?.() ?? stats.uid;
  const allowed = new Set([own]);
  // Root can read and write everything anyway; a mounted configuration is often root's.
  if (kind === "CONFIG_DIR") allowed.add(0);
  if (kind === "WORKDIR" && own === 0) allowed.add(SANDBOX_ID);
  if (!allowed.has(stats.uid)) {
    const problem = `${path} belongs to another user (uid ${stats.uid}, the gateway runs as ${own})`;
    throw new StartupError(kind, problem, `Name another directory, or: chown ${own} ${path}`);
  }
  if (kind === "CONFIG_DIR" && (stats.mode & 0o002) !== 0) {
    const problem = `${path} may be written by everybody, and so policy be changed`;
    throw new StartupError(kind, problem, `chmod o-w ${path}`);
  }
}

function lstat(kind: Kind, path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unusable(kind, path, error);
  }
}

function unusable(kind: Kind, path: string, error: unknown): StartupError {
  const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
  const hint = "Make it yourself, owned by the gateway's user, or name another.";
  return new StartupError(kind, `${path} cannot be used${code}`, hint, error);
}
