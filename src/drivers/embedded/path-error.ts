import { GatewayError, type TaskErrorCode } from "../../contract/errors.ts";

type Explanation = readonly [code: TaskErrorCode, detail: (path: string) => string, hint: string];

const NO_ROOM: Explanation = [
  "disk_full",
  (path) => `${path} could not be written: the disk of WORKDIR has no room left`,
  "Free space on that disk, or raise its quota; then plan again.",
];
const NO_PERMISSION: Explanation = [
  "path_not_allowed",
  (path) => `${path}: the operating system refuses access`,
  "The file belongs to someone else, or its mode forbids this.",
];

/** What an errno means to whoever asked for a path. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ENOENT: ["file_not_found", (path) => `${path} does not exist`, "fs.list shows what is there."],
  ENOTDIR: [
    "not_a_file",
    (path) => `${path} leads through something that is not a directory`,
    "fs.list shows what is there.",
  ],
  EISDIR: ["not_a_file", (path) => `${path} is a directory`, "Name a file; fs.list reads one."],
  EEXIST: [
    "file_exists",
    (path) => `${path} exists already`,
    "Use mode overwrite or append, or another name.",
  ],
  ELOOP: [
    "path_not_allowed",
    (path) => `${path} leads through a link, and links are not followed`,
    "Name the place itself.",
  ],
  ENAMETOOLONG: [
    "invalid_request",
    (path) => `${path.slice(0, 80)}… is too long a name for this file system`,
    "Use a shorter name.",
  ],
  EACCES: NO_PERMISSION,
  EPERM: NO_PERMISSION,
  EAGAIN: [
    "state_changed",
    (path) => `${path} is held by a program that is using it`,
    "Try again when it has finished.",
  ],
  ENOSPC: NO_ROOM,
  EDQUOT: NO_ROOM,
  EFBIG: [
    "file_too_large",
    (path) => `${path} would be larger than the file system, or a limit on the gateway, allows`,
    "Write less, or raise that limit (ulimit -f).",
  ],
  EROFS: [
    "path_not_allowed",
    (path) => `${path} could not be written: the file system of WORKDIR is read-only`,
    "Mount it writable.",
  ],
};

/** The errno of a failed system call, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/**
 * What went wrong at `path` (as the request names it), from what the system call threw. Host paths
 * in the original message stay in `cause`.
 */
export function pathError(error: unknown, path: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const known = EXPLANATIONS[errnoOf(error) ?? ""];
  if (known === undefined) {
    const what = errnoOf(error) ?? "unexpected error";
    return new GatewayError("internal_error", `${path}: ${what}`, {}, error);
  }
  const [code, detail, hint] = known;
  return new GatewayError(code, detail(path), { hint }, error);
}
