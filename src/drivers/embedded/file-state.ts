import type { GatewayError } from "../../contract/errors.ts";
import { ABSENT, type Examined, type FileState, UNREADABLE } from "../files/file-state.ts";
import { requireSize } from "../files/require-size.ts";
import type { Confinement, WorldFile } from "./confined-path.ts";
import { hashFile, sizeOf } from "./file-bytes.ts";
import { findTarget } from "./open-target.ts";
import { pathError } from "./path-error.ts";
import { splitPath } from "./split-path.ts";

const EXECUTABLE = 0o111n;

/** The file a plan is about, as it is now. */
export interface Target extends Examined, Disposable {
  /** undefined where the state is not a hash. */
  readonly file: WorldFile | undefined;
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

function targetOf(
  state: FileState,
  file: WorldFile | undefined,
  problem: GatewayError | undefined,
): Target {
  return {
    state,
    size: file && sizeOf(file),
    isExecutable: file !== undefined && (file.stats.mode & EXECUTABLE) !== 0n,
    file,
    problem,
    [Symbol.dispose]: () => file?.[Symbol.dispose](),
  };
}
