import { accessSync, constants, lstatSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { droppedCommand } from "./dropped-command.ts";
import type { World } from "./world.ts";

/** Where the tools are looked for; never in PATH, which is not ours. */
const TOOL_DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"];

/** Links of a merged /usr, or directories of their own. */
const SYSTEM_DIRECTORIES = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/** What programs need of /etc to be found and to start; nothing that tells of this machine. */
const ETC = ["alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"];

/** Names at the top of WORKDIR that would hide a part of the sandbox. */
const RESERVED = new Set([...SYSTEM_DIRECTORIES, "usr", "etc", "proc", "dev", "sys", "run"]);

/** The most top-level directories of WORKDIR that are bound; the argument list is finite. */
const MAX_BOUND = 100;

const MIB = 1024 * 1024;

/** Limits of each process in the sandbox; `prlimit` arguments. File size is the caller's. */
const LIMITS = [
  `--as=${4096 * MIB}`,
  `--data=${2048 * MIB}`,
  "--nproc=128",
  "--nofile=1024",
  // The soft limit ends it with SIGXCPU, so that the cause can be told.
  "--cpu=300:310",
  "--core=0",
];

const SHM_BYTES = 64 * MIB;

export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/home/user",
  USER: "user",
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
};

/** Descriptors the child finds: bubblewrap reports on one and reads files' contents from the others. */
export const STATUS_FD = 3;
export const FIRST_FILE_FD = 4;

/** What one kind of sandbox has and allows beyond what every sandbox has. */
export interface SandboxProfile {
  /** `prlimit` arguments: limits of each process. */
  readonly limits: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Size of /dev/shm, bytes. */
  readonly sharedMemory: number;
  /** Further names below /etc. */
  readonly etc: readonly string[];
  /** Further `bwrap` arguments, after the directories of the world. */
  readonly mounts: readonly string[];
  /**
   * Places of further read-only files. Their contents are read from descriptors FIRST_FILE_FD and on,
   * after that of /etc/passwd, which is always there.
   */
  readonly files: readonly string[];
  /** Shares the machine's network: for tests that show what the sandbox withholds. */
  readonly sharesNetwork?: boolean;
}

/** The programs that make the sandbox, by where they are. */
export interface Tools {
  readonly setpriv: string;
  readonly bwrap: string;
  readonly prlimit: string;
}

const PACKAGES: Readonly<Record<keyof Tools, string>> = {
  setpriv: "util-linux",
  bwrap: "bubblewrap",
  prlimit: "util-linux",
};

/** Finds the tools, or says what to install. */
export function findTools(): Tools | { readonly reason: string; readonly hint: string } {
  const found: Partial<Record<keyof Tools, string>> = {};
  for (const [name, from] of Object.entries(PACKAGES) as [keyof Tools, string][]) {
    const place = findProgram(name);
    if (place === undefined) {
      return {
        reason: `the sandbox needs ${name}, which is not installed`,
        hint: `Install the package ${from} (for example: apt-get install ${from}) and restart.`,
      };
    }
    found[name] = place;
  }
  return found as Tools;
}

/** The path of an installed program, as the sandbox sees it too. */
export function findProgram(name: string): string | undefined {
  return TOOL_DIRECTORIES.map((directory) => join(directory, name)).find(isExecutable);
}

/** The argument list that runs `command` in the sandbox of `shell.run`. */
export function sandboxed(
  tools: Tools,
  world: World,
  hidden: readonly string[],
  maxFileSize: number,
  command: readonly string[],
): string[] {
  const profile = {
    limits: [...LIMITS, `--fsize=${maxFileSize}`],
    environment: ENVIRONMENT,
    sharedMemory: SHM_BYTES,
    etc: [],
    mounts: [],
    files: [],
  };
  return sandboxArguments(tools, world, hidden, profile, command);
}

/**
 * The argument list that runs `command` in a sandbox: no network, no other processes, no
 * capabilities, no further namespaces; `/usr` read-only, the directories of WORKDIR at their place
 * in the world, an empty rest. Run as root it drops to the world's owner first, because what stays
 * root outside keeps rights inside. `hidden` are directories never to be seen, even under `/usr`.
 */
export function sandboxArguments(
  tools: Tools,
  world: World,
  hidden: readonly string[],
  profile: SandboxProfile,
  command: readonly string[],
): string[] {
  const files = ["/etc/passwd", ...profile.files];
  return droppedCommand(tools.setpriv, world.owner, [
    tools.bwrap,
    ...["--unshare-all", "--unshare-user", "--disable-userns"],
    ...(profile.sharesNetwork === true ? ["--share-net"] : []),
    ...["--clearenv", "--new-session", "--die-with-parent", "--cap-drop", "ALL"],
    ...["--hostname", "desktop"],
    ...["--json-status-fd", `${STATUS_FD}`],
    ...systemMounts(profile.etc),
    ...["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"],
    ...["--size", `${profile.sharedMemory}`, "--tmpfs", "/dev/shm"],
    ...hidingMounts(hidden),
    ...worldMounts(world.workdir),
    ...profile.mounts,
    ...files.flatMap((place, at) => ["--ro-bind-data", `${FIRST_FILE_FD + at}`, place]),
    ...["--remount-ro", "/"],
    ...Object.entries(profile.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--chdir", "/home/user"],
    "--",
    tools.prlimit,
    ...profile.limits,
    "--",
    ...command,
  ]);
}

/** Those of these directories that lie under what is mounted from the system and so are covered. */
export function coveredPlaces(hidden: readonly string[]): string[] {
  const mounted = ["/usr", ...SYSTEM_DIRECTORIES.map((name) => `/${name}`)];
  return hidden
    .map(existingPlace)
    .filter((place) => place !== undefined)
    .filter((place) => mounted.some((root) => place === root || place.startsWith(`${root}/`)));
}

/** `/etc/passwd` of the sandbox, so that programs which ask find a user. */
export function passwdOf(world: World): string {
  const uid = world.owner?.uid ?? process.geteuid?.() ?? 0;
  const gid = world.owner?.gid ?? process.getegid?.() ?? 0;
  return `user:x:${uid}:${gid}:user:/home/user:/bin/sh\n`;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function systemMounts(etc: readonly string[]): string[] {
  const mounts = ["--ro-bind", "/usr", "/usr"];
  for (const name of SYSTEM_DIRECTORIES) {
    const stats = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) mounts.push("--symlink", `usr/${name}`, `/${name}`);
    else if (stats?.isDirectory()) mounts.push("--ro-bind", `/${name}`, `/${name}`);
  }
  for (const name of [...ETC, ...etc]) mounts.push("--ro-bind-try", `/etc/${name}`, `/etc/${name}`);
  return mounts;
}

function hidingMounts(hidden: readonly string[]): string[] {
  return coveredPlaces(hidden).flatMap((place) => ["--tmpfs", place, "--remount-ro", place]);
}

function existingPlace(directory: string): string | undefined {
  try {
    return realpathSync(directory);
  } catch {
    return undefined;
  }
}

/** Only directories, never links: what is bound from is resolved outside the sandbox. */
function worldMounts(workdir: string): string[] {
  return readdirSync(workdir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !RESERVED.has(entry.name) && isPlain(entry.name))
    .slice(0, MAX_BOUND)
    .flatMap(({ name }) => ["--bind", join(workdir, name), `/${name}`]);
}

function isPlain(name: string): boolean {
  return !name.includes("\uFFFD");
}
