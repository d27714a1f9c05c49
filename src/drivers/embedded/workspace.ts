import { accessSync, type BigIntStats, chownSync, constants, lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { GatewayError } from "../../contract/errors.ts";
import { SANDBOX_ID } from "../../lib/sandbox-user.ts";
import { ConfinedRoot, type Owner } from "./confined-path.ts";
import { errnoOf } from "./path-error.ts";

/** What the workspace always has: ByteBot's layout. */
const LAYOUT = ["/tmp", "/home/user/Desktop"];
const LAYOUT_DIRECTORIES = ["/", "/tmp", "/home", "/home/user", "/home/user/Desktop"];

/** The private workspace of the embedded driver, whose `/` is WORKDIR. */
export interface Workspace extends Disposable {
  readonly workdir: string;
  readonly root: ConfinedRoot;
  /** Who files belong to; undefined: whoever runs the gateway. */
  readonly owner: Owner | undefined;
}

/** WORKDIR cannot hold the embedded driver's workspace: the service must not start. */
export class WorkdirError extends Error {
  override readonly name = "WorkdirError";
  readonly variable = "WORKDIR";
  readonly problem: string;
  readonly hint: string;

  constructor(problem: string, hint: string, cause?: unknown) {
    super(`WORKDIR: ${problem}. ${hint}`, cause === undefined ? undefined : { cause });
    this.problem = problem;
    this.hint = hint;
  }
}

/**
 * Opens WORKDIR as a workspace and makes its layout. It must be a directory, no link, and ours; run as
 * root it may be root's too, and is given to the sandbox's uid. Throws WorkdirError.
 */
export function openWorkspace(workdir: string): Workspace {
  if (process.platform !== "linux") {
    throw new WorkdirError(
      `the embedded driver needs Linux, and this is ${process.platform}`,
      "Run the gateway on Linux or in its container.",
    );
  }
  const isRoot = process.geteuid?.() === 0;
  const owner = isRoot ? { uid: SANDBOX_ID, gid: SANDBOX_ID } : undefined;
  const root = openRoot(workdir, owner);
  try {
    requireOwn(root.stats, workdir, isRoot);
    makeLayout(root, owner);
    return { workdir, root, owner, [Symbol.dispose]: () => root[Symbol.dispose]() };
  } catch (error) {
    root[Symbol.dispose]();
    throw error;
  }
}

/** Makes what is missing of the layout. Throws GatewayError where a program put something else there. */
export function makeLayout(root: ConfinedRoot, owner: Owner | undefined): void {
  try {
    for (const path of LAYOUT) root.openDirectory(path, () => {})[Symbol.dispose]();
    if (owner !== undefined) chown(root, owner);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new WorkdirError(
      `its layout (${LAYOUT.join(", ")}) cannot be made: ${error.detail}`,
      `Remove what stands in its place under ${root.path}, or name another directory.`,
      error,
    );
  }
}

/** What is wrong with a workspace that was fine when it was opened, or undefined. */
export function problemWith(workspace: Workspace): { detail: string; hint: string } | undefined {
  try {
    const now = lstatSync(workspace.workdir, { bigint: true });
    if (now.ino !== workspace.root.stats.ino || now.dev !== workspace.root.stats.dev) {
      return {
        detail: `WORKDIR ${workspace.workdir} was replaced while the gateway runs`,
        hint: "Restart the gateway.",
      };
    }
    accessSync(workspace.workdir, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return {
      detail: `WORKDIR ${workspace.workdir} cannot be used: ${errnoOf(error) ?? "unexpected error"}`,
      hint: "Put it back with its owner and mode, then restart the gateway.",
    };
  }
}

function openRoot(workdir: string, owner: Owner | undefined): ConfinedRoot {
  try {
    if (lstatSync(workdir, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(dirname(workdir), { recursive: true });
      mkdirSync(workdir, { mode: 0o700 });
    }
    return new ConfinedRoot(workdir, owner);
  } catch (error) {
    if (isLink(workdir)) {
      throw new WorkdirError(`${workdir} is a link`, "Name the directory itself.", error);
    }
    throw new WorkdirError(
      `${workdir} cannot be opened as a directory (${errnoOf(error) ?? "unexpected error"})`,
      "Name a directory that exists or can be made.",
      error,
    );
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function requireOwn(stats: BigIntStats, workdir: string, isRoot: boolean): void {
  const uid = Number(stats.uid);
  const allowed = isRoot ? [0, SANDBOX_ID] : [process.geteuid?.()];
  if (allowed.includes(uid)) return;
  throw new WorkdirError(
    `${workdir} belongs to another user (uid ${uid})`,
    "Name a directory of your own, or change its owner.",
  );
}

function chown(root: ConfinedRoot, owner: Owner): void {
  for (const path of LAYOUT_DIRECTORIES) {
    using directory = root.openDirectory(path);
    try {
      chownSync(directory.self, owner.uid, owner.gid);
    } catch (error) {
      throw new WorkdirError(
        `${root.path}${path} cannot be given to uid ${owner.uid} (${errnoOf(error) ?? "unexpected error"})`,
        `Run: chown -R ${owner.uid}:${owner.gid} ${root.path}`,
        error,
      );
    }
  }
}
