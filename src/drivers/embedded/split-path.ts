import { GatewayError } from "../../contract/errors.ts";

/** PATH_MAX and NAME_MAX of Linux, bytes. */
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;
/** Every component costs two system calls; nobody needs more of them. */
const MAX_DEPTH = 100;

/** A path as the walk takes it: the names of its directories and of its leaf. */
export interface SplitPath {
  readonly directories: readonly string[];
  /** undefined: the path is the root itself. */
  readonly name: string | undefined;
}

/**
 * Takes a normalised absolute path apart. Whatever else a string may be is refused here, so the walk
 * sees names only: no `.` or `..`, nothing empty, no NUL, nothing that UTF-8 would alter. A
 * backslash is an ordinary character.
 */
export function splitPath(path: string): SplitPath {
  const problem = problemWith(path);
  if (problem !== undefined) {
    throw new GatewayError("invalid_request", `the path ${problem}`, {
      hint: "Give an absolute path without . and .. components, such as /tmp/notes.txt.",
    });
  }
  const names = path === "/" ? [] : path.slice(1).split("/");
  if (names.some((name) => name === "." || name === "..")) {
    throw new GatewayError("path_not_allowed", "the path has a . or .. component", {
      hint: "Write the path out: components that lead elsewhere are not followed.",
    });
  }
  return { directories: names.slice(0, -1), name: names.at(-1) };
}

function problemWith(path: string): string | undefined {
  if (!path.startsWith("/")) return "is not absolute";
  if (!path.isWellFormed()) return "holds a lone surrogate, which no file name can";
  if (path.includes("\0")) return "holds a NUL character, which no file name can";
  if (Buffer.byteLength(path) >= MAX_PATH_BYTES)
    return `is longer than ${MAX_PATH_BYTES - 1} bytes`;
  if (path === "/") return undefined;
  const names = path.slice(1).split("/");
  if (names.length > MAX_DEPTH) return `has more than ${MAX_DEPTH} components`;
  if (names.includes("")) return "has an empty component";
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    return `has a component longer than ${MAX_NAME_BYTES} bytes`;
  }
  return undefined;
}

/** The path of the directory a path's leaf is in. */
export function parentOf({ directories }: SplitPath): string {
  return `/${directories.join("/")}`;
}
