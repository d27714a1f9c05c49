import { readFileSync } from "node:fs";
import { ENVIRONMENT, type SandboxProfile, type SandboxStart, sandboxStart } from "../sandbox.ts";
import type { Tools } from "../sandbox-tools.ts";
import type { Workspace } from "../workspace.ts";
import { browserPolicies } from "./browser-policies.ts";
import { LAUNCHER, type LauncherSetup } from "./launcher.ts";

const MIB = 1024 * 1024;

/** Loopback port of the sandbox that leads to the gateway's egress proxy. */
export const PROXY_PORT = 3128;

/** X display 0 over TCP: in a network of its own nobody else can connect to it. */
const DISPLAY = "127.0.0.1:0";
const DISPLAY_PORT = 6000;

/** What the gateway puts in, read-only. */
const PARTS = "/run/gateway";
export const NODE = `${PARTS}/node`;
const LAUNCHER_FILE = `${PARTS}/launcher.mjs`;
const AUTHORITY = `${PARTS}/authority`;
const DISPLAY_SOCKET = `${PARTS}/display.sock`;
export const EGRESS_SOCKET = `${PARTS}/egress.sock`;

/** Private to the session and gone with it: profiles, caches, sockets. */
export const PRIVATE = "/run/user";
const PRIVATE_BYTES = 1024 * MIB;
const SHM_BYTES = 512 * MIB;
const DIRECTORIES = ["tmp", "config", "cache", "data", "home", "firefox"].map(
  (name) => `${PRIVATE}/${name}`,
);

/**
 * Limits of each process. Browsers reserve far more addresses than they use, so only what they can
 * write to is counted; they have hundreds of threads; a session has no end of its processor time.
 */
const LIMITS = [
  `--data=${4096 * MIB}`,
  `--fsize=${2048 * MIB}`,
  "--nproc=4096",
  "--nofile=8192",
  "--core=0",
];

/** What programs with windows need of /etc. Keys in /etc/ssl/private are not among it. */
const ETC = [
  ...["fonts", "mime.types", "ssl/certs", "ssl/openssl.cnf", "ca-certificates.conf", "xdg"],
  ...["X11/app-defaults", "X11/fonts", "X11/cursors", "gtk-2.0", "gtk-3.0", "gtk-4.0", "terminfo"],
  ...["chromium.d", "libreoffice", "nanorc", "vim", "inputrc", "bash.bashrc"],
];

const HOSTS = "127.0.0.1 localhost desktop\n::1 localhost\n";

/** Where programs find an X display. */
export interface DisplayAddress {
  readonly socket: string;
  /** Path of an Xauthority file whose entry counts for every host name. */
  readonly authority: string;
}

export interface SessionPlace {
  readonly tools: Tools;
  readonly workspace: Workspace;
  /** Directories of the gateway that are never to be seen. */
  readonly hidden: readonly string[];
  /** Absent: a sandbox without a display, for the self-test. */
  readonly display: DisplayAddress | undefined;
  /** Socket of the egress proxy. */
  readonly egressSocket: string;
  /** Takes parts of the sandbox away, for tests that show what each part withholds. */
  readonly weakened?: { readonly sharesNetwork?: boolean; readonly mounts?: readonly string[] };
}

/** The sandbox with its launcher, which relays and starts programs. */
export function sessionStart(place: SessionPlace): SandboxStart {
  const setup: LauncherSetup = {
    directories: DIRECTORIES,
    relays: [
      { port: PROXY_PORT, socket: EGRESS_SOCKET },
      { port: DISPLAY_PORT, socket: DISPLAY_SOCKET },
    ],
  };
  const node = [NODE, "--max-old-space-size=64", LAUNCHER_FILE, JSON.stringify(setup)];
  return startOf(place, node);
}

/** The same sandbox with another program, for its self-test. */
export function probeStart(place: SessionPlace, command: readonly string[]): SandboxStart {
  return startOf(place, command);
}

function startOf(place: SessionPlace, command: readonly string[]): SandboxStart {
  const { tools, workspace, hidden, display, egressSocket, weakened } = place;
  const files: Readonly<Record<string, string | Uint8Array>> = {
    [LAUNCHER_FILE]: LAUNCHER,
    [AUTHORITY]: display === undefined ? "" : readFileSync(display.authority),
    "/etc/hosts": HOSTS,
    ...browserPolicies(`127.0.0.1:${PROXY_PORT}`),
  };
  const profile: SandboxProfile = {
    limits: LIMITS,
    environment: environment(),
    sharedMemory: SHM_BYTES,
    etc: ETC,
    mounts: [
      ...["--ro-bind", process.execPath, NODE],
      ...["--bind", egressSocket, EGRESS_SOCKET],
      ...(display === undefined ? [] : ["--bind", display.socket, DISPLAY_SOCKET]),
      ...["--size", `${PRIVATE_BYTES}`, "--perms", "0700", "--tmpfs", PRIVATE],
      ...(weakened?.mounts ?? []),
    ],
    files,
    // Programs with windows talk to each other through them; commands have none, and so no way here.
    unixSockets: true,
    sharesNetwork: weakened?.sharesNetwork === true,
  };
  return sandboxStart(tools, workspace, hidden, profile, command);
}

function environment(): Record<string, string> {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  return {
    ...ENVIRONMENT,
    DISPLAY,
    XAUTHORITY: AUTHORITY,
    TMPDIR: `${PRIVATE}/tmp`,
    XDG_RUNTIME_DIR: PRIVATE,
    XDG_CONFIG_HOME: `${PRIVATE}/config`,
    XDG_CACHE_HOME: `${PRIVATE}/cache`,
    XDG_DATA_HOME: `${PRIVATE}/data`,
    ...Object.fromEntries(
      ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"].map((name) => [name, proxy]),
    ),
    // There is no bus and no accessibility service to wait for.
    NO_AT_BRIDGE: "1",
    GTK_A11Y: "none",
  };
}
