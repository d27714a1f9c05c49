import { GatewayError } from "../../contract/errors.ts";
import type { Confinement, WorldFile } from "./confined-path.ts";
import { hashFile, requireSize, sizeOf } from "./file-bytes.ts";
import { findTarget } from "./open-target.ts";
import { pathError } from "./path-error.ts";
import { splitPath } from "./split-path.ts";

/** What a plan binds of a file: `sha256:…`, `absent`, or `unreadable` for what no step would touch. */
export type FileState = string;

export const ABSENT = "absent";
/** A link, a directory, a file over the limit: the step fails, unless this changes first. */
const UNREADABLE = "unreadable";

/** The file a plan is about, as it is now. */
export interface Target extends Disposable {
  readonly state: FileState;
  /** undefined where the state is not a hash. */
  readonly file: WorldFile | undefined;
  /** Why the state cannot be known, where it is `unreadable`. */
  readonly problem: GatewayError | undefined;
}

/** The name a file's state is bound under. */
export function bindingOf(path: string): string {
  return `file:${path}`;
}

/**
 * Opens and hashes the file at a path, each chunk also going to `see`. Never throws for what stands
 * there: planning would tell a requester what only an approver may know.
 */
export async function examine(
  confinement: Confinement,
  path: string,
  maxFileSize: number,
  see: (chunk: Uint8Array) => void,
  signal?: AbortSignal,
): Promise<Target> {
  // What is no path is the request's own fault, and is said at once.
  splitPath(path);
  let file: WorldFile | undefined;
  try {
    file = findTarget(confinement, path);
    if (file === undefined) return targetOf(ABSENT, undefined, undefined);
    requireSize(sizeOf(file), maxFileSize, path);
    return targetOf(await hashFile(file, see, signal), file, undefined);
  } catch (error) {
    file?.[Symbol.dispose]();
    if (signal?.aborted) throw error;
    return targetOf(UNREADABLE, undefined, pathError(error, path));
  }
}

/**
 * Throws `state_changed` where a file is not what the plan was made for, else what makes it
 * unreadable. A plan that binds nothing accepts any state.
 */
export function holdTo(
  bound: Readonly<Record<string, string>>,
  path: string,
  target: Target,
): void {
  const expected = bound[bindingOf(path)];
  if (expected !== undefined && expected !== target.state) {
    throw new GatewayError(
      "state_changed",
      `${path} is not as it was when this was planned`,
      {
        hint: "Plan again: the new preview shows the file as it is now.",
      },
      target.problem,
    );
  }
  if (target.problem !== undefined) throw target.problem;
}

function targetOf(
  state: FileState,
  file: WorldFile | undefined,
  problem: GatewayError | undefined,
): Target {
  return { state, file, problem, [Symbol.dispose]: () => file?.[Symbol.dispose]() };
}
