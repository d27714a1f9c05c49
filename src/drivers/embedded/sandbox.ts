import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { droppedCommand } from "./dropped-command.ts";
import type { Tools } from "./sandbox-tools.ts";
import { seccompFilter } from "./seccomp/seccomp-filter.ts";
import type { Workspace } from "./workspace.ts";

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

/** What tells of the key rings of whoever started the gateway; no namespace hides them. */
const KEY_FILES = ["/proc/keys", "/proc/key-users"];

/** Where memory runs out, the sandbox's programs go before the gateway does (proc(5), oom_score_adj). */
const OOM_SCORE_ADJ = 500;

/** Its first argument goes to its own oom_score_adj; the rest it becomes. */
const MORE_EXPENDABLE = 'echo "$0" 2>/dev/null > /proc/self/oom_score_adj; exec "$@"';

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
  /** Further `bwrap` arguments, after the directories of the workspace. */
  readonly mounts: readonly string[];
  /** Further read-only files beside /etc/passwd: contents by place. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Whether programs may make sockets with a path, which other sandboxes on WORKDIR could meet. */
  readonly unixSockets: boolean;
  /** Shares the machine's network: for tests that show what the sandbox withholds. */
  readonly sharesNetwork?: boolean;
}

/** How a sandbox is started. */
export interface SandboxStart {
  readonly argv: readonly string[];
  /** What it reads from descriptors FIRST_FILE_FD and on. */
  readonly files: readonly (string | Uint8Array)[];
}

/** What runs `command` in the sandbox of `shell.run`. */
export function sandboxed(
  tools: Tools,
  workspace: Workspace,
  hidden: readonly string[],
  maxFileSize: number,
  command: readonly string[],
): SandboxStart {
  const profile: SandboxProfile = {
    limits: [...LIMITS, `--fsize=${maxFileSize}`],
    environment: ENVIRONMENT,
    sharedMemory: SHM_BYTES,
    etc: [],
    mounts: [],
    files: {},
    unixSockets: false,
  };
  return sandboxStart(tools, workspace, hidden, profile, command);
}

/**
 * What runs `command` in a sandbox: no network, no other processes, no capabilities, no further
 * namespaces, no keys, few system calls; `/usr` read-only, the directories of WORKDIR at their place
 * in the workspace, an empty rest. Run as root it drops to the workspace's owner first, because what stays
 * root outside keeps rights inside. `hidden` are directories never to be seen, even under `/usr`.
 */
export function sandboxStart(
  tools: Tools,
  workspace: Workspace,
  hidden: readonly string[],
  profile: SandboxProfile,
  command: readonly string[],
): SandboxStart {
  const filter = seccompFilter(profile);
  if (filter === undefined) throw new Error("no filter of system calls for this processor");
  const files = { "/etc/passwd": passwdOf(workspace), ...profile.files };
  const argv = droppedCommand(tools.setpriv, workspace.owner, [
    tools.bwrap,
    ...["--unshare-all", "--unshare-user", "--disable-userns"],
    ...(profile.sharesNetwork === true ? ["--share-net"] : []),
    ...["--clearenv", "--new-session", "--die-with-parent", "--cap-drop", "ALL"],
    ...["--hostname", "desktop"],
    ...["--json-status-fd", `${STATUS_FD}`, "--seccomp", `${FIRST_FILE_FD}`],
    ...systemMounts(profile.etc),
    ...["--proc", "/proc", ...keyMounts(), "--remount-ro", "/proc"],
    ...["--dev", "/dev", "--remount-ro", "/dev"],
    ...["--size", `${profile.sharedMemory}`, "--tmpfs", "/dev/shm"],
    ...hidingMounts(hidden),
    ...worldMounts(workspace.workdir),
    ...profile.mounts,
    ...Object.keys(files).flatMap((place, at) => [
      ...["--ro-bind-data", `${FIRST_FILE_FD + 1 + at}`, place],
    ]),
    ...["--remount-ro", "/"],
    ...Object.entries(profile.environment).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--chdir", "/home/user"],
    "--",
    tools.prlimit,
    ...profile.limits,
    "--",
    ...command,
  ]);
  return {
    argv: ["/bin/sh", "-c", MORE_EXPENDABLE, `${expendability()}`, ...argv],
    files: [filter, ...Object.values(files)],
  };
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
function passwdOf(workspace: Workspace): string {
  const uid = workspace.owner?.uid ?? process.geteuid?.() ?? 0;
  const gid = workspace.owner?.gid ?? process.getegid?.() ?? 0;
  return `user:x:${uid}:${gid}:user:/home/user:/bin/sh\n`;
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

/** A device file that cannot be opened covers them. */
function keyMounts(): string[] {
  return KEY_FILES.filter((file) => existsSync(file)).flatMap((file) => [
    ...["--ro-bind", "/dev/null", file],
  ]);
}

/** Never less than the gateway's own: only a privileged gateway could lower it. */
function expendability(): number {
  return Math.max(Number(readFileSync("/proc/self/oom_score_adj", "utf8")), OOM_SCORE_ADJ);
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
